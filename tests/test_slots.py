"""Waiting for a free thread: in order, within the time, without polling by more than one task, leaving nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from virtual_time import run

from threads_async import (
    ConnectionFailedError,
    ExecutionThread,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StatusError,
    ThreadLimitError,
    ThreadsClient,
)
from threads_async.testing import FakeServer, Fault, SeenRequest

ONCE = RetryPolicy(attempts=1)
REFUSED = b'{"message":"Failed to create execution thread"}'


def with_server(
    work: Callable[[FakeServer, ThreadsClient], Awaitable[None]], *, retry: RetryPolicy = ONCE, **parameters: Any
) -> None:
    """Run `work` in virtual time with a server without threads and a client."""

    async def main() -> None:
        async with (
            FakeServer(threads=0, **parameters) as server,
            ThreadsClient(server.token, base_url=server.url, retry=retry) as client,
        ):
            server.clock = asyncio.get_running_loop().time
            await work(server, client)
            assert 0 == client._actor.queues.waiting

    run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_fifty_tasks_share_five_threads_in_the_order_in_which_they_came() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        served: list[tuple[Any, int]] = []
        most = 0

        async def visit(number: int) -> None:
            nonlocal most
            async with client.new_thread(wait=3600) as lease:
                served.append((lease.thread.created_at, number))
                most = max(most, len(server.threads))
                await asyncio.sleep(60)

        async with asyncio.TaskGroup() as tasks:
            for number in range(50):
                tasks.create_task(visit(number))

        assert 5 == most
        # The server refuses a sixth thread. The client does not even try to start one.
        assert 50 == sum(seen.method == "POST" for seen in server.requests)
        assert list(range(50)) == [number for _, number in sorted(served)]
        assert not server.threads
        # Ten rounds of a start and a visit. A round begins at once when a thread is stopped.
        assert now() == pytest.approx(10 * (2.5 + 60), rel=0.02)
        # One task looks at the limits, not fifty.
        looks = sum(seen.path == "/v1/product/limits" for seen in server.requests)
        assert looks < 50 + 4 * 10 * 60 / 5

    with_server(work, limit_threads=5, start_latency=2.5)


def test_a_free_thread_is_started_at_once() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        thread = await client.start_thread(wait=10)

        assert 0 == now()
        assert [thread.thread_token] == [one.thread_token for one in server.threads]
        assert ["/v1/product/limits", "/v1/threads/create"] == [seen.path for seen in server.requests]

    with_server(work)


def test_a_wait_that_is_too_long_ends_with_the_numbers() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        with pytest.raises(ThreadLimitError, match="no thread is free within 30 s: 3 of the 3 threads") as caught:
            await client.start_thread(wait=30)

        assert (3, 3, 0) == (caught.value.active, caught.value.limit, caught.value.status)
        assert 30 == now()
        assert {"GET"} == {seen.method for seen in server.requests}
        # The pauses grow to five seconds.
        assert 7 <= len(server.requests) <= 20

    with_server(work, limit_threads=3, threads_elsewhere=3)


def test_every_task_waits_its_own_time() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        ended: dict[float, float] = {}

        async def wait(seconds: float) -> None:
            with pytest.raises(ThreadLimitError):
                await client.start_thread(wait=seconds)
            ended[seconds] = now()

        await asyncio.gather(*map(wait, [20.0, 5.0, 40.0, 1.0]))

        assert {seconds: seconds for seconds in (20, 5, 40, 1)} == ended

    with_server(work, limit_threads=0)


def test_a_cancelled_task_leaves_the_queue_to_the_next_one() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        tasks = [asyncio.create_task(client.start_thread(wait=100)) for _ in range(3)]
        await asyncio.sleep(1)
        tasks[0].cancel()
        await asyncio.sleep(0)
        assert 2 == client._actor.queues.waiting
        server.limit_threads = 1
        await asyncio.sleep(6)

        assert [True, True, False] == [task.done() for task in tasks]
        assert tasks[0].cancelled()
        assert tasks[1].result().thread_token == server.threads[0].thread_token
        tasks[2].cancel()
        await asyncio.wait(tasks)

    with_server(work, limit_threads=0)


def test_a_thread_that_another_program_takes_is_waited_for_again_in_the_same_place() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        first = asyncio.create_task(client.start_thread(wait=100))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(client.start_thread(wait=100))
        taken = 0

        def take(seen: Any) -> None:
            nonlocal taken
            if seen.method == "POST" and taken < 2:
                # Faster than the client: the look at the limits still found a free thread.
                taken += 1
                server.threads_elsewhere = 1
                asyncio.get_running_loop().call_later(0.3, setattr, server, "threads_elsewhere", 0)

        server.on_request = take
        server.limit_threads = 1
        await first

        assert 2 == taken
        assert not second.done()
        await client.stop_thread(first.result())
        await second

    with_server(work, limit_threads=0)


def test_a_temporary_failure_does_not_end_the_wait() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fail_next(3, Fault(503))
        server.fail_next(2, Fault(None))

        await client.start_thread(wait=60)

        assert 7 == len(server.requests)

    with_server(work)


def test_a_failure_that_lasts_is_the_error_of_every_task_that_waits() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        await server.stop()

        outcomes = await asyncio.gather(*[client.start_thread(wait=10) for _ in range(3)], return_exceptions=True)

        assert [ConnectionFailedError] * 3 == [type(one) for one in outcomes]
        assert 3 == len(set(map(id, outcomes)))
        assert 10 == now()
        await server.start()

    with_server(work)


@pytest.mark.parametrize("fault", [Fault(404), Fault(401), Fault(200, b"{}")])
def test_limits_that_cannot_be_read_end_the_wait_at_once(fault: Fault) -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fail_next(fault=fault)

        with pytest.raises((StatusError, ValueError)):
            await client.start_thread(wait=60)
        assert 0 == now()

    with_server(work)


def test_an_error_of_the_start_itself_ends_the_wait() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fault_for = lambda seen: Fault(500) if seen.method == "POST" else None

        with pytest.raises(ServerError) as caught:
            await client.start_thread(wait=60)

        assert type(caught.value) is ServerError
        assert 1 == sum(seen.method == "POST" for seen in server.requests)

    with_server(work)


def test_a_server_that_does_not_respond_in_time_is_an_error_that_says_so() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.latency = 1000

        with pytest.raises(RequestTimeoutError, match="the limits were not received"):
            await client.start_thread(wait=5)
        assert 5 == now()

    with_server(work)


def test_a_start_that_has_begun_is_not_interrupted_by_the_end_of_the_wait() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        thread = await client.start_thread(wait=1)

        assert isinstance(thread, ExecutionThread)
        assert 20 == now()

    with_server(work, start_latency=20)


def test_threads_that_are_being_started_are_not_free() -> None:
    """A server may count a thread only when it has started."""

    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.limits = {"activeThreads": 0}
        tasks = [asyncio.create_task(client.start_thread(wait=100)) for _ in range(5)]
        await asyncio.sleep(1)
        assert 2 == sum(seen.method == "POST" for seen in server.requests)
        with pytest.raises(ThreadLimitError, match=r"0 of the 2 threads .*, and 2 are being started"):
            await client.start_thread(wait=1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    with_server(work, limit_threads=2, start_latency=50)


def test_a_refusal_that_the_limits_do_not_explain_does_not_end_the_wait() -> None:
    """Between the response and the look at the limits, a thread may have become free."""

    async def work(server: FakeServer, client: ThreadsClient) -> None:
        left = 3

        def fault_for(seen: SeenRequest) -> Fault | None:
            nonlocal left
            left -= seen.method == "POST"
            return Fault(500, REFUSED) if seen.method == "POST" and left >= 0 else None

        server.fault_for = fault_for
        await client.start_thread(wait=600)

        assert 1 == len(server.threads)
        # It pauses before it tries again.
        assert 1 < now() < 20

    with_server(work)


def test_refusals_that_the_limits_never_explain_end_the_wait() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        server.fault_for = lambda seen: Fault(500, REFUSED) if seen.method == "POST" else None
        with pytest.raises(ServerError) as caught:
            await client.start_thread(wait=600)

        assert "Failed to create execution thread" == caught.value.server_message
        assert caught.value.unknown_since is None
        assert 4 == sum(seen.method == "POST" for seen in server.requests)
        assert now() < 30

    with_server(work)


def test_a_task_whose_start_was_refused_is_not_overtaken_by_the_next_one() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        order: list[str] = []
        refuse = True

        looks = 0

        async def slow(seen: SeenRequest) -> None:
            nonlocal looks
            looks += seen.method == "GET"
            # The second task looks at the limits until the first one, after its refusal, is back in its place.
            await asyncio.sleep(0.5 if seen.method == "POST" else 0.7 * (looks == 2))

        def fault_for(seen: SeenRequest) -> Fault | None:
            nonlocal refuse
            if seen.method != "POST" or not refuse:
                return None
            refuse = False
            return Fault(500, REFUSED)

        async def start(name: str) -> None:
            await client.start_thread(wait=100)
            order.append(name)

        server.on_request, server.fault_for = slow, fault_for
        async with asyncio.TaskGroup() as tasks:
            for name in ("first", "second"):
                tasks.create_task(start(name))
        assert ["first", "second"] == order

    with_server(work)


def test_limits_that_were_seen_in_an_earlier_wait_are_not_reported() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        await client.start_thread(wait=5)
        server.latency = 1000

        with pytest.raises(RequestTimeoutError, match="the limits were not received"):
            await client.start_thread(wait=5)

    with_server(work)


def test_a_workspace_without_a_free_thread_does_not_hold_up_another() -> None:
    async def work(server: FakeServer, client: ThreadsClient) -> None:
        await client.start_thread(1)
        waiting = asyncio.create_task(client.start_thread(1, wait=100))
        await asyncio.sleep(1)

        await client.start_thread(2, wait=100)

        assert 1 == now()
        waiting.cancel()
        await asyncio.wait([waiting])

    with_server(work, limit_threads=1, workspaces=2)
