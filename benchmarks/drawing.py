"""A picture of the consistent walk on a list that moves, drawn from a run of it. Performs no I/O."""

import random
from typing import Final

from attrs import frozen

from benchmarks.charts import WIDTH, frame
from benchmarks.moving import MovingList, Rate, Reader, consistent_walk

_COUNT: Final = 600
_TOTAL: Final = 100
_RATE: Final = Rate(10, 10, "first", steady=True)
_BURST: Final = 150
_BURST_AT: Final = 4
_EACH: Final = 50
"""Every so many threads one is followed by a line."""

_LIGHT: Final = (
    ".thread{fill:none;stroke:#8c959f;stroke-width:1.2}.new{fill:#0969da}.overlap{fill:#9ec5f5}"
    ".dropped{fill:none;stroke:#bc4c00;stroke-width:1.5;stroke-dasharray:4 3}.axis{stroke:#d1d9e0}"
)
_DARK: Final = (
    ".thread{stroke:#656c76}.new{fill:#4493f8}.overlap{fill:#1f4a7d}.dropped{stroke:#f0883e}.axis{stroke:#3d444d}"
)
_LEFT: Final = 64
_RIGHT: Final = 20
_HEAD: Final = 96
_ROOM: Final = 320
_FOOT: Final = 44
_BAR: Final = 22


@frozen
class Request:
    """One request of the run.

    Attributes:
        start: Index of the first thread of its page.
        received: How many threads came.
        new: How many of them were handed out.
        alive: The numbers of the threads that ran, in order.
    """

    start: int
    received: int
    new: int
    alive: tuple[int, ...]


def run() -> list[Request]:
    """Read a moving list with the consistent walk, and return its requests."""
    server, draw = MovingList(_COUNT), random.Random(0)  # noqa: S311 - nothing is drawn
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
    """Return the picture as the text of an SVG file."""
    requests = run()
    width = (WIDTH - _LEFT - _RIGHT) / len(requests)
    height = _HEAD + _ROOM + _FOOT
    title = f"The consistent walk on a list of {_COUNT} threads that moves, in pages of {_TOTAL}"
    note = (
        f"With each request {_RATE.starts} threads start at the end and the first {_RATE.stops} stop; before request "
        f"{_BURST_AT + 1}, {_BURST} more stop at once."
    )

    def y(index: float) -> float:
        return _HEAD + _ROOM * index / _COUNT

    def middle(column: int) -> float:
        return _LEFT + width * (column + 0.5)

    lines = frame(title, note, height=height, spoken=f"{title}. {note}", style=(_LIGHT, _DARK))
    left = 16.0
    for kind, text in (("new", "new threads"), ("overlap", "overlap, already seen"), ("dropped", "dropped: step back")):
        lines += [
            f'<rect class="{kind}" x="{left}" y="60" width="22" height="12"/>',
            f'<text x="{left + 30}" y="71">{text}</text>',
        ]
        left += 60 + 7 * len(text)
    lines += [
        f'<path class="thread" d="M{left} 66h26"/>',
        f'<text x="{left + 34}" y="71">index of one thread</text>',
    ]
    for index in range(0, _COUNT + 1, _TOTAL):
        lines += [
            f'<path class="axis" d="M{_LEFT} {y(index):.1f}H{WIDTH - _RIGHT}"/>',
            f'<text class="note" x="{_LEFT - 8}" y="{y(index) + 4:.1f}" text-anchor="end">{index}</text>',
        ]
    for column, request in enumerate(requests):
        x = f'x="{middle(column) - _BAR / 2:.1f}" width="{_BAR}"'
        seen = request.received - request.new
        parts = [("overlap", request.start, seen), ("new", request.start + seen, request.new)]
        if not request.new:
            parts = [("dropped", request.start, request.received)]
        lines += [
            f'<rect class="{kind}" {x} y="{y(start):.1f}" height="{y(many) - y(0):.1f}"/>'
            for kind, start, many in parts
            if many
        ]
        lines.append(
            f'<text class="note" x="{middle(column):.1f}" y="{height - 24}" text-anchor="middle">{column + 1}</text>'
        )
    for number in range(_EACH, _COUNT, _EACH):
        points = [
            f"{middle(column):.1f} {y(request.alive.index(number)):.1f}"
            for column, request in enumerate(requests)
            if number in request.alive
        ]
        lines.append(f'<path class="thread" d="M{"L".join(points)}"/>')
    lines.append(f'<text class="note" x="{WIDTH / 2}" y="{height - 8}" text-anchor="middle">request</text>')
    return "\n".join([*lines, "</svg>", ""])
