"""A user's program that is never run. mypy and pyright check its types."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import assert_type

import aiohttp
import distributed

from threads_async import (
    EventKind,
    ExecutionThread,
    Fleet,
    FleetBrowserInstance,
    FleetError,
    FleetEvent,
    FleetIterator,
    FleetListing,
    FleetPage,
    FleetThread,
    FleetWatch,
    FleetWorkspace,
    Limits,
    PageIterator,
    RequestError,
    RetryPolicy,
    ServerEvent,
    StatusError,
    ThreadEvent,
    ThreadIterator,
    ThreadLease,
    ThreadLimitError,
    ThreadListing,
    ThreadPage,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
    ThreadType,
    ThreadWatch,
)
from threads_async.dask import OutcomeIterator, ThreadOutcome, map_threads, threads_of_workers
from threads_async.testing import FakeServer, FakeThread, Fault


async def loops(session: aiohttp.ClientSession) -> None:
    """Everything that a loop yields has its type."""
    async with ThreadsClient(session=session, timeout=5, retry=RetryPolicy(attempts=1)) as client:
        assert_type(client, ThreadsClient)
        listing = client.threads(type="Manual", sorting="CreatedAt", max_items=5, prefetch=2, consistent=True)
        assert_type(listing, ThreadListing)
        async for thread in listing:
            assert_type(thread, ExecutionThread)
            assert_type(thread.workspace_id, int)
            assert_type(thread.thread_token, str | None)
            assert_type(thread.type, ThreadType)
            assert_type(thread.created_at, datetime)
        async for page in listing.pages():
            assert_type(page, ThreadPage)
            assert_type(page.items, tuple[ExecutionThread, ...])
            assert_type(page.next_start, int | None)
        async with aiter(listing) as threads:
            assert_type(threads, ThreadIterator)
            assert_type(threads.total_count, int | None)
            shared: AsyncIterator[ExecutionThread] = threads
            assert_type(await anext(shared), ExecutionThread)
        assert_type(listing.pages(), PageIterator[ExecutionThread])


async def calls(client: ThreadsClient) -> None:
    """Everything that is awaited has its type."""
    assert_type(await client.threads(type=ThreadType.MANUAL).collect(), list[ExecutionThread])
    assert_type(await client.threads().first(), ExecutionThread | None)
    assert_type(await client.threads().count(), int)
    assert_type(await client.limits(workspace_id=-1), Limits)
    assert_type((await client.limits()).free_threads, int)
    assert_type(await client.fetch_page(ThreadsQuery(start=5, type="Manual")), ThreadPage)


async def actions(client: ThreadsClient) -> None:
    """Threads that are started have the same type as listed ones."""
    thread = await client.start_thread(wait=60)
    assert_type(thread, ExecutionThread)
    assert_type(await client.start_threads(2), tuple[ExecutionThread, ...])
    assert_type(await client.continue_thread(thread), ExecutionThread)
    assert_type(await client.continue_thread("token"), ExecutionThread | None)
    assert_type(await client.continue_threads([thread, "token"]), tuple[ExecutionThread | None, ...])
    await client.stop_thread(thread)
    await client.stop_threads([thread, "token"], workspace_id=1)
    async with client.new_thread(workspace_id=1, continue_every=30, wait=60) as lease:
        assert_type(lease, ThreadLease)
        assert_type(lease.thread, ExecutionThread)
        assert_type(lease.thread_token, str)
        assert_type(lease.gone, bool)
        await lease.wait_until_gone()


async def watching(client: ThreadsClient) -> None:
    """Events need no check for None."""
    async with client.watch(interval=5, max_interval=60) as watch:
        assert_type(watch, ThreadWatch)
        assert_type(watch.threads, tuple[ExecutionThread, ...])
        assert_type(watch.seen_at, datetime | None)
        assert_type(watch.reachable, bool)
        assert_type(watch.error, ThreadsError | None)
        assert_type(await watch.refresh(), tuple[ExecutionThread, ...])
        assert_type(await watch.wait_for(lambda threads: len(threads) < 5, timeout=60), tuple[ExecutionThread, ...])
        async for event in watch:
            match event:
                case ThreadEvent(kind=EventKind.STOPPED, thread=thread):
                    assert_type(thread, ExecutionThread)
                case ThreadEvent(previous=ExecutionThread() as previous):
                    assert_type(previous, ExecutionThread)
                case ThreadEvent():
                    assert_type(event.thread.thread_token, str | None)
                case ServerEvent(error=RequestError() as error):
                    assert_type(error.hint, str)
                case ServerEvent():
                    assert_type(event.at, datetime)


async def errors(client: ThreadsClient) -> None:
    """The attributes of an error have their types."""
    try:
        await client.threads().collect()
    except ThreadLimitError as error:
        assert_type(error.active, int)
        assert_type(error.unknown_since, datetime | None)
        assert_type(error.done, tuple[str, ...])
    except StatusError as error:
        assert_type(error.status, int)
        assert_type(error.server_message, str | None)
        assert_type(error.retry_after, float | None)
    except ThreadsError as error:
        assert_type(error.message, str)


async def tests() -> None:
    """`FakeServer` has types too."""
    async with FakeServer(threads=5) as server:
        assert_type(server.threads, tuple[FakeThread, ...])
        assert_type(server.start_thread(), FakeThread)
        server.fail_next(2, Fault(status=503))
        server.on_request = lambda seen: server.stop_thread(seen.parameters["thread_token"])


async def fleets(client: ThreadsClient) -> None:
    """The types of a fleet are those of one machine, with its name."""
    async with Fleet({"office-1": client}, at_once=8) as fleet, Fleet.from_file("fleet.toml", timeout=5) as other:
        assert_type(other, Fleet)
        listing = fleet.threads(type="Manual", consistent=True, max_items=5, on_error="stop")
        assert_type(listing, FleetListing[FleetThread])
        async for found in listing:
            assert_type(found, FleetThread)
            assert_type(found.machine, str)
            assert_type(found.thread, ExecutionThread)
        async for page in listing.pages():
            assert_type(page, FleetPage[FleetThread])
        iterator = aiter(listing)
        assert_type(iterator, FleetIterator[FleetThread])
        assert_type(await listing.collect(), list[FleetThread])
        assert_type(await listing.first(), FleetThread | None)
        assert_type(await fleet.workspaces().collect(), list[FleetWorkspace])
        assert_type(await fleet.browser_instances().collect(), list[FleetBrowserInstance])
        try:
            counts = await listing.count()
            assert_type(counts["office-1"], int)
            assert_type((await fleet.limits())["office-1"], Limits)
            await fleet.stop_threads([found async for found in listing])
        except FleetError as error:
            assert_type(error.failures["office-1"], ThreadsError)
        async with fleet.watch(interval=2) as watch:
            assert_type(watch, FleetWatch)
            assert_type(watch.machines["office-1"], ThreadWatch)
            async for event in watch:
                assert_type(event, FleetEvent)
                assert_type(event.event, ThreadEvent | ServerEvent)


def plain(thread: ExecutionThread) -> int:
    """Return what a plain function returns."""
    return thread.workspace_id


async def awaited(thread: ExecutionThread) -> str | None:
    """Return what an ``async def`` function returns."""
    return thread.thread_token


async def workers(client: distributed.Client) -> None:
    """The types of results are those of the function, whether it is awaited or not."""
    iterator = threads_of_workers(client, workers=["office-1"], on_error="stop", total=500, consistent=True)
    assert_type(iterator, FleetIterator[FleetThread])
    async for found in iterator:
        assert_type(found.machine, str)
        assert_type(found.thread, ExecutionThread)
    assert_type(map_threads(client, plain, at_once=2, max_items=5), OutcomeIterator[int])
    async for outcome in map_threads(client, awaited):
        assert_type(outcome, ThreadOutcome[str | None])
        assert_type(outcome.result, str | None)
        assert_type(outcome.error, Exception | None)
