"""`FakeServer` behaves as the API is documented and observed. The tests use plain aiohttp instead of our client."""

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import astuple
from listings import BROWSERS, KINDS, THREADS, WORKSPACES, Kind, each_kind

from threads_async.testing import FakeBrowser, FakeServer, FakeThread, FakeWorkspace, Fault

DATA = Path(__file__).parent / "data"
DOCUMENTED = {
    THREADS: json.dumps(json.loads((DATA / "documented-threads.200.json").read_bytes()), separators=(",", ":")),
    WORKSPACES: '{"totalCount":1,"items":[{"workspaceId":1,"name":null,"role":"Owner"}]}',
    BROWSERS: (
        '{"totalCount":1,"items":[{"profileId":"123e4567-e89b-12d3-a456-426614174000","processId":1,'
        '"connectionString":null}]}'
    ),
}
"""The response bodies in the API's documentation, without spaces."""

UUID = "123e4567-e89b-12d3-a456-426614174000"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=40, workspaces=40, browsers=40) as server:
        yield server


@pytest.fixture
async def session(server: FakeServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers={"Api-Token": server.token}) as session:
        yield session


async def get(session: aiohttp.ClientSession, query: str = "", kind: Kind = THREADS, **headers: str) -> tuple[int, Any]:
    async with session.get(f"{kind.path}{query}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def values(answer: tuple[int, Any]) -> list[tuple[Any, ...]]:
    """Return the values of the items in a response, without their names."""
    status, body = answer
    assert 200 == status
    return [tuple(item.values()) for item in body["items"]]


def values_of(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return the values of `rows` that are sent: all attributes except the workspace of a browser."""
    return [astuple(row)[1:] if isinstance(row, FakeBrowser) else astuple(row) for row in rows]


def tokens(answer: tuple[int, Any]) -> list[str | None]:
    status, body = answer
    assert 200 == status
    return [item["threadToken"] for item in body["items"]]


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        (THREADS, "?workspaceId=&start=0&total=1000&thread_token=&type=&sorting="),
        (THREADS, "?workspaceId=&start=&total=&thread_token=&=&sorting="),
        (WORKSPACES, "?start=0&total=1000&id=&name=&roles="),
        (BROWSERS, "?workspaceId=-1&start=0&total=1000&profileId=&processId=&sorting="),
        *[(kind, "") for kind in KINDS],
    ],
    ids=["threads: curl and C#", "threads: cube", "workspaces", "browsers", *[f"{kind}: nothing" for kind in KINDS]],
)
async def test_the_documented_requests_are_answered_as_documented(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, query: str
) -> None:
    status, body = await get(session, query, kind)

    documented = json.loads(DOCUMENTED[kind])
    assert 200 == status
    assert list(documented) == list(body)
    assert 40 == body["totalCount"] == len(body["items"])
    assert [list(documented["items"][0])] * 40 == [list(item) for item in body["items"]]
    assert values_of(kind.rows(server)) == values((status, body))


@each_kind
async def test_the_documented_responses_are_reproduced_exactly(kind: Kind) -> None:
    thread = FakeThread(workspace_id=1, thread_token=None, type="Manual", created_at="2025-07-25T09:34:29.768Z")
    browser = FakeBrowser(workspace_id=1, profile_id=UUID, process_id=1, connection_string=None)
    async with (
        FakeServer([thread], workspaces=[FakeWorkspace(1, None, "Owner")], browsers=[browser]) as server,
        aiohttp.ClientSession(server.url) as session,
        session.get(kind.path, headers={"Api-Token": server.token}) as answer,
    ):
        assert (200, DOCUMENTED[kind]) == (answer.status, await answer.text())


@each_kind
async def test_an_empty_list_is_as_observed(kind: Kind) -> None:
    async with (
        kind.server(0) as server,
        aiohttp.ClientSession(server.url) as session,
        session.get(kind.path, headers={"Api-Token": server.token}) as answer,
    ):
        body = await answer.read()

    assert (DATA / "real-threads-empty.200.json").read_bytes().strip() == body
    assert "application/json; charset=utf-8" == answer.headers["Content-Type"]


@each_kind
@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("token", ["wrong", ""])
async def test_the_fake_refuses_a_wrong_token(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, token: str, status: int
) -> None:
    server.unauthorized_status = status

    assert (status, {"message": "Unauthenticated"}) == await get(session, kind=kind, **{"Api-Token": token})


@each_kind
async def test_the_fake_refuses_a_request_without_a_token(server: FakeServer, kind: Kind) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        assert (401, {"message": "Unauthenticated"}) == await get(session, kind=kind)


def test_a_new_server_has_some_threads_and_browsers_and_one_workspace() -> None:
    server = FakeServer()

    assert {"threads": 25, "workspaces": 1, "browsers": 10} == {str(kind): len(kind.rows(server)) for kind in KINDS}
    assert (FakeWorkspace(1, None, "Owner"),) == server.workspaces


def test_tokens_and_times_look_like_the_real_ones() -> None:
    for thread in FakeServer(threads=50).threads:
        assert thread.thread_token is not None
        assert re.fullmatch(r"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.[\w-]+\.[\w-]+", thread.thread_token)
        assert 300 <= len(thread.thread_token) <= 500
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00", thread.created_at)
        assert thread.thread_token not in repr(thread)


def test_browsers_look_like_the_real_ones() -> None:
    for browser in FakeServer(browsers=50).browsers:
        address = browser.connection_string
        assert re.fullmatch(rf"ws://127\.0\.0\.1:\d{{5}}/devtools/browser/{UUID4}", address or "")
        assert re.fullmatch(UUID4, browser.profile_id)
        assert browser.process_id in range(4, 2**31, 4)
        assert 1 == browser.workspace_id


def test_many_browsers_have_different_processes_profiles_and_addresses() -> None:
    browsers = FakeServer(browsers=2000).browsers

    for name in ("process_id", "profile_id", "connection_string"):
        assert (name, 2000) == (name, len({getattr(browser, name) for browser in browsers}))


def test_the_repr_of_a_browser_does_not_give_access_to_it() -> None:
    (browser,) = FakeServer(browsers=1).browsers
    shown = repr(browser)

    assert browser.profile_id in shown
    assert str(browser.process_id) in shown
    secret = (browser.connection_string or "").rpartition("/")[2]
    assert 36 == len(secret)
    assert {False} == {secret[at : at + 5] in shown for at in range(len(secret) - 4)}
    # A short address is hidden completely, and null is not a secret.
    assert "ws://" not in repr(FakeBrowser(1, UUID, 4, "ws://x"))
    assert repr(FakeBrowser(1, UUID, 4, None)).endswith("connection_string=None)")


@each_kind
def test_the_same_seed_makes_the_same_lists(kind: Kind) -> None:
    assert kind.rows(kind.server(9, seed=4)) == kind.rows(kind.server(9, seed=4))
    # Workspaces have nothing random.
    assert (kind is WORKSPACES) == (kind.rows(kind.server(9, seed=4)) == kind.rows(kind.server(9, seed=5)))


@each_kind
def test_the_size_of_one_list_does_not_affect_another(kind: Kind) -> None:
    settings: dict[str, Any] = {"threads": 3, "browsers": 3, kind.name: 9}

    assert kind.rows(kind.server(9)) == kind.rows(FakeServer(**settings))


@each_kind
def test_given_items_are_listed_unchanged_and_not_created_again(kind: Kind) -> None:
    given = kind.rows(kind.server(5))[1:]
    settings: dict[str, Any] = {kind.name: iter(given)}
    server = FakeServer(**settings)

    started = [kind.start(server) for _ in range(10)]

    assert (*given, *started) == kind.rows(server)
    assert 14 == len({kind.key(row) for row in kind.rows(server)})


def test_new_workspaces_are_numbered_and_named_from_the_highest_id() -> None:
    assert [(1, None), (2, "Workspace 2"), (3, "Workspace 3")] == [
        (one.workspace_id, one.name) for one in FakeServer(workspaces=3).workspaces
    ]

    server = FakeServer(workspaces=[FakeWorkspace(6147, "Mine"), FakeWorkspace(9, role=None)])
    added = [server.add_workspace(), server.add_workspace(name="Other", role="Guest"), server.add_workspace(name=None)]

    assert [
        FakeWorkspace(6148, "Workspace 6148", "Owner"),
        FakeWorkspace(6149, "Other", "Guest"),
        FakeWorkspace(6150, None, "Owner"),
    ] == added


def test_the_id_of_a_removed_workspace_is_not_reused_and_its_browsers_keep_running() -> None:
    server = FakeServer(workspaces=2)
    started = [server.start_thread(workspace_id=2), server.start_browser(workspace_id=2)]

    server.remove_workspace(2)

    assert 3 == server.add_workspace().workspace_id
    assert started == [server.threads[-1], server.browsers[-1]]


def test_threads_differ_and_have_increasing_times() -> None:
    threads = FakeServer(threads=200).threads

    assert 200 == len({thread.thread_token for thread in threads})
    moments = [datetime.fromisoformat(thread.created_at) for thread in threads]
    assert sorted(set(moments)) == moments
    assert {"Manual", "BrowserInstance"} == {thread.type for thread in threads}


@each_kind
@pytest.mark.parametrize(("start", "total"), [(0, 1), (3, 10), (35, 10), (39, 1), (40, 1), (99, 1000)])
async def test_a_page_is_a_slice(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, start: int, total: int
) -> None:
    answer = await get(session, f"?start={start}&total={total}", kind)

    assert values_of(kind.rows(server)[start : start + total]) == values(answer)
    assert 40 == answer[1]["totalCount"]


async def test_filters_of_threads_select_and_count(server: FakeServer, session: aiohttp.ClientSession) -> None:
    other = server.start_thread(workspace_id=7, type="Manual")
    manual = [one.thread_token for one in server.threads if one.type == "Manual" and one is not other]

    assert manual == tokens(await get(session, "?type=Manual"))
    assert manual == tokens(await get(session, "?type=Manual&workspaceId=1"))
    assert [other.thread_token] == tokens(await get(session, "?workspaceId=7"))
    assert [manual[2]] == tokens(await get(session, f"?thread_token={manual[2]}"))
    assert (200, {"totalCount": 0, "items": []}) == await get(session, "?thread_token=none")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 6147, 6148]), ("id=6147", [6147]), ("id=3", []), ("id=-1", []), ("name=Mine", [6147]),
        ("name=mine", []), ("name=Workspace+2", [2]), ("roles=Owner", [1, 2]), ("roles=Guest", [6147, 6148]),
        ("roles=Guest&name=Mine&id=6147", [6147]), ("roles=Owner&name=Mine", []),
        ("id=&name=&roles=", [1, 2, 6147, 6148]),
    ],
)  # fmt: skip
async def test_filters_of_workspaces_select_and_count(query: str, expected: list[int]) -> None:
    workspaces = [
        FakeWorkspace(1), FakeWorkspace(2, "Workspace 2"), FakeWorkspace(6147, "Mine", "Guest"),
        FakeWorkspace(6148, None, "Guest"),
    ]  # fmt: skip
    async with FakeServer(workspaces=workspaces) as server, aiohttp.ClientSession(server.url) as session:
        answer = await get(session, f"?{query}", WORKSPACES, **{"Api-Token": server.token})

    assert values_of(one for one in workspaces if one.workspace_id in expected) == values(answer)
    assert len(expected) == answer[1]["totalCount"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 8, 12]), (f"profileId={UUID}", [4, 12]), (f"profileId={UUID.upper()}", [4, 12]),
        (f"profileId={UUID[:-1]}1", []), ("processId=8", [8]), ("processId=16", []),
        (f"profileId={UUID}&processId=12", [12]), (f"profileId={UUID}&processId=8", []),
        (f"workspaceId=7&profileId={UUID}", [16]), ("workspaceId=7&processId=8", []),
    ],
)  # fmt: skip
async def test_filters_of_browsers_select_and_count(query: str, expected: list[int]) -> None:
    other = UUID.replace("1", "2")
    browsers = [
        FakeBrowser(1, UUID, 4, None), FakeBrowser(1, other, 8, "ws://x"), FakeBrowser(1, UUID, 12, None),
        FakeBrowser(7, UUID, 16, None),
    ]  # fmt: skip
    async with FakeServer(browsers=browsers) as server, aiohttp.ClientSession(server.url) as session:
        answer = await get(session, f"?{query}", BROWSERS, **{"Api-Token": server.token})

    assert values_of(one for one in browsers if one.process_id in expected) == values(answer)
    assert len(expected) == answer[1]["totalCount"]


@pytest.mark.parametrize("kind", [THREADS, BROWSERS], ids=str)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 1),
        ("workspaceId=", 1),
        ("workspaceId=-1", 1),
        ("workspaceId=1", 1),
        ("workspaceId=7", 7),
        ("workspaceId=2", 2),
    ],
)
async def test_a_list_has_the_items_of_one_workspace(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, query: str, expected: int
) -> None:
    server.start_thread(workspace_id=7)
    server.start_browser(workspace_id=7)

    answer = await get(session, f"?{query}", kind)

    rows = [row for row in kind.rows(server) if row.workspace_id == expected]
    assert {1: 40, 2: 0, 7: 1}[expected] == len(rows) == answer[1]["totalCount"]
    assert values_of(rows) == values(answer)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        (THREADS, "id=3&name=x&roles=x&profileId=x&processId=x&limit=x&Start=x"),
        (WORKSPACES, "workspaceId=7&type=x&profileId=x&processId=x&sorting=x"),
        (BROWSERS, "id=3&name=x&roles=x&thread_token=x&type=x"),
    ],
    ids=str,
)
async def test_unknown_parameters_are_ignored(session: aiohttp.ClientSession, kind: Kind, query: str) -> None:
    assert await get(session, "", kind) == await get(session, f"?{query}", kind)


@pytest.mark.parametrize(
    ("kind", "name", "attribute"),
    [
        (THREADS, "CreatedAt", "created_at"),
        (THREADS, "threadtoken", "thread_token"),
        (THREADS, "Type", "type"),
        (THREADS, "WorkspaceId", "workspace_id"),
        (BROWSERS, "ConnectionString", "connection_string"),
        (BROWSERS, "processid", "process_id"),
        (BROWSERS, "ProfileId", "profile_id"),
    ],
    ids=str,
)
@pytest.mark.parametrize("order", ["", " ASC", " desc"])
async def test_sorting_is_stable_in_both_orders(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, name: str, attribute: str, order: str
) -> None:
    server.start_browser(profile_id=server.browsers[0].profile_id)
    expected = sorted(kind.rows(server), key=lambda one: getattr(one, attribute), reverse=order == " desc")

    assert values_of(expected) == values(await get(session, f"?sorting={name}{order}", kind))


async def test_process_numbers_sort_as_numbers() -> None:
    browsers = [FakeBrowser(1, UUID, number, None) for number in (900, 1000, 20, 1000000, 4)]
    async with FakeServer(browsers=browsers) as server, aiohttp.ClientSession(server.url) as session:
        answer = await get(session, "?sorting=ProcessId", BROWSERS, **{"Api-Token": server.token})

    assert [4, 20, 900, 1000, 1000000] == [number for _, number, _ in values(answer)]


@pytest.mark.parametrize(
    ("kind", "sorting", "given"),
    [(THREADS, "ThreadToken", {"thread_token": None}), (BROWSERS, "ConnectionString", {"connection_string": None})],
    ids=str,
)
async def test_nulls_sort_first(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, sorting: str, given: dict[str, None]
) -> None:
    started = kind.start(server, **given)

    assert values_of([started]) == values(await get(session, f"?sorting={sorting}&total=1", kind))
    assert values_of([started]) == values(await get(session, f"?sorting={sorting} DESC&start=40", kind))


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        *[
            (kind, query)
            for kind in KINDS
            for query in [
                "start=-1", "start=abc", "start=2147483648", "start=1.5", "start=%2B1", "start=٣", "total=0",
                "total=-1", "total=2147483648",
            ]
        ],
        *[
            (kind, query)
            for kind in (THREADS, BROWSERS)
            for query in ["workspaceId=x", "workspaceId=9223372036854775808", f"workspaceId={'9' * 5000}"]
        ],
        *[
            (THREADS, query)
            for query in [
                "type=Robot", "sorting=Name", "sorting=ProcessId", "sorting=CreatedAt UP", "sorting=CreatedAt ASC DESC",
                "sorting=CreatedAt%0A",
            ]
        ],
        *[(WORKSPACES, query) for query in ["id=x", "id=9223372036854775808", "id=-9223372036854775809"]],
        *[
            (BROWSERS, query)
            for query in [
                "profileId=x", f"profileId={UUID.replace('-', '')}", f"profileId={{{UUID}}}", f"profileId={UUID}%0A",
                f"profileId={UUID.replace('1', '١')}", "processId=x", "processId=2147483648", "processId=-2147483649",
                "sorting=CreatedAt", "sorting=ProcessId UP", "sorting=ProcessId%0A",
            ]
        ],
    ],
    ids=str,
)  # fmt: skip
async def test_an_invalid_parameter_is_rejected_by_name(session: aiohttp.ClientSession, kind: Kind, query: str) -> None:
    status, body = await get(session, f"?{query}", kind)

    assert 400 == status == body["status"]
    assert [query.partition("=")[0]] == list(body["errors"])


@each_kind
async def test_other_paths_and_methods_do_not_exist(session: aiohttp.ClientSession, kind: Kind) -> None:
    async with session.get(f"{kind.path}/1/2") as missing, session.post(kind.path) as wrong:
        assert (404, 405) == (missing.status, wrong.status)
        assert "GET" == wrong.headers["Allow"]


async def test_requests_are_recorded_completely_but_shown_without_secrets(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    await get(session, "?thread_token=a%2Bb+c&start=")

    (seen,) = server.requests
    assert ("GET", "/v1/threads", (("thread_token", "a+b c"), ("start", ""))) == (seen.method, seen.path, seen.query)
    assert {"thread_token": "a+b c", "start": ""} == seen.parameters
    assert server.token == seen.headers["api-token"]
    assert "SeenRequest(method='GET', path='/v1/threads')" == repr(seen)


async def test_requests_for_all_lists_are_recorded_in_order(server: FakeServer, session: aiohttp.ClientSession) -> None:
    await get(session, f"?profileId={UUID}&processId=4", BROWSERS)
    await get(session, "?sorting=x", THREADS)
    await get(session, "?name=Workspace%202", WORKSPACES, **{"Api-Token": "wrong"})

    assert [
        (BROWSERS.path, {"profileId": UUID, "processId": "4"}, server.token),
        (THREADS.path, {"sorting": "x"}, server.token),
        (WORKSPACES.path, {"name": "Workspace 2"}, "wrong"),
    ] == [(seen.path, seen.parameters, seen.headers["api-token"]) for seen in server.requests]


@each_kind
async def test_items_are_added_at_the_end_and_removed_anywhere(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind
) -> None:
    before = kind.rows(server)

    assert before[3] == kind.stop(server, before[3])
    assert before[5] == kind.stop(server, kind.key(before[5]))
    started = kind.start(server)

    after = kind.rows(server)
    assert (*before[:3], before[4], *before[6:], started) == after
    assert values_of(after) == values(await get(session, kind=kind))
    # The other lists have not changed.
    assert [39 if one is kind else 40 for one in KINDS] == [len(one.rows(server)) for one in KINDS]


async def test_a_browser_is_started_with_the_given_values(server: FakeServer, session: aiohttp.ClientSession) -> None:
    started = server.start_browser(workspace_id=7, profile_id=UUID, process_id=3, connection_string="ws://x")

    assert FakeBrowser(7, UUID, 3, "ws://x") == started == server.browsers[-1]
    assert None is server.start_browser(connection_string=None).connection_string
    assert [(UUID, 3, "ws://x")] == values(await get(session, "?workspaceId=7", BROWSERS))


async def test_a_thread_is_started_with_the_given_values(server: FakeServer, session: aiohttp.ClientSession) -> None:
    time = "2027-01-01T00:00:00"
    started = server.start_thread(workspace_id=7, thread_token="x", type="Cloud", created_at=time)

    assert FakeThread(7, "x", "Cloud", time) == started == server.threads[-1]
    assert None is server.start_thread(thread_token=None).thread_token
    assert [(7, "x", "Cloud", time)] == values(await get(session, "?workspaceId=7"))


@pytest.mark.parametrize(
    ("kind", "unknown", "message"),
    [
        (THREADS, "no such token", "that thread is not running"),
        (THREADS, FakeThread(1, None, "Manual", ""), "that thread is not running"),
        (WORKSPACES, 2, "there is no such workspace"),
        (WORKSPACES, FakeWorkspace(1, "Another name"), "there is no such workspace"),
        (BROWSERS, 5, "that browser is not running"),
        (BROWSERS, FakeBrowser(1, UUID, 4, None), "that browser is not running"),
    ],
    ids=str,
)
def test_removing_an_item_that_does_not_exist_is_an_error(kind: Kind, unknown: Any, message: str) -> None:
    server = FakeServer()
    before = kind.rows(server)

    with pytest.raises(LookupError, match=message):
        kind.stop(server, unknown)
    assert before == kind.rows(server)


@each_kind
def test_an_item_cannot_be_removed_twice(kind: Kind) -> None:
    server = FakeServer()
    stopped = kind.stop(server, kind.rows(server)[0])

    with pytest.raises(LookupError):
        kind.stop(server, stopped)
    with pytest.raises(LookupError):
        kind.stop(server, kind.key(stopped))


def test_a_step_of_churn_starts_or_stops_one_thread_at_random() -> None:
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


async def test_churn_runs_in_the_background_until_its_block_ends(server: FakeServer) -> None:
    before = server.threads
    async with server.churn(rate=1e6):
        while server.threads == before:
            await asyncio.sleep(0)

    after = server.threads
    await asyncio.sleep(0.001)
    assert after == server.threads


@each_kind
async def test_a_page_cap_is_silent(server: FakeServer, session: aiohttp.ClientSession, kind: Kind) -> None:
    server.page_cap = 7

    status, body = await get(session, "?start=3&total=30", kind)

    assert (200, 40) == (status, body["totalCount"])
    assert values_of(kind.rows(server)[3:10]) == values((status, body))


@each_kind
async def test_a_switch_selects_the_response_past_the_end(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind
) -> None:
    assert [] == values(await get(session, "?start=40&total=30", kind))

    server.past_end = "last_page"
    assert values_of(kind.rows(server)[30:]) == values(await get(session, "?start=40&total=30", kind))

    server.past_end = "error"
    assert (500, {"message": None}) == await get(session, "?start=41", kind)
    assert 1 == len(values(await get(session, "?start=39", kind)))


@each_kind
async def test_start_can_be_ignored_and_the_count_can_be_wrong(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind
) -> None:
    server.ignore_start = True
    server.count_offset = -39

    status, body = await get(session, "?start=20&total=5", kind)

    assert (200, 1) == (status, body["totalCount"])
    assert values_of(kind.rows(server)[:5]) == values((status, body))


@pytest.mark.parametrize(
    ("kind", "given", "query"),
    [
        (THREADS, {"thread_token": "rare"}, "thread_token=rare"),
        (WORKSPACES, {"role": "Guest"}, "roles=Guest"),
        (BROWSERS, {"profile_id": UUID}, f"profileId={UUID}"),
    ],
    ids=str,
)
async def test_the_fake_can_filter_after_slicing_and_count_unfiltered_items(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind, given: dict[str, str], query: str
) -> None:
    rare = kind.start(server, **given)

    async def shown(start: int) -> tuple[int, list[tuple[Any, ...]]]:
        answer = await get(session, f"?{query}&start={start}&total=20", kind)
        return answer[1]["totalCount"], values(answer)

    assert [(1, values_of([rare])), (1, []), (1, [])] == [await shown(start) for start in (0, 20, 40)]
    server.filter_after_slicing = True
    assert [(1, []), (1, []), (1, values_of([rare]))] == [await shown(start) for start in (0, 20, 40)]
    server.count_unfiltered = True
    assert [(41, []), (41, []), (41, values_of([rare]))] == [await shown(start) for start in (0, 20, 40)]
    server.filter_after_slicing = False
    assert [(41, values_of([rare])), (41, []), (41, [])] == [await shown(start) for start in (0, 20, 40)]


async def test_times_can_lack_their_offset(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.naive_times = True

    _, body = await get(session, "?total=1")

    assert re.fullmatch(r"[\d-]+T[\d:]+\.\d{7}", body["items"][0]["createdAt"])


@pytest.mark.parametrize("kind", [WORKSPACES, BROWSERS], ids=str)
async def test_naive_times_do_not_change_a_list_without_times(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind
) -> None:
    server.naive_times = True

    assert values_of(kind.rows(server)) == values(await get(session, kind=kind))


@each_kind
async def test_responses_can_be_compressed(server: FakeServer, session: aiohttp.ClientSession, kind: Kind) -> None:
    server.gzip = True

    async with session.get(kind.path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert "gzip" == answer.headers["Content-Encoding"]
        assert 40 == (await answer.json())["totalCount"]


@each_kind
async def test_latency_delays_the_response(server: FakeServer, session: aiohttp.ClientSession, kind: Kind) -> None:
    server.latency = 30.0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get(session, kind=kind), 0.05)

    server.latency = 0.001
    assert 40 == len(values(await get(session, kind=kind)))


@each_kind
async def test_faults_come_in_order_before_the_correct_response(
    server: FakeServer, session: aiohttp.ClientSession, kind: Kind
) -> None:
    server.fail_next(2)
    server.fail_next(1, Fault(503, b"busy", {"Retry-After": "1"}))

    assert (500, {"message": None}) == await get(session, kind=kind)
    assert (500, {"message": None}) == await get(session, kind=kind)
    async with session.get(kind.path) as answer:
        assert (503, b"busy", "1") == (answer.status, await answer.read(), answer.headers["Retry-After"])
    assert 200 == (await get(session, kind=kind))[0]


async def test_faults_apply_to_the_requests_for_all_lists_in_order(
    server: FakeServer, session: aiohttp.ClientSession
) -> None:
    server.fail_next(2)

    asked = (WORKSPACES, BROWSERS, THREADS)
    assert [500, 500, 200] == [(await get(session, kind=kind))[0] for kind in asked]


async def test_a_fault_can_depend_on_the_request(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.fault_for = lambda seen: Fault() if seen.parameters.get("start") == "10" else None

    assert [200, 500, 200] == [(await get(session, f"?start={start}"))[0] for start in (0, 10, 20)]


async def test_a_fault_can_cut_the_connection(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.fail_next(2, Fault(status=None))  # aiohttp itself sends a GET once more

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(session)
    assert 200 == (await get(session))[0]


@pytest.mark.parametrize("awaited", [False, True])
async def test_the_hook_runs_before_each_response(
    server: FakeServer, session: aiohttp.ClientSession, awaited: bool
) -> None:
    async def stop_one_later() -> None:
        server.stop_thread(server.threads[0])

    server.on_request = lambda _: stop_one_later() if awaited else server.stop_thread(server.threads[0])

    assert [39, 38] == [(await get(session))[1]["totalCount"] for _ in range(2)]


async def test_a_stopped_server_cuts_its_connections_and_restarts_on_the_same_port(
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


async def test_a_long_request_line_is_no_special_case() -> None:
    async with (
        FakeServer() as server,
        aiohttp.ClientSession(headers={"Api-Token": server.token}) as session,
        session.get(f"{server.url}/v1/threads?workspaceId={'x' * 100_000}") as answer,
    ):
        assert (400, "application/problem+json") == (answer.status, answer.content_type)
