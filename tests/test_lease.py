"""A thread of your own: started, kept alive and stopped whatever happens, with nothing left behind."""

import asyncio
import gc
import json
import logging
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
from virtual_time import run

import threads_async
from threads_async import (
    ClientClosedError,
    ConfigurationError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StatusError,
    ThreadLease,
    ThreadLimitError,
    ThreadsClient,
)
from threads_async.testing import FakeServer, Fault, SeenRequest

PACKAGE = Path(threads_async.__file__).parent

Work = Callable[[FakeServer, ThreadsClient], Awaitable[None]]


def with_server(work: Work, *, left: int = 0, timeout: float = 30.0, attempts: int = 1, **parameters: Any) -> None:
    """Run `work` in virtual time, and check that no task and, except for `left`, no thread is left behind."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with FakeServer(threads=0, **parameters) as server:
            server.clock = loop.time
            retry = RetryPolicy(attempts=attempts)
            async with ThreadsClient(server.token, base_url=server.url, retry=retry, timeout=timeout) as client:
                before = asyncio.all_tasks()
                await work(server, client)
                # Tasks of the server end with their connections.
                assert [] == [task for task in asyncio.all_tasks() - before if is_ours(task)]
            assert left == len(server.threads)

    run(main())


def is_ours(task: "asyncio.Task[Any]") -> bool:
    """Return whether `task` runs a function of the package, except those of `threads_async.testing`."""
    coroutine: Any = task.get_coro()
    module = Path(coroutine.cr_code.co_filename)
    return PACKAGE in module.parents and PACKAGE / "testing" not in module.parents


def now() -> float:
    return asyncio.get_running_loop().time()


def methods(server: FakeServer) -> list[str]:
    return [seen.method for seen in server.requests]


# The usual course -----------------------------------------------------------------------------------------------------


def test_the_thread_runs_as_long_as_its_block() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread() as lease:
            (thread,) = server.threads
            assert (thread.thread_token, 1) == (lease.thread_token, lease.workspace_id)
            assert [lease.thread] == await client.threads().collect()
            assert not lease.gone
            assert str(lease.thread_token) not in repr(lease)
        assert not server.threads

    with_server(work)


def test_a_lease_tells_its_state_in_its_repr() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        lease = client.new_thread()
        assert "<ThreadLease, not started>" == repr(lease)
        with pytest.raises(RuntimeError, match="not started yet"):
            _ = lease.thread
        async with lease:
            assert repr(lease).startswith("<ThreadLease of ExecutionThread(workspace_id=1, thread_token='eyJ…")
            assert not repr(lease).endswith("gone>")

    with_server(work)


def test_the_thread_outlives_its_lifetime_because_it_is_continued() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread() as lease:
            await asyncio.sleep(3590)
            assert 1 == len(server.threads)
            assert not lease.gone
        assert 59 == methods(server).count("PUT")
        # Without this, the lifetime would have ended it.
        await client.start_thread()
        await asyncio.sleep(91)
        assert not server.threads

    with_server(work, lifetime=90)


def test_the_thread_is_continued_as_often_as_told() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=7):
            await asyncio.sleep(30)
        assert 4 == methods(server).count("PUT")

    with_server(work)


def test_a_token_that_changes_is_followed() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=1) as lease:
            tokens = {lease.thread_token}
            for _ in range(5):
                await asyncio.sleep(1)
                tokens.add(lease.thread_token)
                assert server.threads[0].thread_token == lease.thread_token == lease.thread.thread_token
            assert 5 <= len(tokens)

    async def main(server: FakeServer, client: ThreadsClient) -> None:
        server.new_tokens = True
        await work(server, client)

    with_server(main, lifetime=10)


def test_the_workspace_is_passed_on() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(2, continue_every=1) as lease:
            assert 2 == lease.workspace_id
            await asyncio.sleep(1.5)
        assert {"2"} == {seen.parameters["workspaceId"] for seen in server.requests}

    with_server(work, workspaces=2)


# However the block ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(), asyncio.CancelledError()])
def test_an_error_in_the_block_stops_the_thread_and_stays_as_it_is(error: BaseException) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        with pytest.raises(type(error)) as caught:
            async with client.new_thread():
                raise error
        assert error is caught.value
        assert not hasattr(error, "__notes__")
        assert not server.threads

    with_server(work)


def test_a_cancellation_in_the_block_stops_the_thread() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def hold() -> None:
            async with client.new_thread():
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await asyncio.sleep(1)
        assert 1 == len(server.threads)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert not server.threads

    with_server(work)


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("moment", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5])
def test_a_cancellation_at_any_moment_leaves_no_thread(moment: float, times: int) -> None:
    """A start takes two seconds, and each stop takes one."""

    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def slow(seen: SeenRequest) -> None:
            if seen.method == "DELETE":
                await asyncio.sleep(1)

        async def hold() -> None:
            async with client.new_thread():
                await asyncio.sleep(1)

        server.on_request = slow
        task = asyncio.create_task(hold())
        await asyncio.sleep(moment)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.01)
        await asyncio.wait([task])

        assert task.cancelled()
        assert not server.threads
        assert methods(server).count("POST") == methods(server).count("DELETE")

    with_server(work, start_latency=2)


def test_a_timeout_around_the_block_stops_the_thread() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10), client.new_thread():
                await asyncio.sleep(3600)
        assert 10 == now()

    with_server(work)


HOLDS = """
import asyncio, signal, sys
from threads_async import ThreadsClient

# A shell that starts this in the background ignores the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def hold():
    async with ThreadsClient("fake-api-token", base_url=sys.argv[1]) as client, client.new_thread():
        print("started", flush=True)
        await asyncio.sleep(60)

async def leave():
    global task
    task = asyncio.create_task(hold())
    await asyncio.sleep(0.5)

"""


def run_alone(program: str, path: Path, *, interrupts: int = 0) -> tuple[list[str], int]:
    """Run `program` in a process of its own, and return the methods that it has sent and the number of threads left.

    Args:
        program: The program. It writes a line when its thread has started.
        path: Where to write it.
        interrupts: How often to press Ctrl-C after that line. Each stop of a thread takes half a second.
    """
    path.write_text(program, encoding="utf-8")

    async def slow(seen: SeenRequest) -> None:
        await asyncio.sleep(0.5 * (seen.method == "DELETE"))

    with FakeServer(threads=0) as server:
        server.on_request = slow
        command = [sys.executable, str(path), server.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            assert "started\n" == process.stdout.readline()
            for _ in range(interrupts):
                process.send_signal(signal.SIGINT)
                time.sleep(0.1)
            process.wait(30)
        return methods(server), len(server.threads)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_stops_the_thread(tmp_path: Path, times: int) -> None:
    """The second one interrupts the stop."""
    sent, left = run_alone(f"{HOLDS}asyncio.run(hold())", tmp_path / "holds.py", interrupts=times)

    assert 0 == left
    assert {"POST", "DELETE"} == set(sent)


def test_a_task_that_is_left_when_the_program_ends_stops_its_thread(tmp_path: Path) -> None:
    """`asyncio.run` cancels all tasks at its end, also the one that continues the thread."""
    assert (["POST", "DELETE"], 0) == run_alone(f"{HOLDS}asyncio.run(leave())", tmp_path / "leaves.py")


def cancel_all(before: "set[asyncio.Task[Any]]") -> None:
    """Cancel all tasks but those of the server and `before`, as `asyncio.run` does at its end."""
    for task in asyncio.all_tasks() - before:
        if "RequestHandler" not in str(task.get_coro()):
            task.cancel()


@pytest.mark.parametrize("moment", [0.5, 1.0, 2.5])
def test_the_end_of_the_event_loop_during_a_stop_does_not_prevent_it(moment: float) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def slow(seen: SeenRequest) -> None:
            await asyncio.sleep(2 * (seen.method == "DELETE"))

        async def hold() -> None:
            async with client.new_thread():
                await asyncio.sleep(1)

        server.on_request = slow
        before = asyncio.all_tasks()
        task = asyncio.create_task(hold())
        await asyncio.sleep(moment)
        cancel_all(before)
        await asyncio.wait([task])
        assert task.cancelled()

    with_server(work)


def test_the_end_of_the_event_loop_during_a_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody then learns the token of the thread."""

    async def work(server: FakeServer, client: ThreadsClient) -> None:
        before = asyncio.all_tasks()
        task = asyncio.create_task(client.new_thread().__aenter__())
        await asyncio.sleep(1)
        cancel_all(before)
        await asyncio.wait([task])
        assert task.cancelled()

    with_server(work, start_latency=2, left=1)
    assert ["the start of a thread was interrupted: it may have been started, and may still run"] == [
        record.getMessage() for record in caplog.records
    ]


@pytest.mark.parametrize(
    ("fault", "left", "told"),
    [
        (Fault(503, after=True), 1, True),
        (Fault(403), 0, False),
        (None, 1, True),
        (Fault(200, b'{"workspaceId":1,"threadToken":"","type":"Manual","createdAt":"2026-03-17T16:38:40Z"}'), 0, True),
    ],
)
def test_a_cancelled_start_whose_thread_cannot_be_stopped_is_told(
    fault: Fault | None, left: int, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def slow(_: SeenRequest) -> None:
            await asyncio.sleep(2)

        server.on_request = slow
        server.fault_for = lambda seen: fault if seen.method == "POST" else Fault(503)
        task = asyncio.create_task(client.new_thread().__aenter__())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    with_server(work, left=left)
    assert told == any("may still run" in record.getMessage() for record in caplog.records)


def test_a_cancelled_start_that_takes_too_long_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def slow(_: SeenRequest) -> None:
            await asyncio.sleep(7)

        # After this response, the client requests the limits.
        server.fail_next(fault=Fault(500, after=True))
        server.on_request = slow
        task = asyncio.create_task(client.new_thread().__aenter__())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert 9 == now()

    with_server(work, timeout=8, left=1)
    assert "it may have been started, and may still run" in caplog.records[-1].getMessage()


def test_a_continue_that_takes_long_does_not_prevent_the_stop() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def hang(seen: SeenRequest) -> None:
            await asyncio.sleep(1000 * (seen.method == "PUT"))

        server.on_request = hang
        async with client.new_thread(continue_every=10):
            await asyncio.sleep(11)
        assert 11 + 15 == now()

    with_server(work, attempts=3)


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_thread_whose_new_token_was_lost_is_not_taken_for_gone(attempts: int) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.new_tokens = True
        lost = False

        def fault_for(seen: SeenRequest) -> Fault | None:
            nonlocal lost
            if seen.method == "PUT" and not lost:
                lost = True
                return Fault(None, after=True)
            return None

        server.fault_for = fault_for
        with pytest.raises(StatusError, match="its token may have changed in a response that was lost"):
            async with client.new_thread(continue_every=10) as thread:
                await asyncio.sleep(100)
                assert not thread.gone
        assert 1 == len(server.threads)

    with_server(work, attempts=attempts, left=1)


# Failures -------------------------------------------------------------------------------------------------------------


def test_an_error_of_the_start_leaves_nothing_to_stop() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        with pytest.raises(ThreadLimitError):
            async with client.new_thread():
                raise AssertionError("the block must not run")
        assert ["POST", "GET"] == methods(server)

    with_server(work, limit_threads=0)


def test_a_thread_without_a_token_cannot_be_owned() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        body = b'{"workspaceId":1,"threadToken":null,"type":"Manual","createdAt":"2026-03-17T16:38:40Z"}'
        server.fail_next(fault=Fault(200, body))
        with pytest.raises(DecodeError, match="the new thread has no usable token"):
            async with client.new_thread():
                raise AssertionError("the block must not run")

    with_server(work)


def test_a_failed_stop_is_raised_after_a_block_without_an_error() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fault_for = lambda seen: Fault(503) if seen.method == "DELETE" else None
        with pytest.raises(ServerError) as caught:
            async with client.new_thread():
                pass
        assert "the server may have stopped the thread" in str(caught.value)

    with_server(work, left=1)


def test_a_failed_stop_never_hides_the_error_of_the_block(caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fault_for = lambda seen: Fault(503) if seen.method == "DELETE" else None
        with pytest.raises(ValueError, match="mine") as caught:
            async with client.new_thread() as lease:
                raise ValueError("mine")
        (note,) = caught.value.__notes__
        assert "may still run, because it could not be stopped" in note
        assert lease.thread_token not in note

    with_server(work, left=1)
    (record,) = caplog.records
    assert ("threads_async", logging.ERROR) == (record.name, record.levelno)
    assert "could not be stopped, and may still run: the server failed (503)" in record.getMessage()


def test_a_stop_takes_at_most_the_timeout_of_the_client() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def hang(seen: SeenRequest) -> None:
            if seen.method == "DELETE":
                await asyncio.sleep(1000)

        server.on_request = hang
        with pytest.raises(RequestTimeoutError, match="the thread was not stopped within 10 s"):
            async with client.new_thread():
                began = now()
        assert 10 == now() - began

    with_server(work, left=1, timeout=10, attempts=3)


def test_a_failed_continue_is_retried_sooner_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=40) as lease:
            await asyncio.sleep(1)
            server.fault_for = lambda seen: Fault(503) if seen.method == "PUT" and now() < 55 else None
            # At 40, 50 and 60 seconds.
            await asyncio.sleep(64)
            assert not lease.gone
            assert 3 == methods(server).count("PUT")

    with_server(work, lifetime=61)
    assert 2 == len(caplog.records)
    assert "could not be continued: the server failed (503)" in caplog.records[0].getMessage()


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_thread_that_is_gone_is_told(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.absent_status = status
        with pytest.raises(ValueError, match="mine") as caught:
            async with client.new_thread(continue_every=10) as lease:
                await asyncio.sleep(15)
                server.stop_thread(lease.thread_token)
                assert not lease.gone
                async with asyncio.timeout(6):
                    await lease.wait_until_gone()
                assert lease.gone
                assert repr(lease).endswith("gone>")
                raise ValueError("mine")
        assert ["was already gone"] == [note.partition(" ")[2].partition(" ")[2] for note in caught.value.__notes__]

    with_server(work)
    assert "is no longer running: it was stopped, or its lifetime ended" in caplog.records[-1].getMessage()


def test_a_block_whose_thread_is_gone_can_end_without_an_error() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=1) as lease:
            server.stop_thread(lease.thread_token)
            await lease.wait_until_gone()

    with_server(work)


def test_a_thread_that_the_block_stops_itself_is_fine() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread() as lease:
            await client.stop_thread(lease.thread)

    with_server(work)


def test_an_unreachable_server_does_not_mean_that_the_thread_is_gone() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=10) as lease:
            await server.stop()
            await asyncio.sleep(100)
            assert not lease.gone
            await server.start()

    with_server(work)


def test_a_client_that_is_closed_in_the_block_is_an_error() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        with pytest.raises(ClientClosedError):
            async with client.new_thread(continue_every=1):
                await client.close()
                await asyncio.sleep(10)

    with_server(work, left=1)


def test_the_stop_waits_for_a_continue_in_flight_and_uses_its_token() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.new_tokens = True

        async def slow(seen: SeenRequest) -> None:
            if seen.method == "PUT":
                await asyncio.sleep(5)

        server.on_request = slow
        async with client.new_thread(continue_every=10):
            await asyncio.sleep(12)
        assert 15 == now()

    with_server(work)


# Misuse ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "1", None, True])
async def test_a_wrong_interval_is_refused(client: ThreadsClient, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client.new_thread(continue_every=value)
    assert "continue_every" == caught.value.parameter


@pytest.mark.parametrize(("name", "value"), [("wait", 0), ("workspace_id", "1")])
async def test_other_wrong_parameters_are_refused(client: ThreadsClient, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client.new_thread(**{name: value})
    assert name == caught.value.parameter


async def test_a_lease_is_entered_only_once(server: FakeServer, client: ThreadsClient) -> None:
    lease = client.new_thread()
    async with lease:
        with pytest.raises(RuntimeError, match="only once"):
            await lease.__aenter__()
    with pytest.raises(RuntimeError, match="only once"):
        await lease.__aenter__()
    assert 1 == methods(server).count("POST")


async def test_two_tasks_cannot_enter_a_lease_at_once(server: FakeServer, client: ThreadsClient) -> None:
    lease = client.new_thread()
    before = len(server.threads)

    async def enter() -> None:
        async with lease:
            pass

    first, second = await asyncio.gather(enter(), enter(), return_exceptions=True)
    assert first is None
    assert isinstance(second, RuntimeError)
    assert 1 == methods(server).count("POST")
    assert before == len(server.threads)


@pytest.mark.parametrize("token", ["eyJ a", "..", "delete_bulk", "жетон", ""])
async def test_a_new_thread_with_an_unusable_token_is_an_error(
    server: FakeServer, client: ThreadsClient, token: str
) -> None:
    body = {"workspaceId": 1, "threadToken": token, "type": "Manual", "createdAt": "2026-03-17T16:38:40Z"}
    server.fail_next(fault=Fault(200, json.dumps(body).encode()))
    with pytest.raises(DecodeError, match="no usable token") as caught:
        await client.new_thread().__aenter__()

    assert caught.value.unknown_since is not None
    assert "the server may have started the thread" in str(caught.value)


@pytest.mark.parametrize("token", ["eyJ a", ""])
def test_an_unusable_token_does_not_replace_a_usable_one(token: str) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=10) as lease:
            before = lease.thread_token
            body = {"workspaceId": 1, "threadToken": token, "type": "Manual", "createdAt": "2026-03-17T16:38:40Z"}
            server.fail_next(fault=Fault(200, json.dumps(body).encode()))
            await asyncio.sleep(15)
            assert before == lease.thread_token

    with_server(work)


def test_waiting_for_the_end_of_a_thread_ends_with_its_block() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async with client.new_thread() as lease:
            waiter = asyncio.create_task(lease.wait_until_gone())
            await asyncio.sleep(1)
            assert not waiter.done()
        await waiter
        assert not lease.gone

    with_server(work)


async def test_a_lease_that_is_never_entered_sends_nothing(server: FakeServer, client: ThreadsClient) -> None:
    assert isinstance(client.new_thread(), ThreadLease)
    assert [] == server.requests


async def test_a_lease_and_its_error_are_freed_without_the_garbage_collector(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.fault_for = lambda seen: Fault(401) if seen.method == "DELETE" else None
    gc.disable()
    try:
        lease = client.new_thread()
        freed: list[weakref.ref[Any]] = [weakref.ref(lease)]
        try:
            async with lease:
                pass
        except RequestError as error:
            freed.append(weakref.ref(error))
        del lease
        await asyncio.sleep(0)
        assert [None, None] == [one() for one in freed]
    finally:
        gc.enable()


def test_the_error_of_a_start_is_freed_without_the_garbage_collector() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def fail() -> "weakref.ref[ThreadLimitError]":
            try:
                await client.new_thread().__aenter__()
            except ThreadLimitError as error:
                return weakref.ref(error)
            raise AssertionError

        gc.collect()
        gc.disable()
        try:
            failure = await fail()
            await asyncio.sleep(0)
            assert None is failure()
        finally:
            gc.enable()

    with_server(work, limit_threads=0)


def test_a_stop_that_takes_too_long_may_have_stopped_the_thread() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        async def late(seen: SeenRequest) -> None:
            if seen.method == "DELETE":
                server.stop_thread(server.threads[0])
                await asyncio.sleep(100)

        server.on_request = late
        with pytest.raises(RequestTimeoutError, match="the server may have stopped the thread") as caught:
            async with client.new_thread():
                pass
        assert caught.value.unknown_since is not None

    with_server(work, timeout=3)


def test_an_error_of_a_middleware_does_not_end_the_lease(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        failing = {"PUT"}

        async def middleware(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
            if request.method in failing:
                raise ZeroDivisionError("mine")
            return await send(request)

        async with FakeServer(threads=0, lifetime=20) as server, ClientSession(middlewares=[middleware]) as session:
            server.clock = asyncio.get_running_loop().time
            client = ThreadsClient(server.token, base_url=server.url, session=session)
            with pytest.raises(ZeroDivisionError, match="mine"):
                async with client.new_thread(continue_every=8):
                    await asyncio.sleep(9)
                    failing.clear()
                    await asyncio.sleep(60)
                    assert 1 == len(server.threads)
                    failing.add("DELETE")
            assert 1 == len(server.threads)

    run(main())
    assert ["could not be continued: mine"] == [record.getMessage()[-28:] for record in caplog.records]
