"""The command ``python -m benchmarks.looks``: what a look of a watch costs, and whether memory stays flat.

There is no network: a server in memory makes the responses, and its time does not count. Everything else is the
client's own code. This uses internals, because the public API cannot replace the network.
"""

# ruff: noqa: T201 - a command prints

import argparse
import asyncio
import gc
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks.contestants import contestants
from benchmarks.contestants._clock import peak_kib
from benchmarks.measure import machine, versions
from benchmarks.pages import endless
from benchmarks.processes import ROOT
from benchmarks.report import table
from threads_async import EventKind, ExecutionThread, Listing, RetryPolicy, ThreadsQuery, ThreadWatch
from threads_async._cadence import Cadence
from threads_async._endpoints import THREADS
from threads_async._exchange import Request, Response
from threads_async._looking import Surroundings
from threads_async._secrets import Secret
from threads_async._source import PageSource
from threads_async._transport import Bounds, Transport
from threads_async.retry import Allows

_BASE: Final = "http://127.0.0.1:8160"
_EARLY: Final = 1000
"""Number of looks after which memory is measured for the first time."""
_TIMED: Final = 1000
"""Maximum number of looks, and of listings, that are timed in a round."""
_TRACED: Final = 3000
"""Maximum number of looks with tracemalloc, which makes them several times slower."""
_GROWTH: Final = 1.0
"""Maximum growth of memory after the first measurement, in MB."""


class _Server(Transport):
    """A server in memory. Before each listing, the first thread of its list stops, and another one starts at the end.

    Args:
        count: How many threads the list has.

    Attributes:
        spent: The processor time that it took to make the responses, in seconds.
    """

    def __init__(self, count: int) -> None:
        super().__init__(Secret("benchmark"), None, Bounds(1, 1, RetryPolicy()))
        # No thread comes back. Otherwise, a watch that keeps something for each thread would soon stop growing.
        self._threads = endless()
        self._items = deque((one.item for one in islice(self._threads, count)), maxlen=count)
        self.spent = 0.0

    async def send(self, request: Request, _: Allows | None = None) -> Response:
        """Return the rest of the list, which is not longer than a page."""
        began = time.process_time()
        if request.start == 0:
            self._items.append(next(self._threads).item)
        parts = b",".join(islice(self._items, request.start, None))
        body = b"".join((b'{"totalCount":%d,"items":[' % len(self._items), parts, b"]}"))
        self.spent += time.process_time() - began
        return Response(200, {}, body)


class _Listed:
    """Lists the threads, without a watch."""

    def __init__(self, count: int) -> None:
        self.server = _Server(count)
        self._listing = _listing(PageSource(_BASE, self.server), count)

    async def run(self, times: int) -> None:
        for _ in range(times):
            await self._listing.collect()


class _Watched:
    """A watch whose pauses pass at once.

    Attributes:
        most_unread: Maximum number of events that were unread after a look of `refresh`.
    """

    def __init__(self, count: int) -> None:
        self.server = _Server(count)
        self.most_unread = 0
        self._count = count
        self._now = 0.0
        source = PageSource(_BASE, self.server)
        around = Surroundings(sleep=self._sleep, clock=lambda: self._now)
        self._watch = ThreadWatch(source, _listing(source, count), Cadence(1.0, 30.0), around)

    async def _sleep(self, seconds: float) -> None:
        self._now += seconds
        await asyncio.sleep(0)

    @property
    def looks(self) -> int:
        """The number of looks so far."""
        return self._watch._picture.looks  # noqa: SLF001 - not public

    async def read(self, looks: int) -> None:
        """Read all events of the next looks.

        Raises:
            AssertionError: They are not one stop and one start for each look after the first one.
        """
        if self.looks == 0:
            for _ in range(self._count):
                await anext(self._watch)
            looks -= 1
        for _ in range(looks):
            kinds = (await anext(self._watch)).kind, (await anext(self._watch)).kind
            if kinds != (EventKind.STOPPED, EventKind.STARTED):
                raise AssertionError(kinds)

    async def refresh(self, looks: int) -> None:
        """Look again, and read no event."""
        for _ in range(looks):
            await self._watch.refresh()
            self.most_unread = max(self.most_unread, len(self._watch._picture.unread))  # noqa: SLF001 - not public


def _listing(source: PageSource, count: int) -> Listing[ExecutionThread]:
    return Listing(source, THREADS, ThreadsQuery(total=count), consistent=True)


@frozen
class Plan:
    """What to measure.

    Attributes:
        threads: How many threads the list has.
        looks: How many looks the watch takes whose events are read. The other watch takes only those that are timed.
        rounds: How many rounds there are.
    """

    threads: int = 1000
    looks: int = 100_000
    rounds: int = 10

    @property
    def early(self) -> int:
        """The number of looks before the first round."""
        return min(_EARLY, self.looks // 10)

    @property
    def each(self) -> int:
        """The number of looks in a round."""
        return (self.looks - self.early) // self.rounds

    @property
    def timed(self) -> int:
        """The number of looks, and of listings, that are timed in a round."""
        return min(_TIMED, self.each)


@frozen
class Memory:
    """The memory after some looks, and after more of them.

    Attributes:
        title: What was measured.
        looks: The number of looks at both times.
        mb: The memory at both times, in MB.
    """

    title: str
    looks: tuple[int, int]
    mb: tuple[float, float]

    @property
    def growth(self) -> float:
        """By how much it grew, in MB."""
        return self.mb[1] - self.mb[0]


@frozen
class Measured:
    """The results.

    Attributes:
        plan: What was measured.
        cpu_us: The processor time of one listing or look in the best round, in µs, by its title.
        memory: The measurements of memory.
        unread: Maximum number of unread events while nobody reads them.
    """

    plan: Plan
    cpu_us: dict[str, float]
    memory: tuple[Memory, ...]
    unread: int

    @property
    def faults(self) -> list[str]:
        """What is wrong: memory that grows, or too many unread events."""
        faults = [f"{one.title} grew by {one.growth:.1f} MB" for one in self.memory if one.growth > _GROWTH]
        if self.unread > 2 * self.plan.threads + 2:
            faults.append(f"{self.unread:,} events were unread")
        return faults


async def _cpu_us(server: _Server, run: Callable[[int], Awaitable[None]], times: int) -> float:
    """Return the processor time of one listing or look without that of the server, in µs."""
    gc.collect()
    server.spent = 0.0
    began = time.process_time()
    await run(times)
    return (time.process_time() - began - server.spent) / times * 1e6


async def measure(plan: Plan, say: Callable[[str], None]) -> Measured:
    """Measure everything and return the results.

    Args:
        plan: What to measure.
        say: Called with a line before each step, to show the progress.
    """
    listed, read, unread = _Listed(plan.threads), _Watched(plan.threads), _Watched(plan.threads)
    sides = {
        "one consistent listing": (listed.server, listed.run),
        "one look, events read": (read.server, read.read),
        "one look, events not read": (unread.server, unread.refresh),
    }
    for _, run in sides.values():
        await run(plan.early)
    early = read.looks, peak_kib()
    found: dict[str, list[float]] = {title: [] for title in sides}
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        for title, (server, run) in sides.items():
            found[title].append(await _cpu_us(server, run, plan.timed))
        await read.read(plan.each - plan.timed)
    late = read.looks, peak_kib()
    resident = Memory("peak memory of the process", (early[0], late[0]), (early[1] * 1024 / 1e6, late[1] * 1024 / 1e6))
    # Not before: the peak would include what tracemalloc needs.
    say("memory, with tracemalloc")
    traced = await _traced(plan)
    best = {title: min(values) for title, values in found.items()}
    return Measured(plan, best, (resident, traced), unread.most_unread)


async def _traced(plan: Plan) -> Memory:
    """Measure the memory that Python has allocated, with a watch whose events are read."""
    looks, mb = [], []
    tracemalloc.start()
    try:
        watched = _Watched(plan.threads)
        for more in (plan.early, min(_TRACED, plan.looks) - plan.early):
            await watched.read(more)
            gc.collect()
            looks.append(watched.looks)
            mb.append(tracemalloc.get_traced_memory()[0] / 1e6)
    finally:
        tracemalloc.stop()
    return Memory("allocated by Python (tracemalloc)", (looks[0], looks[1]), (mb[0], mb[1]))


def report(measured: Measured) -> str:
    """Return the results as text, with two tables."""
    plan = measured.plan
    base = next(iter(measured.cpu_us.values()))
    cpu = [[title, f"{value:,.0f}", f"{value / base:.2f}"] for title, value in measured.cpu_us.items()]
    memory = [
        [
            one.title,
            *(cell for looks, mb in zip(one.looks, one.mb, strict=True) for cell in (f"{looks:,}", f"{mb:.1f}")),
        ]
        for one in measured.memory
    ]
    found = versions(one for one in contestants() if one.name == "by_hand")
    setting = (
        f"A list of {plan.threads:,} threads in pages of {plan.threads:,}, of which one stops and another one starts "
        f"before each look and each listing. {plan.looks:,} looks, of which {plan.timed:,} are timed in each of "
        f"{plan.rounds} rounds, and as many listings. The best round counts. {machine()}. "
        f"{', '.join(f'{name} {version}' for name, version in found.items() if name != 'pyperf')}.\n"
    )
    return "\n".join(
        [
            setting,
            table(["", "CPU, µs", "ratio"], cpu),
            table(["memory", "after looks", "MB", "after looks", "MB"], memory),
            f"When nobody read the events, at most {measured.unread:,} of them were kept.\n",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 1 if memory grew, or too many events were unread."""
    plan = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.looks",
        description="Measure what a look of a watch costs beside a listing, and that memory stays flat.",
    )
    parser.add_argument("--looks", type=int, default=plan.looks, help=f"number of looks (default: {plan.looks})")
    parser.add_argument(
        "--threads", type=int, default=plan.threads, help=f"number of threads (default: {plan.threads})"
    )
    parser.add_argument("--rounds", type=int, default=plan.rounds, help=f"number of rounds (default: {plan.rounds})")
    parser.add_argument("--write", action="store_true", help="also write the tables for the documentation")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "_static", help="folder for them (default: docs/_static)"
    )
    given = parser.parse_args(arguments)
    plan = Plan(given.threads, given.looks, given.rounds)
    if plan.threads < 1 or plan.rounds < 1 or plan.looks < 10 * plan.rounds:
        parser.error("at least one thread, one round, and ten looks for each round are needed")
    measured = asyncio.run(measure(plan, lambda text: print(text, file=sys.stderr, flush=True)))
    text = report(measured)
    print(text)
    for fault in measured.faults:
        print(fault)
    if measured.faults:
        return 1
    if given.write:
        (given.output / "looks.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
