"""A watch is a live picture: its snapshot, looks on demand, conditions, sharing, cancelling and closing."""

import asyncio
import contextlib
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import copy
from datetime import UTC, datetime
from typing import Any, NoReturn

import aiohttp
import pytest
from virtual_time import VirtualTimeLoop, run

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    EventKind,
    ExecutionThread,
    NoSnapshotError,
    Page,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    ServerEvent,
    ThreadEvent,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
    ThreadType,
    ThreadWatch,
    UnauthorizedError,
    WatchEvent,
)
from threads_async._cadence import Cadence
from threads_async._endpoints import THREADS, Endpoint
from threads_async._looking import Surroundings
from threads_async._paging import Slice
from threads_async._secrets import Secret
from threads_async._source import PageSource
from threads_async._transport import Bounds, Transport
from threads_async.listing import Listing
from threads_async.retry import Allows
from threads_async.testing import FakeServer, Fault, SeenRequest

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)

Threads = tuple[ExecutionThread, ...]


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=3) as server:
        yield server


@pytest.fixture
async def watch(client: ThreadsClient) -> AsyncIterator[ThreadWatch]:
    async with client.watch(interval=0.001) as watch:
        yield watch


SIGNS = {"present": "=", "started": "+", "stopped": "-", "changed": "~"}


def thread(number: int) -> ExecutionThread:
    return ExecutionThread(1, str(number), ThreadType.MANUAL, NOON.replace(microsecond=number))


def tokens(threads: Threads) -> list[str | None]:
    return [thread.thread_token for thread in threads]


async def turns(number: int) -> None:
    """Let all tasks run for so many turns of the event loop."""
    for _ in range(number):
        await asyncio.sleep(0)


class Memory(PageSource):
    """A source whose list is the next one of `lists` at each look, and stays as the last one.

    Args:
        lists: Numbers of threads, or errors to raise.
        turns: For how many turns of the event loop a response takes.
    """

    def __init__(self, *lists: Any, turns: int = 3) -> None:
        super().__init__("http://memory.example", Transport(Secret("x"), None, Bounds(1, 1, RetryPolicy())))
        self._lists = list(lists)
        self._list: Any = []
        self._turns = turns
        self.looks = 0
        self.flying = 0

    async def fetch(self, endpoint: Endpoint[Any], query: Any, asked: Slice | None = None) -> Page[Any]:
        assert (THREADS, 0) == (endpoint, self.flying)
        self.flying += 1
        try:
            await turns(self._turns)
        finally:
            self.flying -= 1
        self._list = self._lists.pop(0) if self._lists else self._list
        self.looks += 1
        if isinstance(self._list, Exception):
            raise copy(self._list)
        threads = tuple(thread(one) for one in self._list)
        return Page(threads, len(threads), 0)

    def retrying(self, allows: Allows) -> PageSource:
        """There is nothing to retry."""
        return self


def watch_of(source: PageSource, **around: Any) -> ThreadWatch:
    """Return a watch of `source` with an interval of 1 second that passes at once."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    given: dict[str, Any] = {"sleep": sleep, "clock": lambda: now, "now": lambda: NOON, "draw": lambda: 0.5} | around
    listing = Listing(source, THREADS, ThreadsQuery(), consistent=True)
    return ThreadWatch(source, listing, Cadence(1.0, 30.0), Surroundings(**given))


def told(event: WatchEvent) -> str:
    """Return `event` as a short text, such as +5 for a start."""
    if isinstance(event, ServerEvent):
        return str(event.kind)
    return f"{SIGNS[event.kind]}{event.thread.thread_token}"


# The snapshot.


async def test_before_the_first_look_there_is_no_snapshot(server: FakeServer, watch: ThreadWatch) -> None:
    with pytest.raises(NoSnapshotError, match=r"^the watch has not seen the threads yet$"):
        _ = watch.threads
    assert (None, False, None) == (watch.seen_at, watch.reachable, watch.error)

    server.fail_next(3, Fault(503))
    await anext(watch)
    with pytest.raises(NoSnapshotError, match=r"the watch has not seen the threads yet: the server failed \(503\)"):
        _ = watch.threads


async def test_the_snapshot_is_the_result_of_the_last_look_that_succeeded(
    server: FakeServer, watch: ThreadWatch
) -> None:
    before = datetime.now(UTC)
    await watch.refresh()
    first = watch.threads
    assert tokens(first) == [thread.thread_token for thread in server.threads]
    assert (True, None) == (watch.reachable, watch.error)
    assert watch.seen_at is not None
    assert before <= watch.seen_at <= datetime.now(UTC)
    seen_at = watch.seen_at

    server.fail_next(3, Fault(503))
    with pytest.raises(ServerError):
        await watch.refresh()
    assert first is watch.threads
    assert (seen_at, False) == (watch.seen_at, watch.reachable)
    assert isinstance(watch.error, ServerError)

    await watch.refresh()
    assert watch.reachable is True
    assert watch.error is None
    assert watch.seen_at > seen_at


async def test_an_empty_list_is_an_empty_snapshot(server: FakeServer, watch: ThreadWatch) -> None:
    for thread in server.threads:
        server.stop_thread(thread)

    assert () == await watch.refresh()
    assert () == watch.threads


@pytest.mark.parametrize(("status", "kind"), [(401, UnauthorizedError), (200, DecodeError)])
async def test_an_error_that_waiting_cannot_fix_also_makes_the_server_unreachable(
    server: FakeServer, watch: ThreadWatch, status: int, kind: type[ThreadsError]
) -> None:
    await anext(watch)
    server.fail_next(1, Fault(status))
    with pytest.raises(kind):
        await watch.refresh()

    assert watch.reachable is False
    assert isinstance(watch.error, kind)


async def test_a_look_that_ends_without_a_waiter_changes_the_picture() -> None:
    """Otherwise a consumer with short time limits would never learn that the server does not respond."""
    source = Memory([1], ConnectionFailedError("refused"))
    watch = watch_of(source)
    await watch.refresh()
    task = asyncio.ensure_future(watch.refresh())
    await turns(2)
    task.cancel()
    assert watch.reachable
    await turns(9)

    assert (False, 2, 0) == (watch.reachable, source.looks, source.flying)
    assert ["=1", "unreachable"] == [told(await anext(watch)) for _ in range(2)]


async def test_short_time_limits_do_not_keep_a_watch_from_seeing_that_the_server_stalls(
    server: FakeServer,
) -> None:
    async with (
        ThreadsClient(server.token, base_url=server.url, timeout=0.5, retry=RetryPolicy(attempts=1)) as client,
        client.watch() as watch,
    ):
        await watch.refresh()
        server.on_request = lambda _: asyncio.sleep(10)
        while watch.reachable:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.002):
                    await watch.wait_for(lambda threads: not threads)

        assert isinstance(watch.error, RequestTimeoutError)


# Looks on demand.


async def test_refresh_returns_the_threads_of_a_look_that_begins_now(server: FakeServer, watch: ThreadWatch) -> None:
    await watch.refresh()
    new = server.start_thread()

    assert new.thread_token in tokens(await watch.refresh())
    assert 2 == len(server.requests)


async def test_calls_of_refresh_at_the_same_time_share_one_look(server: FakeServer, watch: ThreadWatch) -> None:
    found = await asyncio.gather(*(watch.refresh() for _ in range(20)))

    assert 1 == len({id(one) for one in found})
    assert 1 == len(server.requests)


async def test_calls_during_a_look_share_the_next_one() -> None:
    """The look in flight began before the call, so its result may be from before it too."""
    source = Memory([1], [2], [3])
    watch = watch_of(source)
    first = asyncio.ensure_future(watch.refresh())
    await turns(2)
    others = [asyncio.ensure_future(watch.refresh()) for _ in range(5)]

    assert ["1"] == tokens(await first)
    assert [["2"]] * 5 == [tokens(found) for found in await asyncio.gather(*others)]
    assert 2 == source.looks


async def test_each_task_that_shares_a_failed_look_gets_an_error_of_its_own(
    server: FakeServer, watch: ThreadWatch
) -> None:
    server.fail_next(1, Fault(401))
    found = await asyncio.gather(watch.refresh(), watch.refresh(), return_exceptions=True)

    assert [UnauthorizedError] * 2 == list(map(type, found))
    assert found[0] is not found[1]
    assert str(found[0]) == str(found[1]) == str(watch.error)


async def test_refresh_looks_at_once_while_another_task_waits_for_the_next_look(server: FakeServer) -> None:
    async with ThreadsClient(server.token, base_url=server.url) as client, client.watch(interval=3600) as watch:
        await watch.refresh()
        for _ in range(3):
            await anext(watch)
        waiting = asyncio.ensure_future(anext(watch))
        await turns(3)
        server.stop_thread(server.threads[0])
        await watch.refresh()

        assert "stopped" == (await waiting).kind


# Conditions.


async def test_a_condition_that_holds_is_met_by_a_look_that_begins_now(server: FakeServer, watch: ThreadWatch) -> None:
    await watch.refresh()
    server.start_thread()

    assert 4 == len(await watch.wait_for(lambda threads: len(threads) > 2))
    assert 2 == len(server.requests)


async def test_a_condition_is_tested_after_each_look_until_it_is_met() -> None:
    source = Memory([1, 2, 3], [1, 2], ConnectionFailedError("refused"), [1], [])
    tested: list[int] = []

    def few(threads: Threads) -> bool:
        tested.append(len(threads))
        return len(threads) < 2

    assert ["1"] == tokens(await watch_of(source).wait_for(few))
    assert [3, 2, 1] == tested
    assert 4 == source.looks


async def test_conditions_and_events_share_the_looks_of_a_watch() -> None:
    source = Memory([1, 2, 3], [1, 2], [1], [])
    watch = watch_of(source)

    async def read() -> list[str]:
        return [told(await anext(watch)) for _ in range(6)]

    events, one, none = await asyncio.gather(
        read(), watch.wait_for(lambda threads: len(threads) < 2), watch.wait_for(lambda threads: not threads)
    )

    assert ["=1", "=2", "=3", "-3", "-2", "-1"] == events
    assert (["1"], []) == (tokens(one), tokens(none))
    assert 4 == source.looks


async def test_a_condition_ignores_a_look_that_began_before_it() -> None:
    source = Memory([1], [2])
    watch = watch_of(source)
    first = asyncio.ensure_future(watch.refresh())
    await turns(2)

    assert ["2"] == tokens(await watch.wait_for(bool))
    assert ["1"] == tokens(await first)


async def test_a_condition_sees_every_look_that_succeeds_even_if_its_task_is_late() -> None:
    """Another task looks again before the waiting task has run."""
    source = Memory([1], [], [1], turns=0)
    watch = watch_of(source)
    waiting = asyncio.ensure_future(watch.wait_for(lambda threads: not threads))

    async def look_without_pause() -> None:
        while not waiting.done():
            await watch.refresh()

    await asyncio.gather(*(look_without_pause() for _ in range(3)))

    assert () == waiting.result()


async def test_a_condition_that_is_not_met_in_time_is_a_timeout_error(server: FakeServer, watch: ThreadWatch) -> None:
    with pytest.raises(TimeoutError, match=r"^the threads did not meet the condition within 0\.05 s$"):
        await watch.wait_for(lambda threads: len(threads) > 3, 0.05)

    server.fault_for = lambda _: Fault(503)
    with pytest.raises(TimeoutError, match=r"within 0\.05 s; the last look failed: the server failed \(503\)"):
        await watch.wait_for(lambda _: True, timeout=0.05)
    assert [] == watch._looking.levels


async def test_a_timeout_error_says_if_nothing_has_been_seen(server: FakeServer, watch: ThreadWatch) -> None:
    server.on_request = lambda _: asyncio.sleep(1)

    with pytest.raises(TimeoutError, match=r"within 0\.05 s; they have not been seen yet$"):
        await watch.wait_for(bool, 0.05)


async def test_a_failed_look_meets_no_condition(server: FakeServer, watch: ThreadWatch) -> None:
    server.fail_next(5, Fault(503))
    tested: list[Threads] = []

    def met(threads: Threads) -> bool:
        tested.append(threads)
        return True

    assert tested == [await watch.wait_for(met)]
    assert 3 == len(tested[0])


@pytest.mark.parametrize("later", [False, True])
async def test_an_error_that_waiting_cannot_fix_ends_the_wait(later: bool) -> None:
    lists: list[Any] = [[1]] if later else []
    watch = watch_of(Memory(*lists, UnauthorizedError("refused", status=401)))

    with pytest.raises(UnauthorizedError):
        await watch.wait_for(lambda threads: not threads)


async def test_an_error_of_the_predicate_is_raised_and_the_watch_goes_on(watch: ThreadWatch) -> None:
    def broken(_: Threads) -> NoReturn:
        raise TimeoutError("mine")

    found = await asyncio.gather(watch.wait_for(broken, 5), watch.wait_for(bool), return_exceptions=True)

    assert "TimeoutError('mine')" == repr(found[0])
    assert watch.threads == found[1]


@pytest.mark.filterwarnings("error")
async def test_an_async_predicate_is_an_error(watch: ThreadWatch) -> None:
    async def met(_: Threads) -> bool:
        raise AssertionError

    with pytest.raises(ConfigurationError, match="predicate"):
        await watch.wait_for(met)


async def test_the_predicate_must_be_a_function(server: FakeServer, watch: ThreadWatch) -> None:
    predicate: Any = 5
    with pytest.raises(ConfigurationError, match="predicate"):
        await watch.wait_for(predicate)
    assert [] == server.requests


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5"])
async def test_the_timeout_must_be_above_zero(watch: ThreadWatch, seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        await watch.wait_for(bool, seconds)


async def test_a_timeout_error_from_elsewhere_is_not_taken_for_the_own_one() -> None:
    watch = watch_of(Memory(TimeoutError("of a hook")))

    with pytest.raises(TimeoutError, match="of a hook"):
        await watch.wait_for(bool, 5)


def test_a_condition_that_is_met_when_the_time_is_over_is_met() -> None:
    """The time limit expires while the predicate runs."""

    async def main() -> Threads:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        def slow(_: Threads) -> bool:
            loop.pass_time(6)
            return True

        return await watch_of(Memory([1])).wait_for(slow, 5)

    assert ["1"] == tokens(run(main()))


# Cancelling.

SCRIPT: list[Any] = [
    [1, 2],
    [2, 3],
    ConnectionFailedError("refused"),
    ServerError("x", status=503),
    [3],
    [3],
    [3, 4, 5],
    [],
    ConnectionFailedError("refused"),
    [6],
]
EVENTS = ["=1", "=2", "-1", "+3", "unreachable", "reachable", "-2", "+4", "+5"]
EVENTS += ["-3", "-4", "-5", "unreachable", "reachable", "+6"]


async def events_with_a_cancellation_after(
    steps: int, use: Callable[[ThreadWatch, list[str]], Awaitable[object]]
) -> list[str]:
    """Return all events if every task that uses the watch is cancelled after so many turns of the event loop."""
    source = Memory(*SCRIPT)
    watch = watch_of(source)
    events: list[str] = []
    while len(events) < len(EVENTS):
        task = asyncio.ensure_future(use(watch, events))
        await turns(steps)
        # In Python 3.11, `asyncio.wait_for` may ignore a cancellation.
        while not task.done():
            task.cancel()
            await turns(2)
    await watch.aclose()
    assert 0 == source.flying
    return events


async def read(watch: ThreadWatch, events: list[str]) -> None:
    # Not in a comprehension, which would lose them when it is cancelled.
    async for event in watch:
        events.append(told(event))  # noqa: PERF401


async def read_with_limits(watch: ThreadWatch, events: list[str]) -> None:
    """Python 3.11 waits in another task."""
    while True:
        with contextlib.suppress(TimeoutError):
            events.append(told(await asyncio.wait_for(anext(watch), 1e-4)))


async def read_while_others_wait(watch: ThreadWatch, events: list[str]) -> None:
    await asyncio.gather(read(watch, events), read(watch, events), watch.wait_for(lambda threads: len(threads) > 9))


@pytest.mark.parametrize("use", [read, read_with_limits, read_while_others_wait])
# In fewer turns, the tasks that these functions create do not begin.
@pytest.mark.parametrize("steps", range(3, 18))
async def test_cancelling_at_any_await_loses_and_repeats_no_event(
    steps: int, use: Callable[[ThreadWatch, list[str]], Awaitable[object]]
) -> None:
    assert EVENTS == await events_with_a_cancellation_after(steps, use)


async def test_a_cancelled_condition_is_forgotten(watch: ThreadWatch) -> None:
    task = asyncio.ensure_future(watch.wait_for(lambda _: False))
    await watch.refresh()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert [] == watch._looking.levels


async def test_between_two_looks_a_watch_has_no_task() -> None:
    watch = watch_of(Memory([1]))
    before = asyncio.all_tasks()
    await watch.refresh()
    await anext(watch)

    assert before == asyncio.all_tasks()


# Closing.


async def test_closing_ends_everything_at_once_while_a_look_is_in_flight(
    server: FakeServer, watch: ThreadWatch
) -> None:
    arrived = asyncio.Event()

    async def stall(_: object) -> None:
        arrived.set()
        await asyncio.sleep(5)

    server.on_request = stall
    waiting = [anext(watch, "the end"), watch.wait_for(bool), watch.refresh()]
    tasks = [asyncio.ensure_future(one) for one in waiting]
    await arrived.wait()
    async with asyncio.timeout(1):
        await watch.aclose()
        end, *errors = await asyncio.gather(*tasks, return_exceptions=True)

    assert "the end" == end
    assert ["ClientClosedError('the watch is closed; make a new one')"] * 2 == list(map(repr, errors))


async def test_closing_ends_everything_at_once_during_a_pause(server: FakeServer) -> None:
    async with ThreadsClient(server.token, base_url=server.url) as client:
        watch = client.watch(interval=3600)
        await watch.refresh()
        for _ in range(3):
            await anext(watch)
        tasks: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(anext(watch, "the end")),
            asyncio.ensure_future(watch.wait_for(lambda _: False)),
        ]
        # The second task looks first.
        while len(server.requests) < 2 or watch._looking._task is not None:
            await turns(1)
        await turns(3)
        async with asyncio.timeout(1):
            await watch.aclose()
            end, error = await asyncio.gather(*tasks, return_exceptions=True)

    assert "the end" == end
    assert isinstance(error, ClientClosedError)


async def test_a_closed_watch_sends_nothing_and_keeps_its_picture(server: FakeServer, watch: ThreadWatch) -> None:
    await watch.refresh()
    await watch.aclose()
    await watch.aclose()

    assert "the end" == await anext(watch, "the end")
    for use in (watch.refresh(), watch.wait_for(bool)):
        with pytest.raises(ClientClosedError, match="the watch is closed"):
            await use
    assert 3 == len(watch.threads)
    assert 1 == len(server.requests)
    # A picture that nobody renews must not look like one that is up to date.
    assert watch.reachable is False
    assert "ClientClosedError('the watch is closed; make a new one')" == repr(watch.error)


async def test_after_the_client_is_closed_a_watch_is_not_reachable(server: FakeServer) -> None:
    async with ThreadsClient(server.token, base_url=server.url) as client:
        watch = client.watch()
        await watch.refresh()
        assert watch.reachable
    assert watch.reachable is False
    assert "ClientClosedError('the client is closed; make a new one')" == repr(watch.error)


async def test_closing_from_inside_its_own_request_ends_the_watch(server: FakeServer) -> None:
    """A hook of the session runs in the task of the look, which cannot wait for itself."""

    async def close(*_: object) -> None:
        await mine.aclose()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(close)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        mine = ThreadsClient(server.token, base_url=server.url, session=session).watch()

        assert "the end" == await anext(mine, "the end")
    with pytest.raises(NoSnapshotError):
        _ = mine.threads


@pytest.mark.parametrize("stalled", [False, True])
async def test_closing_the_client_ends_a_watch_at_once(server: FakeServer, stalled: bool) -> None:
    async with ThreadsClient(server.token, base_url=server.url) as client:
        watch = client.watch(interval=3600)
        await watch.refresh()
        for _ in range(3):
            await anext(watch)
        arrived = asyncio.Event()

        async def stall(_: object) -> None:
            arrived.set()
            await asyncio.sleep(5)

        server.on_request = stall
        waiting = asyncio.ensure_future(watch.refresh() if stalled else anext(watch))
        if stalled:
            await arrived.wait()
        await turns(3)
        async with asyncio.timeout(1):
            await client.close()
            with pytest.raises(ClientClosedError):
                await waiting
    assert watch.reachable is False
    assert isinstance(watch.error, ClientClosedError)


async def test_closing_the_client_before_a_look_has_begun_ends_the_watch() -> None:
    source = Memory([1])
    watch = watch_of(source)
    waiting = asyncio.ensure_future(watch.refresh())
    await turns(1)
    await source.close()

    with pytest.raises(ClientClosedError, match="the client was closed while it waited for a response"):
        await waiting
    assert 0 == source.looks


def test_a_watch_belongs_to_one_event_loop() -> None:
    async def begin() -> ThreadWatch:
        watch = watch_of(Memory([1]))
        await watch.refresh()
        return watch

    watch = asyncio.run(begin())

    for use in (lambda: anext(watch), watch.refresh, lambda: watch.wait_for(bool)):
        with pytest.raises(ClientClosedError, match="another event loop"):
            asyncio.run(use())


async def test_a_watch_that_is_dropped_ends_its_look() -> None:
    source = Memory([1], turns=10_000)
    watch = watch_of(source)
    task = asyncio.ensure_future(watch.refresh())
    await turns(3)
    assert 1 == source.flying
    task.cancel()
    await asyncio.wait([task])
    reference = weakref.ref(watch)

    gc.disable()
    try:
        del watch, task
        await turns(3)
    finally:
        gc.enable()

    assert reference() is None
    assert 0 == source.flying


# Outages.


async def test_a_server_that_asks_to_wait_is_unreachable_at_once(server: FakeServer, client: ThreadsClient) -> None:
    """A retry after 20 seconds would hide the outage for so long."""
    watch = client.watch()
    server.fail_next(1, Fault(503, headers={"Retry-After": "20"}))

    assert "unreachable" == (await anext(watch)).kind
    assert 1 == len(server.requests)


@pytest.mark.parametrize("prefetch", [0, 1])
@pytest.mark.parametrize("what", ["watch", "client"])
async def test_a_hook_of_any_request_of_a_look_can_close_the_watch_or_the_client(what: str, prefetch: int) -> None:
    """The tasks of the request and of the look then wait for each other's end."""
    async with FakeServer(threads=9) as server:

        async def close(*_: object) -> None:
            if len(server.requests) == 1:
                await (mine.aclose() if what == "watch" else client.close())

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(close)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session, asyncio.timeout(5):
            client = ThreadsClient(server.token, base_url=server.url, session=session)
            mine = client.watch(total=3, prefetch=prefetch)
            with pytest.raises(ClientClosedError):
                await mine.refresh()


async def test_a_timeout_is_not_retried_within_a_look(server: FakeServer) -> None:
    async with ThreadsClient(server.token, base_url=server.url, timeout=0.02) as client, client.watch() as watch:
        server.on_request = lambda _: asyncio.sleep(0.5)

        assert "unreachable" == (await anext(watch)).kind
        assert 1 == len(server.requests)


async def test_a_look_of_many_pages_is_also_retried_during_an_outage(server: FakeServer, client: ThreadsClient) -> None:
    """Otherwise, a server that fails now and then would never be reachable again."""
    watch = client.watch(total=2, interval=0.001)
    server.fail_next(3, Fault(503))
    assert "unreachable" == (await anext(watch)).kind
    asked: list[str] = []

    def fail_every_second(seen: SeenRequest) -> Fault | None:
        asked.append(seen.parameters["start"])
        return Fault(503) if len(asked) % 2 == 0 else None

    server.fault_for = fail_every_second

    assert "reachable" == (await anext(watch)).kind
    # The second request failed and was sent again.
    assert asked[1] == asked[2]


async def test_a_look_that_somebody_else_cancels_is_repeated() -> None:
    """For example, a program that ends cancels all tasks, also one that has not yet run."""
    source = Memory([1], [2])
    watch = watch_of(source)
    for steps in (1, 2):
        waiting = asyncio.ensure_future(watch.refresh())
        await turns(steps)
        task = watch._looking._task
        assert task is not None
        task.cancel()

        assert 1 == len(await waiting)
    assert 0 == source.flying


async def test_an_unexpected_error_is_raised_and_the_watch_goes_on() -> None:
    """Only a session of the user can raise one."""
    source = Memory([1], ZeroDivisionError("of a hook"), [1])
    watch = watch_of(source)
    await watch.refresh()

    with pytest.raises(ZeroDivisionError):
        await watch.refresh()
    assert watch.reachable is False
    assert "RequestError('the look ended with an unexpected ZeroDivisionError'" in repr(watch.error)

    await watch.refresh()
    assert watch.reachable
    assert ["=1"] == [told(await anext(watch))]


def test_pauses_grow_during_an_outage_and_shrink_with_the_first_success() -> None:
    pauses: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += seconds

    async def main() -> None:
        gone = ConnectionFailedError("refused")
        busy = ServerError("busy", status=503, retry_after=100.0)
        watch = watch_of(
            Memory([1], gone, gone, gone, gone, gone, busy, [1], [1]), sleep=sleep, clock=lambda: now, draw=lambda: 1.0
        )
        await watch.wait_for(lambda _: watch._picture.looks == 9)

    asyncio.run(main())

    assert [1.1, 2, 4, 8, 16, 30, 100, 1.1] == [round(seconds, 9) for seconds in pauses]


async def test_an_outage_costs_one_attempt_a_look_and_two_log_records(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "threads_async")
    async with ThreadsClient(server.token, base_url=server.url) as client, client.watch(interval=0.001) as watch:
        await watch.refresh()
        server.fault_for = lambda _: Fault(503)
        while len(server.requests) < 9:
            with contextlib.suppress(ServerError):
                await watch.refresh()
        server.fault_for = None
        await watch.refresh()

    # Only the first look that fails is retried.
    assert 1 + 3 + 5 + 1 == len(server.requests)
    first, last = (record.getMessage() for record in caplog.records)
    assert first.startswith("a watch cannot list the threads: the server failed (503) (GET http")
    assert last.startswith("a watch can list the threads again, after 0.")
    assert server.token not in caplog.text


async def test_a_continued_thread_with_another_token_has_changed() -> None:
    async with FakeServer(threads=2, new_tokens=True) as server:
        server.action_body = "thread"
        async with ThreadsClient(server.token, base_url=server.url) as client, client.watch(interval=0.001) as watch:
            thread, other = await watch.refresh()
            assert {"present"} == {(await anext(watch)).kind for _ in range(2)}
            after = await client.continue_thread(await client.start_thread())
            started, _ = await anext(watch), await client.continue_thread(after)
            changed = await anext(watch)

    assert isinstance(started, ThreadEvent)
    assert isinstance(changed, ThreadEvent)
    assert (EventKind.STARTED, None, after.thread_token) == (
        started.kind,
        started.previous,
        started.thread.thread_token,
    )
    assert (EventKind.CHANGED, started.thread) == (changed.kind, changed.previous)
    assert changed.thread.thread_token != after.thread_token
    assert 3 == len(watch.threads)
    assert {thread, other} <= set(watch.threads)
