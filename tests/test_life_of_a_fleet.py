"""A random life of a fleet: machines die and return, threads start and stop, and lists and the watch stay right."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from fleets import Farm, farm, found, watch_in_virtual_time
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from virtual_time import VirtualTimeLoop

from threads_async import (
    EventKind,
    FleetError,
    FleetEvent,
    FleetIterator,
    FleetThread,
    FleetWatch,
    ServerEvent,
    ThreadEvent,
)
from threads_async.testing import Fault

T = TypeVar("T")

NAMES = st.sampled_from("abc")
FAULTS = st.sampled_from([Fault(status=None), Fault(status=503), Fault(status=401), Fault(status=200, body=b"<html>")])

LONG = 5.0
"""Seconds after which the watch has surely looked again at each machine."""


class LifeOfAFleet(RuleBasedStateMachine):
    """The model: which machines are dead, and what the events have said so far."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.dead = set[str]()
        self.known = set[tuple[str, str | None]]()
        self.unreachable = set[str]()
        # A listing that is being read, what it has returned, and the threads that have been running since it began.
        self.reading: FleetIterator[FleetThread] | None = None
        self.read: list[FleetThread] = []
        self.lasting = set[tuple[str, str | None]]()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(counts=st.lists(st.integers(0, 5), min_size=3, max_size=3), at_once=st.integers(1, 3))
    def begin(self, counts: list[int], at_once: int) -> None:
        self.context = farm(*counts, at_once=at_once)
        self.farm: Farm = self.run(self.context.__aenter__())
        self.watch = self.run(self._watch())

    async def _watch(self) -> FleetWatch:
        return watch_in_virtual_time(self.farm.fleet, 2.0)

    @rule(name=NAMES, fault=FAULTS)
    def die(self, name: str, fault: Fault) -> None:
        self.dead.add(name)
        self.farm.servers[name].fault_for = lambda _: fault

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.dead)))
        self.dead.discard(name)
        self.farm.servers[name].fault_for = None

    @rule(name=NAMES)
    def start_thread(self, name: str) -> None:
        self.farm.servers[name].start_thread()

    @rule(name=NAMES)
    def stop_threads(self, name: str) -> None:
        server = self.farm.servers[name]
        for thread in server.threads[::2]:
            server.stop_thread(thread)
            self.lasting.discard((name, thread.thread_token))

    @rule(total=st.integers(1, 4), consistent=st.booleans())
    def list_threads(self, total: int, consistent: bool) -> None:
        self.run(self._list(total, consistent))

    async def _list(self, total: int, consistent: bool) -> None:
        items: list[FleetThread] = []
        failures = set[str]()
        try:
            async for item in self.farm.fleet.threads(total=total, consistent=consistent):
                items += [item]
        except FleetError as error:
            failures = set(error.failures)
        assert self.dead == failures
        assert self.farm.tokens(self.farm.servers.keys() - self.dead) == found(items)

    @rule(total=st.integers(1, 3), prefetch=st.integers(0, 2))
    def begin_listing(self, total: int, prefetch: int) -> None:
        """Begin a consistent listing, which is read a little at a time while other things happen."""
        self.reading = aiter(self.farm.fleet.threads(total=total, prefetch=prefetch, consistent=True))
        self.read = []
        self.lasting = set(self.farm.tokens())

    @precondition(lambda self: self.reading is not None)
    @rule(number=st.integers(1, 6))
    def read_some(self, number: int) -> None:
        self.run(self._read_some(number))

    async def _read_some(self, number: int) -> None:
        assert self.reading is not None
        for _ in range(number):
            try:
                self.read += [await anext(self.reading)]
            except FleetError:
                self.reading.resume()
                return
            except StopAsyncIteration:
                self.reading = None
                self._check_what_was_read()
                return

    def _check_what_was_read(self) -> None:
        pairs = found(self.read)
        assert len(pairs) == len(set(pairs))
        assert self.lasting <= set(pairs)

    @rule()
    def count_threads(self) -> None:
        self.run(self._count())

    async def _count(self) -> None:
        failures = set[str]()
        try:
            counts = await self.farm.fleet.threads().count()
        except FleetError as error:
            counts, failures = error.results, set(error.failures)
        assert self.dead == failures
        assert {
            name: len(server.threads) for name, server in self.farm.servers.items() if name not in self.dead
        } == counts

    @rule()
    def look(self) -> None:
        """Let the watch look for some time: its events then say what the machines have."""
        self.run(self._look())

    async def _look(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONG):
                while True:
                    self._take(await anext(self.watch))
        assert self.dead == self.unreachable
        alive = self.farm.servers.keys() - self.dead
        assert self.farm.tokens(alive) == sorted(pair for pair in self.known if pair[0] in alive)
        for name, watch in self.watch.machines.items():
            assert watch.reachable is (name in alive)
            if name in alive:
                assert self.farm.tokens([name]) == found(FleetThread(name, thread) for thread in watch.threads)

    def _take(self, event: FleetEvent) -> None:
        match event.event:
            case ThreadEvent(kind=EventKind.STOPPED, thread=thread):
                self.known.remove((event.machine, thread.thread_token))
            case ThreadEvent(thread=thread):
                assert (event.machine, thread.thread_token) not in self.known
                self.known.add((event.machine, thread.thread_token))
            case ServerEvent(kind=EventKind.UNREACHABLE):
                assert event.machine not in self.unreachable
                self.unreachable.add(event.machine)
            case _:
                self.unreachable.remove(event.machine)

    @invariant()
    def nothing_is_closed(self) -> None:
        assert not self.farm.fleet.closed

    def teardown(self) -> None:
        if hasattr(self, "farm"):
            self.run(self._end())
        self.runner.close()

    async def _end(self) -> None:
        await self.watch.aclose()
        await self.context.__aexit__(None, None, None)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left


TestLifeOfAFleet = LifeOfAFleet.TestCase
TestLifeOfAFleet.settings = settings(deadline=None, max_examples=30, stateful_step_count=15)
TestLifeOfAFleet = pytest.mark.timeout(180)(TestLifeOfAFleet)


@pytest.mark.parametrize("counts", [[3, 0, 2], [1, 1, 1]])
def test_one_life_with_each_rule(counts: list[int]) -> None:
    life = LifeOfAFleet()
    steps: list[Callable[[], object]] = [
        lambda: life.begin(counts, 2),
        life.look,
        lambda: life.die("a", Fault(status=401)),
        lambda: life.begin_listing(1, 1),
        lambda: life.read_some(2),
        lambda: life.list_threads(1, consistent=True),
        life.count_threads,
        life.look,
        lambda: life.start_thread("a"),
        lambda: life.stop_threads("c"),
        life.look,
        lambda: life.read_some(9),
        lambda: life.come_back(Chosen()),
        lambda: life.read_some(9),
        life.look,
        life.count_threads,
        life.nothing_is_closed,
        life.teardown,
    ]
    for step in steps:
        step()

    LifeOfAFleet().teardown()


class Chosen(st.DataObject):
    """Draws the first of the possible values."""

    def __init__(self) -> None:
        """Draw from nothing."""

    def draw(self, strategy: Any, label: Any = None) -> Any:
        return strategy.elements[0]
