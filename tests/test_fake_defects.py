"""What `FakeServer` promises about given threads, compression, switches, other paths and churn."""

import asyncio
from typing import Any

import aiohttp
import pytest

from threads_async.testing import FakeServer, FakeThread
from threads_async.testing._makers import ThreadMaker
from threads_async.testing._population import Population, View


def test_a_started_thread_differs_from_the_given_ones() -> None:
    given = FakeServer(3).threads

    assert FakeServer(given).start_thread() not in given


def test_a_started_thread_is_later_than_given_ones_and_ones_with_a_given_time() -> None:
    server = FakeServer([FakeThread(1, "a", "Manual", "2027-01-01T00:00:00.5Z")])
    first = server.start_thread()
    server.start_thread(created_at="2028-01-01T00:00:00.0000000+00:00")
    second = server.start_thread()

    assert first.created_at > "2027-01-01T00:00:00.5"
    assert second.created_at > "2028-01-01T00:00:00.0000000"


async def test_a_client_that_accepts_more_than_gzip_gets_gzip() -> None:
    async with FakeServer(1) as server, aiohttp.ClientSession() as session:
        server.gzip = True
        headers = {"Api-Token": server.token, "Accept-Encoding": "gzip, deflate"}
        async with session.get(f"{server.url}/v1/threads", headers=headers) as answer:
            assert "gzip" == answer.headers["Content-Encoding"]


@pytest.mark.parametrize("time", ["2025-07-25T09:34:29.768Z", "2025-07-25T09:34:29.7680000+00:00"])
async def test_naive_times_have_neither_z_nor_offset(time: str) -> None:
    async with FakeServer([FakeThread(1, None, "Manual", time)]) as server, aiohttp.ClientSession() as session:
        server.naive_times = True
        async with session.get(f"{server.url}/v1/threads", headers={"Api-Token": server.token}) as answer:
            (item,) = (await answer.json())["items"]

    assert item["createdAt"].startswith("2025-07-25T09:34:29.768")
    assert not item["createdAt"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize("switch", ["ignore_start", "gzip", "naive_times", "count_offset", "unauthorized_status"])
def test_every_switch_is_a_parameter_and_so_can_be_set_by_the_marker(switch: str) -> None:
    settings: dict[str, Any] = {switch: 1}

    assert 1 == getattr(FakeServer(0, **settings), switch)


async def test_only_requests_for_a_list_are_recorded() -> None:
    async with FakeServer(0) as server, aiohttp.ClientSession() as session:
        for method, path in [
            ("GET", "/v2/threads"),
            ("POST", "/v1/threads"),
            ("GET", "/openapi/threads.v1.json"),
            ("GET", "/v1/threads"),
            ("GET", "/openapi/product.v1.json"),
        ]:
            await session.request(method, f"{server.url}{path}")

    assert [("GET", "/v1/threads")] == [(seen.method, seen.path) for seen in server.requests]


async def test_the_results_of_many_different_filters_are_not_all_kept() -> None:
    population = Population[FakeThread](0, lambda given: ThreadMaker(0, given).make)

    for number in range(10_000):
        assert () == population.seen_by(View(1, (("thread_token", f"token {number}"),)))

    assert len(population._views) <= 100


async def test_the_method_head_is_not_allowed() -> None:
    async with FakeServer(0) as server, aiohttp.ClientSession() as session:
        assert 405 == (await session.head(f"{server.url}/v1/threads", headers={"Api-Token": server.token})).status


@pytest.mark.parametrize("rate", [0, -1])
async def test_a_churn_rate_that_is_not_positive_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        await FakeServer().churn(rate).__aenter__()


async def test_churn_keeps_its_rate() -> None:
    server = FakeServer(50)
    steps = 0

    def count(draw: object) -> None:
        nonlocal steps
        steps += 1

    server.churn_step = count  # type: ignore[method-assign, assignment]
    async with server.churn(rate=10_000):
        await asyncio.sleep(0.1)

    assert steps > 800


async def test_a_fault_is_sent_unchanged_even_if_responses_are_compressed() -> None:
    async with FakeServer(0) as server, aiohttp.ClientSession() as session:
        server.gzip = True
        server.fail_next()
        async with session.get(f"{server.url}/v1/threads") as answer:
            assert (500, None) == (answer.status, answer.headers.get("Content-Encoding"))


async def test_a_response_is_not_compressed_for_a_client_that_does_not_accept_it() -> None:
    async with (
        FakeServer(0, gzip=True) as server,
        aiohttp.ClientSession(headers={"Accept-Encoding": "br"}) as session,
        session.get(f"{server.url}/openapi/threads.v1.json") as answer,
    ):
        assert "Content-Encoding" not in answer.headers


def test_a_time_without_an_offset_counts_as_utc_and_text_that_is_not_a_time_is_ignored() -> None:
    server = FakeServer([FakeThread(1, None, "Manual", "2027-01-01T00:00:00"), FakeThread(1, None, "Manual", "soon")])

    assert server.start_thread().created_at.startswith("2027-01-01T00:00:01.37")
