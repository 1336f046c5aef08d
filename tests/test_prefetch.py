"""Pages requested ahead: in order, bounded, discarded if they are wrong, and ended with the loop."""

import asyncio
import gc
import logging
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from listings import ORDERED, THREADS, Kind, each_kind, each_ordered_kind

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    RetryPolicy,
    ServerError,
    ThreadPage,
    ThreadsClient,
)
from threads_async.testing import FakeServer, Fault, SeenRequest


def starts(server: FakeServer) -> list[int]:
    return [int(seen.parameters["start"]) for seen in server.requests]


async def turns(number: int = 20) -> None:
    """Let other tasks run, including those that use loopback connections."""
    for _ in range(number):
        await asyncio.sleep(0.001)


class Gate:
    """Holds back requests until it is opened, and counts the waiting ones."""

    def __init__(self, server: FakeServer) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        self.most = 0
        server.on_request = self.wait

    async def wait(self, _: SeenRequest) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1


@each_kind
@settings(max_examples=60)
@given(
    count=st.integers(0, 120),
    start=st.integers(0, 120),
    total=st.integers(1, 40),
    max_items=st.none() | st.integers(0, 120),
    cap=st.none() | st.integers(1, 40),
    prefetch=st.integers(0, 8),
    consistent=st.booleans(),
)
@example(count=50, start=0, total=10, max_items=25, cap=None, prefetch=4, consistent=False)
@example(count=50, start=0, total=10, max_items=25, cap=None, prefetch=4, consistent=True)
async def test_on_a_list_that_does_not_change_every_listing_equals_slicing(
    kind: Kind,
    count: int,
    start: int,
    total: int,
    max_items: int | None,
    cap: int | None,
    prefetch: int,
    consistent: bool,
) -> None:
    consistent = consistent and kind in ORDERED
    if consistent and kind is not THREADS and cap is not None:
        # With one item per page, a consistent listing works only if new items are appended.
        cap = max(cap, 2)
    async with (
        kind.server(count, page_cap=cap) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        got = await kind.listing(
            client, start=start, total=total, max_items=max_items, prefetch=prefetch, consistent=consistent
        ).collect()

    assert kind.keys(
        kind.rows(server, consistent=consistent)[start:][: count if max_items is None else max_items]
    ) == kind.keys(got)
    if not consistent and cap is None:
        # No wasted requests: as many as without prefetch, and none past the end.
        assert max(bool(max_items != 0), -(-len(got) // total)) == len(server.requests)
        assert all(one < max(count, 1) for one in starts(server)[1:])


@each_ordered_kind
@settings(max_examples=60)
@given(
    count=st.integers(0, 80),
    # The list changes by one or two threads per request on average, which is less than half a page.
    total=st.integers(4, 12),
    cap=st.none() | st.integers(4, 8),
    prefetch=st.integers(0, 8),
    seed=st.integers(0, 2**32),
)
async def test_while_items_start_and_stop_every_lasting_one_is_listed_exactly_once(
    kind: Kind, count: int, total: int, cap: int | None, prefetch: int, seed: int
) -> None:
    draw = random.Random(seed)
    async with (
        kind.server(count, page_cap=cap) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        lasting = set(kind.keys(kind.rows(server)))

        def churn(_: SeenRequest) -> None:
            for _step in range(draw.randrange(4)):
                rows = kind.rows(server)
                _ = kind.stop(server, draw.choice(rows)) if rows and draw.random() < 0.5 else kind.start(server)
            lasting.intersection_update(kind.keys(kind.rows(server)))

        server.on_request = churn
        got = kind.keys(await kind.listing(client, total=total, prefetch=prefetch, consistent=True).collect())

    assert lasting <= set(got)
    assert len(set(got)) == len(got)


@each_kind
async def test_prefetch_is_the_maximum_number_of_requests_in_flight(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    async with kind.listing(client, total=100, prefetch=4).pages() as pages:
        await anext(pages)
        gate = Gate(server)
        await turns()
        assert 4 == gate.waiting == gate.most

        gate.open.set()
        async for _ in pages:
            assert gate.most <= 4

    assert list(range(0, 2500, 100)) == sorted(starts(server))


@each_kind
async def test_before_the_first_response_no_page_is_guessed(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    gate = Gate(server)
    task = asyncio.create_task(kind.listing(client, total=100, prefetch=8).first())
    task_of_pages = asyncio.create_task(anext(kind.listing(client, total=100, prefetch=8).pages()))
    await turns()

    assert 2 == gate.waiting
    gate.open.set()
    await asyncio.gather(task, task_of_pages)


@each_kind
async def test_pages_are_in_order_even_if_responses_are_not(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    draw = random.Random(1)

    async def delay(_: SeenRequest) -> None:
        await asyncio.sleep(draw.random() * 0.005)

    server.on_request = delay

    assert kind.keys(kind.rows(server)) == kind.keys(await kind.listing(client, total=100, prefetch=8).collect())


@each_kind
async def test_a_cap_that_begins_in_the_middle_makes_guesses_wrong_but_loses_nothing(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    pages = kind.listing(client, total=500, prefetch=4).pages()
    threads = list((await anext(pages)).items)
    server.page_cap = 77
    threads += [thread async for page in pages for thread in page.items]

    assert kind.keys(kind.rows(server)) == kind.keys(threads)


@each_kind
async def test_an_error_is_raised_at_the_page_that_it_belongs_to(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    server.fault_for = lambda seen: Fault() if seen.parameters["start"] == "1500" else None
    iterator = aiter(kind.listing(client, total=500, prefetch=8))
    threads = [await anext(iterator) for _ in range(1500)]
    await turns()

    with pytest.raises(ServerError, match="start=1500"):
        await anext(iterator)
    assert 1500 == iterator.next_start

    server.fault_for = None
    threads += [thread async for thread in iterator]
    assert kind.keys(kind.rows(server)) == kind.keys(threads)


async def test_the_error_of_a_discarded_guess_is_not_reported(
    server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture
) -> None:
    pages = client.threads(total=500, prefetch=4).pages()
    await anext(pages)
    server.past_end = "error"
    for thread in server.threads[900:]:
        server.stop_thread(thread)

    assert 400 == sum([len(page.items) async for page in pages])
    await turns()
    gc.collect()
    assert "never retrieved" not in caplog.text


@each_kind
@pytest.mark.parametrize("by", ["aclose", "async with", "dropped", "client"])
async def test_requests_in_flight_end_with_the_iterator(
    kind: Kind, server: FakeServer, client: ThreadsClient, by: str
) -> None:
    before = asyncio.all_tasks()
    iterator = aiter(kind.listing(client, total=100, prefetch=4))
    await anext(iterator)
    Gate(server)
    await turns()
    ours = {task for task in asyncio.all_tasks() - before if "PageSource.fetch" in repr(task)}
    assert 4 == len(ours)

    if by == "aclose":
        await iterator.aclose()
        assert 1 == iterator.next_start
    elif by == "async with":
        async with iterator:
            pass
    elif by == "client":
        await client.close()
    else:
        del iterator
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await turns(1)

    assert all(task.done() for task in ours)


@each_kind
async def test_closing_the_client_ends_a_waiting_task_with_an_error(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    Gate(server)
    task = asyncio.create_task(anext(kind.listing(client, prefetch=2).pages()))
    await turns()

    await client.close()

    with pytest.raises(ClientClosedError):
        await task


@each_kind
@pytest.mark.parametrize("prefetch", [0, 2])
async def test_closing_the_iterator_ends_the_loop_of_a_waiting_task(
    kind: Kind, server: FakeServer, client: ThreadsClient, prefetch: int
) -> None:
    gate = Gate(server)
    iterator = aiter(kind.listing(client, prefetch=prefetch))
    task = asyncio.create_task(anext(iterator, "the end"))
    await turns()

    await iterator.aclose()
    gate.open.set()

    assert "the end" == await task


@each_kind
async def test_a_cancelled_task_leaves_its_request_to_the_next_one(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    gate = Gate(server)
    iterator = aiter(kind.listing(client, prefetch=1))
    task = asyncio.create_task(anext(iterator))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    gate.open.set()
    assert kind.keys(kind.rows(server)) == kind.keys([thread async for thread in iterator])
    assert [0, 1000, 2000] == starts(server)


@each_kind
async def test_ten_tasks_can_share_an_iterator_that_prefetches(
    kind: Kind, server: FakeServer, client: ThreadsClient
) -> None:
    iterator = aiter(kind.listing(client, total=100, prefetch=4, consistent=kind in ORDERED))

    async def work() -> list[Hashable]:
        share = []
        async for item in iterator:
            share.append(kind.key(item))
            await asyncio.sleep(0)
        return share

    shares = await asyncio.gather(*(work() for _ in range(10)))
    assert Counter(kind.keys(kind.rows(server))) == Counter(key for share in shares for key in share)


@each_kind
@pytest.mark.parametrize("value", [-1, 1.0, True, "2"])
def test_prefetch_must_be_a_whole_number_from_zero(kind: Kind, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="prefetch"):
        kind.listing(ThreadsClient("x"), prefetch=value)


@each_kind
async def test_a_plain_listing_of_a_list_that_changes_warns_once(
    kind: Kind, server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture
) -> None:
    iterator = aiter(kind.listing(client, total=500))
    server.on_request = lambda _: kind.stop(server, kind.rows(server)[0])
    with caplog.at_level(logging.WARNING, logger="threads_async"):
        threads = [thread async for thread in iterator]

    (record,) = caplog.records
    assert f"while the {kind.name} were listed" in record.getMessage()
    assert (kind in ORDERED) == ("consistent=True" in record.getMessage())
    assert (True, 2499) == (iterator.drifted, iterator.first_total_count)
    assert 2495 == iterator.total_count
    assert len(threads) < 2499


@pytest.mark.parametrize("consistent", [False, True])
async def test_a_list_that_does_not_change_has_not_drifted(
    client: ThreadsClient, consistent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    iterator = aiter(client.threads(total=500, consistent=consistent))
    assert (False, None) == (iterator.drifted, iterator.first_total_count)

    _ = [thread async for thread in iterator]

    assert (False, 2500, 2500) == (iterator.drifted, iterator.first_total_count, iterator.total_count)
    assert [] == [record for record in caplog.records if record.name == "threads_async"]


async def test_a_consistent_listing_of_a_list_that_changes_has_drifted_but_does_not_warn(
    server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture
) -> None:
    iterator = aiter(client.threads(total=500, consistent=True))
    server.on_request = lambda _: server.start_thread()
    _ = [thread async for thread in iterator]

    assert iterator.drifted
    assert [] == [record for record in caplog.records if record.name == "threads_async"]


@pytest.mark.parametrize(("given_sorting", "sent"), [(None, "CreatedAt"), ("Type DESC", "Type DESC")])
async def test_a_consistent_listing_is_sorted_unless_the_caller_sorts(
    server: FakeServer, client: ThreadsClient, given_sorting: str | None, sent: str
) -> None:
    await client.threads(consistent=True, sorting=given_sorting, max_items=1).collect()

    assert [sent] == [seen.parameters["sorting"] for seen in server.requests]


async def test_first_uses_the_order_of_the_loop(server: FakeServer, client: ThreadsClient) -> None:
    """Sorted by `CreatedAt`, the oldest thread comes first, wherever the server lists it without sorting."""
    early = server.start_thread(created_at="2020-01-01T00:00:00.0000000+00:00")
    listing = client.threads(consistent=True)
    first = await listing.first()

    assert first == await anext(aiter(listing))
    assert early.thread_token == first.thread_token
    assert ["CreatedAt"] * 2 == [seen.parameters["sorting"] for seen in server.requests]
    assert "1" == server.requests[0].parameters["total"]


@pytest.mark.parametrize(
    ("sorting", "appends"),
    [(None, True), ("CreatedAt", True), ("createdat ASC", True), ("CreatedAt DESC", False), ("Type", False)],
)
async def test_new_threads_are_appended_only_if_sorted_by_creation_time(
    server: FakeServer, client: ThreadsClient, sorting: str | None, appends: bool
) -> None:
    """600 threads start with each request but the first. Sorted by `CreatedAt`, the walk ends at the first count."""
    server.on_request = lambda _: [server.start_thread() for _ in range(600 if len(server.requests) > 1 else 0)]
    pages = client.threads(total=1000, sorting=sorting, consistent=True).pages()
    for _ in range(3):
        await anext(pages)

    assert appends == (pages.next_start is None)


LEAVING = """
import asyncio, gc, sys
from threads_async import RetryPolicy, ThreadsClient
from threads_async.testing import FakeServer

HOW = sys.argv[1]

async def leave(client):
    order = {"consistent": True} if sys.argv[3] == "True" else {}
    loop = getattr(client, sys.argv[4])(total=100, prefetch=int(sys.argv[2]), **order)
    if HOW == "break":
        async for thread in loop:
            break
    elif HOW == "error":
        async for thread in loop:
            raise LookupError
    elif HOW == "cancel":
        async for thread in loop:
            asyncio.current_task().cancel()
            await asyncio.sleep(1)
    else:
        iterator = aiter(loop)
        await anext(iterator)
        del iterator

async def main():
    # A busy machine is not the client's fault.
    asyncio.get_running_loop().slow_callback_duration = 60
    async with FakeServer(**{sys.argv[5]: 2500}) as server:
        async with ThreadsClient(server.token, base_url=server.url) as client:
            try:
                await asyncio.create_task(leave(client))
            except (LookupError, asyncio.CancelledError):
                pass
            gc.collect()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        names = [task for task in left if "threads_async/_" in repr(task)]
        for _ in range(50):
            await asyncio.sleep(0.001)
        print(names, server.connections)

asyncio.run(main())
gc.collect()
"""


@each_kind
@pytest.mark.parametrize("how", ["break", "error", "cancel", "drop"])
@pytest.mark.parametrize(("prefetch", "consistent"), [(0, False), (4, False), (4, True)])
def test_a_loop_that_is_left_leaves_no_warning_no_task_and_no_connection(
    kind: Kind, how: str, prefetch: int, consistent: bool
) -> None:
    way = [str(prefetch), str(consistent and kind in ORDERED), kind.method.__name__, kind.name]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEAVING, how, *way],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ("[] 0\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@each_kind
async def test_prefetched_requests_are_retried_like_all_others(kind: Kind, server: FakeServer) -> None:
    async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(attempts=2)) as client:
        server.fault_for = lambda seen: Fault() if seen.parameters["start"] == "1000" else None
        with pytest.raises(ServerError) as caught:
            await kind.listing(client, prefetch=2).collect()

    assert 2 == caught.value.attempts == starts(server).count(1000)


async def test_a_page_that_was_received_already_is_returned_within_a_timeout_of_zero() -> None:
    async with FakeServer(threads=60) as server, ThreadsClient(server.token, base_url=server.url) as client:
        pages = client.threads(total=15, prefetch=2).pages()
        got: list[ThreadPage] = []
        async with asyncio.timeout(10):
            while len(got) < 4:
                try:
                    async with asyncio.timeout(0):
                        got.append(await anext(pages))
                except TimeoutError:
                    await turns(1)

    assert 60 == sum(len(page.items) for page in got)
    assert 4 == len(server.requests)
