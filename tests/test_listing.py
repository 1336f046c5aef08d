"""The listing and its iterators, against a server over loopback."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from listings import Kind, each_kind

from threads_async import (
    BrowserInstancesQuery,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    ExecutionThread,
    Listing,
    PaginationError,
    Query,
    ServerError,
    ThreadsClient,
    ThreadsQuery,
    WorkspacesQuery,
)
from threads_async._endpoints import WORKSPACES, Order
from threads_async.testing import FakeServer, Fault

sizes = st.integers(0, 120)


@each_kind
@settings(max_examples=60)
@given(
    count=sizes, start=sizes, total=st.integers(1, 50), max_items=st.none() | sizes, cap=st.none() | st.integers(1, 50)
)
async def test_listing_equals_slicing_with_exactly_the_requests_needed(
    kind: Kind, count: int, start: int, total: int, max_items: int | None, cap: int | None
) -> None:
    async with (
        kind.server(count, page_cap=cap) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        got = await kind.listing(client, start=start, total=total, max_items=max_items).collect()

        wanted = kind.rows(server)[start:] if max_items is None else kind.rows(server)[start : start + max_items]
        assert kind.keys(wanted) == kind.keys(got)
        needed = -(-len(wanted) // min(total, cap or total))
        assert (needed if wanted or max_items == 0 else 1) == len(server.requests)
        assert all(int(dict(seen.query)["start"]) < count for seen in server.requests[1:])


@each_kind
async def test_nothing_is_sent_before_the_first_item_is_requested(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client))

    assert [] == server.requests
    assert (None, 0) == (iterator.total_count, iterator.next_start)


@each_kind
async def test_each_loop_starts_from_the_beginning(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    listing = kind.listing(client, total=1000)

    first = [thread async for thread in listing]
    second = [thread async for thread in listing]

    assert first == second
    assert kind.keys(kind.rows(server)) == kind.keys(first)
    assert 6 == len(server.requests)


@each_kind
async def test_collect_returns_all_items_with_their_type(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    threads = await kind.listing(client).collect()

    assert kind.keys(kind.rows(server)) == kind.keys(threads)
    assert {kind.item} == {type(item) for item in threads}


@each_kind
async def test_pages_yields_the_items_page_by_page(kind: Kind, client: ThreadsClient) -> None:
    pages = kind.listing(client, total=1000).pages()
    states = [(len(page.items), page.start, page.next_start, pages.next_start) async for page in pages]

    assert [(1000, 0, 1000, 1000), (1000, 1000, 2000, 2000), (500, 2000, None, None)] == states


@each_kind
async def test_pages_of_an_empty_list_yields_nothing(kind: Kind) -> None:
    async with kind.server(0) as server, ThreadsClient(server.token, base_url=server.url) as client:
        pages = kind.listing(client).pages()

        assert [] == [page async for page in pages]
        assert 0 == pages.total_count


@each_kind
async def test_first_requests_one_item(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    thread = await kind.listing(client, start=7).first()

    assert thread is not None
    assert kind.key(kind.rows(server)[7]) == kind.key(thread)
    assert [("7", "1")] == [(dict(seen.query)["start"], dict(seen.query)["total"]) for seen in server.requests]


@pytest.mark.parametrize("parameters", [{"start": 2500}, {"thread_token": "none such"}, {"max_items": 0}])
async def test_first_returns_none_if_there_is_no_item(client: ThreadsClient, parameters: dict[str, Any]) -> None:
    assert await client.threads(**parameters).first() is None


@each_kind
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
async def test_count_returns_the_number_of_items_in_a_loop_with_one_request(
    kind: Kind, server: FakeServer, client: ThreadsClient, parameters: dict[str, Any], expected: int
) -> None:
    listing = kind.listing(client, **parameters)

    assert expected == await listing.count()
    assert [("0", "1")] == [(dict(seen.query)["start"], dict(seen.query)["total"]) for seen in server.requests]


@each_kind
async def test_max_items_makes_the_last_request_smaller(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(kind.listing(client, total=1000, max_items=1200))

    assert 1200 == len([thread async for thread in iterator])
    assert ["1000", "200"] == [dict(seen.query)["total"] for seen in server.requests]
    assert 1200 == iterator.next_start


@each_kind
@pytest.mark.parametrize(("wanted", "next_start"), [(1, 1), (1000, 1000), (1235, 1235), (2500, None), (9999, None)])
async def test_the_position_of_an_iterator_can_be_read_after_a_break(
    kind: Kind, client: ThreadsClient, wanted: int, next_start: int | None
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    got = 0
    async for _ in iterator:
        got += 1
        if got == wanted:
            break

    assert (2500, next_start) == (iterator.total_count, iterator.next_start)


@each_kind
@settings(max_examples=20)
@given(taken=st.integers(0, 50), total=st.integers(1, 20))
@example(taken=50, total=20)
async def test_a_listing_resumed_at_next_start_continues_where_it_stopped(kind: Kind, taken: int, total: int) -> None:
    async with kind.server(50) as server, ThreadsClient(server.token, base_url=server.url) as client:
        iterator = aiter(kind.listing(client, total=total))
        threads = [await anext(iterator) for _ in range(taken)]
        if iterator.next_start is not None:
            threads += await kind.listing(client, start=iterator.next_start, total=total).collect()

        assert kind.keys(kind.rows(server)) == kind.keys(threads)


@each_kind
async def test_ten_tasks_that_share_an_iterator_get_each_thread_once(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=100))
    shares: list[list[Any]] = [[] for _ in range(10)]

    async def work(share: list[Any]) -> None:
        async for thread in iterator:
            share.append(thread)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(share) for share in shares))

    assert Counter(kind.keys(kind.rows(server))) == Counter(kind.keys(itertools.chain(*shares)))
    assert all(shares)
    assert 25 == len(server.requests)


@each_kind
async def test_tasks_that_share_pages_get_each_page_once(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    pages = kind.listing(client, total=100).pages()

    async def work() -> list[int]:
        return [page.start async for page in pages]

    starts = sorted(itertools.chain(*await asyncio.gather(*(work() for _ in range(4)))))

    assert list(range(0, 2500, 100)) == starts


@each_kind
async def test_a_task_cancelled_while_it_waits_loses_no_thread(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    server.latency = 30.0
    task = asyncio.create_task(anext(iterator))
    while not server.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    server.latency = 0.0
    assert kind.keys(kind.rows(server)) == kind.keys([thread async for thread in iterator])


@each_kind
async def test_after_a_failed_page_the_next_anext_requests_it_again(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    threads = [await anext(iterator) for _ in range(1000)]
    server.fail_next(3)

    with pytest.raises(ServerError) as caught:
        await anext(iterator)
    assert "start=1000" in caught.value.request
    assert (1000, 2500) == (iterator.next_start, iterator.total_count)

    threads += [thread async for thread in iterator]
    assert kind.keys(kind.rows(server)) == kind.keys(threads)


@each_kind
async def test_an_iterator_survives_a_restart_of_the_server(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    threads = [await anext(iterator) for _ in range(1500)]
    await server.stop()

    with pytest.raises(ConnectionFailedError, match=r"refused \(.*start=2000.*; 3 attempts\)"):
        while True:
            threads.append(await anext(iterator))
    await server.start()
    threads += [thread async for thread in iterator]

    assert kind.keys(kind.rows(server)) == kind.keys(threads)


@each_kind
async def test_an_invalid_item_is_an_error_that_names_its_path_and_page(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    for _ in range(1000):
        await anext(iterator)
    server.fail_next(1, Fault(200, b'{"totalCount":2500,"items":[{"%b":"5"}]}' % kind.number.encode(), {}))

    with pytest.raises(
        DecodeError, match=rf"items\[0\]\.{kind.number}: expected int, got str \(.*start=1000"
    ) as caught:
        await anext(iterator)
    assert 1000 == caught.value.start


@each_kind
async def test_a_listing_from_a_server_that_ignores_start_is_an_error(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    server.ignore_start = True

    with pytest.raises(PaginationError, match="ignores start"):
        await kind.listing(client, total=1000).collect()


@each_kind
@pytest.mark.parametrize("past_end", ["empty", "last_page"])
async def test_a_listing_from_past_the_end_is_empty(
    kind: Kind, server: FakeServer, client: ThreadsClient, past_end: Any
) -> None:
    server.past_end = past_end

    assert [] == await kind.listing(client, start=2500).collect()
    assert [] == await kind.listing(client, start=9999).collect()


@each_kind
async def test_aclose_ends_the_iteration_and_keeps_its_position_readable(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=1000))
    for _ in range(10):
        await anext(iterator)

    await iterator.aclose()

    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    assert (10, 2500) == (iterator.next_start, iterator.total_count)
    assert 1 == len(server.requests)


@each_kind
async def test_an_iterator_that_has_ended_stays_ended(kind: Kind, server: FakeServer, client: ThreadsClient) -> None:
    iterator = aiter(kind.listing(client))
    await asyncio.gather(*[_drain(iterator) for _ in range(3)])

    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    assert iterator.next_start is None
    assert 3 == len(server.requests)


async def _drain(iterator: AsyncIterator[ExecutionThread]) -> None:
    async for _ in iterator:
        pass


def test_a_list_without_an_order_cannot_be_listed_consistently() -> None:
    source = ThreadsClient("x")._source

    with pytest.raises(ConfigurationError, match="a list of workspaces cannot be sorted") as caught:
        Listing(source, WORKSPACES, WorkspacesQuery(), consistent=True)
    assert "consistent" == caught.value.parameter


@pytest.mark.parametrize(
    ("order", "sorting", "appends"),
    [
        (Order("CreatedAt", appends=True), "createdat", True),
        (Order("CreatedAt", appends=True), "CreatedAt  ASC", True),
        (Order("CreatedAt", appends=True), "CreatedAt desc", False),
        (Order("CreatedAt", appends=True), "Type", False),
        (Order("ProcessId", appends=False), "ProcessId", False),
    ],
)
def test_an_order_knows_whether_new_items_are_appended(order: Order, sorting: str, appends: bool) -> None:
    assert appends == order.appends_by(sorting)


@pytest.mark.parametrize(
    ("query", "filtered"),
    [
        (ThreadsQuery(workspace_id=7, start=5, total=2, sorting="Type"), False),
        (ThreadsQuery(type="Manual"), True),
        (ThreadsQuery(thread_token="x"), True),
        (WorkspacesQuery(), False),
        (WorkspacesQuery(id=0), True),
        (BrowserInstancesQuery(sorting="ProcessId"), False),
        (BrowserInstancesQuery(process_id=0), True),
    ],
)
def test_a_query_is_filtered_if_a_parameter_excludes_items(query: Query[Any], filtered: bool) -> None:
    assert filtered == query.filtered


def test_a_listing_shows_its_parameters() -> None:
    listing = ThreadsClient("x").threads(total=7, max_items=3)

    assert isinstance(listing, Listing)
    assert f"Listing(query={ThreadsQuery(total=7)!r}, max_items=3, prefetch=0, consistent=False)" == repr(listing)
