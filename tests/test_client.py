"""The client: its settings, its session, and how it is used and closed."""

import asyncio
import gc
import pickle
import warnings
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from listings import Kind, each_kind

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    PaginationError,
    Query,
    RetryPolicy,
    ThreadPage,
    ThreadsClient,
    ThreadsQuery,
    ThreadType,
    UnauthorizedError,
)
from threads_async.testing import FakeServer, Fault

TOKEN = "Sesame-0123456789"


async def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeServer(threads=3) as server:
        monkeypatch.setenv("ZB_API_TOKEN", f" {server.token}\n")
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        async with ThreadsClient() as client:
            assert 3 == len(await client.threads().collect())


async def test_arguments_take_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", "wrong")
    monkeypatch.setenv("ZB_API_BASE_URL", "http://127.0.0.1:1")
    async with FakeServer(threads=3) as server, ThreadsClient(server.token, base_url=server.url) as client:
        assert 3 == await client.threads().count()


def test_without_settings_the_client_uses_the_zennobrowser_on_this_machine() -> None:
    assert "http://localhost:8160" == ThreadsClient(TOKEN).base_url


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("token", "ключ"),
        ("base_url", "http://user:hush@localhost"),
        ("timeout", 0),
        ("timeout", float("inf")),
        ("timeout", None),
        ("max_response_bytes", 0),
        ("max_response_bytes", 1.5),
        ("retry", None),
        ("retry", 3),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_it(setting: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ThreadsClient(**({"token": TOKEN} | {setting: value}))

    assert setting == caught.value.parameter


def test_a_client_shows_its_address_but_not_its_token() -> None:
    assert "<ThreadsClient of http://localhost:8160>" == repr(ThreadsClient(TOKEN))


def test_a_client_cannot_be_pickled_because_it_contains_the_token() -> None:
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(ThreadsClient(TOKEN))


async def test_a_wrong_token_is_refused() -> None:
    async with FakeServer() as server, ThreadsClient("wrong", base_url=server.url) as client:
        with pytest.raises(UnauthorizedError, match="Unauthenticated") as caught:
            await client.threads().collect()

    assert 1 == len(server.requests)
    assert 401 == caught.value.status


@each_kind
async def test_a_given_session_is_used_unchanged_and_left_open(kind: Kind) -> None:
    async with (
        kind.server(3) as server,
        aiohttp.ClientSession(headers={"X-Mine": "1", "Accept": "text/html"}, cookies={"mine": "2"}) as session,
    ):
        session.cookie_jar.update_cookies({"mine": "2"})
        async with ThreadsClient(server.token, base_url=server.url, session=session) as client:
            await kind.listing(client).first()

        assert not session.closed
        assert {"X-Mine": "1", "Accept": "text/html"} == dict(session.headers)

    (seen,) = server.requests
    assert ("1", "application/json", server.token) == tuple(
        seen.headers[name] for name in ("X-Mine", "Accept", "Api-Token")
    )


@pytest.mark.parametrize(
    "settings",
    [{"raise_for_status": True}, {"base_url": "http://127.0.0.1:1"}, {"timeout": aiohttp.ClientTimeout(total=1e-9)}],
    ids=["raise_for_status", "base_url", "timeout"],
)
async def test_the_settings_of_a_given_session_do_not_change_what_the_client_does(settings: dict[str, Any]) -> None:
    async with FakeServer() as server, aiohttp.ClientSession(**settings) as session:
        client = ThreadsClient("wrong", base_url=server.url, session=session)
        with pytest.raises(UnauthorizedError):
            await client.threads().first()


async def test_the_client_creates_its_own_session_when_first_needed_and_closes_it() -> None:
    async with FakeServer() as server:
        client = ThreadsClient(server.token, base_url=server.url)
        await client.threads().first()
        assert 1 == server.connections

        await client.close()
        await client.close()

        assert client.closed
        assert "<ThreadsClient of" in repr(client)
        assert repr(client).endswith(", closed>")
        while server.connections:
            await asyncio.sleep(0)


async def test_the_clients_own_session_keeps_no_cookies() -> None:
    async with FakeServer() as server, ThreadsClient(server.token, base_url=server.url) as client:
        headers = {"Set-Cookie": "stale=1", "Content-Type": "text/plain"}
        server.fail_next(1, Fault(200, b'{"totalCount":0,"items":[]}', headers))
        await client.threads().collect()
        await client.threads().first()

    assert "Cookie" not in server.requests[-1].headers


async def test_use_after_close_is_a_clear_error() -> None:
    client = ThreadsClient(TOKEN)
    await client.close()

    with pytest.raises(ClientClosedError, match="make a new one"):
        await client.threads().first()
    with pytest.raises(ClientClosedError, match="make a new one"):
        await client.__aenter__()


async def test_use_after_the_given_session_is_closed_is_a_clear_error() -> None:
    session = aiohttp.ClientSession()
    client = ThreadsClient(TOKEN, session=session)
    await session.close()

    with pytest.raises(ClientClosedError, match="session given"):
        await client.threads().first()


def test_use_in_a_second_event_loop_is_a_clear_error() -> None:
    async def used_client() -> ThreadsClient:
        async with FakeServer() as server:
            client = ThreadsClient(server.token, base_url=server.url)
            await client.threads().first()
            return client

    client = asyncio.run(used_client())
    with pytest.raises(ClientClosedError, match="one client for each loop"):
        asyncio.run(client.fetch_page(ThreadsQuery()))
    asyncio.run(client.close())


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
async def test_a_client_left_open_warns() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    async with FakeServer() as server:
        clients = [ThreadsClient(server.token, base_url=server.url)]
        await clients[0].threads().first()
        # The client is freed with its last reference, because its work left no reference cycle.
        with pytest.warns(ResourceWarning, match="unclosed ThreadsClient"):
            clients.clear()
        # Let Python report here, and not in another test, what aiohttp leaves open.
        gc.collect()


def test_a_client_that_was_never_used_needs_no_closing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ThreadsClient(TOKEN)
        gc.collect()


async def test_fetch_page_is_one_get_with_every_parameter() -> None:
    async with FakeServer(threads=9) as server, ThreadsClient(server.token, base_url=server.url) as client:
        some = server.threads[4]
        page = await client.fetch_page(
            ThreadsQuery(workspace_id=1, total=5, thread_token=some.thread_token, type=some.type, sorting="Type DESC")
        )

    assert [some.thread_token] == [thread.thread_token for thread in page.items]
    (seen,) = server.requests
    assert ("GET", "/v1/threads") == (seen.method, seen.path)
    assert {"workspaceId", "start", "total", "thread_token", "type", "sorting"} == set(dict(seen.query))


async def test_next_start_leads_from_one_fetched_page_to_the_next() -> None:
    numbers: list[int] = []
    async with FakeServer(threads=25) as server, ThreadsClient(server.token, base_url=server.url) as client:
        start: int | None = 0
        while start is not None:
            page = await client.fetch_page(ThreadsQuery(start=start, total=10))
            numbers.append(len(page.items))
            start = page.next_start

    assert [10, 10, 5] == numbers


async def test_a_query_of_no_listing_is_an_error() -> None:
    query: Query[object] = Query()

    with pytest.raises(ConfigurationError, match="query must be a ThreadsQuery"):
        await ThreadsClient("x").fetch_page(query)


async def test_a_page_that_contradicts_itself_is_an_error() -> None:
    async with FakeServer() as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fail_next(1, Fault(200, b'{"totalCount":7,"items":[]}', {}))
        with pytest.raises(PaginationError, match="no items, although more remain"):
            await client.fetch_page(ThreadsQuery())


async def test_a_page_past_the_end_is_empty_whatever_the_server_sends() -> None:
    async with (
        FakeServer(threads=5, past_end="last_page") as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        assert ThreadPage((), 5, 9) == await client.fetch_page(ThreadsQuery(start=9))


async def test_filters_reach_the_server() -> None:
    async with FakeServer(threads=40) as server, ThreadsClient(server.token, base_url=server.url) as client:
        manual = await client.threads(type=ThreadType.MANUAL, sorting="CreatedAt DESC").collect()

    expected = [one.thread_token for one in reversed(server.threads) if one.type == "Manual"]
    assert expected == [thread.thread_token for thread in manual]


async def test_a_parameter_out_of_range_is_an_error_before_anything_is_sent() -> None:
    client = ThreadsClient(TOKEN)

    with pytest.raises(ConfigurationError, match="total"):
        client.threads(total=0)
    with pytest.raises(ConfigurationError, match="max_items"):
        client.threads(max_items=-1)


@pytest.mark.usefixtures("aioresponses_shim")
async def test_a_user_can_mock_the_network_with_aioresponses() -> None:
    with aioresponses() as mocked:
        mocked.get(
            "http://zenno.example:8160/v1/threads?workspaceId=-1&start=0&total=1000",
            payload={"totalCount": 0, "items": []},
        )
        async with ThreadsClient(TOKEN, base_url="http://zenno.example:8160", retry=RetryPolicy(attempts=1)) as client:
            assert [] == await client.threads().collect()
