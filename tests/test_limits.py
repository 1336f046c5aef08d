"""The limits of the licence: a single value, read through the same transport, codec and errors as the listings."""

import json
import pickle
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from attrs import fields

from threads_async import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    Limits,
    RetryPolicy,
    ServerError,
    StatusError,
    ThreadsClient,
    UnauthorizedError,
    make_converter,
)
from threads_async.testing import FakeServer, Fault, WireServer
from threads_async.testing.wire import answer, send

PATH = "/v1/product/limits"
ON_WIRE = {
    "activeThreads": 1,
    "limitThreads": 2,
    "activeCloudProfiles": 3,
    "limitCloudProfiles": 4,
    "activeLocalProfiles": 5,
    "limitLocalProfiles": 6,
    "activeCloudProfileStorage": 7,
    "limitCloudProfileStorage": 8,
    "activeApiEnabled": 9,
    "limitApiEnabled": 10,
}
LIMITS = Limits(*range(1, 11))


def ok(value: object) -> Fault:
    return Fault(200, json.dumps(value).encode())


# The client -----------------------------------------------------------------------------------------------------------


async def test_the_limits_are_read_by_the_names_of_the_api(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=ok(ON_WIRE))

    assert LIMITS == await client.limits()


async def test_the_request_names_the_workspace_and_nothing_else(server: FakeServer, client: ThreadsClient) -> None:
    await client.limits()
    await client.limits(7)
    await client.limits(workspace_id=-(2**63))

    assert [("GET", PATH, (("workspaceId", text),)) for text in ("-1", "7", "-9223372036854775808")] == [
        (seen.method, seen.path, seen.query) for seen in server.requests
    ]


@pytest.mark.parametrize(("active", "limit", "free"), [(3, 10, 7), (10, 10, 0), (12, 10, 0), (0, 0, 0)])
def test_free_threads_are_what_the_limit_leaves_and_never_below_zero(active: int, limit: int, free: int) -> None:
    assert free == Limits(active, limit, *[0] * 8).free_threads


@pytest.mark.parametrize("workspace_id", ["1", None, True, 1.0, 2**63])
async def test_a_workspace_that_is_no_64_bit_integer_is_refused_before_anything_is_sent(
    server: FakeServer, client: ThreadsClient, workspace_id: Any
) -> None:
    with pytest.raises(ConfigurationError, match="workspace_id must be an integer") as caught:
        await client.limits(workspace_id)

    assert "workspace_id" == caught.value.parameter
    assert [] == server.requests


async def test_a_temporary_failure_is_retried(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(2)

    assert 2500 == (await client.limits()).active_threads
    assert 3 == len(server.requests)


async def test_an_error_names_the_request_and_its_attempts(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(3)

    with pytest.raises(ServerError) as caught:
        await client.limits(5)

    assert (f"GET {server.url}{PATH}?workspaceId=5", 3) == (caught.value.request, caught.value.attempts)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_the_usual_error(server: FakeServer, status: int) -> None:
    server.unauthorized_status = status
    async with ThreadsClient("wrong", base_url=server.url) as client:
        with pytest.raises(UnauthorizedError, match="Unauthenticated"):
            await client.limits()


async def test_a_server_that_does_not_know_the_path_is_the_usual_error(
    server: FakeServer, client: ThreadsClient
) -> None:
    server.fail_next(fault=Fault(404, b""))

    with pytest.raises(StatusError) as caught:
        await client.limits()
    assert 404 == caught.value.status


async def test_a_port_on_which_nothing_listens_is_the_usual_error(unused_tcp_port: int) -> None:
    async with ThreadsClient("x", base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(ConnectionFailedError, match="refused"):
            await client.limits()


async def test_a_closed_client_sends_nothing(server: FakeServer, client: ThreadsClient) -> None:
    await client.close()

    with pytest.raises(ClientClosedError):
        await client.limits()
    assert [] == server.requests


async def test_null_is_none_in_the_fields_that_are_not_about_threads(server: FakeServer, client: ThreadsClient) -> None:
    """The vendor's bodies contain nulls in fields that its documents do not call nullable."""
    server.limits = dict.fromkeys(list(ON_WIRE)[2:])

    limits = await client.limits()

    assert Limits(limits.active_threads, limits.limit_threads, *[None] * 8) == limits


@pytest.mark.parametrize("name", ["activeThreads", "limitThreads"])
async def test_null_in_a_number_of_threads_is_an_error_that_names_it(
    server: FakeServer, client: ThreadsClient, name: str
) -> None:
    server.limits = {name: None}

    with pytest.raises(DecodeError) as caught:
        await client.limits()

    error = caught.value
    assert (name, "expected int, got null") == (error.path, error.reason)
    assert f"the response is not a set of limits: {name}: expected int, got null" == error.message
    assert f"GET {server.url}{PATH}?workspaceId=-1" == error.request
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


@pytest.mark.parametrize("name", ON_WIRE)
@pytest.mark.parametrize(("value", "reason"), [("1", "got str"), (1.5, "got float"), (True, "got bool")])
async def test_a_value_of_a_wrong_type_is_an_error(
    server: FakeServer, client: ThreadsClient, name: str, value: Any, reason: str
) -> None:
    server.fail_next(fault=ok(ON_WIRE | {name: value}))

    with pytest.raises(DecodeError) as caught:
        await client.limits()
    assert name == caught.value.path
    assert reason in caught.value.reason


@pytest.mark.parametrize("name", ON_WIRE)
async def test_a_missing_key_is_an_error(server: FakeServer, client: ThreadsClient, name: str) -> None:
    server.fail_next(fault=ok({key: value for key, value in ON_WIRE.items() if key != name}))

    with pytest.raises(DecodeError, match=name):
        await client.limits()


@pytest.mark.parametrize("body", [b"<html></html>", b"", b"[]", b"null", b'{"totalCount":0,"items":[]}'])
async def test_a_body_of_another_kind_is_an_error(server: FakeServer, client: ThreadsClient, body: bytes) -> None:
    server.fail_next(fault=Fault(200, body))

    with pytest.raises(DecodeError, match="the response is not a set of limits") as caught:
        await client.limits()
    assert "check that base_url is the address of a ZennoBrowser API" == caught.value.hint


async def test_no_frame_of_an_error_contains_the_token(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=ok({"message": server.token}))

    with pytest.raises(DecodeError) as caught:
        await client.limits()

    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "threads_async" in shown
    assert server.token not in shown
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


async def test_unknown_keys_are_ignored(server: FakeServer, client: ThreadsClient) -> None:
    server.fail_next(fault=ok({"limitProxies": None} | ON_WIRE | {"planName": "Pro"}))

    assert LIMITS == await client.limits()


async def test_a_body_that_is_cut_is_retried() -> None:
    body = json.dumps(ON_WIRE).encode()
    async with (
        WireServer(send(answer(body, length=9999)), send(answer(body))) as wire,
        ThreadsClient("x", base_url=wire.url, retry=RetryPolicy(initial_backoff=0.001)) as client,
    ):
        assert LIMITS == await client.limits()
        assert 2 == len(wire.requests)


# The converter --------------------------------------------------------------------------------------------------------


def test_limits_are_structured_and_unstructured_with_the_names_of_the_api() -> None:
    converter = make_converter()

    assert ON_WIRE == converter.unstructure(LIMITS)
    assert LIMITS == converter.structure(ON_WIRE, Limits)
    assert LIMITS == converter.structure(json.dumps(ON_WIRE).encode(), Limits)
    assert (LIMITS, LIMITS) == converter.structure([ON_WIRE, ON_WIRE], tuple[Limits, ...])


def test_limits_are_a_frozen_value_of_ten_integers() -> None:
    assert 10 == len(fields(Limits))
    assert LIMITS == pickle.loads(pickle.dumps(LIMITS))
    assert 1 == len({LIMITS, Limits(*range(1, 11))})
    with pytest.raises(AttributeError):
        LIMITS.limit_threads = 5  # type: ignore[misc]


# FakeServer -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def session(server: FakeServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers={"Api-Token": server.token}) as session:
        yield session


async def get(session: aiohttp.ClientSession, query: str = "", **headers: str) -> tuple[int, Any]:
    async with session.get(f"{PATH}{query}", headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_fake_has_ten_integers_in_the_order_of_the_document(session: aiohttp.ClientSession) -> None:
    status, body = await get(session)

    assert 200 == status
    assert list(ON_WIRE) == list(body)
    assert {int} == set(map(type, body.values()))


@pytest.mark.parametrize(
    ("query", "active"),
    [("", 2500), ("?workspaceId=-1", 2500), ("?workspaceId=", 2500), ("?workspaceId=1", 2500), ("?workspaceId=2", 3)],
)
async def test_the_active_threads_are_those_that_run_in_the_workspace(
    server: FakeServer, session: aiohttp.ClientSession, query: str, active: int
) -> None:
    for _ in range(3):
        server.start_thread(workspace_id=2)
    before = (await get(session, query))[1]["activeThreads"]
    server.stop_thread(server.threads[0])
    server.stop_thread(server.threads[-1])

    assert (active, active - 1) == (before, (await get(session, query))[1]["activeThreads"])


async def test_the_limits_of_the_licence_can_be_set_at_any_time(client: ThreadsClient, server: FakeServer) -> None:
    assert 10_000 == (await client.limits()).limit_threads
    server.limit_threads = 2510
    server.limits = {"limitCloudProfiles": 7}

    limits = await client.limits()

    assert (2500, 2510, 10, 7) == (
        limits.active_threads,
        limits.limit_threads,
        limits.free_threads,
        limits.limit_cloud_profiles,
    )


async def test_threads_may_run_on_another_computer_of_the_licence() -> None:
    async with (
        FakeServer(5, limit_threads=20, limits={"activeThreads": 18}) as server,
        ThreadsClient(server.token, base_url=server.url) as client,
    ):
        assert 5 == await client.threads().count()
        assert 2 == (await client.limits()).free_threads


@pytest.mark.parametrize("status", [401, 500])
async def test_the_fake_needs_the_token(server: FakeServer, session: aiohttp.ClientSession, status: int) -> None:
    server.unauthorized_status = status

    assert (status, {"message": "Unauthenticated"}) == await get(session, **{"Api-Token": "wrong"})


async def test_the_fake_applies_faults(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.fail_next(fault=Fault(503))
    server.fault_for = lambda seen: Fault(404) if seen.path == PATH else None

    assert [503, 404] == [(await get(session))[0] for _ in range(2)]
    assert [PATH, PATH] == [seen.path for seen in server.requests]


@pytest.mark.parametrize("text", ["x", "1.5", "+1", "9223372036854775808"])
async def test_the_fake_refuses_an_invalid_workspace_id(session: aiohttp.ClientSession, text: str) -> None:
    async with session.get(PATH, params={"workspaceId": text}) as answer:
        body = await answer.json(content_type="application/problem+json")

    assert 400 == answer.status
    assert {"workspaceId": [f"The value '{text}' is not valid."]} == body["errors"]


async def test_the_fake_accepts_no_other_method(session: aiohttp.ClientSession) -> None:
    async with session.post(PATH) as answer:
        assert (405, "GET") == (answer.status, answer.headers["Allow"])


async def test_the_fake_compresses_the_limits_too(server: FakeServer, session: aiohttp.ClientSession) -> None:
    server.gzip = True

    async with session.get(PATH) as answer:
        assert "gzip" == answer.headers["Content-Encoding"]
        assert list(ON_WIRE) == list(await answer.json())
