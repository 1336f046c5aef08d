"""Lost workers, odd answers and limits of calls, with a Dask client whose workers are in this process."""

import asyncio
import contextlib
import gc
import logging
import pickle
import threading
import traceback
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar

import distributed
import pytest
from dask_stub import StubClient
from virtual_time import run

from threads_async import ClientClosedError, ConfigurationError, DecodeError, ExecutionThread, FleetError, FleetThread
from threads_async import _on_worker as on_worker
from threads_async._answers import Answer, CallError, Parcel, packed
from threads_async._lookout import Lookout, Worker
from threads_async.dask import WorkerError, map_threads, threads_of_workers
from threads_async.testing import FakeServer, Fault, SeenRequest

T = TypeVar("T")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeServer]:
    """The server of all workers."""
    async with FakeServer(25) as server:
        set_environment(monkeypatch, server)
        yield server


def set_environment(monkeypatch: pytest.MonkeyPatch, server: FakeServer) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", server.token)
    monkeypatch.setenv("ZB_API_BASE_URL", server.url)


def run_with_server(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[FakeServer], Coroutine[Any, Any, T]], threads: int = 25
) -> T:
    """Run `work` in virtual time."""

    async def main() -> T:
        async with FakeServer(threads) as server:
            set_environment(monkeypatch, server)
            return await work(server)

    return run(main())


async def all_of(iterator: AsyncIterator[T]) -> tuple[list[T], BaseException | None]:
    """Return all items up to the end or to an error, and the error."""
    items: list[T] = []
    try:
        async for item in iterator:
            items.append(item)  # noqa: PERF401 - a comprehension would lose the items before the error
    except Exception as error:  # noqa: BLE001 - it is looked at
        return items, error
    return items, None


def number_of(thread: ExecutionThread) -> str | None:
    return thread.thread_token


async def number_of_async(thread: ExecutionThread) -> str | None:
    await asyncio.sleep(0)
    return thread.thread_token


# What is refused before anything is sent.


@pytest.mark.parametrize(
    ("parameters", "parameter", "message"),
    [
        ({"dask_client": "tcp://scheduler:8786"}, "dask_client", "must be a distributed.Client"),
        ({"workers": "office-1"}, "workers", "must be a collection of strings"),
        ({"workers": []}, "workers", "must be a collection of strings"),
        ({"workers": [1]}, "workers", "must be a collection of strings"),
        ({"workers": 1}, "workers", "must be a collection of strings"),
        ({"thread_token": "eyJ"}, "thread_token", "is refused: it would be in the tasks of Dask"),
        ({"total": 0}, "total", "from 1"),
        ({"max_items": -1}, "max_items", "0 or more"),
    ],
)
async def test_an_invalid_parameter_is_an_error_at_once(
    parameters: dict[str, Any], parameter: str, message: str
) -> None:
    client = StubClient({"a": 4})
    for function in (threads_of_workers, lambda dask_client, **rest: map_threads(dask_client, number_of, **rest)):
        with pytest.raises(ConfigurationError, match=message) as caught:
            function(**{"dask_client": client, **parameters})
        assert parameter == caught.value.parameter


async def test_on_error_must_be_one_of_two_words() -> None:
    with pytest.raises(ConfigurationError, match="'continue' or 'stop'"):
        threads_of_workers(StubClient({"a": 4}), on_error="ignore")  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize("at_once", [0, True, "4"])
async def test_at_once_must_be_a_number_above_zero(at_once: Any) -> None:
    with pytest.raises(ConfigurationError, match="at_once must be an integer from 1"):
        map_threads(StubClient({"a": 4}), number_of, at_once=at_once)


async def test_a_function_that_cannot_be_pickled_is_an_error_without_its_variables() -> None:
    lock, secret = threading.Lock(), "eyJhbGciOi.secret.token"

    with pytest.raises(ConfigurationError, match=r"function cannot be pickled: TypeError: cannot pickle") as caught:
        map_threads(StubClient({"a": 4}), lambda _: (lock, secret))

    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert [__name__, "threads_async.dask"] == [frame.f_globals["__name__"] for frame in frames]
    assert "function" not in frames[1].f_locals
    assert None is caught.value.__context__


async def test_what_cannot_be_called_is_no_function() -> None:
    with pytest.raises(ConfigurationError, match="function must be callable"):
        map_threads(StubClient({"a": 4}), "function")  # type: ignore[call-overload]  # that is the mistake


# The workers.


async def test_names_are_texts_and_equal_ones_are_told_apart_by_address(server: FakeServer) -> None:
    client = StubClient({1: 4, "b": 4})
    client.workers["tcp://other"] = ("1", 4)

    found = [found async for found in threads_of_workers(client)]

    assert {"1": 25, "b": 25, "tcp://other": 25} == Counter(one.machine for one in found)
    assert {FleetThread} == {type(one) for one in found}


async def test_an_empty_cluster_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(WorkerError, match="the Dask cluster has no workers"):
        await anext(threads_of_workers(StubClient({})))


async def test_no_worker_is_asked_for_no_threads() -> None:
    client = StubClient({})

    assert [] == [one async for one in threads_of_workers(client, max_items=0)]
    assert [] == [one async for one in map_threads(client, number_of, max_items=0)]


async def test_a_worker_with_one_slot_is_logged_once_for_each_call(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = StubClient({"a": 1, "b": 2})
    await all_of(threads_of_workers(client, total=2))
    await all_of(map_threads(client, number_of))

    assert ["threads_async", "threads_async"] == [record.name for record in caplog.records]
    assert {logging.WARNING} == {record.levelno for record in caplog.records}
    assert [
        "worker a has only one thread (--nthreads 1), so its pages and calls wait for each other: give it 4 or more"
    ] * 2 == caplog.messages


async def test_the_keys_of_the_tasks_are_different_and_contain_nothing(server: FakeServer) -> None:
    client = StubClient({"a": 4})
    await all_of(threads_of_workers(client, total=10))
    await all_of(threads_of_workers(client, total=10))
    await all_of(map_threads(client, number_of, max_items=2))

    keys = [key for _, key, _ in client.submitted]
    assert len(keys) == len(set(keys))
    assert {"threads_async-page": 7, "threads_async-call": 2} == Counter(key.rpartition("-")[0] for key in keys)
    assert {32} == {len(key.rpartition("-")[2]) for key in keys}


# What Dask does wrong, or what is lost.


@pytest.mark.parametrize("status", ["closing", "closed"])
async def test_a_closed_client_is_an_error_of_ours(status: str) -> None:
    client = StubClient({"a": 4})
    client.status = status

    with pytest.raises(ClientClosedError, match="the Dask client is closed"):
        await anext(threads_of_workers(client))


async def test_a_client_that_was_never_connected_is_an_error_of_ours() -> None:
    client = StubClient({"a": 4})
    client.scheduler = None

    with pytest.raises(ClientClosedError, match="not connected"):
        await anext(map_threads(client, number_of))


async def test_a_client_of_a_loop_that_has_ended_is_an_error_of_ours() -> None:
    client = StubClient({"a": 4})
    ended = asyncio.new_event_loop()
    ended.close()
    client.loop = SimpleNamespace(asyncio_loop=ended)

    with pytest.raises(ClientClosedError, match="the event loop of the Dask client has ended"):
        await anext(threads_of_workers(client))


async def test_a_scheduler_that_does_not_answer_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object, n_workers: int) -> None:
        raise OSError("gone")

    monkeypatch.setattr(StubClient, "identity", fail)

    with pytest.raises(WorkerError, match=r"the Dask scheduler cannot be reached \(OSError: gone\)") as caught:
        await anext(threads_of_workers(StubClient({"a": 4})))
    assert caught.value.__context__ is None
    assert "" == caught.value.worker


def failing(error: Exception) -> Callable[[str, Any], None]:
    def fail(address: str, _: object) -> None:
        if address == "tcp://a":
            raise error

    return fail


async def test_an_error_of_dask_is_that_machines_failure(server: FakeServer) -> None:
    client = StubClient({"a": 4, "b": 4})
    client.before = failing(RuntimeError(""))

    found, error = await all_of(threads_of_workers(client))

    assert 25 == len(found)
    assert isinstance(error, FleetError)
    assert {"a": "worker a was lost, or cannot run the task (RuntimeError)"} == {
        name: str(one) for name, one in error.failures.items()
    }


async def test_a_task_that_cannot_be_submitted_is_that_machines_failure(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TypeError("cannot be sent")

    monkeypatch.setattr(StubClient, "submit", fail)

    _, error = await all_of(threads_of_workers(StubClient({"a": 4})))

    assert "1 of 1 machine failed: a: worker a was lost, or cannot run the task (TypeError: cannot be sent)" == str(
        error
    )


async def test_a_client_that_closes_meanwhile_is_closed_and_not_a_lost_worker(server: FakeServer) -> None:
    def close(_: str, __: object) -> None:
        client.status = "closed"
        raise distributed.client.FutureCancelledError("key", "client-closed")

    client = StubClient({"a": 4})
    client.before = close

    _, error = await all_of(threads_of_workers(client))

    assert ClientClosedError is type(error)


async def test_an_answer_of_another_version_is_that_machines_failure(server: FakeServer) -> None:
    client = StubClient({"a": 4, "b": 4})
    unreadable = Parcel(b"cno_such_module\nPage\n.")
    answers: list[Callable[[Answer], Any]] = [lambda _: 5, lambda answer: Answer(answer.process, "done", unreadable)]

    def replace(answer: Answer) -> Any:
        return answers.pop()(answer)

    client.answer = replace

    _, error = await all_of(threads_of_workers(client))

    assert isinstance(error, FleetError)
    assert [
        "another version of threads-async",
        "another version of threads-async: ModuleNotFoundError: No module named 'no_such_module'",
    ] == sorted(str(one).partition(" has ")[2] for one in error.failures.values())


async def test_an_error_of_the_client_on_the_worker_arrives_as_it_is(server: FakeServer) -> None:
    server.fault_for = lambda _: Fault(200, b"<html>")

    _, error = await all_of(threads_of_workers(StubClient({"a": 4})))

    assert isinstance(error, FleetError)
    assert isinstance(error.failures["a"], DecodeError)
    assert "items" not in error.failures["a"].path
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


def test_a_lost_worker_is_noticed_within_half_a_second_and_its_name_can_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(server: FakeServer) -> None:
        def lose(request: SeenRequest) -> None:
            if request.parameters["start"] == "10":
                client.workers.pop("tcp://a", None)

        client = StubClient({"a": 4, "b": 4})
        server.on_request = lose
        iterator = threads_of_workers(client, total=10)
        found, error = await all_of(iterator)
        assert asyncio.get_running_loop().time() <= 1.1
        assert isinstance(error, FleetError)
        assert {"a": "worker a was lost"} == {name: str(one) for name, one in error.failures.items()}
        assert {"a": 10, "b": 25} == Counter(one.machine for one in found)

        iterator.resume()
        again, error = await all_of(iterator)
        assert [] == again
        assert isinstance(error, FleetError)
        assert "worker a is not there" == str(error.failures["a"])

        client.workers["tcp://elsewhere"] = ("a", 4)
        server.on_request = None
        iterator.resume()
        again, error = await all_of(iterator)
        assert None is error
        assert {"a": 15} == Counter(one.machine for one in again)
        assert 25 == len({one.thread.thread_token for one in found + again if one.machine == "a"})

    run_with_server(monkeypatch, work)


def test_a_scheduler_that_is_lost_ends_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(server: FakeServer) -> None:
        async def fail() -> dict[str, int]:
            raise OSError("gone")

        client = StubClient({"a": 4, "b": 4})
        monkeypatch.setattr(client, "ncores", fail)
        server.on_request = lambda _: asyncio.Event().wait()
        found, error = await all_of(threads_of_workers(client))
        assert [] == found
        assert isinstance(error, FleetError)
        assert {"the Dask scheduler cannot be reached (OSError: gone)"} == {str(one) for one in error.failures.values()}
        first, second = error.failures.values()
        assert first is not second

    run_with_server(monkeypatch, work)


async def test_a_wait_that_ends_does_not_disturb_the_next_one() -> None:
    lookout = Lookout(StubClient({"a": 4}).ncores)
    worker = Worker("a", "tcp://a", 4)
    lookout.forget(lookout.expect(worker))
    lost = lookout.expect(worker)
    await asyncio.sleep(0.01)

    assert not lost.done()
    lookout.forget(lost)


async def test_nobody_waits_forever_if_looking_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled() -> list[str]:
        raise asyncio.CancelledError

    monkeypatch.setattr("threads_async._lookout._INTERVAL", 0)
    lookout = Lookout(cancelled)
    first = lookout.expect(Worker("a", "tcp://a", 4))
    assert isinstance(await first, ClientClosedError)
    second = lookout.expect(Worker("a", "tcp://a", 4))
    assert isinstance(await second, ClientClosedError)

    for lost in (first, second):
        lookout.forget(lost)


def test_an_error_of_the_cluster_is_told_once_to_each_who_waits() -> None:
    async def work() -> None:
        async def fail() -> list[str]:
            raise WorkerError("gone")

        lookout = Lookout(fail)
        first = lookout.expect(Worker("a", "tcp://a", 4))
        await asyncio.sleep(0.6)
        second = lookout.expect(Worker("a", "tcp://a", 4))
        before = first.result()
        await asyncio.sleep(0.6)
        assert before is first.result()
        assert ["gone", "gone"] == [str(first.result()), str(second.result())]
        for lost in (first, second):
            lookout.forget(lost)

    run(work())


def test_only_those_who_wait_for_a_lost_worker_are_told() -> None:
    async def work() -> None:
        async def addresses() -> list[str]:
            return ["tcp://b"]

        lookout = Lookout(addresses)
        first, second, other = (lookout.expect(Worker(name, f"tcp://{name}", 4)) for name in "aab")
        await asyncio.sleep(0.6)
        assert [True, True, False] == [first.done(), second.done(), other.done()]
        await asyncio.sleep(0.6)
        for lost in (first, second, other):
            lookout.forget(lost)

    run(work())


async def test_a_transfer_that_others_wait_for_is_not_cancelled_with_one_wait(server: FakeServer) -> None:
    """A cancelled `gather` breaks a client of Dask for good: it attaches every later one to the cancelled one."""
    ended: list[str] = []
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    may_end, begun = asyncio.Event(), asyncio.Event()

    class Slow(StubClient):
        async def gather(self, future: Any, *, asynchronous: bool) -> Any:  # type: ignore[override]  # as in the stub
            begun.set()
            try:
                await may_end.wait()
            finally:
                ended.append("complete" if may_end.is_set() else "cancelled")
            raise distributed.client.FutureCancelledError("key", "nobody waits for it any more")

    async with threads_of_workers(Slow({"a": 4})) as iterator:
        task = asyncio.ensure_future(anext(iterator))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
    may_end.set()
    await turns()
    gc.collect()

    assert ["complete"] == ended
    assert [] == reports


async def test_a_transfer_that_somebody_else_cancels_is_that_machines_failure(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(*_: object, asynchronous: bool) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(StubClient, "gather", cancelled)

    _, error = await all_of(threads_of_workers(StubClient({"a": 4})))

    assert "1 of 1 machine failed: a: Dask cancelled the transfer of an answer (CancelledError)" == str(error)


# The outcomes.


@pytest.mark.parametrize("function", [number_of, number_of_async])
async def test_each_thread_is_passed_to_the_function_once(
    server: FakeServer, function: Callable[[ExecutionThread], Any]
) -> None:
    outcomes = [one async for one in map_threads(StubClient({"a": 4, "b": 4}), function, total=10)]

    assert {(name, thread.thread_token) for name in "ab" for thread in server.threads} == {
        (one.machine, one.result) for one in outcomes
    }
    assert 50 == len(outcomes)
    assert {True} == {one.result == one.thread.thread_token and one.error is None for one in outcomes}
    assert "result" not in repr(outcomes[0])


async def test_no_more_calls_than_at_once_are_in_flight_on_a_worker(server: FakeServer) -> None:
    now, most, everywhere = Counter[str](), Counter[str](), 0

    async def note(answer: Any, address: str) -> Any:
        nonlocal everywhere
        now[address] += 1
        most[address] = max(most[address], now[address])
        everywhere = max(everywhere, now.total())
        await asyncio.sleep(0)
        now[address] -= 1
        return answer

    class Counting(StubClient):
        async def _run_task(self, address: str, function: Any, arguments: tuple[Any, ...]) -> Any:
            answer = await super()._run_task(address, function, arguments)
            return answer if function is on_worker.fetch else await note(answer, address)

    outcomes = [one async for one in map_threads(Counting({"a": 4, "b": 4}), number_of, at_once=3, total=10)]

    assert 50 == len(outcomes)
    assert {"tcp://a": 3, "tcp://b": 3} == most
    assert 6 == everywhere


async def test_the_next_page_is_requested_when_the_last_one_was_passed_on(server: FakeServer) -> None:
    async with map_threads(StubClient({"a": 4}), number_of, total=10, at_once=2) as outcomes:
        starts: list[list[str]] = []
        for _ in range(9):
            await anext(outcomes)
            starts.append([request.parameters["start"] for request in server.requests])

    assert [["0"]] * 8 == starts[:8]


async def test_at_most_one_page_of_a_worker_is_in_flight(server: FakeServer) -> None:
    pages: list[int] = []
    async with map_threads(StubClient({"a": 4}), number_of, total=5, at_once=3) as outcomes:
        async for _ in outcomes:
            pages.append(sum(thread is None for _, thread in outcomes._flights.values()))  # noqa: PERF401 - it is read between two outcomes

    assert {0, 1} == set(pages)


async def test_the_next_call_begins_before_an_outcome_is_returned(server: FakeServer) -> None:
    client = StubClient({"a": 4})
    async with map_threads(client, number_of, at_once=1) as outcomes:
        for number in range(1, 4):
            await anext(outcomes)
            await turns()
            assert 1 + number == sum(name == "call" for _, _, name in client.submitted)


@pytest.mark.parametrize("prefetch", [0, 3])
async def test_max_items_limits_the_calls_on_all_machines_together(server: FakeServer, prefetch: int) -> None:
    def hold(request: SeenRequest) -> Coroutine[Any, Any, object] | None:
        return asyncio.Event().wait() if request.parameters["start"] == "9" else None

    client = StubClient({"a": 4, "b": 4})
    server.on_request = hold
    iterator = map_threads(client, number_of, total=3, max_items=10, prefetch=prefetch)
    outcomes = [one async for one in iterator]
    await turns()

    assert not client.busy
    assert 10 == len(outcomes)
    assert 10 == sum(name == "call" for _, _, name in client.submitted)


async def test_a_page_that_is_not_needed_any_more_is_not_awaited(server: FakeServer) -> None:
    class Holding(StubClient):
        async def _run_task(self, address: str, function: Any, arguments: tuple[Any, ...]) -> Any:
            asked = [name for where, _, name in self.submitted if where == address == "tcp://a"]
            if function is on_worker.fetch and asked.count("fetch") == 2:
                await asyncio.Event().wait()
            return await super()._run_task(address, function, arguments)

    client = Holding({"a": 4, "b": 4})
    outcomes, error = await all_of(map_threads(client, number_of, total=5, max_items=20))
    await turns()

    assert None is error
    assert {"a": 5, "b": 15} == Counter(one.machine for one in outcomes)
    assert not client.busy


async def test_a_server_that_fails_takes_back_no_call_and_lists_nothing_more(server: FakeServer) -> None:
    server.fault_for = lambda request: Fault(404) if request.parameters["start"] == "10" else None
    iterator = map_threads(StubClient({"a": 4}), number_of, total=10)

    outcomes, error = await all_of(iterator)

    assert {thread.thread_token for thread in server.threads[:10]} == {one.result for one in outcomes}
    assert isinstance(error, FleetError)
    assert ["a"] == list(error.failures) == list(iterator.failures)
    again, error = await all_of(iterator)
    assert ([], True) == (again, isinstance(error, FleetError))


def test_the_calls_in_flight_on_a_lost_worker_are_unknown_and_no_others_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(server: FakeServer) -> None:
        def lose(address: str, function: Any) -> None:
            if address == "tcp://a" and function is on_worker.call:
                calls.append(address)
                if len(calls) == 7:
                    del client.workers[address]

        calls: list[str] = []
        client = StubClient({"a": 4, "b": 4})
        client.before = lose
        outcomes, error = await all_of(map_threads(client, number_of))
        assert isinstance(error, FleetError)
        assert {"a": "worker a was lost"} == {name: str(one) for name, one in error.failures.items()}
        there = [one for one in outcomes if one.machine == "a"]
        unknown = [one.error for one in there if one.error is not None]
        assert 25 == len(outcomes) - len(there)
        assert len(calls) == len(there) < 25
        assert 1 <= len(unknown) <= 4
        for one in unknown:
            assert isinstance(one, WorkerError)
            assert (True, "a") == (one.unknown, one.worker)
            assert "worker a was lost: it is unknown whether the function has run for this thread" == str(one)
            assert vars(one) == vars(pickle.loads(pickle.dumps(one)))

    run_with_server(monkeypatch, work)


async def test_a_worker_that_was_restarted_is_called_no_more(server: FakeServer) -> None:
    client = StubClient({"a": 4})
    client.answer = lambda answer: answer if answer.parcel.open() is not None else restarted
    restarted = Answer("another", "restarted", packed(None))

    outcomes, error = await all_of(map_threads(client, lambda _: None))

    assert "1 of 1 machine failed: a: worker a was restarted" == str(error)
    assert 4 <= len(outcomes) < 25
    assert {"worker a was restarted: it is unknown whether the function has run for this thread"} == {
        str(one.error) for one in outcomes
    }


async def test_a_repeated_call_is_unknown_and_the_worker_goes_on(server: FakeServer) -> None:
    client = StubClient({"a": 4})
    answers = iter(range(100))
    repeated = Answer("", "repeated", packed(None))
    client.answer = lambda answer: repeated if next(answers) == 5 else answer

    outcomes, error = await all_of(map_threads(client, number_of))

    assert None is error
    assert 25 == len(outcomes)
    (unknown,) = [one.error for one in outcomes if one.error]
    assert isinstance(unknown, WorkerError)
    assert unknown.unknown
    assert str(unknown).startswith("Dask lost the answer of worker a: it is unknown")


async def test_a_result_that_cannot_be_unpickled_here_is_the_error_of_its_call(server: FakeServer) -> None:
    client = StubClient({"a": 4})
    unreadable = Parcel(b"cno_such_module\nPage\n.")
    client.answer = lambda answer: answer if answer.parcel.open() else Answer(answer.process, "done", unreadable)

    outcomes, error = await all_of(map_threads(client, lambda _: None, max_items=1))

    assert None is error
    assert [CallError] == [type(one.error) for one in outcomes]
    assert "the result cannot be unpickled: ModuleNotFoundError: No module named 'no_such_module'" == str(
        outcomes[0].error
    )


async def test_an_unknown_worker_is_an_error_that_a_second_try_repeats() -> None:
    iterator = map_threads(StubClient({"a": 4}), number_of, workers=["b"])

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no worker 'b'") as caught:
            await anext(iterator)
        frames = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        assert [__name__, "threads_async._closing"] == frames


async def test_tasks_can_share_the_outcomes(server: FakeServer) -> None:
    iterator = map_threads(StubClient({"a": 4, "b": 4}), number_of_async)
    results = await asyncio.gather(*(all_of(iterator) for _ in range(5)))

    assert 50 == sum(len(outcomes) for outcomes, _ in results)
    assert 50 == len({(one.machine, one.result) for outcomes, _ in results for one in outcomes})


async def test_a_cancelled_wait_loses_no_outcome(server: FakeServer) -> None:
    iterator = map_threads(StubClient({"a": 4}), number_of_async)
    outcomes = []
    for turns in range(40):
        task = asyncio.ensure_future(anext(iterator))
        for _ in range(turns % 7):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            outcomes.append(await task)
    rest, error = await all_of(iterator)

    assert None is error
    assert {thread.thread_token for thread in server.threads} == {one.result for one in outcomes + rest}
    assert 25 == len(outcomes + rest)


async def turns() -> None:
    """Let all tasks end that have nothing to wait for."""
    for _ in range(20):
        await asyncio.sleep(0)


async def sleep_a_second(_: ExecutionThread) -> None:
    await asyncio.sleep(1)


async def never(_: ExecutionThread) -> None:
    await asyncio.Event().wait()


async def test_closing_cancels_the_calls_and_ends_the_iteration(server: FakeServer) -> None:
    before = asyncio.all_tasks()
    iterator = map_threads(StubClient({"a": 4}), never)
    waiting = asyncio.ensure_future(anext(iterator, None))
    while len(iterator._flights) < 4:
        await asyncio.sleep(0)
    await iterator.aclose()

    assert None is await waiting
    assert None is await anext(iterator, None)
    await turns()
    assert before == asyncio.all_tasks()


async def test_a_deleted_iterator_leaves_no_task(server: FakeServer) -> None:
    before = asyncio.all_tasks()
    iterator = map_threads(StubClient({"a": 4}), number_of_async)
    await anext(iterator)
    gone = weakref.ref(iterator)
    del iterator
    gc.collect()
    await turns()

    assert None is gone()
    assert before == asyncio.all_tasks()


async def test_a_call_that_is_cancelled_from_outside_is_unknown(server: FakeServer) -> None:
    iterator = map_threads(StubClient({"a": 4}), never, at_once=1, max_items=1)
    waiting = asyncio.ensure_future(anext(iterator))
    while not any(thread for _, thread in iterator._flights.values()):
        await asyncio.sleep(0)
    (task,) = iterator._flying._tasks.values()
    task.cancel()
    outcome = await waiting

    assert isinstance(outcome.error, WorkerError)
    assert outcome.error.unknown
    assert str(outcome.error).startswith("the call was cancelled")


@pytest.mark.parametrize("closed", [True, False])
async def test_a_page_that_is_cancelled_from_outside_is_requested_again_unless_the_client_is_closed(
    server: FakeServer, closed: bool
) -> None:
    client = StubClient({"a": 4})
    iterator = map_threads(client, number_of)
    waiting = asyncio.ensure_future(all_of(iterator))
    while not iterator._flights:
        await asyncio.sleep(0)
    client.status = "closed" if closed else "running"
    (task,) = iterator._flying._tasks.values()
    task.cancel()
    outcomes, error = await waiting

    assert (0, ClientClosedError) == (len(outcomes), type(error)) if closed else (25, None) == (len(outcomes), error)


async def test_an_unexpected_error_keeps_its_place_and_the_next_call_continues(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = on_worker.fetch
    client = StubClient({"a": 4})
    errors = [MemoryError("unexpected")]

    def pack(value: object) -> Parcel:
        if errors:
            raise errors.pop()
        return packed(value)

    monkeypatch.setattr("threads_async._remote.packed", pack)
    with pytest.raises(ConfigurationError):
        map_threads(client, number_of)
    errors[:] = []
    iterator = map_threads(client, number_of)
    errors[:] = [MemoryError("unexpected")]
    with pytest.raises(MemoryError):
        await anext(iterator)
    outcomes, error = await all_of(iterator)

    assert original is on_worker.fetch
    assert (25, None) == (len(outcomes), error)


def test_a_page_that_arrives_after_the_loss_of_its_worker_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(server: FakeServer) -> None:
        release = asyncio.Event()

        async def hold(request: SeenRequest) -> None:
            if request.parameters["start"] == "4":
                await release.wait()

        def refuse(answer: Answer) -> Answer:
            if answer.parcel.open() is None:
                release.set()
                return Answer("another", "restarted", packed(None))
            return answer

        client = StubClient({"a": 4})
        client.answer = refuse
        server.on_request = hold
        outcomes, error = await all_of(map_threads(client, sleep_a_second, total=4))
        assert 4 == len(outcomes)
        assert "1 of 1 machine failed: a: worker a was restarted" == str(error)

    run_with_server(monkeypatch, work)


def test_an_iterator_belongs_to_one_loop() -> None:
    async def first() -> Any:
        iterator = map_threads(StubClient({"a": 4}), number_of, max_items=0)
        assert None is await anext(iterator, None)
        return iterator

    iterator = asyncio.run(first())
    with pytest.raises(ClientClosedError, match="another event loop"):
        asyncio.run(anext_of(iterator))


async def anext_of(iterator: AsyncIterator[T]) -> T:
    return await anext(iterator)
