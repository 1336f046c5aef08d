"""Closing while tasks wait, errors and cancellations that leave nothing running, and use in other event loops."""

import asyncio
import contextlib
import copy
import gc
import pickle
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import pytest
from listings import ORDERED, THREADS, Kind, each_kind

from threads_async import (
    ClientClosedError,
    ExecutionThread,
    PageIterator,
    PaginationError,
    RetryPolicy,
    ServerError,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
)
from threads_async._session import close_session
from threads_async.testing import FakeServer, Fault, WireServer
from threads_async.testing.wire import hang

ONCE = RetryPolicy(attempts=1)


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Turn off the garbage collector, so that nothing needs it to end."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Group:
    """Tasks in a `TaskGroup`, with a record of how each of them ended."""

    def __init__(self) -> None:
        self.ends: list[type[BaseException]] = []

    async def run(self, client: ThreadsClient, workers: int, close: Any) -> None:
        async def work() -> None:
            try:
                await client.fetch_page(ThreadsQuery())
            except BaseException as error:  # noqa: BLE001 - to detect a cancellation that nobody requested
                self.ends.append(type(error))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for _ in range(workers)]
            await turns()
            await close()
            await asyncio.wait(tasks, timeout=10)


@pytest.mark.parametrize("what", ["client", "session", "both"])
async def test_closing_ends_a_wait_for_a_connection_of_a_given_session(what: str) -> None:
    async with WireServer(hang()) as server:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        client = ThreadsClient("x", base_url=server.url, session=session, retry=ONCE)
        group = Group()

        async def close() -> None:
            if what != "session":
                await client.close()
            if what != "client":
                await session.close()

        await group.run(client, 3, close)
        await client.close()
        left_open = not session.closed
        await session.close()

    assert [ClientClosedError] * 3 == group.ends
    assert (what == "client") is left_open


async def test_closing_ends_a_pause_before_a_retry_at_once(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    paused = asyncio.Event()

    async def pause_for_ever(_: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("threads_async._transport._pause", pause_for_ever)
    server.fail_next()
    client = ThreadsClient(server.token, base_url=server.url)
    task = asyncio.create_task(client.fetch_page(ThreadsQuery()))
    async with asyncio.timeout(10):
        await paused.wait()
        await client.close()
        with pytest.raises(ClientClosedError):
            await task


@each_kind
@pytest.mark.parametrize("prefetch", [0, 3])
@pytest.mark.parametrize("given", [False, True])
async def test_closing_ends_a_wait_for_a_page(kind: Kind, given: bool, prefetch: int) -> None:
    async with WireServer(hang()) as server, aiohttp.ClientSession() as session:
        client = ThreadsClient("x", base_url=server.url, session=session if given else None, retry=ONCE)
        pages = kind.listing(client, prefetch=prefetch).pages()
        task = asyncio.ensure_future(anext(pages))
        while not server.requests:
            await asyncio.sleep(0.001)
        await client.close()
        with pytest.raises(ClientClosedError):
            await task


async def test_closing_ends_a_wait_for_a_connection_of_the_clients_own_session() -> None:
    async with WireServer(hang()) as server:
        client = ThreadsClient("x", base_url=server.url, retry=ONCE)
        group = Group()
        await group.run(client, 150, client.close)

    assert [ClientClosedError] * 150 == group.ends


class SlowResolver(aiohttp.abc.AbstractResolver):
    """A resolver that never returns."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None: ...


async def test_closing_ends_a_wait_for_name_resolution() -> None:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=SlowResolver()))
    async with ThreadsClient("x", base_url="http://zenno.example", session=session, retry=ONCE) as client:
        group = Group()
        await group.run(client, 3, session.close)

    assert [ClientClosedError] * 3 == group.ends


@pytest.mark.parametrize("closed", [False, True])
async def test_a_cancelled_task_ends_as_cancelled_even_if_the_session_is_closed(closed: bool) -> None:
    async with WireServer(hang()) as server:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        async with ThreadsClient("x", base_url=server.url, session=session, retry=ONCE) as client:
            tasks = [asyncio.create_task(client.fetch_page(ThreadsQuery())) for _ in range(3)]
            await turns()
            for task in tasks:
                task.cancel()
            if closed:
                await session.close()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await session.close()

    assert [asyncio.CancelledError] * 3 == [type(outcome) for outcome in outcomes]


async def collect(kind: Kind, client: ThreadsClient, **how: Any) -> object:
    return await kind.listing(client, **how).collect()


async def loop(kind: Kind, client: ThreadsClient, **how: Any) -> object:
    return [thread async for thread in kind.listing(client, **how)]


async def loop_over_pages(kind: Kind, client: ThreadsClient, **how: Any) -> object:
    return [page async for page in kind.listing(client, **how).pages()]


@each_kind
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("consistent", [False, True])
@pytest.mark.parametrize("way", [collect, loop, loop_over_pages])
async def test_after_an_error_no_request_continues(kind: Kind, way: Any, consistent: bool) -> None:
    """The pages after the failed one get no response, and the next request needs one of their connections."""
    stuck = asyncio.Event()

    async def answer_late(seen: Any) -> None:
        if int(seen.parameters["start"]) > 100:
            await stuck.wait()

    async with (
        kind.server(1000) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=3)) as session,
        ThreadsClient(server.token, base_url=server.url, session=session, retry=ONCE) as client,
    ):
        server.on_request = answer_late
        server.fault_for = lambda seen: Fault(500) if 0 < int(seen.parameters["start"]) <= 100 else None
        before = asyncio.all_tasks()
        with pytest.raises(ServerError) as caught:
            await way(kind, client, total=100, prefetch=4, consistent=consistent and kind in ORDERED)
        await turns(2)
        left = [task for task in asyncio.all_tasks() - before if "threads_async/_" in repr(task)]
        server.on_request = server.fault_for = None
        async with asyncio.timeout(2):
            await kind.listing(client).first()
        stuck.set()

    assert [] == left
    assert ServerError is caught.type


async def for_each(kind: Kind, client: ThreadsClient, **how: Any) -> None:
    # Not a comprehension, because its frame would keep the iterator alive.
    async for _ in kind.listing(client, **how):
        pass


async def for_each_page(kind: Kind, client: ThreadsClient, **how: Any) -> None:
    async for _ in kind.listing(client, **how).pages():
        pass


async def cancel(task: "asyncio.Task[object]") -> object:
    task.cancel()
    return await asyncio.gather(task, return_exceptions=True)


async def cancel_and_look(task: "asyncio.Task[object]") -> object:
    task.cancel()
    return await asyncio.wait([task])


async def run_out_of_time(task: "asyncio.Task[object]") -> object:
    with pytest.raises(TimeoutError) as late:
        async with asyncio.timeout(0.01):
            await task
    return late


@each_kind
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("stop", [cancel, cancel_and_look, run_out_of_time])
@pytest.mark.parametrize("way", [collect, for_each, for_each_page])
async def test_after_a_cancellation_no_request_continues_even_if_the_error_is_kept(
    kind: Kind, way: Any, stop: Any
) -> None:
    """A task keeps the cancellation that ended it, and so does the result of `gather`."""
    stuck = asyncio.Event()

    async def answer_late(seen: Any) -> None:
        if int(seen.parameters["start"]) > 0:
            await stuck.wait()

    async with (
        kind.server(1000) as server,
        ThreadsClient(server.token, base_url=server.url, retry=ONCE) as client,
    ):
        server.on_request = answer_late
        before = asyncio.all_tasks()
        task = asyncio.create_task(way(kind, client, total=100, prefetch=4))
        while len(server.requests) < 4:
            await asyncio.sleep(0.001)
        kept = await stop(task)
        await turns(2)
        left = [task for task in asyncio.all_tasks() - before if "threads_async/_" in repr(task)]
        stuck.set()

    assert [] == left
    assert kept is not None
    assert task.cancelled()


class MiddlewareError(Exception):
    """An error that user code raises."""


async def test_after_an_error_in_user_code_no_request_continues_even_if_the_error_is_kept() -> None:
    stuck = asyncio.Event()

    async def answer_late(seen: Any) -> None:
        if int(seen.parameters["start"]) > 100:
            await stuck.wait()

    async def middleware(request: aiohttp.ClientRequest, handler: Any) -> aiohttp.ClientResponse:
        if "start=100&" in str(request.url):
            raise MiddlewareError
        answer: aiohttp.ClientResponse = await handler(request)
        return answer

    async with (
        FakeServer(threads=1000) as server,
        aiohttp.ClientSession(middlewares=[middleware]) as session,
        ThreadsClient(server.token, base_url=server.url, session=session, retry=ONCE) as client,
    ):
        server.on_request = answer_late
        before = asyncio.all_tasks()
        with pytest.raises(MiddlewareError) as kept:
            await for_each(THREADS, client, total=100, prefetch=4)
        await turns(2)
        left = [task for task in asyncio.all_tasks() - before if "threads_async/_" in repr(task)]
        stuck.set()

    assert [] == left
    assert "middleware" == kept.traceback[-1].name


@pytest.mark.parametrize("prefetch", [0, 3])
async def test_a_client_can_be_closed_from_inside_its_own_request(prefetch: int, server: FakeServer) -> None:
    requests = 0
    trace = aiohttp.TraceConfig()

    async def close_at_the_second(*_: object) -> None:
        nonlocal requests
        requests += 1
        if requests == 2:
            await client.close()

    trace.on_request_start.append(close_at_the_second)
    async with asyncio.timeout(10), aiohttp.ClientSession(trace_configs=[trace]) as session:
        client = ThreadsClient(server.token, base_url=server.url, session=session, retry=ONCE)
        with pytest.raises(ClientClosedError):
            await for_each(THREADS, client, total=100, prefetch=prefetch)


@each_kind
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("consistent", [None, False, True])
async def test_an_error_about_contradictory_pages_keeps_nothing_alive(
    kind: Kind, consistent: bool | None, server: FakeServer, client: ThreadsClient
) -> None:
    server.fault_for = lambda _: Fault(200, b'{"totalCount":9,"items":[]}')

    gone: list[weakref.ref[PaginationError]] = []
    try:
        if consistent is None:
            await client.fetch_page(kind.query())
        else:
            await anext(kind.listing(client, consistent=consistent and kind in ORDERED).pages())
    except PaginationError as error:
        gone = [weakref.ref(error)]

    assert [None] == [error() for error in gone]


@each_kind
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("prefetch", [0, 4])
async def test_an_error_keeps_nothing_alive(
    kind: Kind, prefetch: int, server: FakeServer, client: ThreadsClient
) -> None:
    """There is no cycle between error and traceback, so the iterator is freed with its last reference."""
    server.fault_for = lambda _: Fault(404)
    pages = kind.listing(client, prefetch=prefetch).pages()
    gone = weakref.ref(pages)
    with contextlib.suppress(ThreadsError):
        await anext(pages)

    del pages
    await turns(2)

    assert gone() is None


def used_in_a_loop_that_is_closed(prefetch: int) -> PageIterator[ExecutionThread]:
    """Return an iterator that was used in another event loop, with requests in flight when that loop ended."""

    async def use() -> PageIterator[ExecutionThread]:
        server = FakeServer(threads=2500)
        await server.start()
        client = ThreadsClient(server.token, base_url=server.url)
        iterator = client.threads(total=100, prefetch=prefetch).pages()
        await anext(iterator)
        server.latency = 60
        await client.close()
        await server.stop()
        return iterator

    return asyncio.run(use())


@pytest.mark.parametrize("prefetch", [0, 4])
def test_an_iterator_in_a_second_event_loop_raises_a_clear_error_and_can_be_closed_there(prefetch: int) -> None:
    iterator = used_in_a_loop_that_is_closed(prefetch)

    async def use_again() -> None:
        with pytest.raises(ClientClosedError, match="another event loop"):
            await anext(iterator)
        await iterator.aclose()
        async with iterator:
            pass

    asyncio.run(use_again())


def test_a_session_of_another_event_loop_is_a_clear_error() -> None:
    with FakeServer(threads=3) as server:

        async def make() -> tuple[aiohttp.ClientSession, ThreadsClient]:
            # Its connections do not outlive the loop.
            session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
            client = ThreadsClient(server.token, base_url=server.url, session=session)
            await client.threads().first()
            await turns(2)
            return session, client

        session, client = asyncio.run(make())
        with pytest.raises(ClientClosedError, match="belongs to another event loop"):
            asyncio.run(client.threads().first())
        asyncio.run(session.close())


def test_a_client_can_be_closed_after_the_end_of_its_event_loop() -> None:
    with FakeServer(threads=2500) as server:

        async def use() -> ThreadsClient:
            client = ThreadsClient(server.token, base_url=server.url)
            pages = client.threads(total=100, prefetch=3).pages()
            await anext(pages)
            return client

        client = asyncio.run(use())
        asyncio.run(client.close())

    assert client.closed


def test_a_client_can_be_closed_from_another_event_loop_while_its_own_runs() -> None:
    with FakeServer(threads=2500) as server, ThreadPoolExecutor() as threads:
        server.latency = 60
        client = ThreadsClient(server.token, base_url=server.url, retry=ONCE)
        asked = threads.submit(lambda: asyncio.run(client.threads().first()))
        while not server.requests:
            time.sleep(0.001)

        asyncio.run(client.close())

        with pytest.raises(ClientClosedError):
            asked.result(timeout=10)


class EndingLoop:
    """An event loop that ends without running the calls that are scheduled."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def is_running(self) -> bool:
        self._looks -= 1
        return self._looks > 0

    def call_soon_threadsafe(self, *_: object) -> None:
        if self._looks == 0:
            raise RuntimeError


@pytest.mark.parametrize("looks", [0, 1, 3])
async def test_closing_does_not_wait_for_an_event_loop_that_ends(looks: int) -> None:
    session = aiohttp.ClientSession()
    loop: Any = EndingLoop(looks)

    async with asyncio.timeout(10):
        await close_session(session, loop)

    assert session.closed


RUNNING = """
import asyncio, threading
from threads_async import ClientClosedError, ThreadsClient
from threads_async.testing import FakeServer

# Prefetched requests are in flight in one loop while another loop closes the iterator.
other = asyncio.new_event_loop()
thread = threading.Thread(target=other.run_forever)
thread.start()

async def begin():
    global server, client, iterator
    # A busy machine is not the client's fault.
    asyncio.get_running_loop().slow_callback_duration = 60
    server = FakeServer(threads=2500)
    await server.start()
    client = ThreadsClient(server.token, base_url=server.url)
    iterator = client.threads(total=100, prefetch=4).pages()
    await anext(iterator)
    server.latency = 60

async def end():
    for _ in range(10):
        await asyncio.sleep(0.001)
    left = [task for task in asyncio.all_tasks() if "PageSource.fetch" in repr(task)]
    await client.close()
    await server.stop()
    return left

async def close_from_here():
    asyncio.get_running_loop().slow_callback_duration = 60
    try:
        await anext(iterator)
    except ClientClosedError:
        print("refused")
    await iterator.aclose()

asyncio.run_coroutine_threadsafe(begin(), other).result()
asyncio.run(close_from_here())
print(asyncio.run_coroutine_threadsafe(end(), other).result())
other.call_soon_threadsafe(other.stop)
thread.join()
other.close()
"""


def test_closing_from_another_event_loop_ends_the_requests_in_their_loop() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", RUNNING],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ("refused\n[]\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("what", ["threads", "pages", "watch"])
async def test_an_iterator_cannot_be_copied_or_pickled(what: str, how: Any, client: ThreadsClient) -> None:
    """Warnings are errors, so an exception that is ignored in a finalizer also fails this test."""
    listing = client.threads(prefetch=2)
    iterator: Any = {"threads": aiter(listing), "pages": listing.pages(), "watch": client.watch()}[what]
    await anext(iterator)

    with pytest.raises(TypeError, match=f"a {type(iterator).__name__} cannot be copied or pickled"):
        how(iterator)

    await iterator.aclose()
