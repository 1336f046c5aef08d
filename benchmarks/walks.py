"""The command ``python -m benchmarks.walks``: both walks on random lists that change while they are read.

Nothing here is timed and no server runs. A simulated list changes between requests, and the threads listed are compared
with those that ran all the time.
"""

# ruff: noqa: T201 - a command prints

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from benchmarks.drawing import picture
from benchmarks.moving import Moment, MovingList, Order, Rate, Reader, Which, consistent_walk
from benchmarks.processes import ROOT
from benchmarks.report import table
from threads_async import ExecutionThread, PaginationError
from threads_async._plain import PlainWalk

if TYPE_CHECKING:
    from threads_async._paging import Walk

_ORDERS: Final[tuple[Order, ...]] = ("append", "front", "anywhere")
_MOMENTS: Final[tuple[Moment, ...]] = ("atomic", "slice first", "count first")
_WHICH: Final[tuple[Which, ...]] = ("first", "last", "any")
COMPLETE: Final = "complete"
STOPPED: Final = "PaginationError"
MISSED: Final = "threads missed"
REPEATED: Final = "threads repeated"
ENDLESS: Final = "no end"
_WRONG: Final = (MISSED, REPEATED, ENDLESS)
_SPARE: Final = 5
"""How far `start` and `max_items` may be past the end of the list."""


@frozen
class Case:
    """A list, how it changes, and how it is read.

    Attributes:
        seed: The seed from which everything else was drawn.
        count: How many threads run at the beginning.
        order, moment, cap, twins: As in `MovingList`.
        restless: Whether the cap changes from response to response.
        rate: How much the list changes between two requests.
        between: The probability that it also changes between a page and its count if they are not from the same moment.
        total, start, max_items, prefetch: As in `ThreadsClient.threads`.
        filtered: Whether the walk is told that the list is filtered.
    """

    seed: int
    count: int
    order: Order
    moment: Moment
    cap: int | None
    twins: bool
    restless: bool
    rate: Rate
    between: float
    total: int
    start: int
    max_items: int | None
    prefetch: int
    filtered: bool

    @property
    def page(self) -> int:
        """The maximum number of threads on a page."""
        return max(2, self.total) if self.cap is None else min(max(2, self.total), self.cap)

    def limit(self, *, consistent: bool) -> int:
        """Return the number of requests after which a walk counts as endless.

        Args:
            consistent: Whether the walk promises to end. The limit is then its budget, with all wrong guesses. Without
                that promise, it is the requests for eight readings of the list at the beginning, and ten more.
        """
        if consistent:
            return (1 + self.prefetch) * (2 + 8 * (self.count + self.rate.starts) + 10 * max(2, self.total))
        return 10 + 8 * self.count // (1 if self.restless else self.page)


def draw_case(seed: int) -> Case:
    """Return the case with this number."""
    draw = random.Random(seed)  # noqa: S311 - it makes test data, not keys
    order, moment = draw.choice(_ORDERS), draw.choice(_MOMENTS)
    total = draw.choice([1, 2, 3, 4, 5, 8, 10, 12, 25])
    count = draw.choice([draw.randint(0, 12), draw.randint(0, 60), draw.randint(0, 300)])
    # One thread per page can be read only if new threads are appended.
    cap = None if draw.random() < 0.6 else draw.randint(1 if order == "append" else 2, max(2, total))  # noqa: PLR2004
    restless = cap is not None and moment == "atomic" and draw.random() < 0.5  # noqa: PLR2004 - a half
    page = max(2, total) if cap is None else cap
    most = max(1, page // 2) if draw.random() < 0.7 else 2 * page  # noqa: PLR2004 - seven of ten within the promise
    starts, stops = draw.randint(0, most), draw.randint(0, most)
    steady = draw.random() < 0.3  # noqa: PLR2004 - three of ten
    return Case(
        seed=seed,
        count=count,
        order=order,
        moment=moment,
        cap=cap,
        twins=draw.random() < 0.25,  # noqa: PLR2004 - a quarter
        restless=restless,
        # A list that grows steadily without end would hide everything else.
        rate=Rate(min(starts, stops) if steady else starts, stops, draw.choice(_WHICH), steady),
        between=draw.random(),
        total=total,
        start=0 if draw.random() < 0.7 else draw.randint(0, count + _SPARE),  # noqa: PLR2004 - seven of ten
        max_items=None if draw.random() < 0.8 else draw.randint(0, count + _SPARE),  # noqa: PLR2004 - eight of ten
        prefetch=draw.choice([0, 0, 1, 2, 3, 4, 8]),
        # A change can be distinguished from filtering after slicing only if a page and its count agree.
        filtered=moment == "atomic" and not restless and draw.random() < 0.2,  # noqa: PLR2004 - a fifth
    )


@frozen
class Outcome:
    """The outcome of a case.

    Attributes:
        kind: Whether the listing was complete, or what was wrong.
        requests: How many requests were answered.
        fast: Whether the list changed by more than half of the largest page, or by more than its own length, with each
            request.
    """

    kind: str
    requests: int
    fast: bool


def read(case: Case, *, consistent: bool) -> Outcome:
    """Read the list of `case` once and return the outcome."""
    draw = random.Random(case.seed + 1)  # noqa: S311 - it makes test data, not keys
    server = MovingList(
        case.count, case.order, case.moment if case.cap is None else "atomic", case.cap, twins=case.twins
    )
    server.move = lambda: server.churn(case.rate, draw) if draw.random() < case.between else None
    arguments = (case.start, case.total, case.max_items, case.filtered)
    walk: Walk[ExecutionThread] = PlainWalk(*arguments)
    if consistent:
        walk = consistent_walk(*arguments, appends=case.order == "append")
    reader = Reader(walk, server, case.start, case.prefetch)
    stopped = False
    try:
        while reader.flying and reader.requests <= case.limit(consistent=consistent):
            _turn(case, server, reader, draw)
    except PaginationError:
        stopped = True
    fast = server.moved > reader.requests * min((case.page - 1) / 2, len(server.alive))
    # For the plain walk, equal threads are several threads.
    if reader.repeated and (consistent or not case.twins):
        return Outcome(REPEATED, reader.requests, fast)
    if stopped:
        return Outcome(STOPPED, reader.requests, fast)
    if reader.flying:
        return Outcome(ENDLESS, reader.requests, fast)
    cut = case.max_items is not None and len(reader.got) >= case.max_items
    return Outcome(MISSED if reader.missed and not cut else COMPLETE, reader.requests, fast)


def _turn(case: Case, server: MovingList, reader: Reader, draw: random.Random) -> None:
    """Let the server answer a request, the reader continue, or both."""
    if not reader.ready or draw.random() < 0.5:  # noqa: PLR2004 - a half
        if case.restless:
            server.cap = draw.randint(1 if case.order == "append" else 2, max(2, case.total))
        reader.let_answer(draw.randrange(8))
        server.churn(case.rate, draw)
    if reader.ready:
        reader.go_on()
        # One page cannot show both that it was capped and that its count is from another moment.
        server.moment = case.moment


def simulate(seeds: Sequence[int]) -> tuple[str, list[tuple[Case, Outcome]]]:
    """Read the lists of all `seeds`; return a table of the outcomes, and the cases that were wrong."""
    counts: Counter[tuple[bool, bool, str]] = Counter()
    wrong: list[tuple[Case, Outcome]] = []
    for seed in seeds:
        case = draw_case(seed)
        for consistent in (False, True):
            outcome = read(case, consistent=consistent)
            counts[consistent, outcome.fast, outcome.kind] += 1
            if consistent and outcome.kind in _WRONG:
                wrong.append((case, outcome))
    rows = [
        [
            f"{'consistent' if consistent else 'plain'} walk, list {'faster' if fast else 'slower'} than half a page",
            *(f"{counts[consistent, fast, kind]:,}" for kind in (COMPLETE, STOPPED, *_WRONG)),
        ]
        for consistent in (False, True)
        for fast in (False, True)
    ]
    return table(["", COMPLETE, STOPPED, *_WRONG], rows), wrong


_PAGES: Final = (10, 100, 1000)
_LONG: Final = 10
"""How many pages the lists of the table have."""
_PREFETCH: Final = 4
_SHARES: Final = (0, 5, 10, 20, 30, 40, 50, 75, 100)
"""By how much the list of the table changes with each request, in percent of a page."""


def requests_for(count: int, total: int, moves: int, prefetch: int = 0) -> int:
    """Return how many requests the consistent walk needs for a list that changes steadily.

    With each request, `moves` threads start at the end and as many stop at the front. All requests in flight are
    answered before the walk accepts the next page.

    Raises:
        AssertionError: A lasting thread was missed or repeated.
    """
    server, draw = MovingList(count), random.Random(0)  # noqa: S311 - nothing is drawn
    reader = Reader(consistent_walk(0, total), server, prefetch=prefetch)
    rate = Rate(moves, moves, "first", steady=True)
    while reader.flying:
        while None in reader.flying.values():
            reader.let_answer()
            server.churn(rate, draw)
        reader.go_on()
    if reader.missed or reader.repeated:
        msg = f"{count} by {total} at {moves}: missed {len(reader.missed)}"
        raise AssertionError(msg)
    return reader.requests


def request_table() -> str:
    """Return the table of requests against the speed of the list."""
    rows = []
    for share in _SHARES:
        cells = [
            f"{requests_for(_LONG * total, total, moves, 0)} ({requests_for(_LONG * total, total, moves, _PREFETCH)})"
            for total in _PAGES
            for moves in [total * share // 100]
        ]
        rows.append([f"{share} %", *cells])
    return table(["change", *(f"pages of {total:,}" for total in _PAGES)], rows)


def files() -> dict[str, str]:
    """Return the files about the walks in the documentation, by their names."""
    return {"walk-requests.md": request_table(), "moving-list.svg": picture()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 1 if the consistent walk missed or repeated a thread or did not end."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.walks",
        description="Read random lists that change while they are read, with both walks.",
    )
    parser.add_argument("--lists", type=int, default=100_000, help="number of lists (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first list (default: 0)")
    parser.add_argument(
        "--write", action="store_true", help="instead, write the table and the picture for the documentation"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "_static", help="folder for them (default: docs/_static)"
    )
    given = parser.parse_args(arguments)
    if given.write:
        for name, text in files().items():
            (given.output / name).write_text(text, encoding="utf-8")
        return 0
    report, wrong = simulate(range(given.seed, given.seed + given.lists))
    print(report)
    for case, outcome in wrong[:10]:
        print(outcome, case, sep="\n  ")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
