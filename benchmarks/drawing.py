"""A picture of the consistent walk on a moving list, drawn from a simulated run. Performs no I/O."""

import random
from typing import Final

from attrs import frozen

from benchmarks.charts import MARGIN, WIDTH, headings, svg
from benchmarks.moving import MovingList, Rate, Reader, consistent_walk

_COUNT: Final = 600
_TOTAL: Final = 100
_RATE: Final = Rate(10, 10, "first", steady=True)
_BURST: Final = 150
_BURST_AT: Final = 4
_EACH: Final = 50
"""Every 50th thread is followed by a line."""

_LIGHT: Final = (
    ".list{fill:#e9ecef}.thread{fill:none;stroke:#8c959f;stroke-width:1.2}.new{fill:#218bff}.overlap{fill:#a8d1ff}"
    ".dropped{fill:none;stroke:#bc4c00;stroke-width:1.6;stroke-dasharray:4 3}"
)
_DARK: Final = (
    ".list{fill:#2a2e32}.thread{stroke:#767d85}.new{fill:#1f6feb}.overlap{fill:#24508c}.dropped{stroke:#f0883e}"
)
_KEY: Final = (("new", "new threads"), ("overlap", "seen before"), ("dropped", "page dropped"), ("list", "the list"))
_LEFT: Final = MARGIN + 60
_ROOM: Final = WIDTH - MARGIN - 8 - _LEFT
_STEP: Final = 30
_BAR: Final = 16


@frozen
class Request:
    """One request of the run.

    Attributes:
        start: Index of the first thread of the page.
        received: Number of threads on the page.
        new: Number of these threads that the walk returned.
        alive: Numbers of the threads that ran, in list order.
    """

    start: int
    received: int
    new: int
    alive: tuple[int, ...]


def run() -> list[Request]:
    """Read a moving list with the consistent walk, and return its requests."""
    server, draw = MovingList(_COUNT), random.Random(0)  # noqa: S311 - not used for security
    reader = Reader(consistent_walk(0, _TOTAL), server)
    requests: list[Request] = []
    while reader.flying:
        if len(requests) == _BURST_AT:
            server.churn(Rate(0, _BURST, "first", steady=True), draw)
        (asked,) = reader.flying
        before = len(reader.got)
        reader.let_answer()
        received = min(asked.total, max(0, len(server.sliced) - asked.start))
        reader.go_on()
        requests.append(Request(asked.start, received, len(reader.got) - before, server.sliced))
        server.churn(_RATE, draw)
    return requests


def picture() -> str:
    """Return the picture as the text of an SVG file: the list from left to right, one row for each request."""
    requests = run()
    title = "The consistent walk on a moving list"
    note = (
        f"{_COUNT} threads in pages of {_TOTAL}. Between two requests, the first {_RATE.stops} stop and {_RATE.starts} "
        f"start at the end. Before request {_BURST_AT + 1}, {_BURST} more stop at once. A line follows one thread."
    )
    elements, top = headings(title, note)
    for number, (kind, text) in enumerate(_KEY):
        left, y = MARGIN + WIDTH // 2 * (number % 2), top + 10 + 20 * (number // 2)
        elements += [
            f'<rect class="{kind}" x="{left + 1}" y="{y}" width="22" height="12" rx="2"/>',
            f'<text x="{left + 31}" y="{y + 11}">{text}</text>',
        ]
    top += 100
    elements += [
        f'<text class="note" x="{MARGIN}" y="{top - 8}">request</text>',
        f'<text class="note" x="{_LEFT + _ROOM // 2}" y="{top - 26}" text-anchor="middle">index in the list</text>',
    ]
    for index in range(0, _COUNT + 1, _TOTAL):
        elements.append(f'<text class="note" x="{_x(index):.1f}" y="{top - 8}" text-anchor="middle">{index}</text>')
    for row, request in enumerate(requests):
        seen = request.received - request.new
        parts = [("list", 0, len(request.alive))]
        if request.new:
            parts += [("overlap", request.start, seen), ("new", request.start + seen, request.new)]
        else:
            parts += [("dropped", request.start, request.received)]
        y = top + _STEP * row
        elements += [
            f'<rect class="{kind}" x="{_x(start):.1f}" y="{y}" width="{_x(many) - _x(0):.1f}" height="{_BAR}"/>'
            for kind, start, many in parts
            if many
        ]
        elements.append(f'<text class="note" x="{_LEFT - 16}" y="{y + 12}" text-anchor="end">{row + 1}</text>')
    for number in range(_EACH, _COUNT, _EACH):
        points = [
            f"{_x(request.alive.index(number)):.1f} {top + _STEP * row + _BAR // 2}"
            for row, request in enumerate(requests)
            if number in request.alive
        ]
        elements.append(f'<path class="thread" d="M{"L".join(points)}"/>')
    height = top + _STEP * len(requests)
    return svg(elements, height=height, spoken=f"{title}. {note}", style=(_LIGHT, _DARK))


def _x(index: float) -> float:
    return _LEFT + _ROOM * index / _COUNT
