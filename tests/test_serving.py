"""Starting and stopping `FakeServer`: while connections arrive, and in its own thread."""

import asyncio
import gc
import http.client
import itertools
import json
import threading
from typing import Any

import pytest

from threads_async import ConnectionFailedError, RetryPolicy, ThreadsClient
from threads_async.testing import FakeServer, Fault


def ask(server: FakeServer, query: str = "total=1") -> tuple[int, Any]:
    """Request a page from `server` without an event loop, and return the status and the page."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", f"/v1/threads?{query}", headers={"Api-Token": server.token})
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def count(server: FakeServer) -> int:
    total: int = ask(server)[1]["totalCount"]
    return total


def threads_of_servers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "FakeServer"]


@pytest.mark.parametrize("turns", range(12))
async def test_connections_that_arrive_while_it_stops_leave_nothing_behind(turns: int) -> None:
    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.set_exception_handler(lambda _, context: reported.append(context))

    async def knock(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/threads HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = FakeServer(1)
    await server.start()
    knocking = [asyncio.create_task(knock(server.port)) for _ in range(10)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await server.stop()
    # Some are refused or reset, but none is left open.
    outcomes = await asyncio.wait_for(asyncio.gather(*knocking, return_exceptions=True), 10)
    gc.collect()

    assert [] == [one for one in outcomes if not isinstance(one, OSError | None)]
    assert [] == reported


def test_a_with_block_serves_a_program_without_an_event_loop_until_it_ends() -> None:
    with FakeServer(threads=3) as server:
        assert [True] == [thread.daemon for thread in threads_of_servers()]
        assert 3 == count(server)
        port = server.port

    assert [] == threads_of_servers()
    with FakeServer(threads=4, port=port) as server:
        assert 4 == count(server)


async def test_a_with_block_serves_a_program_with_a_running_event_loop() -> None:
    with FakeServer(threads=3) as server:
        async with ThreadsClient(server.token, base_url=server.url) as client:
            assert 3 == await client.threads().count()


def test_a_port_that_is_taken_is_an_error_in_the_caller_and_leaves_no_thread() -> None:
    with FakeServer() as server:
        with pytest.raises(OSError, match=str(server.port)):
            FakeServer(port=server.port).__enter__()
        assert 1 == len(threads_of_servers())


def test_switches_faults_and_threads_can_be_set_from_outside_while_it_runs() -> None:
    with FakeServer(threads=3) as server:
        server.count_offset = 10
        server.fail_next(1, Fault(503, b"{}"))

        assert 503 == ask(server)[0]
        assert 13 == count(server)

        server.count_offset = 0
        server.stop_thread(server.start_thread())
        server.start_thread()
        assert 4 == count(server)
        assert 3 == len(server.requests)


@pytest.mark.parametrize("awaited", [False, True])
def test_the_hook_runs_in_the_thread_of_the_server(awaited: bool) -> None:
    seen: list[str] = []

    def note() -> None:
        seen.append(threading.current_thread().name)

    async def later() -> None:
        await asyncio.sleep(0)
        note()

    with FakeServer() as server:
        server.on_request = lambda _: later() if awaited else note()
        count(server)

    assert ["FakeServer"] == seen


def test_a_program_without_an_event_loop_can_stop_and_restart_it() -> None:
    with FakeServer() as server:
        port = server.port
        asyncio.run(server.stop())
        with pytest.raises(ConnectionRefusedError):
            count(server)

        asyncio.run(server.start())
        assert (port, 25) == (server.port, count(server))

        asyncio.run(server.stop())


async def test_it_can_be_stopped_and_restarted_in_an_event_loop() -> None:
    with FakeServer() as server:
        async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(attempts=1)) as client:
            assert 25 == await client.threads().count()
            await server.stop()
            assert 0 == server.connections
            with pytest.raises(ConnectionFailedError):
                await client.threads().count()

            await server.start()
            assert 25 == await client.threads().count()
            assert 1 == server.connections


def test_its_block_can_end_while_a_request_waits() -> None:
    with FakeServer() as server:
        server.latency = 30.0
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/v1/threads")
        assert any(server.requests for _ in itertools.count())

    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()


def test_churn_runs_in_the_thread_of_the_server() -> None:
    with FakeServer() as server:
        before = server.threads
        with server.churn(1e6):
            assert any(server.threads != before for _ in itertools.count())
        after = server.threads
        count(server)
        assert after == server.threads


def test_churn_without_a_thread_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        FakeServer().churn(1).__enter__()


def test_each_response_is_complete_while_another_thread_changes_the_list() -> None:
    with FakeServer(threads=200) as server:
        lasting = {thread.thread_token for thread in server.threads}

        def restless() -> None:
            for _ in range(300):
                server.stop_thread(server.start_thread())

        elsewhere = threading.Thread(target=restless)
        elsewhere.start()
        pages = [ask(server, "total=1000")[1] for _ in iter(elsewhere.is_alive, False)]  # noqa: FBT003 - until it is False
        elsewhere.join()

        assert 200 == count(server)
    shown = [[item["threadToken"] for item in page["items"]] for page in pages]
    assert all(lasting <= set(tokens) and len(tokens) <= 201 for tokens in shown)
