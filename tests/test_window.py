"""How many requests are guessed: fewer while guesses are wrong, more while they are right; also over HTTP."""

import asyncio
import itertools
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import ThreadsClient, ThreadsQuery
from threads_async._endpoints import THREADS
from threads_async._paging import Slice
from threads_async._prefetch import Prefetch
from threads_async._window import Window
from threads_async.testing import FakeServer, SeenRequest


@pytest.mark.parametrize(("prefetch", "most"), [(0, 0), (1, 0), (2, 1), (8, 7)])
def test_it_starts_with_all_requests_that_may_be_in_flight_besides_the_awaited_one(prefetch: int, most: int) -> None:
    assert Window(most, most) == Window.of(prefetch)


def test_each_wrong_guess_halves_it_and_each_right_one_widens_it_by_one() -> None:
    window = Window.of(8)
    sizes = []
    for held in (False, False, False, False, True, True):
        window = window.after_guess(held=held)
        sizes.append(window.size)

    assert [3, 1, 0, 0, 1, 2] == sizes


@given(prefetch=st.integers(0, 20), guesses=st.lists(st.booleans()))
def test_it_stays_within_its_bounds(prefetch: int, guesses: list[bool]) -> None:
    window = Window.of(prefetch)
    for held in guesses:
        window = window.after_guess(held=held)
        assert 0 <= window.size <= max(0, prefetch - 1)


@pytest.mark.parametrize(
    ("asked", "useful", "size"),
    [(Slice(9, 10), True, 3), (Slice(9, 10), False, 1), (Slice(4, 10), True, 1), (None, True, 1)],
)
def test_a_guess_is_right_if_it_is_requested_next_and_the_page_before_it_was_useful(
    asked: Slice | None, useful: bool, size: int
) -> None:
    source: Any = SimpleNamespace()
    ahead = Prefetch(source, THREADS, ThreadsQuery(), 4)
    ahead.window = Window(3, 2)

    ahead.learn([], asked, useful=useful)
    assert Window(3, 2) == ahead.window
    ahead.learn([Slice(9, 10), Slice(18, 10)], asked, useful=useful)

    assert Window(3, size) == ahead.window


@pytest.mark.parametrize("consistent", [False, True])
async def test_after_wrong_guesses_the_number_of_requests_in_flight_grows_again(consistent: bool) -> None:
    caps = itertools.cycle([9, 5, 8, 4])
    most = waiting = 0

    async def count(_: SeenRequest) -> None:
        nonlocal most, waiting
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.001)
        waiting -= 1

    def cap(_: SeenRequest) -> None:
        server.page_cap = next(caps)

    async with FakeServer(threads=1000) as server, ThreadsClient(server.token, base_url=server.url) as client:
        listing = client.threads(total=10, prefetch=4, consistent=consistent)
        async with listing.pages() as pages:
            server.on_request = cap
            for _ in range(12):
                await anext(pages)
            assert 0 == pages._ahead.window.size
            server.page_cap, server.on_request = None, count
            got = [thread async for page in pages for thread in page.items]

    assert 4 == most
    assert server.threads[-1].thread_token == got[-1].thread_token


async def test_on_a_list_that_changes_with_each_request_few_requests_are_wasted() -> None:
    draw = random.Random(1)

    async def requests(prefetch: int) -> int:
        async with FakeServer(threads=400) as server, ThreadsClient(server.token, base_url=server.url) as client:
            lasting = {thread.thread_token for thread in server.threads}

            def churn(_: SeenRequest) -> None:
                for _step in range(8):
                    server.stop_thread(server.threads[draw.randrange(3)])
                    server.start_thread()

            server.on_request = churn
            got = [
                thread.thread_token
                for thread in await client.threads(total=20, prefetch=prefetch, consistent=True).collect()
            ]
            lasting &= {thread.thread_token for thread in server.threads}
            assert lasting <= set(got)
            assert len(set(got)) == len(got)
            return len(server.requests)

    # The promise is nine times as many. Here, only the requests in flight before the window closed are wasted.
    assert await requests(8) <= 3 * await requests(0)
