"""How the fake starts, continues and stops threads, and what it sends: each switch, read from the wire."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from threads_async.testing import FakeServer, Fault

Answer = tuple[int, Any]


class Caller:
    """Sends requests to a server and returns the status and the JSON of the responses."""

    def __init__(self, session: aiohttp.ClientSession, server: FakeServer) -> None:
        self._session = session
        self._server = server

    async def __call__(self, method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._server.url}/v1/{path}"
        async with self._session.request(method, url, data=data) as answer:
            text = await answer.read()
            return answer.status, json.loads(text) if text else ""


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=3, workspaces=2, limit_threads=5) as server:
        yield server


@pytest.fixture
async def call(fake: FakeServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(headers={"Api-Token": fake.token}) as session:
        yield Caller(session, fake)


def token(fake: FakeServer, index: int = 0) -> str:
    return str(fake.threads[index].thread_token)


# Start ----------------------------------------------------------------------------------------------------------------


async def test_a_started_thread_has_the_four_fields_and_a_time_of_seven_digits(fake: FakeServer, call: Caller) -> None:
    before = datetime.now(UTC)

    status, thread = await call("POST", "threads/create")

    assert (200, ["workspaceId", "threadToken", "type", "createdAt"]) == (status, list(thread))
    assert (1, "BrowserInstance", token(fake, 3)) == (thread["workspaceId"], thread["type"], thread["threadToken"])
    digits, _, offset = thread["createdAt"].partition(".")[2].partition("+")
    assert (7, "00:00") == (len(digits), offset)
    assert before <= datetime.fromisoformat(thread["createdAt"]) <= datetime.now(UTC)


async def test_started_threads_are_in_order_even_if_others_have_later_times(fake: FakeServer, call: Caller) -> None:
    fake.start_thread(created_at="9000-01-01T00:00:00.0000000+00:00")

    _, thread = await call("POST", "threads/create")

    assert sorted(one.created_at for one in fake.threads) == [one.created_at for one in fake.threads]
    assert thread["createdAt"] > "9000"


async def test_threads_start_in_the_workspace_of_the_request(fake: FakeServer, call: Caller) -> None:
    for query, workspace_id in [("", 1), ("?workspaceId=", 1), ("?workspaceId=-1", 1), ("?workspaceId=2", 2)]:
        _, thread = await call("POST", f"threads/create{query}")
        assert workspace_id == thread["workspaceId"]
        fake.stop_thread(thread["threadToken"])


async def test_several_threads_start_at_once(fake: FakeServer, call: Caller) -> None:
    status, threads = await call("POST", "threads/create_bulk?count=2")

    assert (200, [token(fake, 3), token(fake, 4)]) == (status, [thread["threadToken"] for thread in threads])


@pytest.mark.parametrize("query", ["", "?count=", "?count=0", "?count=-1", "?count=101", "?count=1.0", "?count=x"])
async def test_a_count_that_is_missing_or_out_of_range_is_refused(fake: FakeServer, call: Caller, query: str) -> None:
    fake.limit_threads = 1000

    status, problem = await call("POST", f"threads/create_bulk{query}")

    assert (400, ["count"]) == (status, list(problem["errors"]))
    assert 3 == len(fake.threads)


@pytest.mark.parametrize("path", ["threads/create?workspaceId=x", "threads/create_bulk?count=1&workspaceId=x"])
async def test_a_workspace_that_is_no_number_is_refused(call: Caller, path: str) -> None:
    status, problem = await call("POST", path)

    assert (400, ["workspaceId"]) == (status, list(problem["errors"]))


async def test_at_the_limit_nothing_starts(fake: FakeServer, call: Caller) -> None:
    refused = (500, {"message": "Failed to create execution thread"})

    assert refused == await call("POST", "threads/create_bulk?count=3")
    assert 3 == len(fake.threads)
    fake.threads_elsewhere = 2
    assert refused == await call("POST", "threads/create")
    _, limits = await call("GET", "product/limits")
    assert (5, 5) == (limits["activeThreads"], limits["limitThreads"])
    assert 4 == len((*fake.threads, fake.start_thread()))


async def test_a_start_of_several_can_succeed_in_part_before_it_fails(fake: FakeServer, call: Caller) -> None:
    fake.partial_start = True

    assert 500 == (await call("POST", "threads/create_bulk?count=3"))[0]
    assert 5 == len(fake.threads)
    assert 500 == (await call("POST", "threads/create_bulk?count=3"))[0]
    assert 5 == len(fake.threads)


async def test_limits_of_null_leave_no_thread_free(fake: FakeServer, call: Caller) -> None:
    fake.limits = {"limitThreads": None, "activeThreads": None}

    assert 500 == (await call("POST", "threads/create"))[0]


# Continue and stop ----------------------------------------------------------------------------------------------------


async def test_a_thread_is_continued_and_stopped(fake: FakeServer, call: Caller) -> None:
    first = fake.threads[0]

    status, thread = await call("PUT", f"threads/use/{token(fake)}")
    assert (200, first.thread_token) == (status, thread["threadToken"])
    assert (204, "") == await call("DELETE", f"threads/{token(fake)}")
    assert first not in fake.threads


async def test_several_threads_are_continued_and_stopped(fake: FakeServer, call: Caller) -> None:
    tokens = [token(fake, 0), token(fake, 2), token(fake, 0)]

    assert (204, "") == await call("PUT", "threads/use_bulk", tokens)
    assert (204, "") == await call("DELETE", "threads/delete_bulk", tokens)
    assert 1 == len(fake.threads)


@pytest.mark.parametrize(("method", "path"), [("PUT", "threads/use_bulk"), ("DELETE", "threads/delete_bulk")])
@pytest.mark.parametrize("body", [None, [], {}, "token", 5, [None], [5], [["token"]]])
async def test_a_body_that_is_no_array_of_tokens_is_refused(call: Caller, method: str, path: str, body: object) -> None:
    status, problem = await call(method, path, body)

    assert (400, ["$"]) == (status, list(problem["errors"]))


@pytest.mark.parametrize("text", ["a/b", "a b", "ключ", "%", "line\nbreak", "use"])
async def test_a_token_in_the_path_is_decoded(fake: FakeServer, call: Caller, text: str) -> None:
    fake.start_thread(thread_token=text)

    assert 200 == (await call("PUT", f"threads/use/{quote(text, safe='')}"))[0]
    assert 204 == (await call("DELETE", f"threads/{quote(text, safe='')}"))[0]
    assert 3 == len(fake.threads)


@pytest.mark.parametrize(("body", "expected"), [("documented", (204, "")), ("empty", (200, "")), ("null", (200, None))])
async def test_the_body_of_a_response_can_be_chosen(
    fake: FakeServer, call: Caller, body: Any, expected: Answer
) -> None:
    fake.action_body = body

    assert expected == await call("PUT", f"threads/use/{token(fake)}")
    assert expected == await call("PUT", "threads/use_bulk", [token(fake)])
    assert expected == await call("DELETE", f"threads/{token(fake)}")
    assert expected == await call("DELETE", "threads/delete_bulk", [token(fake)])


async def test_the_body_of_a_response_can_be_the_threads(fake: FakeServer, call: Caller) -> None:
    fake.action_body = "thread"
    tokens = [token(fake, 0), token(fake, 1)]

    assert tokens[0] == (await call("PUT", f"threads/use/{tokens[0]}"))[1]["threadToken"]
    assert tokens == [thread["threadToken"] for thread in (await call("DELETE", "threads/delete_bulk", tokens))[1]]


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("path", ["threads/unknown", "threads/{}?workspaceId=2"])
async def test_a_thread_that_is_not_running_in_the_workspace_is_absent(
    fake: FakeServer, call: Caller, status: int, path: str
) -> None:
    fake.absent_status = status

    answer = await call("DELETE", path.format(token(fake)))

    assert (status, {"message": "Execution thread not found"}) == answer
    assert 3 == len(fake.threads)


@pytest.mark.parametrize(
    ("absent", "status", "left"), [("reject", 404, [0, 1, 2]), ("stop", 404, [1, 2]), ("skip", 204, [1])]
)
async def test_a_bulk_request_with_an_absent_thread_behaves_as_chosen(
    fake: FakeServer, call: Caller, absent: Any, status: int, left: list[int]
) -> None:
    fake.absent_in_bulk = absent
    threads = fake.threads

    answer = await call("DELETE", "threads/delete_bulk", [token(fake, 0), "unknown", token(fake, 2)])

    assert (status, [threads[index] for index in left]) == (answer[0], list(fake.threads))


@pytest.mark.parametrize("absent", ["reject", "stop", "skip"])
async def test_a_request_for_one_absent_thread_is_refused_whatever_bulk_requests_do(
    fake: FakeServer, call: Caller, absent: Any
) -> None:
    fake.absent_in_bulk = absent

    assert 404 == (await call("DELETE", "threads/unknown"))[0]


async def test_continuing_can_issue_another_token(fake: FakeServer, call: Caller) -> None:
    fake.new_tokens = True
    before = fake.threads

    _, thread = await call("PUT", f"threads/use/{token(fake, 1)}")

    assert thread["threadToken"] == token(fake, 1) != before[1].thread_token
    assert [one.created_at for one in before] == [one.created_at for one in fake.threads]
    assert 404 == (await call("DELETE", f"threads/{before[1].thread_token}"))[0]


# Lifetimes ------------------------------------------------------------------------------------------------------------


async def test_a_started_thread_ends_unless_it_is_continued(fake: FakeServer, call: Caller) -> None:
    now = 1000.0
    fake.clock = lambda: now
    fake.lifetime = 60
    first, second = [(await call("POST", "threads/create"))[1]["threadToken"] for _ in range(2)]

    now += 59
    assert 200 == (await call("PUT", f"threads/use/{first}"))[0]
    now += 1
    assert [first] == [one.thread_token for one in fake.threads[3:]]
    assert 404 == (await call("PUT", f"threads/use/{second}"))[0]
    _, page = await call("GET", "threads")
    _, limits = await call("GET", "product/limits")
    assert (4, 4) == (page["totalCount"], limits["activeThreads"])
    now += 59
    assert 3 == len(fake.threads)


@pytest.mark.parametrize("new_tokens", [False, True])
async def test_lifetimes_follow_new_tokens_and_stops(fake: FakeServer, call: Caller, new_tokens: bool) -> None:
    now = 0.0
    fake.clock = lambda: now
    fake.lifetime, fake.new_tokens = 10, new_tokens
    _, thread = await call("POST", "threads/create")
    now += 9
    _, thread = await call("PUT", f"threads/use/{thread['threadToken']}")
    now += 9
    assert 4 == len(fake.threads)
    assert 204 == (await call("DELETE", f"threads/{thread['threadToken']}"))[0]
    now += 9
    assert 3 == len(fake.threads)


async def test_a_thread_that_the_test_stopped_before_its_end_is_no_error(fake: FakeServer, call: Caller) -> None:
    now = 0.0
    fake.clock = lambda: now
    fake.lifetime = 10
    _, thread = await call("POST", "threads/create")
    fake.stop_thread(thread["threadToken"])
    now += 11

    assert 3 == len(fake.threads)


# Requests and faults --------------------------------------------------------------------------------------------------


async def test_other_methods_are_not_allowed(fake: FakeServer, call: Caller) -> None:
    async with aiohttp.ClientSession() as session:
        for path, allowed in [("create", "POST"), ("use_bulk", "PUT"), ("delete_bulk", "DELETE"), ("x", "DELETE")]:
            async with session.get(f"{fake.url}/v1/threads/{path}") as answer:
                assert (405, allowed) == (answer.status, answer.headers["Allow"])
        for path in ("", "use/", "use/a/b", "a/b"):
            async with session.get(f"{fake.url}/v1/threads/{path}") as answer:
                assert 404 == answer.status


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_wrong_api_token_changes_nothing(fake: FakeServer, status: int) -> None:
    fake.unauthorized_status = status
    async with aiohttp.ClientSession(headers={"Api-Token": "wrong"}) as session:
        call = Caller(session, fake)
        for method, path in [("POST", "create"), ("PUT", f"use/{token(fake)}"), ("DELETE", token(fake))]:
            assert (status, {"message": "Unauthenticated"}) == await call(method, f"threads/{path}")

    assert 3 == len(fake.threads)


async def test_a_request_is_recorded_with_its_body_and_shown_without_its_token(fake: FakeServer, call: Caller) -> None:
    await call("PUT", f"threads/use/{token(fake)}")
    await call("PUT", "threads/use_bulk", [token(fake)])

    one, several = fake.requests
    assert (f"/v1/threads/use/{token(fake)}", b"") == (one.path, one.body)
    assert [token(fake)] == json.loads(several.body)
    assert token(fake) not in f"{one!r}{several!r}"
    assert "/v1/threads/use/eyJ…" in repr(one)


@pytest.mark.parametrize(("after", "threads"), [(False, 3), (True, 4)])
async def test_a_fault_comes_before_or_after_the_action(
    fake: FakeServer, call: Caller, after: bool, threads: int
) -> None:
    fake.fail_next(fault=Fault(503, after=after))

    assert 503 == (await call("POST", "threads/create"))[0]
    assert threads == len(fake.threads)


async def test_responses_are_compressed_only_if_they_have_a_body(fake: FakeServer) -> None:
    fake.gzip = True
    headers = {"Api-Token": fake.token}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.put(f"{fake.url}/v1/threads/use/{token(fake)}") as answer:
            assert "gzip" == answer.headers["Content-Encoding"]
        async with session.delete(f"{fake.url}/v1/threads/{token(fake)}") as answer:
            assert (204, False) == (answer.status, "Content-Encoding" in answer.headers)


async def test_times_without_an_offset_are_also_in_the_responses_to_actions() -> None:
    async with FakeServer(threads=1, naive_times=True) as server, aiohttp.ClientSession(server.url) as session:
        headers = {"Api-Token": server.token}
        async with session.post("/v1/threads/create", headers=headers) as answer:
            started = await answer.json()
        async with session.put(f"/v1/threads/use/{started['threadToken']}", headers=headers) as answer:
            continued = await answer.json()

    assert started == continued
    assert datetime.fromisoformat(started["createdAt"]).tzinfo is None


@pytest.mark.parametrize("bulk", [False, True])
async def test_no_thread_starts_in_a_workspace_that_does_not_exist(bulk: bool) -> None:
    async with FakeServer(threads=0, workspaces=2) as server:
        server.partial_start = True
        path = "/v1/threads/create_bulk?count=2&workspaceId=3" if bulk else "/v1/threads/create?workspaceId=3"
        async with aiohttp.request("POST", f"{server.url}{path}", headers={"Api-Token": server.token}) as answer:
            assert 404 == answer.status
        assert () == server.threads
