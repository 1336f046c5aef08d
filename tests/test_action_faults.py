"""The fault matrix of the actions: done once, not done, or unknown and said so. No wrong claim, and nothing twice."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import frozen

from threads_async import ConnectionFailedError, RequestError, RetryPolicy, ThreadsClient
from threads_async.testing import FakeServer, Fault, SeenRequest, WireServer
from threads_async.testing.wire import Script, answer, hang, reset, send

JSON = {"Content-Type": "application/json; charset=utf-8"}
THREAD = {"workspaceId": 1, "threadToken": "eyJ.a.b", "type": "Manual", "createdAt": "2026-03-17T16:38:40Z"}

REFUSALS = {f"status {status}": Fault(status) for status in (301, 400, 401, 403, 404, 405, 408, 409, 413, 429)}
FAILURES = {
    **{f"status {status}": Fault(status) for status in (500, 501, 502, 503, 504, 599)},
    "connection cut": Fault(None),
    "web page": Fault(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    "status 500 and a web page": Fault(500, b"<html>", {"Content-Type": "text/html"}),
    "bad gzip": Fault(200, b"no gzip", JSON | {"Content-Encoding": "gzip"}),
    "too large": Fault(200, b" " * 2_000_000, JSON),
}
# A status 200 for what was not done would be a lie that no client can see through.
CUT = Fault(200, gzip.compress(b'{"workspaceId":1}')[:-9], JSON | {"Content-Encoding": "gzip"}, after=True)
FAULTS = {
    **REFUSALS,
    **FAILURES,
    "cut gzip after the action": CUT,
    **{
        f"{name} after the action": Fault(fault.status, fault.body, fault.headers, after=True)
        for name, fault in FAILURES.items()
    },
}
HOW_OFTEN = {"once": 1, "twice": 2, "always": 100}


@frozen
class Case:
    """An action of the client on a server with three threads of ours and two of somebody else.

    Attributes:
        method: The method of its requests.
        act: Carries it out.
        changed: How many threads the server has more when it was done.
    """

    method: str
    act: Callable[[ThreadsClient, list[str]], Awaitable[object]]
    changed: int


CASES = {
    "start_thread": Case("POST", lambda client, _: client.start_thread(), 1),
    "start_threads": Case("POST", lambda client, _: client.start_threads(3), 3),
    "continue_thread": Case("PUT", lambda client, ours: client.continue_thread(ours[0]), 0),
    "continue_threads": Case("PUT", lambda client, ours: client.continue_threads(ours), 0),
    "stop_thread": Case("DELETE", lambda client, ours: client.stop_thread(ours[0]), -1),
    "stop_threads": Case("DELETE", lambda client, ours: client.stop_threads(ours), -3),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("times", HOW_OFTEN.values(), ids=list(HOW_OFTEN))
async def test_every_outcome_is_what_the_client_says(case: Case, fault: Fault, times: int) -> None:
    left = times

    def fault_for(seen: SeenRequest) -> Fault | None:
        nonlocal left
        if seen.method != case.method or left == 0:
            return None
        left -= 1
        return fault

    async with FakeServer(threads=5) as server:
        server.fault_for = fault_for
        ours = [str(thread.thread_token) for thread in server.threads[:3]]
        others = set(server.threads[3:])
        client = ThreadsClient(server.token, base_url=server.url, max_response_bytes=1_000_000)
        error: RequestError | None = None
        async with client:
            try:
                await case.act(client, ours)
            except RequestError as caught:
                error = caught

        changed = len(server.threads) - 5
        possible = range(min(0, case.changed), max(0, case.changed) + 1)
        # Never twice, and never a thread that was not named.
        assert changed in possible
        assert others <= set(server.threads)
        if error is None:
            assert case.changed == changed
        elif error.unknown_since is None:
            # Nothing but what the error lists.
            assert abs(changed) == (len(error.done) if case.changed else 0)
            assert "may have" not in str(error)
        else:
            assert "the server may have" in str(error)
        if case.method == "POST":
            assert 1 == sum(seen.method == "POST" for seen in server.requests)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
WIRE: dict[str, Script] = {
    "reset at once": reset(),
    "closed at once": send(),
    "half a head": send(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a body": send(HEAD + b'{"workspaceId": 1, '),
    "reset in the body": reset(HEAD + b'{"workspaceId": 1, '),
    "no HTTP": send(b"220 smtp ready\r\n\r\n"),
    "hangs": hang(),
    "hangs in the body": hang(HEAD),
    "cut without a length": send(b'HTTP/1.1 200 OK\r\n\r\n{"workspaceId": 1, '),
    "status 500": send(answer(b"", status="500 Oops", headers="Connection: close\r\n")),
}


@pytest.mark.parametrize("act", [ThreadsClient.start_thread, lambda client: client.start_threads(2)])
@pytest.mark.parametrize("script", WIRE.values(), ids=list(WIRE))
async def test_a_start_that_breaks_below_http_is_sent_once_and_unknown(act: Any, script: Script) -> None:
    """`limits` is requested after a status 500. It breaks in the same way."""
    async with WireServer(script) as server, ThreadsClient("t", base_url=server.url, timeout=0.2) as client:
        with pytest.raises(RequestError) as caught:
            await act(client)

    assert caught.value.unknown_since is not None
    assert "the server may have started" in str(caught.value)
    assert 1 == sum(head.startswith("POST") for head in server.requests)


@pytest.mark.parametrize("script", WIRE.values(), ids=list(WIRE))
@pytest.mark.parametrize("act", [ThreadsClient.continue_thread, ThreadsClient.stop_thread])
async def test_what_is_idempotent_survives_a_break_below_http(act: Any, script: Script) -> None:
    good = send(answer(json.dumps(THREAD).encode()), close=False)
    async with (
        WireServer(script, good) as server,
        ThreadsClient("t", base_url=server.url, timeout=0.2, retry=RetryPolicy(attempts=2)) as client,
    ):
        if script is WIRE["no HTTP"]:
            with pytest.raises(RequestError) as caught:
                await act(client, "token")
            assert caught.value.unknown_since is not None
        else:
            await act(client, "token")
            assert 2 == len(server.requests)


async def test_an_https_address_of_an_http_server_has_started_nothing() -> None:
    async with FakeServer(threads=0) as server:
        url = server.url.replace("http:", "https:")
        retry = RetryPolicy(attempts=2)
        async with ThreadsClient(server.token, base_url=url, retry=retry) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.start_thread()

    assert (2, None) == (caught.value.attempts, caught.value.unknown_since)


async def test_a_host_that_does_not_exist_has_started_nothing() -> None:
    async with ThreadsClient("t", base_url="http://no-such-host.invalid", retry=RetryPolicy(attempts=2)) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.start_thread()

    assert (2, None) == (caught.value.attempts, caught.value.unknown_since)


async def test_a_cancelled_start_is_cancelled() -> None:
    async with WireServer(hang()) as server, ThreadsClient("t", base_url=server.url) as client:
        task = asyncio.create_task(client.start_thread())
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    assert task.cancelled()
