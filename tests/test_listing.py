"""The listing and its iterators, against a server over loopback."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from threads_async import (
    ConnectionFailedError,
    DecodeError,
    ExecutionThread,
    PaginationError,
    ServerError,
    ThreadListing,
    ThreadsClient,
    ThreadsQuery,
)
from threads_async.testing import FakeServer, Fault


def tokens(threads: Any) -> list[str | None]:
    return [thread.thread_token for thread in threads]


sizes = st.integers(0, 120)


@settings(max_examples=60)
@given(
    count=sizes, start=sizes, total=st.integers(1, 50), max_items=st.none() | sizes, cap=st.none() | st.integers(1, 50)
)
async def test_listing_equals_slicing_with_exactly_the_requests_needed(
    count: int, start: int, total: int, max_items: int | None, cap: int | None
) -> None:
    async with (
        FakeServer(threads=count, page_cap=cap) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        got = await client.threads(start=start, total=total, max_items=max_items).collect()

        wanted = server.threads[start:] if max_items is None else server.threads[start : start + max_items]
        assert tokens(wanted) == tokens(got)
        needed = -(-len(wanted) // min(total, cap or total))
        assert (needed if wanted or max_items == 0 else 1) == len(server.requests)
        assert all(int(dict(seen.query)["start"]) < count for seen in server.requests[1:])


async def test_nothing_is_sent_before_the_first_thread_is_asked_for(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads())

    assert [] == server.requests
    assert (None, 0) == (iterator.total_count, iterator.next_start)


async def test_each_loop_starts_anew(server: FakeServer, client: ThreadsClient) -> None:
    listing = client.threads(total=1000)

    first = [thread async for thread in listing]
    second = [thread async for thread in listing]

    assert first == second
    assert tokens(server.threads) == tokens(first)
    assert 6 == len(server.requests)


async def test_collect_gives_all_threads_typed(server: FakeServer, client: ThreadsClient) -> None:
    threads = await client.threads().collect()

    assert tokens(server.threads) == tokens(threads)
    assert {ExecutionThread} == {type(thread) for thread in threads}


async def test_pages_give_the_threads_page_by_page(client: ThreadsClient) -> None:
    pages = client.threads(total=1000).pages()
    states = [(len(page.items), page.start, page.next_start, pages.next_start) async for page in pages]

    assert [(1000, 0, 1000, 1000), (1000, 1000, 2000, 2000), (500, 2000, None, None)] == states


async def test_pages_of_an_empty_listing_are_none() -> None:
    async with FakeServer(threads=0) as server, ThreadsClient(server.token, base_url=server.url) as client:
        pages = client.threads().pages()

        assert [] == [page async for page in pages]
        assert 0 == pages.total_count


async def test_first_asks_for_one_thread(server: FakeServer, client: ThreadsClient) -> None:
    thread = await client.threads(start=7).first()

    assert thread is not None
    assert server.threads[7].thread_token == thread.thread_token
    assert [("7", "1")] == [(dict(seen.query)["start"], dict(seen.query)["total"]) for seen in server.requests]


@pytest.mark.parametrize("parameters", [{"start": 2500}, {"thread_token": "none such"}, {"max_items": 0}])
async def test_first_of_nothing_is_none(client: ThreadsClient, parameters: dict[str, Any]) -> None:
    assert await client.threads(**parameters).first() is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, 2500),
        ({"start": 400}, 2100),
        ({"start": 9999}, 0),
        ({"max_items": 30}, 30),
        ({"total": 1, "start": 2499}, 1),
    ],
)
async def test_count_is_the_number_that_a_loop_would_give_in_one_request(
    server: FakeServer, client: ThreadsClient, parameters: dict[str, Any], expected: int
) -> None:
    listing = client.threads(**parameters)

    assert expected == await listing.count()
    assert [("0", "1")] == [(dict(seen.query)["start"], dict(seen.query)["total"]) for seen in server.requests]


async def test_max_items_makes_the_last_request_smaller(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=1000, max_items=1200))

    assert 1200 == len([thread async for thread in iterator])
    assert ["1000", "200"] == [dict(seen.query)["total"] for seen in server.requests]
    assert 1200 == iterator.next_start


@pytest.mark.parametrize(("wanted", "next_start"), [(1, 1), (1000, 1000), (1235, 1235), (2500, None), (9999, None)])
async def test_where_the_iterator_stands_can_be_asked_after_a_break(
    client: ThreadsClient, wanted: int, next_start: int | None
) -> None:
    iterator = aiter(client.threads(total=1000))
    got = 0
    async for _ in iterator:
        got += 1
        if got == wanted:
            break

    assert (2500, next_start) == (iterator.total_count, iterator.next_start)


@settings(max_examples=20)
@given(taken=st.integers(0, 50), total=st.integers(1, 20))
@example(taken=50, total=20)
async def test_a_listing_resumed_at_next_start_goes_on_where_it_stood(taken: int, total: int) -> None:
    async with FakeServer(threads=50) as server, ThreadsClient(server.token, base_url=server.url) as client:
        iterator = aiter(client.threads(total=total))
        threads = [await anext(iterator) for _ in range(taken)]
        if iterator.next_start is not None:
            threads += await client.threads(start=iterator.next_start, total=total).collect()

        assert tokens(server.threads) == tokens(threads)


async def test_ten_tasks_that_share_an_iterator_get_each_thread_once(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=100))
    shares: list[list[ExecutionThread]] = [[] for _ in range(10)]

    async def work(share: list[ExecutionThread]) -> None:
        async for thread in iterator:
            share.append(thread)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(share) for share in shares))

    assert Counter(tokens(server.threads)) == Counter(tokens(itertools.chain(*shares)))
    assert all(shares)
    assert 25 == len(server.requests)


async def test_tasks_that_share_pages_get_each_page_once(server: FakeServer, client: ThreadsClient) -> None:
    pages = client.threads(total=100).pages()

    async def work() -> list[int]:
        return [page.start async for page in pages]

    starts = sorted(itertools.chain(*await asyncio.gather(*(work() for _ in range(4)))))

    assert list(range(0, 2500, 100)) == starts


async def test_a_task_cancelled_while_it_waits_loses_no_thread(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=1000))
    server.latency = 30.0
    task = asyncio.create_task(anext(iterator))
    while not server.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    server.latency = 0.0
    assert tokens(server.threads) == tokens([thread async for thread in iterator])


async def test_after_a_failed_page_the_next_anext_asks_for_it_again(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=1000))
    threads = [await anext(iterator) for _ in range(1000)]
    server.fail_next(3)

    with pytest.raises(ServerError) as caught:
        await anext(iterator)
    assert "start=1000" in caught.value.request
    assert (1000, 2500) == (iterator.next_start, iterator.total_count)

    threads += [thread async for thread in iterator]
    assert tokens(server.threads) == tokens(threads)


async def test_a_server_killed_in_the_middle_and_started_again(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=1000))
    threads = [await anext(iterator) for _ in range(1500)]
    await server.stop()

    with pytest.raises(ConnectionFailedError, match=r"refused \(.*start=2000.*; 3 attempts\)"):
        while True:
            threads.append(await anext(iterator))
    await server.start()
    threads += [thread async for thread in iterator]

    assert tokens(server.threads) == tokens(threads)


async def test_a_bad_thread_is_an_error_that_names_its_place_and_page(
    server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(client.threads(total=1000))
    for _ in range(1000):
        await anext(iterator)
    server.fail_next(1, Fault(200, b'{"totalCount":2500,"items":[{"workspaceId":"5"}]}', {}))

    with pytest.raises(DecodeError, match=r"items\[0\]\.workspaceId: expected int, got str \(.*start=1000") as caught:
        await anext(iterator)
    assert 1000 == caught.value.start


async def test_a_server_that_ignores_start_is_an_error(server: FakeServer, client: ThreadsClient) -> None:
    server.ignore_start = True

    with pytest.raises(PaginationError, match="ignores start"):
        await client.threads(total=1000).collect()


@pytest.mark.parametrize("past_end", ["empty", "last_page"])
async def test_a_start_past_the_end_gives_nothing(server: FakeServer, client: ThreadsClient, past_end: Any) -> None:
    server.past_end = past_end

    assert [] == await client.threads(start=2500).collect()
    assert [] == await client.threads(start=9999).collect()


async def test_aclose_ends_the_iteration_and_leaves_it_readable(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads(total=1000))
    for _ in range(10):
        await anext(iterator)

    await iterator.aclose()

    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    assert (10, 2500) == (iterator.next_start, iterator.total_count)
    assert 1 == len(server.requests)


async def test_after_its_end_an_iterator_stays_at_its_end(server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(client.threads())
    await asyncio.gather(*[_drain(iterator) for _ in range(3)])

    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    assert iterator.next_start is None
    assert 3 == len(server.requests)


async def _drain(iterator: AsyncIterator[ExecutionThread]) -> None:
    async for _ in iterator:
        pass


def test_a_listing_shows_what_it_asks_for() -> None:
    listing = ThreadsClient("x").threads(total=7, max_items=3)

    assert isinstance(listing, ThreadListing)
    assert f"ThreadListing(query={ThreadsQuery(total=7)!r}, max_items=3, prefetch=0, consistent=False)" == repr(listing)
