"""A server that filters after slicing: the `FakeServer` that simulates it, and both walks against it."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from listings import BROWSERS, ORDERED, THREADS, WORKSPACES, Kind, each_kind

from benchmarks.moving import consistent_walk
from threads_async import ExecutionThread, PaginationError, ThreadPage, ThreadsClient, ThreadType
from threads_async._paging import FILTER_ADVICE, Walk
from threads_async._plain import PlainWalk
from threads_async.testing import FakeServer

CREATED = datetime(2026, 3, 17, tzinfo=UTC)
KINDS = {"M": "Manual", "B": "BrowserInstance"}


def server_of(pattern: str, count: int, *, count_unfiltered: bool) -> FakeServer:
    """Return a server that filters after slicing, with `count` threads whose types repeat `pattern`."""
    server = FakeServer(0, filter_after_slicing=True, count_unfiltered=count_unfiltered)
    for letter in islice(cycle(pattern), count):
        server.start_thread(type=KINDS[letter])
    return server


def manual(server: FakeServer) -> list[str | None]:
    return [thread.thread_token for thread in server.threads if thread.type == "Manual"]


@pytest.mark.parametrize(("count_unfiltered", "total_count"), [(False, 4), (True, 9)])
async def test_the_fake_filters_a_slice_of_the_complete_list(count_unfiltered: bool, total_count: int) -> None:
    async with (
        server_of("MMBBM", 9, count_unfiltered=count_unfiltered) as server,
        aiohttp.ClientSession(headers={"Api-Token": server.token}) as session,
    ):
        server.stop_thread(server.threads[0])
        server.start_thread(type="BrowserInstance", workspace_id=7)
        server.start_thread(type="BrowserInstance")
        async with session.get(f"{server.url}/v1/threads?type=Manual&start=2&total=3") as answer:
            page = await answer.json()
        async with session.get(f"{server.url}/v1/threads?start=2&total=3") as answer:
            unfiltered = await answer.json()
        async with session.get(f"{server.url}/v1/threads?thread_token={manual(server)[0]}&start=1") as answer:
            one = await answer.json()

    # Without the first thread: M B B M M M B B, and the one that started.
    assert [server.threads[3].thread_token, server.threads[4].thread_token] == [
        item["threadToken"] for item in page["items"]
    ]
    assert total_count == page["totalCount"]
    assert 3 == len(unfiltered["items"])
    assert [] == one["items"]


PROFILES = (str(UUID(int=1)), str(UUID(int=2)))
FILTERS: dict[Kind, tuple[dict[str, Any], Callable[[FakeServer, bool], object], Callable[[Any], bool]]] = {
    THREADS: (
        {"type": "Manual"},
        lambda server, matches: server.start_thread(type="Manual" if matches else "BrowserInstance"),
        lambda thread: thread.type == "Manual",
    ),
    WORKSPACES: (
        {"roles": "Owner"},
        lambda server, matches: server.add_workspace(role="Owner" if matches else "Member"),
        lambda workspace: workspace.role == "Owner",
    ),
    BROWSERS: (
        {"profile_id": PROFILES[True]},
        lambda server, matches: server.start_browser(profile_id=PROFILES[matches]),
        lambda browser: browser.profile_id == PROFILES[True],
    ),
}
"""For each listing: a filter, a function that starts a matching or another item, and a function that matches."""


@each_kind
@pytest.mark.parametrize("count_unfiltered", [False, True])
@pytest.mark.parametrize("consistent", [False, True])
@pytest.mark.parametrize("prefetch", [0, 4])
@pytest.mark.parametrize("total", [1, 2, 7, 10, 39])
@pytest.mark.parametrize("pattern", ["MB", "MMMMB", "BBBBM", "MMBBB"])
async def test_a_filtered_listing_repeats_no_item_and_is_complete_or_ends_with_the_advice(
    kind: Kind, pattern: str, total: int, prefetch: int, consistent: bool, count_unfiltered: bool
) -> None:
    consistent = consistent and kind in ORDERED
    given_filter, start, shows = FILTERS[kind]
    async with (
        kind.server(0, filter_after_slicing=True, count_unfiltered=count_unfiltered) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        for letter in islice(cycle(pattern), 40):
            start(server, letter == "M")
        expected = kind.keys(row for row in kind.rows(server, consistent=consistent) if shows(row))
        listing = kind.listing(client, **given_filter, total=total, prefetch=prefetch, consistent=consistent)
        got: list[Hashable] = []
        problem = ""
        try:
            async for item in listing:
                got.append(kind.key(item))  # noqa: PERF401 - the items before the error count
        except PaginationError as error:
            problem = str(error)
        # If items can be added anywhere, pages of one item are another error, which is raised first.
        alone = consistent and kind is BROWSERS and total <= 2 and "one item a page" in problem
        assert FILTER_ADVICE in problem or alone or expected == got
        assert expected[: len(got)] == got


@pytest.mark.parametrize("count_unfiltered", [False, True])
@pytest.mark.parametrize("consistent", [False, True])
async def test_the_second_page_is_the_first_sign_and_one_more_request_confirms_it(
    consistent: bool, count_unfiltered: bool
) -> None:
    async with (
        server_of("MB", 100, count_unfiltered=count_unfiltered) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        threads = aiter(client.threads(type="Manual", total=20, consistent=consistent))
        got = [(await anext(threads)).thread_token for _ in range(10)]
        with pytest.raises(PaginationError, match="filters after slicing"):
            await anext(threads)

        assert manual(server)[:10] == got
        assert [("0", "20"), ("10", "20"), ("0", "10")] == [
            (seen.parameters["start"], seen.parameters["total"]) for seen in server.requests
        ] or consistent
        assert 3 == len(server.requests)


@pytest.mark.parametrize("count_unfiltered", [False, True])
@pytest.mark.parametrize("consistent", [False, True])
async def test_without_the_filter_the_listing_is_complete(consistent: bool, count_unfiltered: bool) -> None:
    async with (
        server_of("MBB", 100, count_unfiltered=count_unfiltered) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        listing = client.threads(total=7, consistent=consistent)
        got = [thread.thread_token async for thread in listing if thread.type == ThreadType.MANUAL]

        assert manual(server) == got


@given(
    matches=st.lists(st.booleans(), max_size=60),
    total=st.integers(1, 30),
    cap=st.none() | st.integers(1, 12),
    most=st.none() | st.integers(0, 60),
    count_unfiltered=st.booleans(),
)
def test_no_thread_is_silently_missed_or_repeated(
    matches: list[bool], total: int, cap: int | None, most: int | None, count_unfiltered: bool
) -> None:
    everything = [
        ExecutionThread(1, f"token-{number}", "Manual" if match else "BrowserInstance", CREATED + timedelta(number))
        for number, match in enumerate(matches)
    ]
    expected = [thread for thread in everything if thread.type == "Manual"]
    count = len(everything if count_unfiltered else expected)
    walks: list[Walk[ExecutionThread]] = [
        PlainWalk(0, total, most, filtered=True),
        consistent_walk(0, total, most, filtered=True),
    ]
    for walk in walks:
        got: list[ExecutionThread] = []
        seen = set[Any]()
        problem = ""
        try:
            while (asked := walk.next_slice()) is not None:
                size = asked.total if cap is None else min(asked.total, cap)
                shown = everything[asked.start : asked.start + size]
                page = ThreadPage(tuple(one for one in shown if one.type == "Manual"), count, asked.start)
                step = walk.accept(asked, page, seen)
                walk = step.walk  # noqa: PLW2901 - the walk after it
                seen.update(step.keys)
                got += step.items
        except PaginationError as error:
            problem = str(error)
        assert FILTER_ADVICE in problem or expected[:most] == got
        assert expected[: len(got)] == got


@given(
    matches=st.lists(st.booleans(), max_size=40),
    total=st.integers(1, 12),
    starts=st.lists(st.none() | st.booleans(), max_size=40),
    count_unfiltered=st.booleans(),
)
# Two threads start before the second request: the count grows by as many as the second page repeats.
@example(matches=[False, True] * 6, total=4, starts=[True] * 12, count_unfiltered=False)
# The next page begins with the same thread, and the count has grown by one, as if start were ignored.
@example(matches=[False] * 3 + [True] * 2, total=4, starts=[None, None, True], count_unfiltered=False)
# One thread per page: although it is from index 2, there may be fewer than two matching threads before it.
@example(matches=[False, True, False, True, True], total=1, starts=[None] * 3 + [True], count_unfiltered=False)
def test_no_thread_is_repeated_if_threads_start_during_the_listing(
    matches: list[bool], total: int, starts: list[bool | None], count_unfiltered: bool
) -> None:
    """Threads start at the end of the list. None means that no thread starts between a request and the next one."""
    walks: list[Walk[ExecutionThread]] = [PlainWalk(0, total, filtered=True), consistent_walk(0, total, filtered=True)]
    for walk in walks:
        alive = list(matches)
        starting = iter(starts)
        got: list[str | None] = []
        seen = set[Any]()
        problem = ""
        try:
            while (asked := walk.next_slice()) is not None:
                places = range(len(alive))[asked.start : asked.start + asked.total]
                shown = [
                    ExecutionThread(1, f"{place}", "Manual", CREATED + timedelta(place))
                    for place in places
                    if alive[place]
                ]
                count = len(alive) if count_unfiltered else sum(alive)
                step = walk.accept(asked, ThreadPage(tuple(shown), count, asked.start), seen)
                walk = step.walk  # noqa: PLW2901 - the walk after it
                seen.update(step.keys)
                got += [thread.thread_token for thread in step.items]
                alive += [one for one in [next(starting, None)] if one is not None]
        except PaginationError as error:
            problem = str(error)

        assert len(set(got)) == len(got)
        assert FILTER_ADVICE in problem or {f"{place}" for place, match in enumerate(matches) if match} <= set(got)


@given(
    count=st.integers(0, 60),
    total=st.integers(4, 30),
    cap=st.integers(4, 12),
    moves=st.lists(st.booleans(), max_size=40),
)
def test_a_correct_server_that_caps_its_pages_causes_no_error(
    count: int, total: int, cap: int, moves: list[bool]
) -> None:
    """Newest first: a thread that starts shifts all others, and the oldest one stops, so the count stays the same."""
    walks: list[Walk[ExecutionThread]] = [
        PlainWalk(0, total, filtered=True),
        consistent_walk(0, total, filtered=True, appends=False),
    ]
    for walk in walks:
        alive = list(range(count))
        moving = iter(moves)
        got: list[int] = []
        seen = set[Any]()
        while (asked := walk.next_slice()) is not None:
            shown = alive[::-1][asked.start : asked.start + min(asked.total, cap)]
            threads = (ExecutionThread(1, f"{one}", "Manual", CREATED + timedelta(seconds=one)) for one in shown)
            step = walk.accept(asked, ThreadPage(tuple(threads), len(alive), asked.start), seen)
            walk = step.walk  # noqa: PLW2901 - the walk after it
            seen.update(step.keys)
            got += [int(thread.thread_token or "") for thread in step.items]
            moved = next(moving, False)
            alive = [one + moved for one in alive]

        assert set(alive) & set(range(count)) <= set(got)
