"""The watch of a fleet: one picture for each machine, each at its own pace, and no error that ends it."""

import asyncio
import contextlib
import gc
import pickle
import weakref
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from fleets import ONCE, Farm, farm, found, watch_in_virtual_time
from virtual_time import run

from threads_async import (
    ClientClosedError,
    DecodeError,
    EventKind,
    Fleet,
    FleetEvent,
    FleetThread,
    FleetWatch,
    NoSnapshotError,
    RequestError,
    ServerEvent,
    ThreadEvent,
    ThreadsClient,
    UnauthorizedError,
)
from threads_async.testing import FakeServer, Fault

Seen = tuple[str, str, str | None]


@pytest.fixture
async def two() -> AsyncIterator[Farm]:
    async with farm(3, 2) as machines:
        yield machines


def seen(event: FleetEvent) -> Seen:
    token = event.event.thread.thread_token if isinstance(event.event, ThreadEvent) else None
    return event.machine, str(event.event.kind), token


async def take(watch: FleetWatch, number: int) -> list[Seen]:
    return [seen(await anext(watch)) for _ in range(number)]


def present(machines: Farm, *names: str) -> list[Seen]:
    return sorted((name, "present", token) for name, token in machines.tokens(names or None))


def pictures(watch: FleetWatch) -> list[tuple[str, str | None]]:
    return found(FleetThread(name, thread) for name, one in watch.machines.items() for thread in one.threads)


async def test_the_running_threads_of_all_machines_come_first_and_then_what_happens(two: Farm) -> None:
    async with two.fleet.watch(interval=0.01) as watch:
        assert present(two) == sorted(await take(watch, 5))
        stopped = two.servers["a"].threads[0]
        two.servers["a"].stop_thread(stopped)
        assert [("a", "stopped", stopped.thread_token)] == await take(watch, 1)
        started = two.servers["b"].start_thread()
        assert [("b", "started", started.thread_token)] == await take(watch, 1)
        assert two.tokens() == pictures(watch)


async def test_events_of_machines_take_turns() -> None:
    async with farm(5, 5) as machines, machines.fleet.watch() as watch:
        await watch.machines["a"].refresh()
        await watch.machines["b"].refresh()
        await anext(watch)

        assert {"a", "b"} == {name for name, _, _ in await take(watch, 2)}
        assert {"a", "b"} == {name for name, _, _ in await take(watch, 2)}


async def test_a_machine_that_does_not_answer_delays_no_other(two: Farm) -> None:
    never = asyncio.Event()
    two.servers["a"].on_request = lambda _: never.wait()
    async with two.fleet.watch(interval=0.01) as watch:
        assert present(two, "b") == sorted(await take(watch, 2))
        started = two.servers["b"].start_thread()
        assert [("b", "started", started.thread_token)] == await take(watch, 1)
        with pytest.raises(NoSnapshotError):
            _ = watch.machines["a"].threads
        assert watch.machines["b"].reachable
        never.set()
        assert present(two, "a") == sorted(await take(watch, 3))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=None), RequestError),
        (Fault(status=401), UnauthorizedError),
        (Fault(status=200, body=b"{}"), DecodeError),
        # A page without items before the end of the list contradicts itself.
        (Fault(status=200, body=b'{"totalCount":5,"items":[]}'), RequestError),
    ],
)
async def test_any_error_of_a_machine_is_one_event_until_it_responds_again(
    two: Farm, fault: Fault, kind: type[RequestError]
) -> None:
    two.servers["a"].fault_for = lambda _: fault
    async with two.fleet.watch(interval=0.01, max_interval=0.02) as watch:
        events = [await anext(watch) for _ in range(3)]
        unreachable = [event.event for event in events if event.machine == "a"]
        for number in range(2, 5):
            await watch.machines["b"].refresh()
            two.servers["b"].start_thread()
            assert ["b"] == [name for name, _, _ in await take(watch, 1)], number

        assert [EventKind.UNREACHABLE] == [event.kind for event in unreachable]
        (event,) = unreachable
        assert isinstance(event, ServerEvent)
        assert isinstance(event.error, kind)
        assert not watch.machines["a"].reachable

        two.servers["a"].fault_for = None
        after = await take(watch, 4)
        assert ("a", "reachable", None) == after[0]
        assert present(two, "a") == sorted(after[1:])


def test_each_machine_has_its_own_back_off() -> None:
    async def check() -> None:
        async with farm(1, 1) as machines:
            machines.servers["a"].fault_for = lambda _: Fault(status=503, headers={"Retry-After": "20"})
            watch = watch_in_virtual_time(machines.fleet)
            waiting = asyncio.create_task(drain(watch))
            await asyncio.sleep(60.0)
            await watch.aclose()
            await waiting

            # The server asks for 20 seconds, the other machine is looked at every second.
            assert len(machines.servers["a"].requests) <= 4
            assert 50 <= len(machines.servers["b"].requests) <= 70

    run(check())


async def drain(watch: FleetWatch) -> list[FleetEvent]:
    return [event async for event in watch]


def test_the_watch_looks_only_while_somebody_waits() -> None:
    async def check() -> None:
        async with farm(2) as machines, watch_in_virtual_time(machines.fleet) as watch:
            await take(watch, 2)
            await asyncio.sleep(100.0)

            assert 1 == len(machines.servers["a"].requests)

    run(check())


async def test_tasks_share_the_events(two: Farm) -> None:
    async with two.fleet.watch() as watch:
        taken = await asyncio.gather(take(watch, 2), take(watch, 2), take(watch, 1))

    assert present(two) == sorted(event for some in taken for event in some)


async def test_a_time_limit_on_anext_loses_nothing() -> None:
    async with farm(30, 30) as machines, machines.fleet.watch(interval=0.001) as watch:
        events: list[Seen] = []
        while len(events) < 60:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.002):
                    events += await take(watch, 1)

        assert present(machines) == sorted(events)


async def test_closing_ends_the_watch_at_once_and_keeps_its_pictures(two: Farm) -> None:
    watch = two.fleet.watch(interval=60)
    await take(watch, 5)
    waiting = [asyncio.create_task(anext(watch, None)) for _ in range(2)]
    await asyncio.sleep(0.01)

    await watch.aclose()

    assert [None, None] == await asyncio.gather(*waiting)
    assert [] == [event async for event in watch]
    assert two.tokens() == pictures(watch)
    assert not watch.machines["a"].reachable
    with pytest.raises(ClientClosedError):
        await watch.machines["a"].refresh()


@pytest.mark.parametrize("stalled", [False, True])
async def test_a_closed_fleet_ends_the_watch_with_an_error(two: Farm, stalled: bool) -> None:
    never = asyncio.Event()
    if stalled:
        for server in two.servers.values():
            server.on_request = lambda _: never.wait()
    watch = two.fleet.watch(interval=60)
    if not stalled:
        await take(watch, 5)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0.02)

    await two.fleet.close()

    with pytest.raises(ClientClosedError, match="the fleet or its watches are closed"):
        await waiting
    never.set()


async def test_a_machine_whose_client_is_closed_reports_nothing_more(two: Farm) -> None:
    never = asyncio.Event()
    two.servers["a"].on_request = lambda _: never.wait()
    async with two.fleet.watch(interval=0.01) as watch:
        await take(watch, 2)
        await two.fleet.clients["a"].close()
        started = two.servers["b"].start_thread()

        assert [("b", "started", started.thread_token)] == await take(watch, 1)
        assert isinstance(watch.machines["a"].error, ClientClosedError)
        never.set()


async def test_unread_events_of_a_machine_are_returned_even_after_its_client_was_closed(two: Farm) -> None:
    watch = two.fleet.watch(interval=60)
    for one in watch.machines.values():
        await one.refresh()
    first = await take(watch, 1)

    await two.fleet.close()
    rest = await take(watch, 4)

    assert present(two) == sorted([*first, *rest])
    with pytest.raises(ClientClosedError):
        await anext(watch)


async def test_a_watch_works_in_one_event_loop(two: Farm) -> None:
    await two.fleet.threads().count()
    watch = two.fleet.watch()

    def elsewhere() -> None:
        with pytest.raises(ClientClosedError, match="belong to another event loop"):
            asyncio.run(anext_of(watch))

    await asyncio.to_thread(elsewhere)
    with pytest.raises(ClientClosedError, match="used in another event loop"):
        await anext(watch)


async def anext_of(watch: FleetWatch) -> FleetEvent:
    return await anext(watch)


class HookError(Exception):
    """An error of the user's own code."""


async def test_an_unexpected_error_comes_out_as_it_is_and_the_watch_goes_on() -> None:
    async def fail(*_: Any) -> None:
        if failing:
            raise HookError

    failing = True
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(fail)
    async with FakeServer(threads=1) as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        client = ThreadsClient(server.token, base_url=server.url, session=session, retry=ONCE)
        async with Fleet({"a": client}) as fleet, fleet.watch(interval=0.01) as watch:
            with pytest.raises(HookError):
                await anext(watch)
            failing = False
            kinds = [kind for _, kind, _ in await take(watch, 3)]

    assert ["unreachable", "reachable", "present"] == kinds


def looks() -> int:
    """Return the number of tasks that look or wait for a look."""
    names = ("coro=<Looking.advance()", "coro=<_look()")
    return sum(any(name in repr(task) for name in names) for task in asyncio.all_tasks())


async def test_a_deleted_watch_ends_its_looks(two: Farm) -> None:
    never = asyncio.Event()
    for server in two.servers.values():
        server.on_request = lambda _: never.wait()
    watch = two.fleet.watch()
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0.02)
    assert 4 == looks()
    waiting.cancel()
    await asyncio.wait([waiting])
    gone = weakref.ref(watch)

    gc.disable()
    try:
        del watch, waiting
        await asyncio.sleep(0.02)
        assert gone() is None
        assert 0 == looks()
    finally:
        gc.enable()
        never.set()


async def test_an_event_can_be_pickled_and_compared(two: Farm) -> None:
    two.servers["a"].fault_for = lambda _: Fault(status=503)
    async with two.fleet.watch() as watch:
        events = [await anext(watch) for _ in range(3)]

    assert events == pickle.loads(pickle.dumps(events))


async def test_unread_events_are_returned_without_waiting_for_a_machine() -> None:
    async def refuse() -> None:
        raise AssertionError

    async with farm(*[50] * 4) as machines, machines.fleet.watch(interval=60) as watch:
        for one in watch.machines.values():
            await one.refresh()
        watch._take_next = refuse  # type: ignore[method-assign]  # it must not be called

        assert present(machines) == sorted(await take(watch, 200))
