"""Start, continue and stop threads: what is sent, what is accepted, and what an error says."""

import asyncio
import gc
import json
import logging
import pickle
import traceback
import weakref
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
from attrs import evolve

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    ExecutionThread,
    RequestError,
    RetryPolicy,
    ServerError,
    StatusError,
    ThreadLimitError,
    ThreadsClient,
    UnauthorizedError,
    make_converter,
)
from threads_async.testing import FakeServer, FakeThread, Fault, SeenRequest, WireServer
from threads_async.testing.wire import answer, send

THREAD = {
    "workspaceId": 6147,
    "threadToken": "eyJhbGciOiJIUzI1NiJ9.eyJuIjoxfQ.c2lnbmF0dXJl",
    "type": "BrowserInstance",
    "createdAt": "2026-03-17T16:38:40.3851682+00:00",
}
VALUE = ExecutionThread(
    6147, str(THREAD["threadToken"]), "BrowserInstance", datetime(2026, 3, 17, 16, 38, 40, 385168, tzinfo=UTC)
)


CANARY = "canary-of-a-thread-0123456789"


def raising_iterator() -> Iterator[str]:
    yield from [CANARY]
    raise ZeroDivisionError


def ok(value: object, status: int = 200) -> Fault:
    return Fault(status, json.dumps(value).encode())


def sent(server: FakeServer) -> list[tuple[str, str]]:
    return [(seen.method, seen.path) for seen in server.requests]


async def running(server: FakeServer, client: ThreadsClient) -> ExecutionThread:
    """Return the first running thread, as the client lists it."""
    thread = await client.threads().first()
    assert thread is not None
    server.requests.clear()
    return thread


# What is sent ---------------------------------------------------------------------------------------------------------


async def test_start_sends_the_workspace_and_returns_the_thread(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=ok(THREAD))

    assert VALUE == await client.start_thread(7)
    (seen,) = server.requests
    assert ("POST", "/v1/threads/create", (("workspaceId", "7"),)) == (seen.method, seen.path, seen.query)
    assert b"" == seen.body
    assert ("0", server.token) == (seen.headers["Content-Length"], seen.headers["Api-Token"])


async def test_start_several_sends_the_count(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=ok([THREAD, THREAD | {"threadToken": "other"}]))

    assert (VALUE, evolve(VALUE, thread_token="other")) == await client.start_threads(2)
    (seen,) = server.requests
    assert ("POST", "/v1/threads/create_bulk") == (seen.method, seen.path)
    assert {"count": "2", "workspaceId": "-1"} == seen.parameters


async def test_many_threads_are_started_with_several_requests(server: FakeServer, client: ThreadsClient) -> None:
    assert 250 == len(set(await client.start_threads(250)))

    assert ["100", "100", "50"] == [seen.parameters["count"] for seen in server.requests]
    assert 2750 == len(server.threads)


@pytest.mark.parametrize(
    ("act", "method", "path"),
    [
        (ThreadsClient.continue_thread, "PUT", "/v1/threads/use/"),
        (ThreadsClient.stop_thread, "DELETE", "/v1/threads/"),
    ],
)
@pytest.mark.parametrize("token", ["a/b", "a%2Fb", "a+b", "a?b=c&d#e", "..a", "create", "%2e%2e", "k=~"])
async def test_a_token_is_encoded_in_the_path(act: Any, method: str, path: str, token: str) -> None:
    async with (
        WireServer(send(answer(b"", status="204 No Content"))) as server,
        ThreadsClient("t", base_url=server.url) as client,
    ):
        await act(client, token)

    (head,) = server.requests
    sent_method, target, _ = head.splitlines()[0].split(" ")
    sent_path, query = target.split("?")
    assert (method, "workspaceId=-1") == (sent_method, query)
    assert token == unquote(sent_path.removeprefix(path))
    assert "/" not in sent_path.removeprefix(path)


@pytest.mark.parametrize(
    ("act", "method", "path"),
    [
        (ThreadsClient.continue_threads, "PUT", "/v1/threads/use_bulk"),
        (ThreadsClient.stop_threads, "DELETE", "/v1/threads/delete_bulk"),
    ],
)
async def test_several_tokens_are_a_json_array_in_the_body(
    server: FakeServer, client: ThreadsClient, act: Any, method: str, path: str
) -> None:
    several = await client.threads(max_items=3).collect()
    server.requests.clear()

    await act(client, [*several, several[0]])

    (seen,) = server.requests
    assert (method, path, (("workspaceId", "1"),)) == (seen.method, seen.path, seen.query)
    assert [thread.thread_token for thread in several] == json.loads(seen.body)
    assert "application/json" == seen.headers["Content-Type"]


@pytest.mark.parametrize("act", [ThreadsClient.continue_threads, ThreadsClient.stop_threads])
async def test_many_tokens_are_sent_in_chunks(server: FakeServer, client: ThreadsClient, act: Any) -> None:
    several = await client.threads(max_items=250).collect()
    server.requests.clear()

    await act(client, iter(several))

    sizes = [len(json.loads(seen.body)) for seen in server.requests]
    assert [100, 100, 50] == sizes


@pytest.mark.parametrize("act", [ThreadsClient.continue_threads, ThreadsClient.stop_threads])
async def test_no_tokens_need_no_request(server: FakeServer, client: ThreadsClient, act: Any) -> None:
    assert not await act(client, [])
    assert [] == server.requests


@pytest.mark.parametrize("act", [ThreadsClient.continue_thread, ThreadsClient.stop_thread])
async def test_the_workspace_is_that_of_the_thread_unless_given(
    server: FakeServer, client: ThreadsClient, act: Any
) -> None:
    server.fail_next(4, Fault(204, b""))

    await act(client, VALUE)
    await act(client, VALUE, workspace_id=5)
    await act(client, "token")
    await act(client, "token", workspace_id=5)

    assert ["6147", "5", "-1", "5"] == [seen.parameters["workspaceId"] for seen in server.requests]


async def test_threads_of_several_workspaces_are_sent_separately(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(3, Fault(204, b""))
    threads = [evolve(VALUE, workspace_id=number, thread_token=f"t{number}{n}") for number in (1, 2, 1) for n in "ab"]

    await client.stop_threads(dict.fromkeys(threads))

    assert [("1", ["t1a", "t1b"]), ("2", ["t2a", "t2b"])] == [
        (seen.parameters["workspaceId"], json.loads(seen.body)) for seen in server.requests
    ]


# What is refused before anything is sent ------------------------------------------------------------------------------

TOKENLESS = evolve(VALUE, thread_token=None)
WRONG_THREADS: list[Any] = [TOKENLESS, evolve(VALUE, thread_token=""), None, 5, b"token", "", " ", "a b", "ключ", "\n"]


@pytest.mark.parametrize("act", [ThreadsClient.continue_thread, ThreadsClient.stop_thread])
@pytest.mark.parametrize("thread", [*WRONG_THREADS, ".", "..", "delete_bulk", "Delete_Bulk"])
async def test_a_thread_without_a_usable_token_is_refused(
    server: FakeServer, client: ThreadsClient, act: Any, thread: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await act(client, thread)

    assert "thread" == caught.value.parameter
    assert [] == server.requests


async def test_the_error_for_a_thread_without_a_token_says_so(client: ThreadsClient) -> None:
    with pytest.raises(ConfigurationError, match="the thread has no token, so it can be neither continued nor stopped"):
        await client.stop_thread(TOKENLESS)


@pytest.mark.parametrize("act", [ThreadsClient.continue_threads, ThreadsClient.stop_threads])
@pytest.mark.parametrize("threads", ["token", b"token", 5, None, ["good", TOKENLESS], [None]])
async def test_wrong_threads_are_refused_before_the_first_is_sent(
    server: FakeServer, client: ThreadsClient, act: Any, threads: Any
) -> None:
    with pytest.raises(ConfigurationError):
        await act(client, threads)
    assert [] == server.requests


@pytest.mark.parametrize("count", [0, -1, 2**31, True, 1.0, "1", None])
async def test_a_count_below_one_is_refused(server: FakeServer, client: ThreadsClient, count: Any) -> None:
    with pytest.raises(ConfigurationError, match="count must be an integer from 1 to") as caught:
        await client.start_threads(count)

    assert "count" == caught.value.parameter
    assert [] == server.requests


@pytest.mark.parametrize("workspace_id", ["1", True, 1.0, 2**63])
@pytest.mark.parametrize(
    "act",
    [
        lambda client, bad: client.start_thread(bad),
        lambda client, bad: client.start_threads(1, bad),
        lambda client, bad: client.continue_thread("token", workspace_id=bad),
        lambda client, bad: client.continue_threads(["token"], workspace_id=bad),
        lambda client, bad: client.stop_thread("token", workspace_id=bad),
        lambda client, bad: client.stop_threads(["token"], workspace_id=bad),
    ],
)
async def test_a_workspace_that_is_no_64_bit_integer_is_refused(
    server: FakeServer, client: ThreadsClient, act: Callable[[ThreadsClient, Any], Awaitable[object]], workspace_id: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await act(client, workspace_id)

    assert "workspace_id" == caught.value.parameter
    assert [] == server.requests


@pytest.mark.parametrize("wait", [0, -1, float("nan"), float("inf"), "1", True])
async def test_a_wait_that_is_no_time_is_refused(server: FakeServer, client: ThreadsClient, wait: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await client.start_thread(wait=wait)

    assert "wait" == caught.value.parameter
    assert [] == server.requests


# What a response may be -----------------------------------------------------------------------------------------------

BODIES = {
    "204": Fault(204, b""),
    "200 without a body": Fault(200, b""),
    "null": Fault(200, b"null"),
    "a thread": ok(THREAD),
    "threads": ok([THREAD]),
    "an empty object": ok({}),
    "text": Fault(200, b"OK", {"Content-Type": "text/plain"}),
    "202": Fault(202, b"{}"),
    "a text": ok("done"),
}
each_body = pytest.mark.parametrize("fault", BODIES.values(), ids=list(BODIES))


@each_body
async def test_stop_accepts_any_body(server: FakeServer, client: ThreadsClient, fault: Fault) -> None:
    server.fail_next(2, fault)

    await client.stop_thread(VALUE)
    await client.stop_threads([VALUE])

    assert ["DELETE", "DELETE"] == [seen.method for seen in server.requests]


@each_body
async def test_continue_returns_what_is_known(server: FakeServer, client: ThreadsClient, fault: Fault) -> None:
    given = evolve(VALUE, type="Manual")
    server.fail_next(4, fault)

    one, several = await client.continue_thread(given), await client.continue_threads([given])
    unknown, others = await client.continue_thread(str(given.thread_token)), await client.continue_threads(["token"])

    assert (VALUE if b"{" in fault.body[:1] and b"threadToken" in fault.body else given) == one
    assert (VALUE if b"[" in fault.body[:1] else given,) == several
    assert (VALUE if b"threadToken" in fault.body and fault.body[:1] == b"{" else None) == unknown
    assert 1 == len(others)


async def test_a_thread_without_a_token_in_the_response_keeps_the_token(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.fail_next(fault=ok(THREAD | {"threadToken": None, "workspaceId": 9}))

    assert evolve(VALUE, workspace_id=9) == await client.continue_thread(VALUE)


async def test_a_token_that_changed_is_returned_and_logged(
    server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.new_tokens = True
    before = await running(server, client)

    with caplog.at_level(logging.INFO, "threads_async"):
        after = await client.continue_thread(before)

    assert server.threads[0].thread_token == after.thread_token != before.thread_token
    assert evolve(after, thread_token=before.thread_token) == before
    (record,) = caplog.records
    assert logging.INFO == record.levelno
    assert "use the thread that was returned" in record.getMessage()
    assert str(before.thread_token) not in record.getMessage()
    assert str(after.thread_token) not in record.getMessage()


@pytest.mark.parametrize("act", [ThreadsClient.continue_thread, ThreadsClient.stop_thread])
async def test_a_web_page_is_no_success(server: FakeServer, client: ThreadsClient, act: Any) -> None:
    server.fail_next(fault=Fault(200, b"\r\n<!DOCTYPE html><html>Sign in</html>", {"Content-Type": "text/html"}))

    with pytest.raises(DecodeError, match="the response is a web page") as caught:
        await act(client, VALUE)
    assert caught.value.unknown_since is not None


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b"<html>", json.dumps([THREAD]).encode()])
async def test_a_start_without_a_thread_in_its_response_says_that_one_may_have_been_started(
    server: FakeServer, client: ThreadsClient, body: bytes
) -> None:
    server.fail_next(fault=Fault(200, body))
    before = datetime.now(UTC)

    with pytest.raises(DecodeError, match="the response is not a thread") as caught:
        await client.start_thread()

    assert caught.value.unknown_since is not None
    assert before <= caught.value.unknown_since <= datetime.now(UTC)
    assert "the server may have started the thread: look for one created since 20" in str(caught.value)
    assert 1 == len(server.requests)


# Retries --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [ThreadsClient.continue_thread, ThreadsClient.stop_thread])
@pytest.mark.parametrize("fault", [Fault(500), Fault(503), Fault(429), Fault(None)])
async def test_continue_and_stop_are_retried_as_listings_are(
    server: FakeServer, client: ThreadsClient, act: Any, fault: Fault
) -> None:
    thread = await running(server, client)
    server.fail_next(2, fault)

    await act(client, thread)

    # aiohttp itself repeats an idempotent request if a connection that was used before is cut.
    assert len(server.requests) in ((3, 4) if fault.status is None else (3,))


@pytest.mark.parametrize("fault", [*map(Fault, [500, 503, 429, 408, None]), Fault(None, after=True)])
@pytest.mark.parametrize("start", [lambda client: client.start_thread(), lambda client: client.start_threads(3)])
async def test_a_start_that_was_received_is_never_sent_again(
    server: FakeServer, client: ThreadsClient, start: Callable[[ThreadsClient], Awaitable[object]], fault: Fault
) -> None:
    await running(server, client)
    server.fail_next(1, fault)

    with pytest.raises(RequestError) as caught:
        await start(client)

    assert 1 == caught.value.attempts
    assert 1 == sum(seen.method == "POST" for seen in server.requests)


async def test_a_start_is_sent_again_if_there_was_no_connection(unused_tcp_port: int) -> None:
    server = FakeServer(threads=0, port=unused_tcp_port)
    attempts = []

    class Policy(RetryPolicy):
        def wait(self, error: RequestError, *, elapsed: float, fraction: float) -> float | None:
            attempts.append(error)
            return super().wait(error, elapsed=elapsed, fraction=fraction)

    async with ThreadsClient(server.token, base_url=server.url, retry=Policy(attempts=4)) as client:
        with pytest.raises(RequestError, match="the connection was refused") as caught:
            await client.start_thread()

    assert (4, None) == (caught.value.attempts, caught.value.unknown_since)
    assert 4 == len(attempts)


# Errors ---------------------------------------------------------------------------------------------------------------


async def test_a_start_whose_connection_breaks_says_that_the_thread_may_have_been_started(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.fail_next(fault=Fault(None, after=True))
    before = datetime.now(UTC)

    with pytest.raises(RequestError) as caught:
        await client.start_thread()

    since = caught.value.unknown_since
    assert since is not None
    assert before <= since <= datetime.now(UTC)
    assert f"look for one created since {since:%Y-%m-%d %H:%M:%S} UTC" in str(caught.value)
    (lost,) = [thread async for thread in client.threads() if thread.created_at >= since]
    assert server.threads[-1].thread_token == lost.thread_token
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(caught.value), since) == (str(again), again.unknown_since)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 429, 301])
async def test_a_start_that_the_server_refuses_has_started_nothing(
    server: FakeServer, client: ThreadsClient, status: int
) -> None:
    server.fail_next(fault=Fault(status))

    with pytest.raises(StatusError) as caught:
        await client.start_thread()
    assert caught.value.unknown_since is None


async def test_an_unknown_outcome_is_not_forgotten_by_a_later_attempt(server: FakeServer) -> None:
    faults = iter([Fault(None, after=True), Fault(401)])
    server.fault_for = lambda _: next(faults)
    async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(attempts=2)) as client:
        with pytest.raises(UnauthorizedError) as caught:
            await client.stop_thread(VALUE)

    assert (2, 2) == (caught.value.attempts, len(server.requests))
    assert caught.value.unknown_since is not None
    assert "the server may have stopped the thread" in str(caught.value)


@pytest.mark.parametrize("fault", [Fault(None), Fault(None, after=True)])
async def test_a_request_is_sent_again_only_if_the_policy_says_so(server: FakeServer, fault: Fault) -> None:
    """By default, aiohttp sends it a second time."""
    seen: list[str] = []

    async def middleware(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        seen.append(request.method)
        return await send(request)

    server.fault_for = lambda _: fault
    async with ClientSession(middlewares=[middleware]) as session:
        client = ThreadsClient(server.token, base_url=server.url, session=session, retry=RetryPolicy(attempts=1))
        with pytest.raises(ConnectionFailedError, match="the server closed the connection without a response"):
            await client.stop_thread(VALUE)

    assert ["DELETE"] == [request.method for request in server.requests] == seen


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.start_thread(),
        lambda client: client.start_threads(2),
        lambda client: client.continue_thread(VALUE),
        lambda client: client.continue_threads([VALUE]),
        lambda client: client.stop_thread(VALUE),
        lambda client: client.stop_threads([VALUE]),
    ],
)
async def test_a_refused_api_token_is_the_usual_error(
    server: FakeServer, act: Callable[[ThreadsClient], Awaitable[object]], status: int
) -> None:
    server.unauthorized_status = status
    async with ThreadsClient("wrong", base_url=server.url) as client:
        with pytest.raises(UnauthorizedError, match="Unauthenticated"):
            await act(client)

    assert 1 == len(server.requests)
    assert 2500 == len(server.threads)


async def test_a_closed_client_starts_nothing(server: FakeServer, client: ThreadsClient) -> None:
    await client.close()

    with pytest.raises(ClientClosedError):
        await client.start_thread()
    assert [] == server.requests


async def test_a_client_that_is_closed_during_a_start_says_what_may_have_happened() -> None:
    async def close(_: object) -> None:
        await client.close()

    async with WireServer(close) as server:
        client = ThreadsClient("t", base_url=server.url)
        with pytest.raises(ClientClosedError, match="the server may have started the thread"):
            await client.start_thread()


# The limit ------------------------------------------------------------------------------------------------------------


async def test_a_start_at_the_limit_is_an_error_with_the_numbers(server: FakeServer, client: ThreadsClient) -> None:
    server.limit_threads, server.threads_elsewhere = 2510, 10

    with pytest.raises(ThreadLimitError) as caught:
        await client.start_thread()

    error = caught.value
    assert (2510, 2510, 500, 1) == (error.active, error.limit, error.status, error.attempts)
    assert ("Failed to create execution thread", None) == (error.server_message, error.unknown_since)
    assert "2510 of the 2510 threads of the licence are in use" in str(error)
    assert "another one with the same licence" in str(error)
    assert [("POST", "/v1/threads/create"), ("GET", "/v1/product/limits")] == sent(server)
    again = pickle.loads(pickle.dumps(error))
    assert (str(error), 2510, 2510) == (str(again), again.active, again.limit)


async def test_another_error_than_the_limit_stays_as_it_is(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next()

    with pytest.raises(ServerError) as caught:
        await client.start_thread()

    assert type(caught.value) is ServerError
    assert "the server may have started the thread" in caught.value.hint


@pytest.mark.parametrize("fault", [Fault(404), Fault(None), ok({})])
async def test_the_error_stays_as_it_is_if_the_limits_cannot_be_read(
    server: FakeServer, client: ThreadsClient, fault: Fault
) -> None:
    server.limit_threads = 0
    server.fault_for = lambda seen: fault if seen.path == "/v1/product/limits" else None

    with pytest.raises(ServerError) as caught:
        await client.start_thread()
    assert type(caught.value) is ServerError


async def test_only_status_500_leads_to_a_look_at_the_limits(server: FakeServer, client: ThreadsClient) -> None:
    server.limit_threads = 0
    server.fail_next(fault=Fault(503))

    with pytest.raises(ServerError) as caught:
        await client.start_thread()

    assert type(caught.value) is ServerError
    assert 1 == len(server.requests)


@pytest.mark.parametrize("partial", [False, True])
async def test_a_start_of_more_threads_than_are_free_is_an_error_that_leaves_open_what_was_started(
    server: FakeServer, client: ThreadsClient, partial: bool
) -> None:
    server.limit_threads, server.partial_start = 2503, partial

    with pytest.raises(ThreadLimitError) as caught:
        await client.start_threads(5)

    assert (2503 if partial else 2500) == caught.value.active == len(server.threads)
    assert "the server may have started threads: look for those created since" in str(caught.value)
    assert caught.value.unknown_since is not None


async def test_an_error_in_the_middle_of_a_start_has_the_tokens_of_the_threads_started_before(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.limit_threads = 2650

    with pytest.raises(ThreadLimitError) as caught:
        await client.start_threads(200)

    assert [thread.thread_token for thread in server.threads[2500:]] == list(caught.value.done)
    assert 100 == len(caught.value.done)
    await client.stop_threads(caught.value.done)
    assert 2500 == len(server.threads)


# Threads that are gone ------------------------------------------------------------------------------------------------

each_error = pytest.mark.parametrize("status", [400, 404, 410, 500])


@pytest.mark.parametrize("status", [200, 400, 404, 410, 500])
async def test_stopping_a_thread_that_is_gone_is_a_success(
    server: FakeServer, client: ThreadsClient, status: int
) -> None:
    server.absent_status = status
    thread = await running(server, client)
    server.stop_thread(server.threads[0])

    await client.stop_thread(thread)
    await client.stop_thread(str(thread.thread_token))

    assert 2499 == len(server.threads)


@each_error
@pytest.mark.parametrize("absent", ["reject", "stop", "skip"])
async def test_stopping_several_of_which_one_is_gone_stops_the_others(
    server: FakeServer, client: ThreadsClient, status: int, absent: Any
) -> None:
    server.absent_status, server.absent_in_bulk = status, absent
    threads = await client.threads(max_items=5).collect()
    server.stop_thread(str(threads[2].thread_token))

    await client.stop_threads(threads)

    assert 2495 == len(server.threads)


async def test_a_thread_that_is_still_listed_was_not_stopped(server: FakeServer, client: ThreadsClient) -> None:
    thread = await running(server, client)
    server.fault_for = lambda seen: Fault(404) if seen.method == "DELETE" else None

    with pytest.raises(StatusError) as caught:
        await client.stop_thread(thread)
    assert 404 == caught.value.status


async def test_a_token_of_a_thread_in_another_workspace_is_not_taken_for_gone() -> None:
    async with FakeServer(workspaces=2) as server, ThreadsClient(server.token, base_url=server.url) as client:
        elsewhere = server.start_thread(workspace_id=2)

        with pytest.raises(StatusError, match="check that the thread is still running, and its workspace"):
            await client.stop_thread(str(elsewhere.thread_token))
        await client.stop_thread(str(elsewhere.thread_token), workspace_id=2)

    assert elsewhere not in server.threads


@pytest.mark.parametrize("path", ["/v1/threads", "/v1/workspaces"])
async def test_nothing_is_taken_for_gone_if_the_listing_fails(
    server: FakeServer, client: ThreadsClient, path: str
) -> None:
    server.fault_for = lambda seen: Fault(503) if seen.path == path else None

    with pytest.raises(StatusError) as caught:
        await client.stop_thread("unknown")
    assert 404 == caught.value.status


@pytest.mark.parametrize("wrong", ["/other", "/v1"])
async def test_a_wrong_base_url_does_not_make_a_thread_look_stopped(server: FakeServer, wrong: str) -> None:
    async with ThreadsClient(server.token, base_url=server.url + wrong) as client:
        with pytest.raises(StatusError):
            await client.stop_thread(str(server.threads[0].thread_token))


@each_error
async def test_continuing_a_thread_that_is_gone_is_an_error(
    server: FakeServer, client: ThreadsClient, status: int
) -> None:
    server.absent_status = status

    with pytest.raises(StatusError) as caught:
        await client.continue_thread("unknown")
    assert status == caught.value.status


async def test_continuing_several_of_which_one_is_gone_continues_the_others_and_says_which(
    server: FakeServer, client: ThreadsClient
) -> None:
    threads = await client.threads(max_items=5).collect()
    server.stop_thread(str(threads.pop(2).thread_token))
    server.stop_thread(str(threads.pop(2).thread_token))

    with pytest.raises(StatusError) as caught:
        await client.continue_threads([threads[0], "unknown", threads[1], "gone", threads[2]])

    assert tuple(thread.thread_token for thread in threads) == caught.value.done
    # The first request, for several of them, may have continued a thread that is gone by now.
    assert 404 == caught.value.status
    assert caught.value.unknown_since is not None


async def test_after_an_error_in_the_middle_of_a_continue_the_new_tokens_are_known(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.new_tokens, server.action_body = True, "thread"
    threads = await client.threads(max_items=2).collect()

    with pytest.raises(StatusError) as caught:
        await client.continue_threads([*threads, "unknown"])

    assert tuple(thread.thread_token for thread in server.threads[:2]) == caught.value.done
    assert not {thread.thread_token for thread in threads} & set(caught.value.done)


@pytest.mark.parametrize("failing", [0, 1])
async def test_an_error_of_several_requests_is_freed_without_the_garbage_collector(
    server: FakeServer, client: ThreadsClient, failing: int
) -> None:
    async def fail() -> "weakref.ref[StatusError]":
        tokens = ["unknown", "gone"] if failing else ["unknown"]
        try:
            await client.continue_threads([*tokens, str(server.threads[0].thread_token)])
        except StatusError as error:
            return weakref.ref(error)
        raise AssertionError

    gc.collect()
    gc.disable()
    try:
        assert None is (await fail())()
    finally:
        gc.enable()


@pytest.mark.parametrize("act", [ThreadsClient.continue_threads, ThreadsClient.stop_threads])
async def test_an_error_in_the_middle_says_which_tokens_are_done_and_shows_none(
    server: FakeServer, client: ThreadsClient, act: Any
) -> None:
    threads = await client.threads(max_items=250).collect()
    server.requests.clear()
    server.fault_for = lambda _: Fault(None) if len(server.requests) > 1 else None

    with pytest.raises(RequestError) as caught:
        await act(client, threads)

    assert tuple(thread.thread_token for thread in threads[:100]) == caught.value.done
    assert not any(token in f"{caught.value!r}{caught.value}" for token in caught.value.done)
    assert caught.value.done == pickle.loads(pickle.dumps(caught.value)).done


async def test_a_refused_api_token_in_the_middle_is_not_tried_for_each_thread(
    server: FakeServer, client: ThreadsClient
) -> None:
    threads = await client.threads(max_items=150).collect()
    server.requests.clear()
    server.fault_for = lambda _: Fault(401) if len(server.requests) > 1 else None

    with pytest.raises(UnauthorizedError) as caught:
        await client.stop_threads(threads)

    assert (100, 2) == (len(caught.value.done), len(server.requests))


# What the fake sends --------------------------------------------------------------------------------------------------


async def test_started_threads_are_listed_continued_and_stopped(server: FakeServer, client: ThreadsClient) -> None:
    began = datetime.now(UTC)

    thread = await client.start_thread()

    assert thread == (await client.threads().collect())[-1]
    assert began <= thread.created_at <= began + timedelta(minutes=1)
    assert 2501 == (await client.limits()).active_threads
    assert thread == await client.continue_thread(thread)
    await client.stop_thread(thread)
    assert 2500 == len(server.threads) == (await client.limits()).active_threads


async def test_a_thread_given_to_the_fake_without_a_token_is_listed_but_cannot_be_stopped() -> None:
    async with (
        FakeServer(threads=[FakeThread(1, None, "Manual", "2026-03-17T16:38:40Z")]) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        (thread,) = await client.threads().collect()
        with pytest.raises(ConfigurationError, match="no token"):
            await client.stop_thread(thread)


# What must not be claimed ---------------------------------------------------------------------------------------------


async def test_a_start_that_may_have_taken_the_last_free_thread_does_not_claim_otherwise() -> None:
    async with FakeServer(threads=0, limit_threads=1) as server:
        server.fault_for = lambda seen: Fault(500, after=True) if seen.method == "POST" else None
        async with ThreadsClient(server.token, base_url=server.url) as client:
            with pytest.raises(ThreadLimitError) as caught:
                await client.start_thread(wait=60)

        assert 1 == len(server.threads)
        assert ["POST"] == [seen.method for seen in server.requests if seen.method == "POST"]
    assert caught.value.unknown_since is not None
    assert "the server may have started the thread" in str(caught.value)


@pytest.mark.parametrize("count", [0, 2, 4])
async def test_another_number_of_threads_than_requested_is_an_error_with_their_tokens(
    server: FakeServer, client: ThreadsClient, count: int
) -> None:
    threads = [THREAD | {"threadToken": f"eyJ.{number}"} for number in range(count)]
    server.fail_next(fault=ok(threads))

    with pytest.raises(DecodeError, match=f"returned {count} threads for 3") as caught:
        await client.start_threads(3)

    assert tuple(f"eyJ.{number}" for number in range(count)) == caught.value.done
    assert caught.value.unknown_since is not None


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_an_interrupted_start_of_several_says_how_many_threads_still_run(
    server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    reached = asyncio.Event()

    async def hold(seen: SeenRequest) -> None:
        if "50" == seen.parameters.get("count"):
            reached.set()
            await asyncio.sleep(60)

    server.on_request = hold
    task = asyncio.create_task(client.start_threads(150))
    await reached.wait()
    if how == "cancel":
        task.cancel()
    else:
        await client.close()
    await asyncio.wait([task])

    assert "100 were started before, and still run" in caplog.records[-1].getMessage()


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("act", [ThreadsClient.stop_threads, ThreadsClient.continue_threads])
async def test_a_request_for_several_threads_that_failed_may_have_done_a_part(
    server: FakeServer, act: Any, status: int
) -> None:
    server.absent_in_bulk = "stop"
    tokens = [str(server.threads[0].thread_token), "eyJ.no.body", str(server.threads[1].thread_token)]
    server.fault_for = lambda seen: None if "bulk" in seen.path else Fault(status)
    async with ThreadsClient(server.token, base_url=server.url, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(StatusError) as caught:
            await act(client, tokens)

    assert (status, ()) == (caught.value.status, caught.value.done)
    assert caught.value.unknown_since is not None
    assert "the server may have " in str(caught.value)


async def test_a_refusal_of_the_second_request_leaves_open_nothing_of_the_first(server: FakeServer) -> None:
    """Only the tokens in `done` were changed."""
    faults = iter([None, Fault(401)])
    server.fault_for = lambda _: next(faults)
    async with ThreadsClient(server.token, base_url=server.url) as client:
        with pytest.raises(UnauthorizedError) as caught:
            await client.start_threads(150)

    assert (100, None) == (len(caught.value.done), caught.value.unknown_since)


async def test_a_stop_in_a_wrong_workspace_is_no_success() -> None:
    async with (
        FakeServer(threads=3, workspaces=2) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        thread = (await client.threads(workspace_id=1).collect())[0]
        with pytest.raises(StatusError):
            await client.stop_thread(thread, workspace_id=2)


async def test_a_thread_that_may_be_listed_without_its_token_is_not_taken_for_gone(
    server: FakeServer, client: ThreadsClient
) -> None:
    thread = await running(server, client)
    listed = {"totalCount": 1, "items": [THREAD | {"threadToken": None}]}
    server.fault_for = lambda seen: Fault(400) if seen.method == "DELETE" else ok(listed)

    with pytest.raises(StatusError):
        await client.stop_thread(thread)


async def test_threads_that_are_returned_in_another_order_are_told_apart_by_their_tokens(
    server: FakeServer, client: ThreadsClient
) -> None:
    threads = await client.threads(max_items=3).collect()
    server.fault_for = lambda _: ok([make_converter().unstructure(thread) for thread in reversed(threads)])

    assert threads == list(await client.continue_threads(threads))


@pytest.mark.parametrize(
    ("returned", "known"),
    [
        (["a", "b", "c"], ["a", "b", "c"]),
        (["x", "y", "z"], ["x", "y", "z"]),
        (["c", "x", "a"], ["a", "x", "c"]),
        # It is not known which of the two is which.
        (["x", "y", "a"], ["a", "b", "c"]),
        (["a", "b"], ["a", "b", "c"]),
        ([], ["a", "b", "c"]),
    ],
)
async def test_a_new_token_is_taken_only_if_it_is_clear_whose_it_is(
    server: FakeServer, client: ThreadsClient, returned: list[str], known: list[str]
) -> None:
    threads = [evolve(VALUE, thread_token=token) for token in "abc"]
    server.fail_next(fault=ok([THREAD | {"threadToken": token} for token in returned]))

    assert known == [thread.thread_token for thread in await client.continue_threads(threads) if thread is not None]


async def test_threads_that_are_named_twice_are_continued_once(server: FakeServer, client: ThreadsClient) -> None:
    first, second, *_ = await client.threads().collect()

    assert (first, second, first) == await client.continue_threads([first, second, first])
    assert [first.thread_token, second.thread_token] == json.loads(server.requests[-1].body or b"")


@pytest.mark.parametrize("status", [404, 500])
async def test_several_threads_whose_tokens_may_have_changed_unseen_are_told(
    server: FakeServer, client: ThreadsClient, status: int
) -> None:
    server.new_tokens = True
    threads = await client.start_threads(2)
    server.fail_next(fault=Fault(status, after=True))

    with pytest.raises(StatusError) as caught:
        await client.continue_threads(threads)

    assert () == caught.value.done
    assert caught.value.unknown_since is not None


async def test_new_tokens_that_cannot_be_matched_are_logged(
    server: FakeServer, client: ThreadsClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.new_tokens, server.action_body, server.absent_in_bulk = True, "thread", "skip"
    threads = await client.threads(max_items=3).collect()
    server.stop_thread(str(threads[1].thread_token))

    assert tuple(threads) == await client.continue_threads(threads)
    assert "some may have new tokens that cannot be matched to the previous ones" in caplog.text


async def test_a_thread_started_without_a_token_is_told_by_an_error_after_it(
    server: FakeServer, client: ThreadsClient
) -> None:
    threads = [THREAD | {"threadToken": f"eyJ.{number}" if number else None} for number in range(100)]
    faults = iter([ok(threads), Fault(401)])
    server.fault_for = lambda _: next(faults)

    with pytest.raises(UnauthorizedError) as caught:
        await client.start_threads(150)

    assert 99 == len(caught.value.done)
    assert caught.value.unknown_since is not None


async def test_a_web_page_with_a_byte_order_mark_is_no_success(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=Fault(200, b"\xef\xbb\xbf<!DOCTYPE html>Sign in"))

    with pytest.raises(DecodeError):
        await client.stop_thread(VALUE)


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.stop_thread(f"{CANARY} "),
        lambda client: client.continue_thread(CANARY, workspace_id="1"),
        lambda client: client.stop_threads(iter([CANARY, ""])),
        lambda client: client.continue_threads(raising_iterator()),
        lambda client: client.stop_threads(CANARY),
    ],
)
async def test_the_traceback_of_a_wrong_parameter_shows_no_token(client: ThreadsClient, act: Any) -> None:
    with pytest.raises((ConfigurationError, ZeroDivisionError)) as caught:
        await act(client)

    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert CANARY not in "".join(frames)
