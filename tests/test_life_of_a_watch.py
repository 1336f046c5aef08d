"""A watch, its consumers and a server that moves, dies, restarts and stalls: nothing is lost, repeated or stale."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from attrs import define
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from reader import Reader
from virtual_time import VirtualTimeLoop

from threads_async import ExecutionThread, RequestError, RetryPolicy, ThreadsClient, ThreadWatch
from threads_async._cadence import Cadence
from threads_async._looking import Surroundings
from threads_async._looks import Look
from threads_async.testing import FakeServer, Fault, SeenRequest

T = TypeVar("T")
Threads = tuple[ExecutionThread, ...]

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)


@define(eq=False)
class Waiter:
    """A task that waits for a condition.

    Attributes:
        task: The task.
        met: The condition.
        after: The number of looks that had begun when it began; None if it has not begun.
    """

    met: Callable[[Threads], bool]
    task: "asyncio.Task[Threads] | None" = None
    after: int | None = None


@define
class Moment:
    """What the server would have returned for a time, until the next moment."""

    begin: float
    tokens: tuple[str | None, ...]


def tokens_of(threads: Any) -> tuple[str | None, ...]:
    return tuple(thread.thread_token for thread in threads)


class LifeOfAWatch(RuleBasedStateMachine):
    """The model: which threads ran when, and all looks that succeeded."""

    waiters: Bundle[Waiter] = Bundle("waiters")
    readers: Bundle["asyncio.Task[None]"] = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.loop = self.runner.get_loop()
        self.reader = Reader()
        self.moments: list[Moment] = []
        self.looks: list[Look] = []
        self.waiting: list[Waiter] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.stalled = False
        self.ends: list[Callable[[], Coroutine[Any, Any, None]]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.loop.time())

    @initialize(total=st.sampled_from([2, 1000]), interval=st.sampled_from([0.5, 5.0]), draw=st.floats(0.05, 1))
    def begin(self, total: int, interval: float, draw: float) -> None:
        self.one_page = total == 1000
        self.server = FakeServer(threads=3, new_tokens=True)
        self.server.clock = self.loop.time
        self.server.on_request = self.stall

        async def begin() -> ThreadWatch:
            await self.server.start()
            self.client = ThreadsClient(
                self.server.token, base_url=self.server.url, timeout=4, retry=RetryPolicy(attempts=2, budget=None)
            )
            around = Surroundings(asyncio.sleep, self.loop.time, self.now, lambda: draw)
            listing = self.client.threads(total=total, consistent=True)
            watch = ThreadWatch(self.client._source, listing, Cadence(interval, 30.0), around)
            self.record(watch)
            return watch

        self.watch = self.run(begin())
        self.ends.append(self.end)
        self.note()

    async def stall(self, _: SeenRequest) -> None:
        while self.stalled:
            await asyncio.sleep(1)
        # Another request may have changed the threads.
        self.note()

    def record(self, watch: ThreadWatch) -> None:
        """Record all looks of `watch` that succeed."""
        take = watch._picture.take

        def recorded(look: Look) -> None:
            take(look)
            if isinstance(look.found, tuple):
                self.looks.append(look)

        watch._picture.take = recorded  # type: ignore[method-assign]  # of this watch only

    def note(self) -> None:
        """Note what runs from now on."""
        self.moments.append(Moment(self.loop.time(), tokens_of(self.server.threads)))

    # The server ------------------------------------------------------------------------------------------------------

    @rule(number=st.integers(1, 3))
    def threads_start(self, number: int) -> None:
        for _ in range(number):
            self.server.start_thread()
        self.note()

    @rule(number=st.integers(0, 9))
    def a_thread_stops(self, number: int) -> None:
        if self.server.threads:
            self.server.stop_thread(self.server.threads[number % len(self.server.threads)])
        self.note()

    @rule()
    def all_threads_stop(self) -> None:
        for thread in self.server.threads:
            self.server.stop_thread(thread)
        self.note()

    @rule(number=st.integers(0, 9))
    def a_thread_is_continued_and_gets_another_token(self, number: int) -> None:
        threads = [thread for thread in self.server.threads if thread.thread_token is not None]
        if threads and not self.stalled:
            token = str(threads[number % len(threads)].thread_token)
            self.run(self.tolerant(self.client.continue_thread(token)))
        self.note()

    async def tolerant(self, work: Coroutine[Any, Any, object]) -> None:
        await asyncio.gather(work, return_exceptions=True)

    @rule(seconds=st.sampled_from([1.0, 40.0]))
    def the_server_restarts(self, seconds: float) -> None:
        async def restart() -> None:
            self.stalled = False
            await self.server.stop()
            await asyncio.sleep(seconds)
            await self.server.start()

        self.run(restart())

    @rule(seconds=st.sampled_from([1.0, 6.0, 30.0]))
    def the_server_stalls(self, seconds: float) -> None:
        async def stall() -> None:
            self.stalled = True
            await asyncio.sleep(seconds)
            self.stalled = False

        self.run(stall())

    @rule(number=st.integers(1, 5), status=st.sampled_from([503, 429, 403, None]))
    def requests_fail(self, number: int, status: int | None) -> None:
        self.server.fail_next(number, Fault(status))

    # The consumers ---------------------------------------------------------------------------------------------------

    @rule(target=readers, pause=st.sampled_from([0.0, 0.3, 20.0]))
    def somebody_reads(self, pause: float) -> "asyncio.Task[None]":
        async def read() -> None:
            while True:
                try:
                    self.reader.read(await anext(self.watch))
                except RequestError:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(pause)

        return self.start(read())

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        async def start() -> "asyncio.Task[T]":
            return asyncio.create_task(work)

        task = self.run(start())
        self.tasks.append(task)
        return task

    @rule(reader=consumes(readers), turns=st.integers(0, 20))
    def a_reader_is_cancelled(self, reader: "asyncio.Task[None]", turns: int) -> None:
        self.run(self.cancel(reader, turns))
        assert reader.cancelled()

    async def cancel(self, task: "asyncio.Task[Any]", turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    @rule(seconds=st.sampled_from([0.001, 0.4, 3.0]), times=st.integers(1, 4))
    def somebody_reads_with_a_time_limit(self, seconds: float, times: int) -> None:
        async def read() -> None:
            for _ in range(times):
                try:
                    async with asyncio.timeout(seconds):
                        event = await anext(self.watch)
                except (TimeoutError, RequestError):
                    continue
                self.reader.read(event)

        self.run(read())

    @rule(target=waiters, count=st.integers(0, 6), fewer=st.booleans())
    def somebody_waits(self, count: int, fewer: bool) -> Waiter:
        def met(threads: Threads) -> bool:
            return len(threads) <= count if fewer else len(threads) >= count

        waiter = Waiter(met)

        async def wait() -> Threads:
            waiter.after = self.watch._picture.looks
            return await self.watch.wait_for(met)

        waiter.task = self.start(wait())
        self.waiting.append(waiter)
        return waiter

    @rule(waiter=consumes(waiters), turns=st.integers(0, 20))
    def a_waiter_is_cancelled(self, waiter: Waiter, turns: int) -> None:
        assert waiter.task is not None
        self.run(self.cancel(waiter.task, turns))

    @rule(number=st.integers(1, 4))
    def some_refresh(self, number: int) -> None:
        async def refresh() -> list[Any]:
            return await asyncio.gather(*(self.watch.refresh() for _ in range(number)), return_exceptions=True)

        began = self.loop.time()
        for found in self.run(refresh()):
            assert isinstance(found, tuple | RequestError)
            assert isinstance(found, RequestError) or self.was_so(found, began)

    @rule(seconds=st.sampled_from([0.2, 2.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    # What must always be so ------------------------------------------------------------------------------------------

    def was_so(self, threads: Threads, since: float) -> bool:
        """Return whether `threads` ran at some moment not before `since`, or in several pages, during that time."""
        ends = [*(moment.begin for moment in self.moments[1:]), self.loop.time() + 1]
        # `seen_at` is rounded to microseconds.
        there = [moment.tokens for moment, end in zip(self.moments, ends, strict=True) if end > since - 1e-5]
        found = tokens_of(threads)
        if self.one_page:
            return found in there
        lasting = set(there[0]).intersection(*there)
        return lasting <= set(found) <= set().union(*there) and len(set(found)) == len(found)

    @invariant()
    def the_snapshot_is_as_new_as_it_says(self) -> None:
        if self.watch.seen_at is not None:
            assert self.was_so(self.watch.threads, (self.watch.seen_at - NOON).total_seconds())
            assert (self.looks[-1].began, self.looks[-1].found) == (self.watch.seen_at, self.watch.threads)
        assert self.watch.reachable is (self.watch.error is None and self.watch.seen_at is not None)

    @invariant()
    def each_condition_is_met_by_the_first_look_that_can(self) -> None:
        # A task whose condition is met may not have run since then.
        self.run(asyncio.sleep(0.01))
        for waiter in self.waiting:
            looks = [look for look in self.looks if waiter.after is not None and look.number > waiter.after]
            first = next((look.found for look in looks if waiter.met(look.threads())), None)
            assert waiter.task is not None
            if not waiter.task.done():
                assert first is None
            elif not waiter.task.cancelled() and waiter.task.exception() is None:
                assert waiter.task.result() is first
        self.waiting = [waiter for waiter in self.waiting if waiter.task is not None and not waiter.task.done()]

    @invariant()
    def unread_events_are_bounded(self) -> None:
        known = len(self.reader.known) + len(self.watch.threads if self.watch.seen_at is not None else ())
        assert len(self.watch._picture.unread) <= known + 2

    def teardown(self) -> None:
        try:
            for end in self.ends:
                self.run(end())
        finally:
            self.runner.close()

    async def end(self) -> None:
        """All events together, from the first, show the snapshot, and the snapshot shows what runs."""
        self.server._faults.clear()
        for task in self.tasks:
            await self.cancel(task, 0)
        threads = await self.watch.refresh()
        while self.watch._picture.unread:
            self.reader.read(await anext(self.watch))

        assert Counter(threads) == Counter(self.reader.known)
        assert tokens_of(threads) == tokens_of(self.server.threads)
        assert self.reader.reachable
        await self.watch.aclose()
        await self.client.close()
        await self.server.stop()


@pytest.mark.parametrize("total", [2, 1000])
def test_each_step_of_the_life_of_a_watch(total: int) -> None:
    """So that no step depends on chance."""
    life = LifeOfAWatch()
    life.begin(total=total, interval=0.5, draw=0.5)
    life.the_snapshot_is_as_new_as_it_says()
    reader = life.somebody_reads(0.3)
    waiters = [life.somebody_waits(count, fewer) for count, fewer in [(6, False), (0, True), (3, False)]]
    for step in (
        life.note,
        lambda: life.time_passes(2.0),
        lambda: life.threads_start(2),
        lambda: life.a_thread_stops(1),
        lambda: life.a_thread_is_continued_and_gets_another_token(0),
        lambda: life.some_refresh(2),
        lambda: life.somebody_reads_with_a_time_limit(0.4, 2),
        lambda: life.requests_fail(5, 403),
        lambda: life.time_passes(60.0),
        lambda: life.requests_fail(5, 503),
        lambda: life.some_refresh(2),
        lambda: life.requests_fail(1, 403),
        lambda: life.somebody_reads_with_a_time_limit(3.0, 4),
        lambda: life.the_server_restarts(1.0),
        lambda: life.the_server_stalls(6.0),
        lambda: life.a_waiter_is_cancelled(waiters[0], 3),
        lambda: life.a_reader_is_cancelled(reader, 3),
        life.all_threads_stop,
        lambda: life.a_thread_stops(0),
        lambda: life.a_thread_is_continued_and_gets_another_token(0),
        lambda: life.time_passes(60.0),
    ):
        step()
        life.the_snapshot_is_as_new_as_it_says()
        life.each_condition_is_met_by_the_first_look_that_can()
        life.unread_events_are_bounded()
    life.teardown()


LifeOfAWatch.TestCase.settings = settings(stateful_step_count=30)

TestLifeOfAWatch = pytest.mark.timeout(300)(LifeOfAWatch.TestCase)
