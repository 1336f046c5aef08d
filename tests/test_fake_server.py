"""The fake behaves as the API is documented and observed to. Asked with plain aiohttp, not with our client."""

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from threads_async.testing import FakeServer, FakeThread, Fault

DATA = Path(__file__).parent / "data"


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=40) as server:
        yield server


@pytest.fixture
async def session(server: FakeServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers={"Api-Token": server.token}) as session:
        yield session


async def get(session: aiohttp.ClientSession, query: str = "", **headers: str) -> tuple[int, Any]:
    async with session.get(f"/v1/threads{query}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def tokens(answer: tuple[int, Any]) -> list[str | None]:
    status, body = answer
    assert 200 == status
    return [item["threadToken"] for item in body["items"]]


@pytest.mark.parametrize(
    "query",
    [
        "?workspaceId=&start=0&total=1000&thread_token=&type=&sorting=",
        "?workspaceId=&start=&total=&thread_token=&=&sorting=",
        "",
    ],
    ids=["curl and C#", "cube", "nothing"],
)
async def test_the_examples_of_the_page_are_answered_as_documented(session: aiohttp.ClientSession, query: str) -> None:
    status, body = await get(session, query)

    documented = json.loads((DATA / "documented-threads.200.json").read_bytes())
    assert 200 == status
    assert list(documented) == list(body)
    assert 40 == body["totalCount"] == len(body["items"])
    assert [list(documented["items"][0])] * 40 == [list(item) for item in body["items"]]


async def test_the_documented_answer_is_given_to_the_letter() -> None:
    thread = FakeThread(workspace_id=1, thread_token=None, type="Manual", created_at="2025-07-25T09:34:29.768Z")
    async with FakeServer([thread]) as server, aiohttp.ClientSession(server.url) as session:
        status, body = await get(session, **{"Api-Token": server.token})

    assert (200, json.loads((DATA / "documented-threads.200.json").read_bytes())) == (status, body)


async def test_an_empty_list_is_the_observed_one() -> None:
    async with (
        FakeServer(0) as server,
        aiohttp.ClientSession(server.url) as session,
        session.get("/v1/threads", headers={"Api-Token": server.token}) as answer,
    ):
        body = await answer.read()

    assert (DATA / "real-threads-empty.200.json").read_bytes().strip() == body
    assert "application/json; charset=utf-8" == answer.headers["Content-Type"]


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("token", ["wrong", ""])
async def test_a_wrong_token_is_refused(
    server: FakeServer, session: aiohttp.ClientSession, token: str, status: int
) -> None:
    server.unauthorized_status = status

    assert (status, {"message": "Unauthenticated"}) == await get(session, **{"Api-Token": token})


async def test_no_token_is_refused(server: FakeServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        assert (401, {"message": "Unauthenticated"}) == await get(session)


def test_tokens_and_times_look_like_the_real_ones() -> None:
    for thread in FakeServer(threads=50).threads:
        assert thread.thread_token is not None
        assert re.fullmatch(r"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.[\w-]+\.[\w-]+", thread.thread_token)
        assert 300 <= len(thread.thread_token) <= 500
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", thread.created_at)
        assert thread.thread_token not in repr(thread)


def test_the_same_seed_makes_the_same_threads() -> None:
    assert FakeServer(threads=9, seed=4).threads == FakeServer(threads=9, seed=4).threads
    assert FakeServer(threads=9, seed=4).threads != FakeServer(threads=9, seed=5).threads


def test_threads_differ_and_are_made_one_after_another() -> None:
    threads = FakeServer(threads=200).threads

    assert 200 == len({thread.thread_token for thread in threads})
    moments = [datetime.fromisoformat(thread.created_at) for thread in threads]
    assert sorted(set(moments)) == moments
    assert {"Manual", "BrowserInstance"} == {thread.type for thread in threads}


@pytest.mark.parametrize(("start", "total"), [(0, 1), (3, 10), (35, 10), (39, 1), (40, 1), (99, 1000)])
async def test_a_page_is_a_slice(server: FakeServer, session: aiohttp.ClientSession, start: int, total: int) -> None:
    answer = await get(session, f"?start={start}&total={total}")

    assert [thread.thread_token for thread in server.threads[start : start + total]] == tokens(answer)
    assert 40 == answer[1]["totalCount"]


async def test_filters_choose_and_count(server: FakeServer, session: aiohttp.ClientSession) -> None:
    other = server.start_thread(workspace_id=7, type="Manual")
    manual = [one.thread_token for one in server.threads if one.type == "Manual" and one is not other]

    assert manual == tokens(await get(session, "?type=Manual"))
    assert manual == tokens(await get(session, "?type=Manual&workspaceId=1"))
    assert [other.thread_token] == tokens(await get(session, "?workspaceId=7"))
    assert [manual[2]] == tokens(await get(session, f"?thread_token={manual[2]}"))
    assert (200, {"totalCount": 0, "items": []}) == await get(session, "?thread_token=none")


@pytest.mark.parametrize("key", ["created_at", "thread_token", "type", "workspace_id"])
@pytest.mark.parametrize("order", ["", " ASC", " desc"])
async def test_sorting_is_stable_in_both_orders(
    server: FakeServer, session: aiohttp.ClientSession, key: str, order: str
) -> None:
    name = {"created_at": "CreatedAt", "thread_token": "threadtoken", "type": "Type", "workspace_id": "WorkspaceId"}[
        key
    ]
    expected = sorted(server.threads, key=lambda one: getattr(one, key), reverse=order == " desc")

    assert [one.thread_token for one in expected] == tokens(await get(session, f"?sorting={name}{order}"))


async def test_null_tokens_sort_first(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.start_thread(thread_token=None)

    assert None is tokens(await get(session, "?sorting=ThreadToken&total=1"))[0]


@pytest.mark.parametrize(
    "query",
    [
        "start=-1", "start=abc", "start=2147483648", "start=1.5", "start=٣", "total=0", "total=-1", "workspaceId=x",
        "workspaceId=9223372036854775808", f"workspaceId={'9' * 5000}", "type=Robot", "sorting=Name",
        "sorting=CreatedAt UP", "sorting=CreatedAt ASC DESC",
    ],
)  # fmt: skip
async def test_a_parameter_that_is_none_is_refused_by_name(session: aiohttp.ClientSession, query: str) -> None:
    status, body = await get(session, f"?{query}")

    assert 400 == status == body["status"]
    assert [query.partition("=")[0]] == list(body["errors"])


async def test_other_paths_and_methods_are_not_there(session: aiohttp.ClientSession) -> None:
    async with session.get("/v1/nothing") as missing, session.post("/v1/threads") as wrong:
        assert (404, 405) == (missing.status, wrong.status)


async def test_the_document_describes_what_is_served(session: aiohttp.ClientSession) -> None:
    async with session.get("/openapi/threads.v1.json") as answer:
        document = await answer.json()

    operation = document["paths"]["/v1/threads"]["get"]
    assert document["openapi"].startswith("3.")
    assert ["workspaceId", "start", "total", "thread_token", "type", "sorting"] == [
        parameter["name"] for parameter in operation["parameters"]
    ]
    thread = document["components"]["schemas"]["Thread"]
    _, body = await get(session, "?total=1")
    assert set(thread["required"]) == set(body["items"][0]) == set(thread["properties"])


async def test_requests_are_seen_whole_but_shown_without_secrets(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    await get(session, "?thread_token=a%2Bb+c&start=")

    (seen,) = server.requests
    assert ("GET", "/v1/threads", (("thread_token", "a+b c"), ("start", ""))) == (seen.method, seen.path, seen.query)
    assert {"thread_token": "a+b c", "start": ""} == seen.parameters
    assert server.token == seen.headers["api-token"]
    assert "SeenRequest(method='GET', path='/v1/threads')" == repr(seen)


async def test_threads_start_at_the_end_and_stop_anywhere(server: FakeServer, session: aiohttp.ClientSession) -> None:
    stopped = server.stop_thread(server.threads[3])
    token = server.threads[5].thread_token
    assert token is not None
    server.stop_thread(token)
    started = server.start_thread(type="Cloud", created_at="2027-01-01T00:00:00")

    listed = tokens(await get(session))
    assert [one.thread_token for one in server.threads] == listed
    assert started.thread_token == listed[-1]
    assert {stopped.thread_token, token}.isdisjoint(listed)
    assert 39 == len(listed)


@pytest.mark.parametrize("unknown", ["no such token", FakeThread(1, None, "Manual", "")])
def test_stopping_what_does_not_run_is_an_error(unknown: Any) -> None:
    with pytest.raises(LookupError, match="does not run"):
        FakeServer().stop_thread(unknown)


def test_a_step_of_churn_starts_or_stops_one_thread_as_drawn() -> None:
    def numbers() -> list[int]:
        server = FakeServer(threads=3)
        draw = random.Random(5)
        counts = []
        for _ in range(50):
            server.churn_step(draw)
            counts.append(len(server.threads))
        return counts

    counts = numbers()
    assert {1, -1} == {after - before for before, after in itertools.pairwise(counts)}
    assert counts == numbers()


async def test_churn_goes_on_in_the_background_until_it_is_left(server: FakeServer) -> None:
    before = server.threads
    async with server.churn(rate=1e6):
        while server.threads == before:
            await asyncio.sleep(0)

    after = server.threads
    await asyncio.sleep(0.001)
    assert after == server.threads


async def test_a_page_cap_is_silent(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.page_cap = 7

    status, body = await get(session, "?total=30")

    assert (200, 40, 7) == (status, body["totalCount"], len(body["items"]))


async def test_past_the_end_is_what_the_switch_says(server: FakeServer, session: aiohttp.ClientSession) -> None:
    assert [] == tokens(await get(session, "?start=40&total=30"))

    server.past_end = "last_page"
    assert [one.thread_token for one in server.threads[30:]] == tokens(await get(session, "?start=40&total=30"))

    server.past_end = "error"
    assert (500, {"message": None}) == await get(session, "?start=41")
    assert 1 == len(tokens(await get(session, "?start=39")))


async def test_start_can_be_ignored_and_the_count_a_lie(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.ignore_start = True
    server.count_offset = -39

    status, body = await get(session, "?start=20&total=5")

    assert (200, 1) == (status, body["totalCount"])
    assert [one.thread_token for one in server.threads[:5]] == tokens((status, body))


async def test_times_can_lack_their_offset(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.naive_times = True

    _, body = await get(session, "?total=1")

    assert re.fullmatch(r"[\d-]+T[\d:]+\.\d{7}", body["items"][0]["createdAt"])


async def test_answers_can_be_compressed(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.gzip = True

    async with session.get("/v1/threads", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "gzip" == answer.headers["Content-Encoding"]
        assert 40 == (await answer.json())["totalCount"]


async def test_latency_is_waited_before_the_answer(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.latency = 30.0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get(session), 0.05)

    server.latency = 0.001
    assert 40 == len(tokens(await get(session)))


async def test_faults_come_first_in_turn_and_then_the_right_answer(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    server.fail_next(2)
    server.fail_next(1, Fault(503, b"busy", {"Retry-After": "1"}))

    assert (500, {"message": None}) == await get(session)
    assert (500, {"message": None}) == await get(session)
    async with session.get("/v1/threads") as answer:
        assert (503, b"busy", "1") == (answer.status, await answer.read(), answer.headers["Retry-After"])
    assert 200 == (await get(session))[0]


async def test_a_fault_can_depend_on_the_request(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.fault_for = lambda seen: Fault() if seen.parameters.get("start") == "10" else None

    assert [200, 500, 200] == [(await get(session, f"?start={start}"))[0] for start in (0, 10, 20)]


async def test_a_fault_can_cut_the_connection(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.fail_next(2, Fault(status=None))  # aiohttp sends a GET once more by itself

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(session)
    assert 200 == (await get(session))[0]


@pytest.mark.parametrize("awaited", [False, True])
async def test_the_hook_runs_before_each_answer(
    server: FakeServer, session: aiohttp.ClientSession, awaited: bool
) -> None:
    async def stop_one_later() -> None:
        server.stop_thread(server.threads[0])

    server.on_request = lambda _: stop_one_later() if awaited else server.stop_thread(server.threads[0])

    assert [39, 38] == [(await get(session))[1]["totalCount"] for _ in range(2)]


async def test_a_stopped_server_cuts_its_connections_and_comes_back_on_the_same_port(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    await get(session)
    url = server.url
    assert 1 == server.connections

    await server.stop()
    await server.stop()
    assert 0 == server.connections
    with pytest.raises(aiohttp.ClientConnectionError):
        await get(session)

    await server.start()
    assert url == server.url
    assert 40 == len(tokens(await get(session)))


async def test_a_request_in_flight_is_cut_when_the_server_stops(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    server.latency = 30.0
    task = asyncio.create_task(get(session))
    while not server.requests:
        await asyncio.sleep(0)

    await server.stop()

    with pytest.raises(aiohttp.ClientConnectionError):
        await task


async def test_a_port_that_is_taken_is_an_error(server: FakeServer) -> None:
    with pytest.raises(OSError, match=str(server.port)):
        await FakeServer(port=server.port).start()
