"""How it ends: closing with tasks that wait, errors that leave nothing running, and event loops that are not ours."""

import asyncio
import contextlib
import copy
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from threads_async import (
    ClientClosedError,
    PageIterator,
    RetryPolicy,
    ServerError,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
)
from threads_async.testing import FakeServer, Fault, WireServer
from threads_async.testing.wire import hang

ONCE = RetryPolicy(attempts=1)


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What ends in here ends without the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Group:
    """Tasks in a `TaskGroup`, and how each of them ended."""

    def __init__(self) -> None:
        self.ends: list[type[BaseException]] = []

    async def run(self, client: ThreadsClient, workers: int, close: Any) -> None:
        async def work() -> None:
            try:
                await client.fetch_page(ThreadsQuery())
            except BaseException as error:  # noqa: BLE001 - a cancellation that nobody sent is what it looks for
                self.ends.append(type(error))

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for _ in range(workers)]
            await turns()
            await close()
            await asyncio.wait(tasks, timeout=10)


@pytest.mark.parametrize("what", ["client", "session"])
async def test_whoever_waits_for_a_connection_of_a_given_session_is_told_that_it_was_closed(what: str) -> None:
    async with WireServer(hang()) as server:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        client = ThreadsClient("x", base_url=server.url, session=session, retry=ONCE)
        group = Group()
        if what == "session":
            await group.run(client, 3, session.close)
        else:

            async def close_both() -> None:
                await client.close()
                await session.close()

            await group.run(client, 3, close_both)
        await client.close()

    assert [ClientClosedError] * 3 == group.ends


async def test_whoever_waits_for_a_connection_of_the_clients_own_session_is_told_that_it_was_closed() -> None:
    async with WireServer(hang()) as server:
        client = ThreadsClient("x", base_url=server.url, retry=ONCE)
        group = Group()
        await group.run(client, 150, client.close)

    assert [ClientClosedError] * 150 == group.ends


class SlowResolver(aiohttp.abc.AbstractResolver):
    """A resolver that never answers."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None: ...


async def test_whoever_waits_for_a_name_is_told_that_the_session_was_closed() -> None:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=SlowResolver()))
    async with ThreadsClient("x", base_url="http://zenno.example", session=session, retry=ONCE) as client:
        group = Group()
        await group.run(client, 3, session.close)

    assert [ClientClosedError] * 3 == group.ends


@pytest.mark.parametrize("closed", [False, True])
async def test_a_task_that_is_cancelled_is_cancelled_also_while_the_session_is_closed(closed: bool) -> None:
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


async def collect(client: ThreadsClient, **how: Any) -> object:
    return await client.threads(**how).collect()


async def loop(client: ThreadsClient, **how: Any) -> object:
    return [thread async for thread in client.threads(**how)]


async def loop_over_pages(client: ThreadsClient, **how: Any) -> object:
    return [page async for page in client.threads(**how).pages()]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("consistent", [False, True])
@pytest.mark.parametrize("way", [collect, loop, loop_over_pages])
async def test_after_an_error_no_request_runs_on(way: Any, consistent: bool) -> None:
    """The pages after the one that fails get no answer, and the next request needs one of the connections."""
    stuck = asyncio.Event()

    async def answer_late(seen: Any) -> None:
        if int(seen.parameters["start"]) > 100:
            await stuck.wait()

    async with (
        FakeServer(threads=1000) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=3)) as session,
        ThreadsClient(server.token, base_url=server.url, session=session, retry=ONCE) as client,
    ):
        server.on_request = answer_late
        server.fault_for = lambda seen: Fault(500) if 0 < int(seen.parameters["start"]) <= 100 else None
        before = asyncio.all_tasks()
        with pytest.raises(ServerError) as caught:
            await way(client, total=100, prefetch=4, consistent=consistent)
        await turns(2)
        left = [task for task in asyncio.all_tasks() - before if "threads_async/_" in repr(task)]
        server.on_request = server.fault_for = None
        async with asyncio.timeout(2):
            await client.threads().first()
        stuck.set()

    assert [] == left
    assert ServerError is caught.type


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("prefetch", [0, 4])
async def test_an_error_keeps_nothing_alive(prefetch: int, server: FakeServer, client: ThreadsClient) -> None:
    """Neither is there a cycle between error and traceback: the iterator goes with its last reference."""
    server.fault_for = lambda _: Fault(404)
    pages = client.threads(prefetch=prefetch).pages()
    gone = weakref.ref(pages)
    with contextlib.suppress(ThreadsError):
        await anext(pages)

    del pages
    await turns(2)

    assert gone() is None


def used_in_a_loop_that_is_closed(prefetch: int) -> PageIterator:
    """Return an iterator that was used in another event loop, with requests in flight when that loop ended."""

    async def use() -> PageIterator:
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
def test_an_iterator_used_in_a_second_event_loop_says_so_and_can_be_closed_there(prefetch: int) -> None:
    iterator = used_in_a_loop_that_is_closed(prefetch)

    async def use_again() -> None:
        with pytest.raises(ClientClosedError, match="another event loop"):
            await anext(iterator)
        await iterator.aclose()
        async with iterator:
            pass

    asyncio.run(use_again())


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
    # A busy machine is no fault of the client's.
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


def test_closing_from_another_loop_ends_the_requests_where_they_run() -> None:
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
async def test_an_iterator_is_not_copied(what: str, how: Any, client: ThreadsClient) -> None:
    """With warnings as errors, an exception ignored in a finalizer fails this as well."""
    listing = client.threads(prefetch=2)
    iterator: Any = {"threads": aiter(listing), "pages": listing.pages(), "watch": client.watch()}[what]
    await anext(iterator)

    with pytest.raises(TypeError, match=f"a {type(iterator).__name__} cannot be copied or pickled"):
        how(iterator)

    await iterator.aclose()
