"""A fleet lists the threads of many machines as one client does, and one dead machine hides nothing."""

import asyncio
import contextlib
import copy
import gc
import inspect
import pickle
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, get_type_hints

import aiohttp
import hypothesis.strategies as st
import pytest
from attrs import evolve
from fleets import Farm, farm, found
from hypothesis import given

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    Fleet,
    FleetBrowserInstance,
    FleetError,
    FleetIterator,
    FleetPage,
    FleetThread,
    FleetWorkspace,
    RequestError,
    ServerError,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
    UnauthorizedError,
)
from threads_async import _parameters as parameters
from threads_async._base_client import ClientOptions
from threads_async.testing import FakeServer, Fault, SeenRequest


@pytest.fixture
async def three() -> AsyncIterator[Farm]:
    async with farm(25, 7, 0) as machines:
        yield machines


@contextlib.contextmanager
def failing(*names: str) -> Iterator[pytest.ExceptionInfo[FleetError]]:
    """Expect a `FleetError` whose failures are exactly those of the machines `names`."""
    with pytest.raises(FleetError) as caught:
        yield caught
    assert sorted(names) == sorted(caught.value.failures)


async def read(iterator: FleetIterator[FleetThread], items: list[FleetThread]) -> None:
    """Add what is left of `iterator` to `items`, one by one: if it fails, what came before is there."""
    async for item in iterator:
        items += [item]


async def test_the_listing_is_the_union_of_the_listings_of_the_machines(three: Farm) -> None:
    assert three.tokens() == found([item async for item in three.fleet.threads(total=4)])
    assert three.tokens() == found(await three.fleet.threads(total=4).collect())


async def test_the_pages_of_a_machine_come_in_order_with_its_name_and_total_count(three: Farm) -> None:
    pages = [page async for page in three.fleet.threads(total=10).pages()]

    assert [("a", 10, 25, 0), ("a", 10, 25, 10), ("a", 5, 25, 20)] == [
        (page.machine, len(page.items), page.total_count, page.start) for page in pages if page.machine == "a"
    ]
    assert {"a", "b"} == {page.machine for page in pages}


@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    deaths=st.lists(st.none() | st.integers(0, 5), min_size=4, max_size=4),
    total=st.integers(1, 12),
    at_once=st.integers(1, 5),
    prefetch=st.integers(0, 2),
    consistent=st.booleans(),
)
def test_whatever_dies_when_the_rest_is_complete_and_exactly_the_dead_are_failures(
    counts: list[int], deaths: list[int | None], total: int, at_once: int, prefetch: int, consistent: bool
) -> None:
    async def check() -> None:
        dead = set[str]()
        async with farm(*counts, at_once=at_once) as machines:
            for death, (name, server) in zip(deaths, machines.servers.items(), strict=False):
                server.fault_for = dying(name, death, dead)
            items: list[FleetThread] = []
            iterator = aiter(machines.fleet.threads(total=total, prefetch=prefetch, consistent=consistent))
            failures = set[str]()
            try:
                await read(iterator, items)
            except FleetError as error:
                failures = set(error.failures)

            # A page that was requested ahead and turns out not to be needed is no failure.
            assert failures == dead if prefetch == 0 else failures <= dead
            assert failures == set(iterator.failures)
            alive = machines.servers.keys() - failures
            assert machines.tokens(alive) == found(item for item in items if item.machine in alive)
            assert len(items) == len(set(found(items)))

            for server in machines.servers.values():
                server.fault_for = None
            iterator.resume()
            await read(iterator, items)
            assert machines.tokens() == found(items)

    asyncio.run(check())


def dying(name: str, after: int | None, dead: set[str]) -> Callable[[SeenRequest], Fault | None]:
    """Return a function that cuts the connection of each request after the first `after` ones."""
    requests = 0

    def fault_for(_: SeenRequest) -> Fault | None:
        nonlocal requests
        requests += 1
        if after is None or requests <= after:
            return None
        dead.add(name)
        return Fault(status=None)

    return fault_for


async def test_one_dead_machine_is_reported_after_everything_else(three: Farm) -> None:
    await three.servers["b"].stop()
    iterator = aiter(three.fleet.threads(total=5))
    items: list[FleetThread] = []

    with failing("b") as caught:
        await read(iterator, items)

    assert three.tokens(["a", "c"]) == found(items)
    assert isinstance(caught.value.failures["b"], ConnectionFailedError)
    assert {"a": 25, "c": 0} == iterator.total_counts
    assert {"a", "c"} == iterator.completed
    assert isinstance(iterator.failures["b"], ConnectionFailedError)


async def test_every_worker_that_shares_the_iterator_gets_the_error_until_it_is_resumed(three: Farm) -> None:
    await three.servers["b"].stop()
    iterator = aiter(three.fleet.threads(total=5))
    items: list[FleetThread] = []

    ends = await asyncio.gather(*[read(iterator, items) for _ in range(4)], return_exceptions=True)

    assert [FleetError] * 4 == [type(end) for end in ends]
    assert three.tokens(["a"]) == found(items)

    await three.servers["b"].start()
    iterator.resume()
    await asyncio.gather(*[read(iterator, items) for _ in range(4)])
    assert three.tokens() == found(items)
    assert {} == dict(iterator.failures)


async def test_a_machine_that_dies_between_two_pages_is_resumed_at_the_page_that_failed(three: Farm) -> None:
    three.servers["a"].fault_for = dying("a", 2, set())
    iterator = aiter(three.fleet.threads(total=5))
    items: list[FleetThread] = []

    with failing("a"):
        await read(iterator, items)
    assert 10 + 7 == len(items)

    three.servers["a"].fault_for = None
    iterator.resume()
    await read(iterator, items)
    assert three.tokens() == found(items)


async def test_on_request_the_first_failure_ends_the_listing_and_it_can_be_resumed() -> None:
    async with farm(1, *[50] * 6, at_once=3) as machines:
        machines.servers["a"].fault_for = lambda _: Fault(status=503)
        iterator = aiter(machines.fleet.threads(total=1, on_error="stop"))
        items: list[FleetThread] = []

        with failing("a") as caught:
            await read(iterator, items)
        requests = sum(len(server.requests) for server in machines.servers.values())
        with failing("a"):
            await anext(iterator)

        assert isinstance(caught.value.failures["a"], ServerError)
        assert requests < 20

        machines.servers["a"].fault_for = None
        iterator.resume()
        await read(iterator, items)
        assert machines.tokens() == found(items)


async def test_requests_that_a_failure_has_ended_are_sent_again_after_resuming() -> None:
    async with farm(1, 5) as machines:
        never = asyncio.Event()
        machines.servers["a"].fault_for = lambda _: Fault(status=503)
        machines.servers["b"].on_request = lambda _: never.wait()
        iterator = aiter(machines.fleet.threads(on_error="stop"))
        items: list[FleetThread] = []
        with failing("a"):
            await read(iterator, items)

        never.set()
        machines.servers["a"].fault_for = None
        iterator.resume()
        await read(iterator, items)

        assert machines.tokens() == found(items)
        assert 2 == len(machines.servers["b"].requests)


async def test_resuming_does_not_wait_for_a_slow_machine() -> None:
    async with farm(3, 3) as machines:
        never, asked = asyncio.Event(), asyncio.Event()
        machines.servers["a"].fault_for = lambda _: Fault(status=503)
        machines.servers["b"].on_request = lambda _: never.wait()
        iterator = aiter(machines.fleet.threads())
        waiting = asyncio.create_task(anext(iterator))
        while not iterator.failures:
            await asyncio.sleep(0)

        machines.servers["a"].fault_for = None
        machines.servers["a"].on_request = lambda _: asked.set()
        iterator.resume()

        await asked.wait()
        assert "a" == (await waiting).machine
        never.set()


async def test_a_request_that_was_sent_before_resuming_and_fails_is_sent_again() -> None:
    async with farm(1, 1) as machines:
        # The two servers respond to their first requests when this test has come here too.
        begun = asyncio.Barrier(3)

        def first_only(server: FakeServer) -> None:
            server.on_request = lambda _: begun.wait() if len(server.requests) == 1 else None
            server.fail_next(fault=Fault(status=503))

        for server in machines.servers.values():
            first_only(server)
        iterator = aiter(machines.fleet.threads(on_error="stop"))
        waiting = asyncio.create_task(anext(iterator))
        await begun.wait()

        iterator.resume()

        assert machines.tokens() == found([await waiting, *[item async for item in iterator]])
        assert [2, 2] == [len(server.requests) for server in machines.servers.values()]


@pytest.mark.parametrize("parameters", [{"on_error": "stop"}, {"max_items": 5}])
async def test_requests_ahead_end_with_a_failure_and_at_max_items(parameters: dict[str, Any]) -> None:
    async with farm(5, 40) as machines:
        never, held = asyncio.Event(), asyncio.Event()

        def hold(seen: SeenRequest) -> Awaitable[object] | None:
            if seen.parameters["start"] == "0":
                return None
            held.set()
            return never.wait()

        machines.servers["b"].on_request = hold
        machines.servers["a"].on_request = lambda _: held.wait()
        if "on_error" in parameters:
            machines.servers["a"].fault_for = lambda _: Fault(status=503)
        pages = machines.fleet.threads(total=3, prefetch=4, **parameters).pages()
        with contextlib.suppress(FleetError):
            async for _ in pages:
                pass
        for _ in range(20):
            await asyncio.sleep(0)

        assert [set(), set()] == in_flight(machines)
        never.set()


async def test_closing_ends_all_requests_even_if_it_is_cancelled() -> None:
    async with farm(50, 50) as machines:
        pages = machines.fleet.threads(total=1, prefetch=3).pages()
        await anext(pages)
        assert any(in_flight(machines))
        closing = asyncio.create_task(pages.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        for _ in range(20):
            await asyncio.sleep(0)

        assert [set(), set()] == in_flight(machines)


async def test_a_hook_that_cancels_a_request_is_a_failure_of_its_machine() -> None:
    attempts = 0

    async def cancel(*_: Any) -> None:
        nonlocal attempts
        attempts += 1
        raise asyncio.CancelledError

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(cancel)
    async with FakeServer() as server, aiohttp.ClientSession(trace_configs=[trace]) as session:
        fleet = Fleet({"a": ThreadsClient(server.token, base_url=server.url, session=session)})
        with failing("a") as caught:
            await fleet.threads().collect()

    assert 1 == attempts
    assert isinstance(caught.value.failures["a"], RequestError)


async def failure_of(call: Awaitable[Any]) -> "weakref.ref[ThreadsError]":
    """Return a reference to the error of machine a. pytest would keep more of it."""
    try:
        await call
    except FleetError as error:
        return weakref.ref(error.failures["a"])
    raise AssertionError


@pytest.mark.parametrize(
    "call",
    [lambda fleet: fleet.threads().collect(), lambda fleet: fleet.threads().count(), lambda fleet: fleet.limits()],
)
async def test_an_error_is_not_kept_alive_by_a_cycle(three: Farm, call: Callable[[Fleet], Awaitable[Any]]) -> None:
    # Not a refused connection: the error of aiohttp is part of a cycle, which keeps the frames of its callers.
    three.servers["a"].fault_for = lambda _: Fault(status=503)
    gc.collect()
    gc.disable()
    try:
        gone = await failure_of(call(three.fleet))
        await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()


async def test_items_after_max_items_are_neither_returned_nor_requested(three: Farm) -> None:
    iterator = aiter(three.fleet.threads(total=5, max_items=12))
    items = [item async for item in iterator]

    assert 12 == len(items)
    assert [] == [item async for item in iterator]
    assert set(found(items)) <= set(three.tokens())
    assert sum(len(server.requests) for server in three.servers.values()) <= 7
    assert [] == await three.fleet.threads(max_items=0).collect()


async def test_when_max_items_is_reached_no_request_goes_on() -> None:
    async with farm(5, 5, 5) as machines:
        never = asyncio.Event()
        for name in "bc":
            machines.servers[name].on_request = lambda _: never.wait()
        pages = machines.fleet.threads(max_items=5).pages()

        assert 5 == len((await anext(pages)).items)
        await asyncio.sleep(0.01)

        assert [set(), set(), set()] == in_flight(machines)
        never.set()


async def test_machines_are_begun_only_when_others_are_read_to_the_end() -> None:
    begun = dict[str, int]()
    most = 0
    async with farm(*[5] * 8, at_once=2) as machines:

        def note(name: str) -> Callable[[SeenRequest], None]:
            def begin(_: SeenRequest) -> None:
                nonlocal most
                begun[name] = begun.get(name, 0) + 1
                most = max(most, sum(pages < 5 for pages in begun.values()))

            return begin

        for name, server in machines.servers.items():
            server.on_request = note(name)
        iterator = machines.fleet.threads(total=1).pages()
        async for _ in iterator:
            assert len(iterator._open) <= 2

    assert 2 == most
    assert dict.fromkeys("abcdefgh", 5) == begun


async def test_a_cancelled_call_leaves_no_request() -> None:
    async with farm(1, 1) as machines:
        never, asked = asyncio.Event(), asyncio.Event()

        def hold(_: SeenRequest) -> Awaitable[object]:
            asked.set()
            return never.wait()

        for server in machines.servers.values():
            server.on_request = hold
        before = asyncio.all_tasks()
        waiting = asyncio.create_task(machines.fleet.limits())
        await asked.wait()
        waiting.cancel()
        await asyncio.wait([waiting])

        assert waiting.cancelled()
        assert [] == [task for task in asyncio.all_tasks() - before if "in_slot" in repr(task)]
        never.set()


async def test_a_failure_does_not_matter_if_max_items_is_reached_without_the_machine() -> None:
    async with farm(5, 5) as machines:
        machines.servers["a"].fault_for = lambda _: Fault(status=503)
        machines.servers["b"].on_request = lambda _: asyncio.sleep(0.05)

        assert 5 == len(await machines.fleet.threads(max_items=5).collect())


async def test_at_most_so_many_machines_are_asked_at_once() -> None:
    running = most = 0

    async with farm(*[3] * 8, at_once=3) as machines:

        async def note(_: SeenRequest) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1

        for server in machines.servers.values():
            server.on_request = note

        assert machines.tokens() == found(await machines.fleet.threads(total=1).collect())
        assert 3 == most

        most = 0
        await machines.fleet.threads().count()
        assert 3 == most


async def test_a_page_is_requested_only_after_the_one_before_it_was_taken() -> None:
    async with farm(10, 10, at_once=2) as machines, machines.fleet.threads(total=1).pages() as pages:
        await anext(pages)
        await asyncio.sleep(0.1)

        # The page that was taken, the one after it, and the first page of the other machine.
        assert 3 == sum(len(server.requests) for server in machines.servers.values())


async def test_a_slow_machine_does_not_delay_the_others() -> None:
    async with farm(1, 20) as machines:
        never = asyncio.Event()
        machines.servers["a"].on_request = lambda _: never.wait()
        iterator = aiter(machines.fleet.threads(total=3))

        items = [await anext(iterator) for _ in range(20)]

        assert machines.tokens(["b"]) == found(items)
        never.set()
        assert "a" == (await anext(iterator)).machine


async def test_workers_share_an_iterator_and_each_thread_goes_to_one_of_them(three: Farm) -> None:
    iterator = aiter(three.fleet.threads(total=3, prefetch=2))
    items: list[FleetThread] = []

    await asyncio.gather(*[read(iterator, items) for _ in range(5)])

    assert three.tokens() == found(items)


async def test_a_cancelled_worker_loses_nothing(three: Farm) -> None:
    for server in three.servers.values():
        server.latency = 0.002
    iterator = aiter(three.fleet.threads(total=2))
    items: list[FleetThread] = []
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await read(iterator, items)
                break

    assert three.tokens() == found(items)


def in_flight(machines: Farm) -> list[set[Any]]:
    """Return the tasks of each client."""
    return [client._source._tasks for client in machines.fleet.clients.values()]


async def test_a_loop_that_is_left_leaves_no_request_and_no_task() -> None:
    async with farm(50, 50) as machines:
        async with aiter(machines.fleet.threads(total=1, prefetch=3)) as iterator:
            await anext(iterator)
            assert any(in_flight(machines))
        assert [] == [item async for item in iterator]

        assert [set(), set()] == in_flight(machines)


async def test_a_deleted_iterator_ends_its_requests() -> None:
    async with farm(50, 50) as machines:
        never = asyncio.Event()
        for server in machines.servers.values():
            server.on_request = lambda seen: never.wait() if seen.parameters["start"] != "0" else None
        iterator = aiter(machines.fleet.threads(total=1))
        await anext(iterator)
        gone = weakref.ref(iterator)

        gc.disable()
        try:
            assert any(in_flight(machines))
            del iterator
            await asyncio.sleep(0.01)
            assert gone() is None
            assert [set(), set()] == in_flight(machines)
        finally:
            gc.enable()
            never.set()


async def test_closing_ends_an_anext_that_waits(three: Farm) -> None:
    never = asyncio.Event()
    for server in three.servers.values():
        server.on_request = lambda _: never.wait()
    iterator = aiter(three.fleet.threads())
    waiting = asyncio.create_task(anext(iterator, None))
    await asyncio.sleep(0.01)

    await iterator.aclose()

    assert await waiting is None
    never.set()


async def test_a_closed_fleet_ends_its_iterators_and_says_so(three: Farm) -> None:
    never = asyncio.Event()
    for server in three.servers.values():
        server.on_request = lambda _: never.wait()
    waiting = asyncio.create_task(three.fleet.threads().collect())
    await asyncio.sleep(0.01)

    await three.fleet.close()

    with pytest.raises(ClientClosedError, match="the clients of the fleet are closed"):
        await waiting
    never.set()
    for call in (three.fleet.threads().collect, three.fleet.threads().count, three.fleet.limits):
        with pytest.raises(ClientClosedError):
            await call()
    with pytest.raises(ClientClosedError, match="the fleet is closed"):
        async with three.fleet:
            raise AssertionError


async def test_one_closed_client_is_one_failure(three: Farm) -> None:
    never = asyncio.Event()
    three.servers["a"].on_request = lambda _: never.wait()
    waiting = asyncio.create_task(three.fleet.threads().collect())
    await asyncio.sleep(0.05)

    await three.fleet.clients["a"].close()

    with failing("a") as caught:
        await waiting
    assert isinstance(caught.value.failures["a"], ClientClosedError)
    assert three.tokens(["b"]) == found(caught.value.results["b"])
    never.set()


async def test_a_fleet_works_in_one_event_loop(three: Farm) -> None:
    pages = three.fleet.threads(total=1).pages()
    await anext(pages)

    def elsewhere() -> list[type[BaseException] | None]:
        async def ask(call: Callable[[], Awaitable[object]]) -> type[BaseException] | None:
            try:
                await call()
            except ThreadsError as error:
                return type(error)
            raise AssertionError

        return [
            asyncio.run(ask(call)) for call in (lambda: anext(pages), three.fleet.threads().collect, three.fleet.limits)
        ]

    assert [ClientClosedError] * 3 == await asyncio.to_thread(elsewhere)


class HookError(Exception):
    """An error of the user's own code."""


async def test_an_unexpected_error_comes_out_as_it_is_and_loses_nothing() -> None:
    async with FakeServer(threads=9) as server:
        calls = 0

        async def fail_once(*_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise HookError

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(fail_once)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            fleet = Fleet({"a": ThreadsClient(server.token, base_url=server.url, session=session)})
            iterator = aiter(fleet.threads(total=3))
            items: list[FleetThread] = []
            with pytest.raises(HookError):
                await read(iterator, items)
            await read(iterator, items)
            calls = 1
            with pytest.raises(HookError):
                await fleet.limits()

        assert 9 == len(set(found(items)))


async def test_counts_and_limits_are_by_machine(three: Farm) -> None:
    three.servers["b"].limit_threads = 8

    assert {"a": 25, "b": 7, "c": 0} == await three.fleet.threads().count()
    assert {"a": 25, "b": 7, "c": 0} == await three.fleet.threads(max_items=2).count()
    assert [9975, 1, 10_000] == [limits.free_threads for limits in (await three.fleet.limits()).values()]


async def test_one_dead_machine_does_not_hide_the_counts_and_limits_of_the_others(three: Farm) -> None:
    await three.servers["a"].stop()

    with failing("a") as counted:
        await three.fleet.threads().count()
    with failing("a") as limited:
        await three.fleet.limits()
    with failing("a") as collected:
        await three.fleet.threads().collect()

    assert {"b": 7, "c": 0} == counted.value.results
    assert ["b", "c"] == list(limited.value.results)
    assert {"b": 7, "c": 0} == {name: len(items) for name, items in collected.value.results.items()}


async def test_the_results_of_an_error_have_no_machine_that_was_listed_only_in_part(three: Farm) -> None:
    three.servers["a"].fault_for = dying("a", 2, set())

    with failing("a") as caught:
        await three.fleet.threads(total=5).collect()

    assert {"b": 7, "c": 0} == {name: len(items) for name, items in caught.value.results.items()}


async def test_counting_can_stop_at_the_first_failure() -> None:
    async with farm(1, 2) as machines:
        never = asyncio.Event()
        machines.servers["a"].fault_for = lambda _: Fault(status=503)
        machines.servers["b"].on_request = lambda _: never.wait()

        with failing("a") as caught:
            await machines.fleet.threads(on_error="stop").count()

        assert {} == caught.value.results
        never.set()


async def test_the_first_item_takes_one_small_request_for_each_machine(three: Farm) -> None:
    first = await three.fleet.threads().first()

    assert first is not None
    assert (first.machine, first.thread.thread_token) in three.tokens()
    assert {"1"} == {seen.parameters["total"] for server in three.servers.values() for seen in server.requests}
    assert await three.fleet.threads(max_items=0).first() is None
    assert await three.fleet.threads(type="Manual", workspace_id=77).first() is None


async def test_the_first_item_counts_even_if_another_machine_is_dead(three: Farm) -> None:
    await three.servers["a"].stop()
    for _ in range(5):
        first = await three.fleet.threads(on_error="stop").first()

        assert first is not None
        assert "b" == first.machine
    await three.servers["b"].stop()
    with failing("a", "b"):
        await three.fleet.threads().first()


async def test_workspaces_and_browsers_say_their_machine_too() -> None:
    async with farm(0, 0, workspaces=2, browsers=3) as machines:
        workspaces = await machines.fleet.workspaces().collect()
        browsers = await machines.fleet.browser_instances().collect()

    assert {FleetWorkspace} == {type(item) for item in workspaces}
    assert {"a": 2, "b": 2} == {name: sum(item.machine == name for item in workspaces) for name in "ab"}
    assert {FleetBrowserInstance} == {type(item) for item in browsers}
    assert {"a": 3, "b": 3} == {name: sum(item.machine == name for item in browsers) for name in "ab"}


async def test_two_names_of_one_machine_list_its_threads_twice() -> None:
    async with FakeServer(threads=4) as server:
        client = ThreadsClient(server.token, base_url=server.url)
        async with Fleet({"x": client, "y": client}) as fleet:
            assert 8 == len(await fleet.threads().collect())


async def test_a_list_that_changes_is_noticed_on_any_machine(three: Farm) -> None:
    iterator = aiter(three.fleet.threads(total=5))
    await anext(iterator)
    assert not iterator.drifted
    three.servers["a"].start_thread()
    await read(iterator, [])

    assert iterator.drifted
    assert 26 == iterator.total_counts["a"]


async def test_threads_are_stopped_on_their_machines(three: Farm) -> None:
    items = await three.fleet.threads().collect()
    await three.fleet.stop_threads(item for item in items if item.machine == "b" or item.thread.type == "Manual")

    assert [] == list(three.servers["b"].threads)
    assert {"BrowserInstance"} == {thread.type for thread in three.servers["a"].threads}


async def test_stopping_no_threads_sends_nothing(three: Farm) -> None:
    await three.fleet.stop_threads([])

    assert [] == [seen for server in three.servers.values() for seen in server.requests]


async def test_a_failed_stop_is_about_the_whole_fleet(three: Farm) -> None:
    items = await three.fleet.threads().collect()
    of_a = [item for item in items if item.machine == "a"]
    await three.fleet.clients["a"].close()

    with failing("a") as caught:
        await three.fleet.stop_threads(of_a)

    assert "1 of 3 machines failed" == caught.value.message
    await three.fleet.close()
    with pytest.raises(ClientClosedError, match="the fleet is closed"):
        await three.fleet.stop_threads(of_a)


async def test_a_dead_machine_does_not_keep_threads_of_others_from_being_stopped(three: Farm) -> None:
    items = await three.fleet.threads().collect()
    await three.servers["a"].stop()

    with failing("a") as caught:
        await three.fleet.stop_threads(items)

    error = caught.value.failures["a"]
    assert isinstance(error, RequestError)
    assert () == error.done
    assert [] == list(three.servers["b"].threads)


async def test_threads_that_cannot_be_stopped_are_refused_before_anything_is_sent(three: Farm) -> None:
    items = await three.fleet.threads().collect()
    for server in three.servers.values():
        server.requests.clear()
    without = FleetThread("a", evolve(items[0].thread, thread_token=None))

    for wrong, match in (
        (FleetThread("z", items[0].thread), "the fleet has no machine 'z'"),
        (without, "has no token"),
        (items[0].thread, "collection of FleetThread"),
    ):
        with pytest.raises(ConfigurationError, match=match):
            await three.fleet.stop_threads([*items, wrong])  # type: ignore[list-item]  # one of them is wrong
    with pytest.raises(ConfigurationError, match="collection of FleetThread"):
        await three.fleet.stop_threads(5)  # type: ignore[arg-type]  # it is wrong

    assert [] == [seen for server in three.servers.values() for seen in server.requests]


async def test_the_fleet_closes_its_clients_and_their_own_sessions_only() -> None:
    async with farm(1) as machines, aiohttp.ClientSession() as session:
        server = machines.servers["a"]
        own = ThreadsClient(server.token, base_url=server.url)
        given = ThreadsClient(server.token, base_url=server.url, session=session)
        async with Fleet({"own": own, "given": given}) as fleet:
            assert 2 == len(await fleet.threads().collect())
            assert "<Fleet of 2 machines>" == repr(fleet)
        await fleet.close()

        assert (True, True, True, False) == (fleet.closed, own.closed, given.closed, session.closed)
        assert "<Fleet of 2 machines, closed>" == repr(fleet)


@pytest.mark.parametrize(
    ("clients", "settings", "parameter"),
    [
        ({}, {}, "clients"),
        ({"": ThreadsClient("t")}, {}, "clients"),
        ({"a\n": ThreadsClient("t")}, {}, "clients"),
        ({1: ThreadsClient("t")}, {}, "clients"),
        ({"a": "t"}, {}, "clients"),
        ({"a": ThreadsClient("t")}, {"at_once": 0}, "at_once"),
        ({"a": ThreadsClient("t")}, {"at_once": True}, "at_once"),
    ],
)
def test_a_wrong_argument_is_named(clients: Any, settings: Any, parameter: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Fleet(clients, **settings)

    assert parameter == caught.value.parameter


async def limits_of(fleet: Fleet) -> None:
    await fleet.limits("x")  # type: ignore[arg-type]  # it is wrong


def test_the_parameters_of_a_listing_are_checked_before_anything_is_sent() -> None:
    fleet = Fleet({"a": ThreadsClient("t")})

    for call, parameter in (
        (lambda: fleet.threads(total=0), "total"),
        (lambda: fleet.threads(max_items=-1), "max_items"),
        (lambda: fleet.threads(on_error="ignore"), "on_error"),  # type: ignore[arg-type]  # it is wrong
        (lambda: fleet.workspaces(prefetch=-1), "prefetch"),
        (lambda: fleet.browser_instances(process_id="x"), "process_id"),  # type: ignore[arg-type]  # it is wrong
        (lambda: fleet.watch(interval=0), "interval"),
        (lambda: asyncio.run(limits_of(fleet)), "workspace_id"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert parameter == caught.value.parameter


def test_a_listing_shows_how_it_lists() -> None:
    fleet = Fleet({"a": ThreadsClient("t")})
    listing = fleet.threads(total=7, max_items=5, prefetch=2, consistent=True, on_error="stop")

    assert (5, "stop") == (listing.max_items, listing.on_error)
    assert (ThreadsQuery(total=7), 2, True) == (listing.query, listing.prefetch, listing.consistent)
    shown = repr(listing)
    assert shown.startswith("<FleetListing of 1 machines, 'stop': Listing(query=ThreadsQuery(start=0, total=7, ")
    assert shown.endswith(", max_items=5, prefetch=2, consistent=True)>")


def test_a_fleet_that_was_never_initialized_has_a_repr() -> None:
    assert "<Fleet, not initialized>" == repr(Fleet.__new__(Fleet))


@pytest.mark.parametrize(
    ("given", "method"),
    [
        (parameters.ThreadsParameters, ThreadsClient.threads),
        (parameters.WorkspacesParameters, ThreadsClient.workspaces),
        (parameters.BrowserInstancesParameters, ThreadsClient.browser_instances),
        (parameters.WatchParameters, ThreadsClient.watch),
        (ClientOptions, ThreadsClient.__init__),
    ],
)
def test_a_fleet_has_the_parameters_of_a_client(given: type, method: Callable[..., Any]) -> None:
    hints = get_type_hints(method)
    names = [name for name in inspect.signature(method).parameters if name not in ("self", "token", "base_url")]

    assert {name: hints[name] for name in names} == get_type_hints(given)
    assert names == [*get_type_hints(given)]


async def test_an_iterator_can_be_neither_copied_nor_pickled(three: Farm) -> None:
    for one in (aiter(three.fleet.threads()), three.fleet.threads().pages(), three.fleet.watch()):
        for change in (copy.copy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                change(one)


def test_the_values_of_a_fleet_can_be_pickled_and_hide_their_secrets() -> None:
    async def collect() -> list[Any]:
        async with farm(1, workspaces=1, browsers=1) as machines:
            fleet = machines.fleet
            pages = [page async for page in fleet.threads().pages()]
            return [
                *pages,
                *await fleet.threads().collect(),
                *await fleet.workspaces().collect(),
                *await fleet.browser_instances().collect(),
                await anext(fleet.watch()),
            ]

    values = asyncio.run(collect())
    page, thread, *_ = values

    assert isinstance(page, FleetPage)
    assert values == pickle.loads(pickle.dumps(values))
    assert "items=<1 items>" in repr(page)
    assert [] == [value for value in values if thread.thread.thread_token in repr(value)]


async def test_a_fleet_error_is_an_exception_group_of_the_errors(three: Farm) -> None:
    await three.servers["a"].stop()
    three.servers["b"].fault_for = lambda _: Fault(status=401)
    caught: dict[str, FleetError | BaseExceptionGroup[Any]] = {}

    try:
        await three.fleet.limits()
    except* UnauthorizedError as refused:
        caught["refused"] = refused
    except* ConnectionFailedError as lost:
        caught["lost"] = lost

    for name, machine in (("refused", "b"), ("lost", "a")):
        error = caught[name]
        assert isinstance(error, FleetError)
        assert [machine] == list(error.failures)
        assert ["c"] == list(error.results)


def test_a_group_with_other_errors_is_a_plain_group() -> None:
    error = FleetError("x", {"a": ThreadsError("y")})

    assert type(error.derive([ValueError()])) is ExceptionGroup


def test_the_message_of_a_fleet_error_names_a_few_machines_and_the_number_of_the_others() -> None:
    from threads_async._fleet_error import fleet_error

    failures = {name: ThreadsError("it failed") for name in "abcde"}

    error = fleet_error(failures, "edcbaxyzw")

    assert isinstance(error, FleetError)
    assert "5 of 9 machines failed" == error.message
    assert "5 of 9 machines failed: e: it failed; d: it failed; c: it failed; and 2 more" == str(error)
    assert "1 of 1 machine failed: a: it failed" == str(fleet_error({"a": failures["a"]}, "a"))
    assert repr(error).startswith("FleetError('5 of 9 machines failed', failures={'e': ThreadsError('it failed')")


def test_a_fleet_error_can_be_pickled_and_copied_with_what_was_added_to_it() -> None:
    error = FleetError("2 of 3 machines failed", {"a": ServerError("x", status=500), "b": ThreadsError("y")}, {"c": 1})
    error.add_note("a note")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (FleetError, repr(error), str(error)) == (type(twin), repr(twin), str(twin))
        assert error.results == twin.results
        assert [repr(one) for one in error.exceptions] == [repr(one) for one in twin.exceptions]
        assert ["a note"] == twin.__notes__
