"""What a connection can do: be cut, say too much, lead nowhere, or to a server that is not trusted."""

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
"""Of an answer whose body ends with its connection."""


async def outcome_of(*scripts: Script, **settings: Any) -> tuple[object, int]:
    """Return the page or the error that a server of `scripts` leads to, and the requests it cost."""
    async with WireServer(*scripts) as server, ThreadsClient("x", base_url=server.url, **settings) as client:
        try:
            return await client.fetch_page(ThreadsQuery()), len(server.requests)
        except RequestError as error:
            return error, len(server.requests)


@given(at=st.integers(0, len(PAGE) - 1))
@settings(max_examples=30)
async def test_a_body_cut_short_that_only_the_connection_ends_is_asked_for_again(at: int) -> None:
    page, requests = await outcome_of(send(HEAD + PAGE[:at]), send(HEAD + PAGE))

    assert 1 == getattr(page, "total_count", page)
    assert 2 == requests


async def test_a_body_that_stays_cut_short_is_a_failed_connection() -> None:
    error, requests = await outcome_of(send(HEAD + PAGE[:-2]))

    assert isinstance(error, ConnectionFailedError)
    assert "the connection ended in the middle of the answer" == error.message
    assert 3 == requests


@pytest.mark.parametrize(
    "script",
    [send(answer(PAGE[:-2])), send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"t\r\n0\r\n\r\n')],
    ids=["length", "chunked"],
)
async def test_a_body_that_is_whole_but_wrong_is_not_asked_for_again(script: Script) -> None:
    error, requests = await outcome_of(script)

    assert isinstance(error, DecodeError)
    assert 1 == requests


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("ending", [send, hang])
async def test_a_body_that_is_not_http_is_told_at_once(ending: Any, at_once: bool) -> None:
    head, bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zz\r\n"
    async with asyncio.timeout(5):
        error, requests = await outcome_of(ending(head + bad) if at_once else ending(head, bad))

    assert isinstance(error, DecodeError)
    assert "the answer is not valid HTTP, or other bytes follow it" == error.message
    assert 1 == requests


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_body_that_is_not_compressed_as_it_says_is_told_so_and_not_asked_for_again(encoding: str) -> None:
    error, requests = await outcome_of(send(answer(b"no such thing", headers=f"Content-Encoding: {encoding}\r\n")))

    assert isinstance(error, DecodeError)
    assert "the body of the answer cannot be decompressed" == error.message
    assert 1 == requests


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=30)
async def test_a_compressed_body_that_only_the_connection_ends_is_asked_for_again_if_it_was_cut(
    encoding: str, compress: Callable[[bytes], bytes], share: float
) -> None:
    whole = compress(PAGE)
    head = HEAD.replace(b"\r\n\r\n", f"\r\nContent-Encoding: {encoding}\r\n\r\n".encode())
    # Of gzip, the checksum at the end may be missing without anybody noticing: the page is there.
    at = int(share * (len(whole) - 9))
    page, requests = await outcome_of(send(head + whole[:at]), send(head + whole))

    assert 1 == getattr(page, "total_count", page)
    assert 2 == requests


@pytest.mark.parametrize("more", [b"\r\n", b"x", b"\0" * 100, answer(b"another")], ids=["CRLF", "x", "zeros", "answer"])
@pytest.mark.parametrize("ending", [send, hang])
async def test_bytes_after_a_complete_answer_do_not_spoil_it(ending: Any, more: bytes) -> None:
    page, requests = await outcome_of(ending(answer(PAGE) + more))

    assert 1 == getattr(page, "total_count", page)
    assert 1 == requests


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
)
async def test_bytes_after_an_answer_do_not_spoil_it_wherever_the_network_cuts_it(before: bytes) -> None:
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
async def test_what_follows_an_answer_is_not_taken_for_the_next_one(chunks: list[bytes]) -> None:
    async with (
        WireServer(send(*chunks, close=False), send(answer(PAGE))) as server,
        ThreadsClient("x", base_url=server.url) as client,
    ):
        counts = [(await client.fetch_page(ThreadsQuery())).total_count]
        # The connection is idle when the last chunk comes.
        for _ in range(10):
            await asyncio.sleep(0)
        counts.append((await client.fetch_page(ThreadsQuery())).total_count)

    assert [1, 1] == counts
    assert 2 == len(server.requests)


async def test_in_a_session_given_bytes_after_an_answer_are_an_error_that_says_so() -> None:
    async with aiohttp.ClientSession() as session:
        error, _ = await outcome_of(send(answer(PAGE) + b"x"), session=session)

    assert isinstance(error, DecodeError)
    assert "the answer is not valid HTTP, or other bytes follow it" == error.message


async def test_a_proxy_that_refuses_is_a_failed_connection_that_is_not_tried_again() -> None:
    refusal = send(answer(b"", status="407 Proxy Authentication Required"))
    async with WireServer(refusal) as proxy, aiohttp.ClientSession(proxy=proxy.url) as session:
        async with ThreadsClient("x", base_url="https://zenno.example", session=session) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.fetch_page(ThreadsQuery())
        requests = len(proxy.requests)

    assert "the proxy of the session refused (407)" == caught.value.message
    assert (1, False) == (requests, caught.value.temporary)


@pytest.mark.parametrize("base_url", ["http://localhost:8160", "https://zenno.example"])
async def test_a_proxy_that_cannot_be_reached_is_named_and_nothing_else_is_suspected(
    base_url: str, unused_tcp_port: int
) -> None:
    async with (
        aiohttp.ClientSession(proxy=f"http://127.0.0.1:{unused_tcp_port}") as session,
        ThreadsClient("x", base_url=base_url, session=session) as client,
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert "the proxy of the session cannot be reached: the connection was refused" == caught.value.message
    assert "" == caught.value.hint


class NoNames(aiohttp.abc.AbstractResolver):
    """A resolver that knows no name."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        raise OSError(None, "no such name")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("proxy", "hint"), [(None, "check the host of base_url"), ("http://proxy.example", "")])
async def test_an_unknown_name_is_that_of_base_url_only_if_that_was_asked_for(proxy: str | None, hint: str) -> None:
    connector = aiohttp.TCPConnector(resolver=NoNames())
    async with (
        aiohttp.ClientSession(proxy=proxy, connector=connector) as session,
        ThreadsClient("x", base_url="http://zenno.example", session=session) as client,
    ):
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert ("the host name is not known", hint) == (caught.value.message, caught.value.hint)


async def test_a_host_that_no_socket_takes_is_a_failed_connection_that_is_not_tried_again() -> None:
    """What a name looks like once encoded is known only when it is asked for."""
    async with ThreadsClient("x", base_url=f"http://{'ж' * 63}.example") as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert (False, 1) == (caught.value.temporary, caught.value.attempts)
    assert "check the host of base_url" == caught.value.hint


@pytest.mark.parametrize("seconds", [10**400, -(10**400), 10**309], ids=["large", "negative", "just too large"])
@pytest.mark.parametrize("parameter", ["timeout", "interval", "max_backoff", "deadline"])
def test_a_number_of_seconds_that_no_float_holds_is_a_setting_that_is_wrong(parameter: str, seconds: int) -> None:
    client = ThreadsClient("x")
    with pytest.raises(ConfigurationError) as caught:
        if parameter == "timeout":
            ThreadsClient("x", timeout=seconds)
        elif parameter == "interval":
            client.watch(interval=seconds)
        else:
            RetryPolicy(**{parameter: seconds})

    assert parameter == caught.value.parameter


async def test_the_hint_of_a_refused_connection_is_about_what_was_asked(unused_tcp_port: int) -> None:
    async with ThreadsClient("x", base_url=f"https://localhost:{unused_tcp_port}") as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.fetch_page(ThreadsQuery())

    assert "ZennoBrowser" not in str(caught.value)
    assert f"https://localhost:{unused_tcp_port}/v1/threads" in str(caught.value)
