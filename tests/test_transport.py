"""The transport against servers that send given bytes and then fail in given ways."""

import asyncio
import gzip
import socket
import traceback
import urllib.parse
from typing import Any

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from threads_async import (
    ClientClosedError,
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    StatusError,
    ThreadsClient,
    ThreadsQuery,
    TooManyRequestsError,
    UnauthorizedError,
)
from threads_async._endpoints import THREADS
from threads_async._exchange import Request, encode
from threads_async._secrets import Secret
from threads_async._transport import USER_AGENT, Bounds, Transport
from threads_async.testing.wire import Script, WireServer, answer, drip, hang, reset, send

TOKEN = "Sesame-0123456789"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
EMPTY = b'{"totalCount":0,"items":[]}'
GOOD = send(answer(EMPTY), close=False)
CUT = send(answer(EMPTY, length=1000))
QUERY = ThreadsQuery(thread_token=JWT)


def client_of(url: str, **settings: Any) -> ThreadsClient:
    return ThreadsClient(TOKEN, base_url=url, **settings)


async def error_of(*scripts: Script, requests: int, **settings: Any) -> RequestError:
    """Fetch a page from a server of these scripts, and return the error, which must take so many requests."""
    async with WireServer(*scripts) as server, client_of(server.url, **settings) as client:
        with pytest.raises(RequestError) as caught:
            await client.fetch_page(QUERY)
        assert requests == len(server.requests)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert server.url in str(error)
    assert requests == error.attempts
    trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert TOKEN not in trace
    assert JWT not in trace
    return error


async def test_one_get_is_sent_with_our_headers() -> None:
    async with WireServer(GOOD) as server, client_of(f"{server.url}/proxy/") as client:
        await client.fetch_page(ThreadsQuery(start=3))

    (head,) = server.requests
    line, *headers = head.splitlines()
    assert "GET /proxy/v1/threads?workspaceId=-1&start=3&total=1000 HTTP/1.1" == line
    assert {f"Api-Token: {TOKEN}", "Accept: application/json", f"User-Agent: {USER_AGENT}"} <= set(headers)


@given(
    token=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1),
    sorting=st.sampled_from(["CreatedAt", "Type DESC"]),
)
@example(token="a+b/c=d&e?f%20 ж#;\x00", sorting="Type ASC")
@settings(max_examples=30)
async def test_any_text_arrives_unchanged(token: str, sorting: str) -> None:
    async with WireServer(GOOD) as server, client_of(server.url) as client:
        await client.fetch_page(ThreadsQuery(thread_token=token, sorting=sorting))

    target = server.requests[0].split()[1]
    assert {"workspaceId": "-1", "start": "0", "total": "1000", "thread_token": token, "sorting": sorting} == dict(
        urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query, strict_parsing=True)
    )


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (send(answer(EMPTY, length=1000)), ConnectionFailedError),
        (reset(answer(EMPTY, length=1000)), ConnectionFailedError),
        (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{"), ConnectionFailedError),
        (send(answer(b"", status="500 Oops")), ServerError),
        (send(answer(b"", status="408 Request Timeout")), StatusError),
        (send(answer(b"", status="429 Too Many Requests", headers="Retry-After: 0\r\n")), TooManyRequestsError),
    ],
)
async def test_temporary_failures_are_attempted_three_times(script: Script, kind: type[RequestError]) -> None:
    assert kind is type(await error_of(script, requests=3))


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (send(answer(b"", status="401 Unauthorized")), UnauthorizedError),
        (send(answer(b"", status="404 Not Found")), StatusError),
        (send(answer(b"", status="302 Found", headers=f"Location: http://127.0.0.1:1/{JWT}\r\n")), StatusError),
        (send(answer(b"", status="204 No Content")), StatusError),
        (send(answer(b"<html>")), DecodeError),
        (send(answer(b"not gzip", headers="Content-Encoding: gzip\r\n")), DecodeError),
        (send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), DecodeError),
        (send(answer(EMPTY, headers=f"X: {'x' * 100_000}\r\n")), DecodeError),
    ],
)
async def test_permanent_failures_are_attempted_once(script: Script, kind: type[RequestError]) -> None:
    assert kind is type(await error_of(script, requests=1))


@pytest.mark.parametrize("script", [send(), reset(), send(b"HTTP/1.1 200 OK\r\n")])
async def test_aiohttp_itself_sends_once_more_if_the_connection_closes_before_the_response(script: Script) -> None:
    async with WireServer(script) as server, client_of(server.url, retry=RetryPolicy(attempts=3)) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(QUERY)

    assert 3 == caught.value.attempts
    assert 6 == len(server.requests)


async def test_a_later_attempt_that_succeeds_is_a_success() -> None:
    busy = send(answer(b"", status="503 Busy"))
    async with WireServer(CUT, busy, GOOD) as server, client_of(server.url) as client:
        assert () == (await client.fetch_page(ThreadsQuery())).items

    assert 3 == len(server.requests)


async def test_one_attempt_means_no_retry() -> None:
    await error_of(CUT, requests=1, retry=RetryPolicy(attempts=1))


@pytest.mark.parametrize("script", [hang(), hang(b"HTTP/1.1 200 OK\r\n"), hang(answer(EMPTY, length=99))])
async def test_the_timeout_covers_the_whole_exchange(script: Script) -> None:
    error = await error_of(script, requests=1, timeout=0.05, retry=RetryPolicy(attempts=1))

    assert isinstance(error, RequestTimeoutError)
    assert "0.05 s" in str(error)


async def test_a_server_that_sends_slowly_does_not_exceed_the_timeout() -> None:
    script = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"[", seconds=0.01)

    assert isinstance(
        await error_of(script, requests=1, timeout=0.1, retry=RetryPolicy(attempts=1)), RequestTimeoutError
    )


async def test_the_timeout_covers_waiting_for_a_free_connection() -> None:
    async with (
        WireServer(hang()) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        client_of(server.url, session=session, timeout=0.1, retry=RetryPolicy(attempts=1)) as client,
    ):
        # This request has the only connection and keeps it.
        other = asyncio.ensure_future(session.get(server.url))
        while not server.requests:
            await asyncio.sleep(0.001)
        with pytest.raises(RequestTimeoutError):
            await client.fetch_page(QUERY)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)

    assert 1 == len(server.requests)


class Clock:
    """A clock that advances by `step` seconds each time it is read."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


async def test_the_deadline_ends_the_attempts_before_their_number_does() -> None:
    bounds = Bounds(timeout=5.0, response_bytes=1000, retry=RetryPolicy(attempts=50, deadline=10.0))

    async with WireServer(CUT) as server:
        transport = Transport(Secret(TOKEN), None, bounds, clock=Clock(1.0), draw=lambda: 0.0)
        with pytest.raises(ConnectionFailedError) as caught:
            await transport.send(encode(THREADS, QUERY, server.url))
        await transport.close()

    # The clock is read twice per attempt.
    assert 5 == caught.value.attempts == len(server.requests)


async def test_an_attempt_gets_no_more_time_than_the_deadline_leaves() -> None:
    error = await error_of(hang(), requests=1, timeout=30.0, retry=RetryPolicy(deadline=0.1))

    assert isinstance(error, RequestTimeoutError)


async def test_without_a_deadline_only_the_number_of_attempts_counts() -> None:
    await error_of(CUT, requests=4, retry=RetryPolicy(attempts=4, deadline=None))


async def test_the_error_for_a_refused_connection_says_so_and_what_to_try() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with client_of(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.fetch_page(ThreadsQuery(start=1000))

    assert (
        "the connection was refused "
        f"(GET http://127.0.0.1:{port}/v1/threads?workspaceId=-1&start=1000&total=1000; 3 attempts); "
        "check the host and port of base_url"
    ) == str(caught.value)


class NoSuchHost(aiohttp.abc.AbstractResolver):
    """A resolver that knows no hosts."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        raise OSError(None, f"no {host}")

    async def close(self) -> None: ...


async def test_the_error_for_an_unknown_host_says_so() -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoSuchHost())) as session,
        client_of("http://zenno.invalid", session=session) as client,
    ):
        with pytest.raises(ConnectionFailedError, match="host name is not known"):
            await client.fetch_page(QUERY)


async def test_the_error_for_a_server_without_tls_says_so() -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 this is not TLS\r\n")
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_of(f"https://127.0.0.1:{port}", timeout=5) as client:
        with pytest.raises(ConnectionFailedError, match="TLS could not be set up"):
            await client.fetch_page(QUERY)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b" " * 100_001, ""), (gzip.compress(b" " * 100_001), "Content-Encoding: gzip\r\n")],
    ids=["plain", "gzip"],
)
async def test_a_response_larger_than_allowed_is_rejected_by_its_decoded_size(body: bytes, headers: str) -> None:
    error = await error_of(send(answer(body, headers=headers)), requests=1, max_response_bytes=100_000)

    assert isinstance(error, ResponseTooLargeError)
    assert 100_000 == error.limit


async def test_a_response_of_exactly_the_allowed_size_is_accepted() -> None:
    async with (
        WireServer(send(answer(EMPTY.ljust(1000)))) as server,
        client_of(server.url, max_response_bytes=1000) as client,
    ):
        assert () == (await client.fetch_page(ThreadsQuery())).items


@pytest.mark.parametrize("close", [False, True], ids=["kept", "closed"])
async def test_a_small_compressed_body_that_is_large_when_decompressed_is_read_completely(close: bool) -> None:
    """The body is decompressed in parts, and aiohttp continues with the next part in a call that has no new bytes."""
    body = gzip.compress(EMPTY.ljust(4 * 2**20))
    async with (
        WireServer(send(answer(body, headers="Content-Encoding: gzip\r\n"), close=close)) as server,
        client_of(server.url, timeout=5, retry=RetryPolicy(attempts=1)) as client,
    ):
        assert () == (await client.fetch_page(ThreadsQuery())).items


async def test_the_beginning_of_an_endless_error_is_read() -> None:
    endless = b"HTTP/1.1 404 Not Found\r\n\r\n" + b"no! " * 30_000

    error = await error_of(hang(endless), requests=1, timeout=10)

    assert isinstance(error, StatusError)
    assert (error.server_message or "").startswith("no! no!")


@pytest.mark.parametrize(
    "script", [send(answer(b"[")), send(answer(b"", status="404 No")), send(answer(b"x" * 2000), close=False), CUT]
)
async def test_after_a_failure_a_pool_of_one_serves_the_next_request_at_once(script: Script) -> None:
    async with (
        WireServer(script, GOOD) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        client_of(
            server.url, session=session, timeout=5, retry=RetryPolicy(attempts=1), max_response_bytes=1000
        ) as client,
    ):
        with pytest.raises(RequestError):
            await client.fetch_page(ThreadsQuery())
        async with asyncio.timeout(2):
            await client.fetch_page(ThreadsQuery())


async def test_a_cancelled_request_leaves_a_pool_of_one_free() -> None:
    async with (
        WireServer(hang(b"HTTP/1.1 200 OK\r\n"), GOOD) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        client_of(server.url, session=session) as client,
    ):
        task = asyncio.create_task(client.fetch_page(ThreadsQuery()))
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(2):
            await client.fetch_page(ThreadsQuery())


async def test_an_error_that_is_not_about_a_request_is_not_retried() -> None:
    transport = Transport(Secret(TOKEN), None, Bounds(timeout=1, response_bytes=1, retry=RetryPolicy()))
    await transport.close()

    with pytest.raises(ClientClosedError, match="closed"):
        await transport.send(Request("http://127.0.0.1:1", (), 0))


async def test_closing_the_client_while_it_waits_is_a_clear_error() -> None:
    async with WireServer(hang()) as server:
        client = client_of(server.url)
        task = asyncio.create_task(client.fetch_page(ThreadsQuery()))
        while not server.requests:
            await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosedError, match="while it waited"):
            await task
