"""The fault matrix: whatever fails on whatever page, a listing is complete or an error, and never silently short."""

import asyncio
import gzip
import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from attrs import frozen
from listings import KINDS, ORDERED, THREADS, Kind, each_kind

from threads_async import (
    DecodeError,
    Listing,
    PaginationError,
    RetryPolicy,
    ServerError,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
    UnauthorizedError,
)
from threads_async import _endpoints as endpoints
from threads_async._exchange import encode
from threads_async._secrets import Secret
from threads_async._transport import Bounds, Transport
from threads_async.testing import FakeServer, Fault, SeenRequest, WireServer
from threads_async.testing.wire import answer, hang, send

TOTAL = 10
PAGES = 4


JSON = {"Content-Type": "application/json; charset=utf-8"}


def page(kind: Kind, count: int = TOTAL, **changes: Any) -> bytes:
    whole = {"totalCount": PAGES * TOTAL, "items": [kind.record(number) for number in range(count)]} | changes
    return json.dumps(whole).encode()


def faults_of(kind: Kind) -> dict[str, Fault]:
    """Return the faults that a server can send instead of a page of this kind."""
    good = page(kind)

    def ok(body: bytes, **headers: str) -> Fault:
        return Fault(200, body, JSON | headers)

    def swapped(old: bytes, new: bytes) -> Fault:
        assert old in good
        return ok(good.replace(old, new, 1))

    def changed(**changes: Any) -> Fault:
        return ok(page(kind, **changes))

    return {
        **{f"status {status}": Fault(status) for status in (401, 403, 404, 408, 429, 500, 501, 503, 599)},
        "retry after": Fault(429, b"", {"Retry-After": "0"}),
        "204": Fault(204, b""),
        "cut off": Fault(None),
        "empty body": ok(b""),
        "HTML": Fault(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"}),
        "cut JSON": ok(good[:-30]),
        "byte-order mark": ok(b"\xef\xbb\xbf" + good),
        "UTF-16": Fault(200, good.decode().encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        "cp1251": swapped(b"other-0", "поток".encode("cp1251")),
        "NaN": swapped(f'"{kind.number}": 1'.encode(), f'"{kind.number}": NaN'.encode()),
        "lone surrogate": swapped(b"other-0", b"\\ud800"),
        "5,000 digits": swapped(b'"totalCount": 40', b'"totalCount": ' + b"4" * 5000),
        "duplicate keys": swapped(b'"totalCount": 40', b'"totalCount": 40, "totalCount": "40"'),
        "deep": swapped(b'"other-0"', b"[" * 100_000),
        "items missing": ok(b'{"totalCount": 40}'),
        "items null": changed(items=None),
        "items object": changed(items={}),
        "items of null": changed(items=[None]),
        "items empty": changed(items=[]),
        "count missing": ok(b'{"items": []}'),
        "count null": changed(totalCount=None),
        "count negative": changed(totalCount=-1),
        "count float": changed(totalCount=40.0),
        "count text": changed(totalCount="40"),
        "count too large": changed(totalCount=2**63),
        "count less than received": changed(totalCount=3),
        "count zero": changed(totalCount=0),
        "too many items": ok(page(kind, TOTAL + 1)),
        "bad gzip": ok(b"no gzip", **{"Content-Encoding": "gzip"}),
        "cut gzip": ok(gzip.compress(good)[:-12], **{"Content-Encoding": "gzip"}),
    }


FAULTS = {kind: faults_of(kind) for kind in KINDS}
WHERE: dict[str, Callable[[SeenRequest], bool]] = {
    "first": lambda seen: seen.parameters["start"] == "0",
    "middle": lambda seen: seen.parameters["start"] in ("10", "9"),
    "last": lambda seen: int(seen.parameters["start"]) >= 27,
    "every": lambda _: True,
}


@frozen
class Way:
    """A way to iterate over a listing."""

    kind: Kind
    consistent: bool
    prefetch: int

    def __str__(self) -> str:
        how = "consistent" if self.consistent else "plain"
        return f"{self.kind}-{how}{'-ahead' if self.prefetch else ''}"

    def listing(self, client: ThreadsClient) -> Listing[Any]:
        return self.kind.listing(client, total=TOTAL, consistent=self.consistent, prefetch=self.prefetch)

    def expected(self, server: FakeServer) -> list[Hashable]:
        return self.kind.keys(self.kind.rows(server, consistent=self.consistent))


WAYS = [
    Way(kind, consistent, prefetch)
    for kind in KINDS
    for consistent in ([False, True] if kind in ORDERED else [False])
    for prefetch in (0, 3)
]
each_way = pytest.mark.parametrize("way", WAYS, ids=str)


@each_way
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", FAULTS[THREADS])
async def test_a_permanent_fault_is_an_error_and_without_it_the_listing_is_complete(
    name: str, where: str, way: Way
) -> None:
    async with way.kind.server(PAGES * TOTAL) as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fault_for = lambda seen: FAULTS[way.kind][name] if WHERE[where](seen) else None
        with pytest.raises(ThreadsError):
            await way.listing(client).collect()

        # The client still works: without the fault it lists everything.
        server.fault_for = None
        expected = way.expected(server)
        assert expected == way.kind.keys(await way.listing(client).collect())


@each_way
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("name", [f"status {status}" for status in (408, 429, 500, 503, 599)] + ["cut off"])
async def test_a_temporary_fault_is_not_noticed(name: str, times: int, way: Way) -> None:
    async with way.kind.server(PAGES * TOTAL) as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fail_next(times, FAULTS[way.kind][name])

        assert PAGES * TOTAL == len(await way.listing(client).collect())


@each_way
@pytest.mark.parametrize("past_end", ["empty", "last_page", "error"])
@pytest.mark.parametrize("offset", [-15, -1, 1, 15])
async def test_a_wrong_count_is_an_error_and_never_a_shorter_listing(past_end: Any, offset: int, way: Way) -> None:
    async with way.kind.server(PAGES * TOTAL, past_end=past_end) as server:
        server.count_offset = offset
        async with ThreadsClient(server.token, base_url=server.url) as client:
            with pytest.raises(ThreadsError):
                await way.listing(client).collect()


@each_way
async def test_an_ignored_start_is_an_error(way: Way) -> None:
    async with way.kind.server(PAGES * TOTAL) as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.ignore_start = True
        with pytest.raises(PaginationError):
            await way.listing(client).collect()


@each_way
@pytest.mark.parametrize(
    ("fault", "kind"), [("status 500", ServerError), ("status 401", UnauthorizedError), ("NaN", DecodeError)]
)
async def test_the_same_iterator_continues_after_the_fault(fault: str, kind: type[ThreadsError], way: Way) -> None:
    async with way.kind.server(PAGES * TOTAL) as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fault_for = lambda seen: FAULTS[way.kind][fault] if WHERE["middle"](seen) else None
        iterator = aiter(way.listing(client))
        got = [await anext(iterator) for _ in range(TOTAL)]
        with pytest.raises(kind):
            await anext(iterator)
        server.fault_for = None
        got += [one async for one in iterator]

        assert way.expected(server) == way.kind.keys(got)


def head(extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + extra + b"\r\n"


HTTP_FAULTS = {
    "a flood of headers": head(b"".join(b"X-%d: %s\r\n" % (number, b"x" * 8000) for number in range(5_000))),
    "a long header": head(b"X: " + b"x" * 100_000 + b"\r\n"),
    "a bad chunk": head(b"Transfer-Encoding: chunked\r\n") + b"zz\r\n",
    "a cut chunk": head(b"Transfer-Encoding: chunked\r\n") + b"1b\r\n{",
    "a negative length": head(b"Content-Length: -1\r\n"),
    "a length that is not a number": head(b"Content-Length: x\r\n"),
    "two lengths": head(b"Content-Length: 1\r\nContent-Length: 2\r\n") + b"{}",
    "nothing after the status": b"HTTP/1.1 200\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "another protocol": b"HTTP/9.9 200 OK\r\n\r\n",
    "a bad charset": answer(page(THREADS, 0), headers="Content-Type: application/json; charset=\x00\r\n"),
    "1xx without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "bytes": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("name", HTTP_FAULTS)
async def test_a_fault_below_http_is_one_of_our_errors(name: str) -> None:
    async with (
        WireServer(send(HTTP_FAULTS[name])) as server,
        ThreadsClient("x", base_url=server.url, timeout=5, retry=RetryPolicy(attempts=2)) as client,
    ):
        with pytest.raises(ThreadsError):
            await client.threads().collect()


async def test_a_connection_closed_under_keep_alive_is_not_noticed() -> None:
    """The server closes the connection after each response without notice, and aiohttp sends the GET once more."""
    body = json.dumps({"totalCount": 2, "items": [THREADS.record(0)]}).encode()
    second = json.dumps({"totalCount": 2, "items": [THREADS.record(1)]}).encode()
    async with (
        WireServer(send(answer(body)), send(answer(second))) as server,
        ThreadsClient("x", base_url=server.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        assert 2 == len(await client.threads(total=1).collect())


@each_kind
async def test_a_request_can_be_cancelled_at_every_step(kind: Kind) -> None:
    """Cancel one turn of the loop later each time, until the request succeeds. `CancelledError` is not changed."""
    cancelled = 0
    async with (
        kind.server(PAGES * TOTAL) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1, force_close=True)) as session,
        ThreadsClient(server.token, base_url=server.url, session=session) as client,
    ):
        while True:
            task = asyncio.create_task(client.fetch_page(kind.query()))
            for _ in range(cancelled):
                await asyncio.sleep(0)
            if task.done():
                assert PAGES * TOTAL == len(task.result().items)
                break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled += 1
            async with asyncio.timeout(5):
                assert PAGES * TOTAL == len((await client.fetch_page(kind.query())).items)
        assert not session.closed

    assert cancelled > 5


@each_way
async def test_a_listing_can_be_cancelled_at_every_step_and_continued(way: Way) -> None:
    async with way.kind.server(PAGES * TOTAL) as server, ThreadsClient(server.token, base_url=server.url) as client:
        iterator = aiter(way.listing(client))
        got: list[Any] = []
        turns = itertools.cycle(range(12))
        while iterator.next_start is not None:
            task = asyncio.ensure_future(anext(iterator))
            for _ in range(next(turns)):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                got.append(await task)

        assert way.expected(server) == way.kind.keys(got)


MEMORY = """
import asyncio, gzip, resource, sys
from threads_async import ResponseTooLargeError, RetryPolicy, ThreadsClient
from threads_async.testing import WireServer
from threads_async.testing.wire import answer, send

bomb = gzip.compress(b" " * 60 * 2**20, 9)
assert len(bomb) < 64 * 1024, len(bomb)

async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    chunk = b" " * 65536
    while True:
        writer.write(chunk)
        await writer.drain()

async def refused(script):
    async with (
        WireServer(script) as server,
        ThreadsClient("x", base_url=server.url, max_response_bytes=2**20) as client,
    ):
        try:
            await client.threads().collect()
        except ResponseTooLargeError as error:
            return error.limit

async def main():
    warm = await refused(send(answer(b" " * 2**21)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limits = [await refused(send(answer(bomb, headers="Content-Encoding: gzip\\r\\n"))), await refused(endless)]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(limits, after - before)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="only Unix has the module resource")
def test_a_decompression_bomb_and_an_endless_body_are_rejected_within_bounded_memory() -> None:
    """The limit is 1 MiB. One body is 61 KB of gzip that expand to 60 MiB, and one has no end."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=50)

    limits, _, grown = done.stdout.strip().rpartition(" ")
    assert "[1048576, 1048576]" == limits
    kib = int(grown) if sys.platform != "darwin" else int(grown) // 1024
    assert kib < 16 * 1024


class SilentFirst(aiohttp.abc.AbstractResolver):
    """Resolves any host to two addresses: an unresponsive one, then the one of the server."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        return [
            {"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}
            for address, kind in (("::1", socket.AF_INET6), ("127.0.0.1", socket.AF_INET))
        ]

    async def close(self) -> None: ...


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of ::1 with a full queue, so a connection to it is neither refused nor accepted."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=0)
    except OSError:  # pragma: no cover - most machines have it
        pytest.skip("this machine has no ::1")
    port = listener.getsockname()[1]
    waiting = [socket.socket(socket.AF_INET6) for _ in range(4)]
    for one in waiting:
        one.setblocking(False)  # noqa: FBT003 - its only parameter
        with suppress(BlockingIOError):
            one.connect(("::1", port))
    yield port
    for one in (*waiting, listener):
        one.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue behaves differently elsewhere")
async def test_localhost_costs_no_quarter_second_if_its_first_address_is_unresponsive(silent_port: int) -> None:
    async with FakeServer(1, port=silent_port) as server:
        bounds = Bounds(timeout=5, response_bytes=10_000, retry=RetryPolicy(attempts=1))
        transport = Transport(Secret(server.token), None, bounds, resolver=SilentFirst())
        loop = asyncio.get_running_loop()
        began = loop.time()
        await transport.send(encode(endpoints.THREADS, ThreadsQuery(), f"http://localhost:{silent_port}"))
        took = loop.time() - began
        await transport.close()

    assert took < 0.2
    assert [f"localhost:{silent_port}"] == [seen.headers["Host"] for seen in server.requests]


async def test_a_server_that_accepts_and_never_responds_costs_no_more_than_the_deadline() -> None:
    policy = RetryPolicy(attempts=50, deadline=0.3, budget=None)
    async with (
        WireServer(hang()) as server,
        ThreadsClient("x", base_url=server.url, timeout=0.1, retry=policy) as client,
    ):
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ThreadsError):
            await client.threads().collect()
        took = loop.time() - began

    assert 2 <= len(server.requests) <= 4
    assert took < 3
