"""The threads of a farm of separate processes, which only Dask can reach."""

import asyncio
import logging
import os
import pickle
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import distributed
import pytest
from dask_farm import (
    KILL,
    MACHINES,
    SAME_PORT,
    THREADS,
    Farm,
    ask_about,
    ask_about_async,
    asked_about,
    canary_of,
    farm_of_processes,
    killing,
    kind_of,
    leak,
    mixed,
    mixed_async,
)
from distributed.comm import tcp

from threads_async import (
    ConfigurationError,
    ConnectionFailedError,
    FleetError,
    FleetThread,
    ThreadsClient,
    ThreadsError,
)
from threads_async.dask import CallError, ThreadOutcome, WorkerError, map_threads, threads_of_workers
from threads_async.testing import Fault, SeenRequest

T = TypeVar("T")
LAST_100 = THREADS - 100
LAST_40 = THREADS - 40


@pytest.fixture(scope="module")
def whole_farm() -> Iterator[Farm]:
    with farm_of_processes() as farm:
        yield farm


@pytest.fixture
async def farm(whole_farm: Farm) -> Farm:
    whole_farm.quiet()
    await whole_farm.complete()
    return whole_farm


def connected_to(farm: Farm) -> distributed.Client:
    return distributed.Client(farm.cluster.scheduler_address, asynchronous=True, set_as_default=False)


@pytest.fixture(params=["asynchronous", "synchronous"])
async def dask_client(request: pytest.FixtureRequest, farm: Farm) -> AsyncIterator[distributed.Client]:
    if request.param == "synchronous":
        yield farm.client
    else:
        async with connected_to(farm) as client:
            yield client


@pytest.fixture
async def async_client(farm: Farm) -> AsyncIterator[distributed.Client]:
    async with connected_to(farm) as client:
        yield client


async def all_of(iterator: AsyncIterator[T]) -> tuple[list[T], ThreadsError | None]:
    """Return all items up to the end or to an error, and the error."""
    items: list[T] = []
    try:
        async for item in iterator:
            items.append(item)  # noqa: PERF401 - a comprehension would lose the items before the error
    except ThreadsError as error:
        return items, error
    return items, None


def found_by(items: list[FleetThread]) -> list[tuple[str, str | None]]:
    return [(found.machine, found.thread.thread_token) for found in items]


async def test_all_50_000_threads_of_five_machines_are_listed_once_each(
    farm: Farm, async_client: distributed.Client
) -> None:
    found = found_by([found async for found in threads_of_workers(async_client)])

    assert 50_000 == len(found)
    assert farm.expected(*MACHINES) == set(found)


async def test_the_machines_can_be_chosen_by_name_and_by_address(farm: Farm, dask_client: distributed.Client) -> None:
    address = next(address for address, name in farm.names.items() if name == "office-2")
    chosen = ["office-1", address, "office-2"]
    found = found_by([found async for found in threads_of_workers(dask_client, workers=chosen, start=LAST_100)])

    assert 200 == len(found)
    assert farm.expected("office-1", "office-2", start=LAST_100) == set(found)


async def test_an_unknown_worker_is_an_error_before_anything_is_listed(
    farm: Farm, async_client: distributed.Client
) -> None:
    with pytest.raises(ConfigurationError, match="no worker 'office-9'") as caught:
        await anext(threads_of_workers(async_client, workers=["office-1", "office-9"]))

    assert "workers" == caught.value.parameter
    assert [] == [request for server in farm.servers.values() for request in server.requests]


async def test_a_dead_server_hides_nothing_and_is_named_with_its_own_error(
    farm: Farm, async_client: distributed.Client
) -> None:
    await farm.servers["office-3"].stop()
    try:
        found, error = await all_of(threads_of_workers(async_client, start=LAST_100))
    finally:
        await farm.servers["office-3"].start()

    alive = [name for name in MACHINES if name != "office-3"]
    assert 400 == len(found)
    assert farm.expected(*alive, start=LAST_100) == set(found_by(found))
    assert isinstance(error, FleetError)
    assert ["office-3"] == list(error.failures)
    failure = error.failures["office-3"]
    assert isinstance(failure, ConnectionFailedError)
    assert 3 == failure.attempts
    assert f"GET {farm.servers['office-3'].url}/v1/threads" in failure.request
    assert vars(failure) == vars(pickle.loads(pickle.dumps(error)).failures["office-3"])


async def test_a_worker_that_is_killed_is_that_machines_failure_and_a_resumed_iterator_misses_nothing(
    farm: Farm,
) -> None:
    def kill(request: SeenRequest) -> None:
        if request.parameters["start"] == "3000":
            server.on_request = None
            os.kill(pid, KILL)

    server = farm.servers["office-2"]
    pid = {farm.names[address]: pid for address, pid in farm.client.run(os.getpid).items()}["office-2"]
    server.on_request = kill
    async with threads_of_workers(farm.client) as iterator:
        found, error = await all_of(iterator)
        before = Counter(one.machine for one in found)
        await farm.complete()
        iterator.resume()
        again, after = await all_of(iterator)
        found += again

    assert None is after
    assert isinstance(error, FleetError)
    failures = error.failures
    assert {name: THREADS if name != "office-2" else 3000 for name in MACHINES} == before
    assert ["office-2"] == list(failures)
    assert isinstance(failures["office-2"], WorkerError)
    assert "worker office-2 was lost" == str(failures["office-2"])
    assert 50_000 == len(found)
    assert farm.expected(*MACHINES) == set(found_by(found))


@pytest.mark.parametrize(
    ("dask_client", "function"), [("asynchronous", mixed), ("synchronous", mixed_async)], indirect=["dask_client"]
)
async def test_every_thread_of_five_machines_has_one_outcome_whatever_the_function_does(
    farm: Farm, dask_client: distributed.Client, function: Any
) -> None:
    outcomes: list[ThreadOutcome[str]] = [one async for one in map_threads(dask_client, function, start=LAST_100)]

    kinds = Counter("fails" if outcome.error else outcome.result for outcome in outcomes)
    assert 500 == len(outcomes)
    assert farm.expected(*MACHINES, start=LAST_100) == {(one.machine, one.thread.thread_token) for one in outcomes}
    assert {"returns", "fails", "sleeps"} == set(kinds)
    assert {"LookupError('fails')"} == {repr(one.error) for one in outcomes if one.error}
    notes = next("".join(one.error.__notes__) for one in outcomes if one.error)
    assert "raise LookupError(kind)" in notes


@pytest.mark.parametrize(
    ("dask_client", "function"),
    [("asynchronous", ask_about_async), ("synchronous", ask_about)],
    indirect=["dask_client"],
)
async def test_a_function_runs_on_the_machine_of_its_thread_and_once_for_each(
    farm: Farm, dask_client: distributed.Client, function: Any
) -> None:
    outcomes = [one async for one in map_threads(dask_client, function, start=THREADS - 20)]

    assert 100 == sum(one.result is True for one in outcomes)
    for name, server in farm.servers.items():
        asked = Counter(token for request in server.requests if (token := asked_about(request)))
        assert dict.fromkeys([thread.thread_token for thread in server.threads[-20:]], 1) == asked
        assert {20} == {sum(one.machine == name for one in outcomes)}


@pytest.mark.parametrize(
    ("dask_client", "machine"), [("asynchronous", "office-1"), ("synchronous", SAME_PORT)], indirect=["dask_client"]
)
async def test_a_worker_that_is_killed_by_a_call_leaves_unknown_outcomes_and_no_call_is_made_twice(
    farm: Farm, dask_client: distributed.Client, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if machine == SAME_PORT:
        # Wait until Dask has repeated the tasks in the new process, instead of noticing the loss before.
        monkeypatch.setattr("threads_async._lookout._INTERVAL", 30.0)
    server = farm.servers[machine]
    chosen = server.threads[LAST_40 + 20]
    outcomes, error = await all_of(map_threads(dask_client, killing(chosen.thread_token), start=LAST_40))
    await farm.complete()

    assert isinstance(error, FleetError)
    assert {machine: WorkerError} == {name: type(one) for name, one in error.failures.items()}
    verb = "restarted" if machine == SAME_PORT else "lost"
    assert f"1 of 5 machines failed: {machine}: worker {machine} was {verb}" == str(error)
    others = [one for one in outcomes if one.machine != machine]
    assert farm.expected(*(set(MACHINES) - {machine}), start=LAST_40) == {
        (one.machine, one.thread.thread_token) for one in others
    }
    assert {None} == {one.error for one in others}
    there = [one for one in outcomes if one.machine == machine]
    unknown = [one for one in there if one.error is not None]
    assert chosen.thread_token in {one.thread.thread_token for one in unknown}
    # Four calls are in flight at a time.
    assert 1 <= len(unknown) <= 4
    assert {True} == {isinstance(one.error, WorkerError) and one.error.unknown for one in unknown}
    called = Counter(token for request in server.requests if (token := asked_about(request)))
    assert 1 == called[chosen.thread_token or ""]
    assert {1} == set(called.values())
    assert set(called) <= {one.thread.thread_token for one in there}
    assert {one.thread.thread_token for one in there if one.error is None} <= set(called)


async def test_a_loop_that_is_left_leaves_no_task_in_the_cluster(farm: Farm, dask_client: distributed.Client) -> None:
    before = asyncio.all_tasks()
    async with map_threads(dask_client, mixed_async, at_once=20) as outcomes:
        await anext(outcomes)
    async with threads_of_workers(dask_client, prefetch=3) as threads:
        await anext(threads)
    # Dask may still be transferring an answer, which must not be cancelled.
    while farm.cluster.scheduler.tasks or asyncio.all_tasks() - before:
        await asyncio.sleep(0.01)

    assert 5 == await asyncio.to_thread(lambda: farm.client.submit(int, 5, pure=False).result())


class _Wire:
    """Everything that this process sends and receives: the client and the scheduler are in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.frames: list[bytes] = []
        for name in ("to_frames", "from_frames"):
            monkeypatch.setattr(f"distributed.comm.tcp.{name}", self._recording(getattr(tcp, name)))

    def _recording(self, original: Any) -> Any:
        async def record(data: Any, *args: Any, **kwargs: Any) -> Any:
            made = await original(data, *args, **kwargs)
            frames = made if isinstance(made, list) else data
            self.frames += [bytes(frame) for frame in frames]
            return made

        return record


async def test_the_api_tokens_appear_nowhere(
    farm: Farm, dask_client: distributed.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire = _Wire(monkeypatch)
    seen: list[object] = [one async for one in threads_of_workers(dask_client, start=LAST_100)]
    seen += [one async for one in map_threads(dask_client, ask_about_async, start=THREADS - 4)]
    outcomes = [one async for one in map_threads(dask_client, leak, start=THREADS - 4)]
    seen += outcomes
    for server in farm.servers.values():
        server.fail_next(3, Fault(500, f"the token {server.token} is wrong".encode(), {"Content-Type": "text/plain"}))
    with pytest.raises(FleetError) as caught:
        await anext(threads_of_workers(dask_client))
    assert "the token … is wrong" in str(caught.value)
    seen.append(caught.value)
    logs = farm.client.get_worker_logs()
    scheduler = farm.cluster.scheduler
    story = f"{list(scheduler.transition_log)} {scheduler.get_logs()} {dict(scheduler._broker._topics)}"
    places = {
        "values": pickle.dumps(seen),
        "reprs": repr(seen).encode(),
        "wire": b"".join(wire.frames),
        "records": "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records).encode(),
        "worker logs": repr(logs).encode(),
        "scheduler": story.encode(),
    }

    assert {CallError} == {type(one.error) for one in outcomes}
    # The search finds what is there: the thread tokens, which are data, and the keys of the tasks.
    assert pickle.dumps(farm.servers["office-1"].threads[-1].thread_token)[-100:-40] in places["values"]
    assert (farm.servers["office-1"].threads[-1].thread_token or "").encode() in places["wire"]
    assert b"threads_async-page-" in places["scheduler"]
    assert {name: [] for name in places} == {
        name: [machine for machine in MACHINES if canary_of(machine).encode() in content]
        for name, content in places.items()
    }


async def test_a_class_that_the_worker_cannot_import_can_be_a_result(async_client: distributed.Client) -> None:
    class Found(dict[str, Any]):
        """A class in a function, which is pickled by value like a class of a script."""

    outcomes = map_threads(async_client, lambda thread: Found(token=thread.thread_token), start=THREADS - 2)

    assert {(Found, True)} == {
        (type(one.result), one.result == {"token": one.thread.thread_token}) async for one in outcomes
    }


@pytest.mark.parametrize("kind", ["fails", "sleeps", "returns"])
async def test_the_functions_of_the_farm_do_what_they_say(
    farm: Farm, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: what they do in the workers cannot be seen there."""
    killed: list[tuple[int, int]] = []
    server = farm.servers["office-1"]
    monkeypatch.setenv("ZB_API_TOKEN", server.token)
    monkeypatch.setenv("ZB_API_BASE_URL", server.url)
    monkeypatch.setattr(os, "kill", lambda *arguments: killed.append(arguments))
    async with ThreadsClient() as client:
        threads = await client.threads(start=LAST_40).collect()
    thread = next(thread for thread in threads if kind_of(thread) == kind)

    if kind == "fails":
        with pytest.raises(LookupError, match=kind):
            mixed(thread)
        with pytest.raises(LookupError, match=kind):
            await mixed_async(thread)
    else:
        assert [kind, kind] == [mixed(thread), await mixed_async(thread)]
    assert await asyncio.to_thread(killing(thread.thread_token), thread)
    assert await asyncio.to_thread(killing("another"), thread)
    assert [(os.getpid(), KILL)] == killed
    tokens = set[str]()
    for one in threads:
        try:
            tokens.add(f"returned {leak(one)}")
        except LookupError as error:
            tokens.add(f"raised {error}")
    assert {f"returned {server.token}", f"raised {server.token}"} == tokens
