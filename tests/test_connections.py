"""Connections that are cut, carry extra bytes, go through a failing proxy, or cannot be opened."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threads_async import (
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RetryPolicy,
    ThreadsClient,
    ThreadsQuery,
)
from threads_async.testing.wire import Script, WireServer, answer, hang, send

THREAD = {"workspaceId": -1, "threadToken": "one", "type": "Manual", "createdAt": "2026-03-17T16:38:40+00:00"}
PAGE = json.dumps({"totalCount": 1, "items": [THREAD]}).encode()
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
"""The head of a response whose body ends with the connection."""


async def outcome_of(*scripts: Script, **settings: Any) -> tuple[object, int]:
    """Fetch a page from a server of `scripts`; return the page or the error, and the number of requests."""
    async with WireServer(*scripts) as server, ThreadsClient("x", base_url=server.url, **settings) as client:
        try:
            return await client.fetch_page(ThreadsQuery()), len(server.requests)
        except RequestError as error:
            return error, len(server.requests)


@given(at=st.integers(0, len(PAGE) - 1))
@settings(max_examples=30)
async def test_a_cut_body_that_ends_with_the_connection_is_requested_again(at: int) -> None:
    page, requests = await outcome_of(send(HEAD + PAGE[:at]), send(HEAD + PAGE))

    assert 1 == getattr(page, "total_count", page)
    assert 2 == requests


async def test_a_body_that_is_cut_at_every_attempt_is_a_failed_connection() -> None:
    error, requests = await outcome_of(send(HEAD + PAGE[:-2]))

    assert isinstance(error, ConnectionFailedError)
    assert "the connection ended in the middle of the response" == error.message
    assert 3 == requests


@pytest.mark.parametrize(
    "script",
    [send(answer(PAGE[:-2])), send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"t\r\n0\r\n\r\n')],
    ids=["length", "chunked"],
)
async def test_a_complete_but_wrong_body_is_not_requested_again(script: Script) -> None:
    error, requests = await outcome_of(script)

    assert isinstance(error, DecodeError)
    assert 1 == requests


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("ending", [send, hang])
async def test_invalid_http_in_a_body_is_reported_at_once(ending: Any, at_once: bool) -> None:
    head, bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"
    async with asyncio.timeout(5):
        error, requests = await outcome_of(ending(head + bad) if at_once else ending(head, bad))

    assert isinstance(error, DecodeError)
    assert "the response is not valid HTTP, or other bytes follow it" == error.message
    assert 1 == requests


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_body_that_cannot_be_decompressed_is_a_clear_error_and_not_requested_again(encoding: str) -> None:
    error, requests = await outcome_of(send(answer(b"no such thing", headers=f"Content-Encoding: {encoding}\r\n")))

    assert isinstance(error, DecodeError)
    assert "the body of the response cannot be decompressed" == error.message
    assert 1 == requests


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=30)
async def test_a_cut_compressed_body_that_ends_with_the_connection_is_requested_again(
    encoding: str, compress: Callable[[bytes], bytes], share: float
) -> None:
    whole = compress(PAGE)
    head = HEAD.replace(b"\r\n\r\n", f"\r\nContent-Encoding: {encoding}\r\n\r\n".encode())
    # A missing checksum at the end of gzip is not noticed, but then the page is complete.
    at = int(share * (len(whole) - 9))
    page, requests = await outcome_of(send(head + whole[:at]), send(head + whole))

    assert 1 == getattr(page, "total_count", page)
    assert 2 == requests


@pytest.mark.parametrize("more", [b"\r\n", b"x", b"\0" * 100, answer(b"another")], ids=["CRLF", "x", "zeros", "answer"])
@pytest.mark.parametrize("ending", [send, hang])
async def test_bytes_after_a_complete_response_do_no_harm(ending: Any, more: bytes) -> None:
    page, requests = await outcome_of(ending(answer(PAGE) + more))

    assert 1 == getattr(page, "total_count", page)
    assert 1 == requests


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
)
async def test_bytes_after_a_response_do_no_harm_wherever_the_network_splits_it(before: bytes) -> None:
    whole = before + answer(PAGE) + b"x"
    for at in range(1, len(whole)):
        page, requests = await outcome_of(send(whole[:at], whole[at:]))

        assert (1, 1) == (getattr(page, "total_count", page), requests), at


FALSE = answer(json.dumps({"totalCount": 9, "items": [THREAD]}).encode())


@pytest.mark.parametrize(
    "chunks",
    [
        [answer(PAGE) + FALSE],
        [answer(PAGE), FALSE],
        [answer(PAGE)[:-5], answer(PAGE)[-5:] + FALSE],
        [answer(PAGE)[:-5], answer(PAGE)[-5:] + b"HTTP/1.1 100 Continue\r\n\r\n", FALSE],
    ],
    ids=["at once", "afterwards", "with the end of the body", "after an interim answer"],
)
async def test_bytes_after_a_response_are_not_taken_for_the_next_one(chunks: list[bytes]) -> None:
    async with (
        WireServer(send(*chunks, close=False), send(answer(PAGE))) as server,
        ThreadsClient("x", base_url=server.url) as client,
    ):
        counts = [(await client.fetch_page(ThreadsQuery())).total_count]
        # The connection is idle when the last chunk arrives.
        for _ in range(10):
            await asyncio.sleep(0)
        counts.append((await client.fetch_page(ThreadsQuery())).total_count)

    assert [1, 1] == counts
    assert 2 == len(server.requests)


async def test_in_a_given_session_bytes_after_a_response_are_a_clear_error() -> None:
    async with aiohttp.ClientSession() as session:
        error, _ = await outcome_of(send(answer(PAGE) + b"x"), session=session)

    assert isinstance(error, DecodeError)
    assert "the response is not valid HTTP, or other bytes follow it" == error.message


async def test_a_proxy_that_refuses_is_a_failed_connection_that_is_not_retried() -> None:
    refusal = send(answer(b"", status="407 Proxy Authentication Required"))
    async with WireServer(refusal) as proxy, aiohttp.ClientSession(proxy=proxy.url) as session:
        async with ThreadsClient("x", base_url="https://zenno.example", session=session) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.fetch_page(ThreadsQuery())
        requests = len(proxy.requests)

    assert "the proxy of the session refused (407)" == caught.value.message
    assert (1, False) == (requests, caught.value.temporary)


@pytest.mark.parametrize("base_url", ["http://localhost:8160", "https://zenno.example"])
async def test_the_error_for_an_unreachable_proxy_names_it_and_has_no_hint(base_url: str, unused_tcp_port: int) -> None:
    async with (
        aiohttp.ClientSession(proxy=f"http://127.0.0.1:{unused_tcp_port}") as session,
        ThreadsClient("x", base_url=base_url, session=session) as client,
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert "the proxy of the session cannot be reached: the connection was refused" == caught.value.message
    assert "" == caught.value.hint


class NoNames(aiohttp.abc.AbstractResolver):
    """A resolver that knows no names."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        raise OSError(None, "no such name")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("proxy", "hint"), [(None, "check the host of base_url"), ("http://proxy.example", "")])
async def test_an_unknown_name_leads_to_a_hint_about_base_url_only_without_a_proxy(
    proxy: str | None, hint: str
) -> None:
    connector = aiohttp.TCPConnector(resolver=NoNames())
    async with (
        aiohttp.ClientSession(proxy=proxy, connector=connector) as session,
        ThreadsClient("x", base_url="http://zenno.example", session=session) as client,
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert ("the host name is not known", hint) == (caught.value.message, caught.value.hint)


async def test_a_host_that_no_socket_accepts_is_a_failed_connection_that_is_not_retried() -> None:
    """The encoded form of a name is known only when the name is resolved."""
    async with ThreadsClient("x", base_url=f"http://{'ж' * 63}.example") as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert (False, 1) == (caught.value.temporary, caught.value.attempts)
    assert "check the host of base_url" == caught.value.hint


@pytest.mark.parametrize("seconds", [10**400, -(10**400), 10**309], ids=["large", "negative", "just too large"])
@pytest.mark.parametrize("parameter", ["timeout", "interval", "max_backoff", "deadline"])
def test_a_number_of_seconds_too_large_for_a_float_is_a_wrong_setting(parameter: str, seconds: int) -> None:
    client = ThreadsClient("x")
    with pytest.raises(ConfigurationError) as caught:
        if parameter == "timeout":
            ThreadsClient("x", timeout=seconds)
        elif parameter == "interval":
            client.watch(interval=seconds)
        else:
            RetryPolicy(**{parameter: seconds})

    assert parameter == caught.value.parameter


async def test_a_refused_https_connection_does_not_suggest_zennobrowser(unused_tcp_port: int) -> None:
    async with ThreadsClient("x", base_url=f"https://localhost:{unused_tcp_port}") as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert "ZennoBrowser" not in str(caught.value)
    assert f"https://localhost:{unused_tcp_port}/v1/threads" in str(caught.value)
