"""A watch reports what runs, then each start and stop once, in order, across restarts."""

import asyncio
import pickle
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    EventKind,
    ServerError,
    ServerEvent,
    ThreadEvent,
    ThreadsClient,
    ThreadType,
    ThreadWatch,
    UnauthorizedError,
    WatchEvent,
)
from threads_async._cadence import Cadence
from threads_async._looking import Surroundings
from threads_async.testing import FakeServer, Fault

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
GONE = ConnectionFailedError("the connection was refused", request="GET http://localhost:8160/v1/threads", attempts=3)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=3) as server:
        yield server


class Pauses:
    """A sleep that takes no time but advances a clock. It records its seconds and runs the next action."""

    def __init__(self, *actions: Any) -> None:
        self.seconds: list[float] = []
        self.actions = list(actions)
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.now += seconds
        if self.actions:
            happening = self.actions.pop(0)()
            if happening is not None and hasattr(happening, "__await__"):
                await happening


def watch_of(client: ThreadsClient, pauses: Pauses, draw: float = 0.5, **parameters: Any) -> ThreadWatch:
    """Return a watch with an interval of 2.5 seconds. If `draw` is a half, its jitter is 0."""
    around = Surroundings(pauses, pauses.clock, lambda: NOON, lambda: draw)
    listing = client.threads(consistent=True, **parameters)
    return ThreadWatch(client._source, listing, Cadence(2.5, 30.0), around)


def seen(event: WatchEvent) -> tuple[str, str | None]:
    return str(event.kind), event.thread.thread_token if isinstance(event, ThreadEvent) else None


async def take(watch: ThreadWatch, number: int) -> list[tuple[str, str | None]]:
    return [seen(await anext(watch)) for _ in range(number)]


async def test_running_threads_come_first_and_then_stops_and_starts(server: FakeServer, client: ThreadsClient) -> None:
    first, second, third = server.threads

    def happen() -> None:
        server.stop_thread(second)
        server.start_thread(thread_token="new")
        server.stop_thread(first)

    watch = watch_of(client, Pauses(happen))

    assert [("present", one.thread_token) for one in (first, second, third)] == await take(watch, 3)
    assert [("stopped", first.thread_token), ("stopped", second.thread_token), ("started", "new")] == await take(
        watch, 3
    )


async def test_an_event_has_the_time_at_which_it_was_seen(client: ThreadsClient) -> None:
    event = await anext(watch_of(client, Pauses()))

    assert NOON == event.at
    assert "kind='present'" in repr(event)


async def test_a_watch_of_the_client_uses_the_clock_and_the_filters(server: FakeServer, client: ThreadsClient) -> None:
    before = datetime.now(UTC)
    manual = server.start_thread(type="Manual", workspace_id=9)
    server.start_thread(type="BrowserInstance", workspace_id=9)

    async with client.watch(workspace_id=9, type=ThreadType.MANUAL, interval=0.001) as watch:
        event = await anext(watch)
        server.stop_thread(manual)
        stopped = await anext(watch)

    assert ("present", manual.thread_token) == seen(event)
    assert ("stopped", manual.thread_token) == seen(stopped)
    assert before <= event.at <= stopped.at <= datetime.now(UTC)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), None])
def test_the_interval_must_be_above_zero(interval: Any) -> None:
    with pytest.raises(ConfigurationError, match="interval"):
        ThreadsClient("x").watch(interval=interval)


async def test_between_two_looks_it_waits_for_the_interval(server: FakeServer, client: ThreadsClient) -> None:
    pauses = Pauses(None.__class__, None.__class__, server.start_thread)
    watch = watch_of(client, pauses)
    await take(watch, 3)
    assert [] == pauses.seconds

    await anext(watch)

    assert [2.5, 2.5, 2.5] == pauses.seconds
    assert 4 == len(server.requests)


async def test_a_slow_consumer_slows_the_looks_down(server: FakeServer, client: ThreadsClient) -> None:
    watch = watch_of(client, Pauses())
    await take(watch, 2)
    await asyncio.sleep(0.005)

    assert 1 == len(server.requests)


async def test_with_a_timeout_shorter_than_the_interval_a_watch_still_looks_when_it_is_due(
    server: FakeServer, client: ThreadsClient
) -> None:
    """Every ``anext`` is cancelled after one second, as by a timeout. Two looks are 2.5 seconds apart."""
    pauses = Pauses()
    asked: list[float] = []

    async def a_second(seconds: float) -> None:
        asked.append(seconds)
        await pauses(min(seconds, 1.0))
        if seconds > 1.0:
            raise asyncio.CancelledError

    around = Surroundings(a_second, pauses.clock, lambda: NOON, lambda: 0.5)
    watch = ThreadWatch(client._source, client.threads(consistent=True), Cadence(2.5, 30.0), around)
    await take(watch, 3)
    server.start_thread()
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await anext(watch)

    assert "started" == (await anext(watch)).kind
    assert [2.5, 1.5, 0.5] == asked
    assert 2 == len(server.requests)


async def test_a_consumer_slower_than_the_interval_does_not_wait(server: FakeServer, client: ThreadsClient) -> None:
    pauses = Pauses()
    watch = watch_of(client, pauses)
    await take(watch, 3)
    server.start_thread()
    pauses.now += 9.0

    assert "started" == (await anext(watch)).kind
    assert [] == pauses.seconds


async def test_a_look_goes_on_if_its_waiting_task_is_cancelled(server: FakeServer, client: ThreadsClient) -> None:
    watch = watch_of(client, Pauses())
    task: asyncio.Future[WatchEvent] = asyncio.ensure_future(anext(watch))
    server.on_request = lambda _: task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.on_request = None

    assert ["present"] * 3 == [kind for kind, _ in await take(watch, 3)]
    assert 1 == len(server.requests)


async def test_a_watch_continues_after_a_restart_of_the_server(server: FakeServer, client: ThreadsClient) -> None:
    first, second, third = server.threads

    async def go() -> None:
        await server.stop()
        server.stop_thread(second)

    watch = watch_of(client, Pauses(go, lambda: None, server.start, lambda: server.start_thread(thread_token="new")))

    await take(watch, 3)
    assert [
        ("unreachable", None),
        ("reachable", None),
        ("stopped", second.thread_token),
        ("started", "new"),
    ] == await take(watch, 4)
    assert first.thread_token != third.thread_token


async def test_an_event_says_why_the_server_is_unreachable(server: FakeServer, client: ThreadsClient) -> None:
    await server.stop()
    watch = watch_of(client, Pauses(server.start))

    gone, back = await anext(watch), await anext(watch)

    assert isinstance(gone, ServerEvent)
    assert isinstance(back, ServerEvent)
    assert isinstance(gone.error, ConnectionFailedError)
    assert (f"GET {server.url}/v1/threads?", 3) == (gone.error.request.partition("workspaceId")[0], gone.error.attempts)
    assert gone.error.__traceback__ is None
    assert None is back.error


async def test_an_event_also_has_the_error_of_a_503_response(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(3, Fault(503))

    event = await anext(watch_of(client, Pauses()))

    assert isinstance(event, ServerEvent)
    assert isinstance(event.error, ServerError)
    assert 503 == event.error.status


def test_an_event_with_an_error_equals_its_pickled_copy_and_shows_the_error() -> None:
    event = ServerEvent(EventKind.UNREACHABLE, NOON, GONE)

    twin = pickle.loads(pickle.dumps(event))

    assert event == twin
    assert hash(event) == hash(twin)
    assert event != ServerEvent(EventKind.UNREACHABLE, NOON, ConnectionFailedError("another"))
    assert event != ServerEvent(EventKind.UNREACHABLE, NOON)
    assert "error=ConnectionFailedError('the connection was refused', " in repr(event)


async def test_a_watch_waits_for_a_server_that_is_not_running_at_first(
    server: FakeServer, client: ThreadsClient
) -> None:
    await server.stop()
    watch = watch_of(client, Pauses(server.start))

    assert ["unreachable", "reachable", "present"] == [kind for kind, _ in await take(watch, 3)]


async def test_a_permanent_failure_is_an_error_and_the_next_look_can_succeed(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.fail_next(1, Fault(403))
    watch = watch_of(client, Pauses())

    with pytest.raises(UnauthorizedError):
        await anext(watch)
    assert "present" == (await anext(watch)).kind


async def test_a_failing_server_is_unreachable(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(3, Fault(500))
    watch = watch_of(client, Pauses())

    assert ["unreachable", "reachable", "present"] == [kind for kind, _ in await take(watch, 3)]
    with pytest.raises(ServerError):
        server.fail_next(3)
        await client.threads().count()


async def test_tasks_that_share_a_watch_get_each_event_once(server: FakeServer, client: ThreadsClient) -> None:
    watch = watch_of(client, Pauses(lambda: [server.start_thread() for _ in range(7)] and None))

    events = await asyncio.gather(*(anext(watch) for _ in range(10)))

    assert 10 == len({seen(event) for event in events})
    assert 2 == len(server.requests)


async def test_a_watch_stops_when_its_block_ends(client: ThreadsClient) -> None:
    async with watch_of(client, Pauses()) as watch:
        assert "present" == (await anext(watch)).kind

    assert "the end" == await anext(watch, "the end")


async def test_a_watch_that_is_closed_while_it_waits_ends_its_loop(client: ThreadsClient) -> None:
    pauses = Pauses()
    watch = watch_of(client, pauses)
    pauses.actions.append(watch.aclose)

    assert 3 == len([event async for event in watch])


async def test_after_the_client_is_closed_the_watch_raises_an_error(client: ThreadsClient) -> None:
    watch = watch_of(client, Pauses())
    await take(watch, 3)
    await client.close()

    with pytest.raises(ClientClosedError):
        await anext(watch)


@pytest.mark.parametrize("seed", range(5))
async def test_500_random_starts_and_stops_across_restarts_are_reported_exactly_once_in_order(seed: int) -> None:
    draw = random.Random(seed)
    steps = 500
    expected: list[tuple[str, str | None]] = []

    async with FakeServer(threads=30, seed=seed) as server, ThreadsClient(server.token, base_url=server.url) as client:
        began = [("present", one.thread_token) for one in server.threads]
        down = False

        async def happen() -> None:
            nonlocal steps, down
            before = server.threads
            for _ in range(min(steps, draw.randrange(6))):
                server.churn_step(draw)
                steps -= 1
            after = server.threads
            stopped = [("stopped", one.thread_token) for one in before if one not in after]
            started = [("started", one.thread_token) for one in after if one not in before]
            if down:
                await server.start()
                down = False
                expected.extend([("reachable", None), *stopped, *started])
            elif draw.random() < 0.1:
                await server.stop()
                down = True
                # Changes while the server is down are seen when it is back, together with the changes then.
                for one in after:
                    if one not in before:
                        server.stop_thread(one)
                for one in before:
                    if one not in after:
                        server.start_thread(thread_token=one.thread_token, type=one.type, created_at=one.created_at)
                expected.append(("unreachable", None))
            else:
                expected.extend([*stopped, *started])

        pauses = Pauses(*[happen] * 1000)
        watch = watch_of(client, pauses, total=7)
        assert began == await take(watch, 30)
        got: list[tuple[str, str | None]] = []
        while steps or len(got) < len(expected):
            got.append(seen(await anext(watch)))

    assert sorted(map(str, expected)) == sorted(map(str, got))
    assert [kind for kind, _ in expected] == [kind for kind, _ in got]
