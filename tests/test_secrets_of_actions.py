"""The canaries of test_secrets_stay_in.py, for the actions, which have thread tokens in their paths and bodies too."""

import asyncio
import functools
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from test_secrets_stay_in import API_TOKEN, ECHO, THREAD_TOKEN, assert_clean, everything_of, instrumented, locals_of

from threads_async import DecodeError, RetryPolicy, ThreadsClient, ThreadsError, redact_url
from threads_async.testing import FakeServer, WireServer
from threads_async.testing.wire import Script, answer, hang, reset, send

BAD = json.dumps({"workspaceId": "x", "threadToken": THREAD_TOKEN, "type": "Manual"}).encode()
SCRIPTS: dict[str, Script] = {
    "closed": send(),
    "reset": reset(),
    "silent": hang(),
    "cut": send(answer(BAD, length=10_000)),
    "bad thread": send(answer(BAD)),
    "too large": send(answer(BAD.ljust(2000))),
    "not HTTP": send(f"{THREAD_TOKEN} {API_TOKEN}\r\n\r\n".encode()),
    **{
        f"status {status}": send(
            answer(ECHO, status=f"{status} {THREAD_TOKEN}", headers=f"Location: /{THREAD_TOKEN}?{API_TOKEN}\r\n")
        )
        for status in (302, 401, 404, 429, 500)
    },
}

ACTIONS: dict[str, Callable[[ThreadsClient], Awaitable[object]]] = {
    "start_thread": lambda client: client.start_thread(),
    "start_threads": lambda client: client.start_threads(2),
    "new_thread": lambda client: client.new_thread().__aenter__(),
    "continue_thread": lambda client: client.continue_thread(THREAD_TOKEN),
    "continue_threads": lambda client: client.continue_threads([THREAD_TOKEN]),
    "stop_thread": lambda client: client.stop_thread(THREAD_TOKEN),
    "stop_threads": lambda client: client.stop_threads([THREAD_TOKEN]),
}
STARTS = ("start_thread", "start_threads", "new_thread")
each_action = pytest.mark.parametrize("name", ACTIONS)


async def act(name: str, url: str, timeout: float = 0.2) -> None:  # noqa: ASYNC109 - of the client
    """Act outside of the test, because no frame of the test may contain the secrets."""
    async with ThreadsClient(
        API_TOKEN, base_url=url, timeout=timeout, retry=RetryPolicy(attempts=2), max_response_bytes=1000
    ) as client:
        await ACTIONS[name](client)


@pytest.mark.parametrize(
    ("name", "script"),
    # A bad body does not make a failure of a request to continue or to stop, because none is documented.
    [(name, script) for name in ACTIONS for script in SCRIPTS if script != "bad thread" or name in STARTS],
)
async def test_no_error_of_an_action_shows_a_secret(name: str, script: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with WireServer(SCRIPTS[script]) as server:
            (error,) = await asyncio.gather(act(name, server.url), return_exceptions=True)

    assert isinstance(error, ThreadsError)
    for text in everything_of(error):
        assert_clean(text)
    for record in caplog.records:
        assert_clean(f"{record.getMessage()} {vars(record)!r}")


@each_action
@pytest.mark.parametrize("script", [hang(), hang(answer(BAD, length=10_000))], ids=["no response", "half a body"])
async def test_the_traceback_of_a_cancelled_action_shows_no_secret(name: str, script: Script) -> None:
    async with WireServer(script) as server:
        task = asyncio.create_task(act(name, server.url, timeout=1))
        while not server.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task

    assert_clean(locals_of(caught.value))


async def test_a_lease_and_its_notes_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def work(client: ThreadsClient) -> None:
        async with client.new_thread(continue_every=0.01) as lease:
            await lease.wait_until_gone()
            assert_clean(f"{lease!r} {lease} {vars(lease)!r}")
            raise ZeroDivisionError

    async with FakeServer(threads=0, token=API_TOKEN, lifetime=0.001, seed=99) as server:
        async with ThreadsClient(API_TOKEN, base_url=server.url) as client:
            with pytest.raises(ZeroDivisionError) as caught:
                await work(client)
        assert ["thread eyJ…"] == [note[:11] for note in caught.value.__notes__]

    assert_clean(locals_of(caught.value))
    assert "DELETE" not in {seen.method for seen in server.requests}
    assert 2 <= len(caplog.records)
    for record in caplog.records:
        assert_clean(f"{record.getMessage()} {vars(record)!r}")


@pytest.mark.parametrize("url_filter", [redact_url, None])
async def test_opentelemetry_with_our_filter_records_no_thread_token_of_a_path(url_filter: Any) -> None:
    with instrumented(url_filter) as spans:
        async with FakeServer(token=API_TOKEN) as server:
            for name in ("continue_thread", "stop_thread"):
                await asyncio.gather(act(name, server.url), return_exceptions=True)

    recorded = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/v1/threads/use/eyJ" in recorded
    if url_filter is None:
        # Without the filter the thread token is recorded, so the test would detect it.
        assert THREAD_TOKEN in recorded
    else:
        assert_clean(recorded)


async def filter_by_it(url: str) -> None:
    async with ThreadsClient(API_TOKEN, base_url=url) as client:
        await client.threads(thread_token=THREAD_TOKEN).collect()


@pytest.mark.parametrize(
    "work",
    [functools.partial(act, "continue_thread"), functools.partial(act, "stop_thread"), filter_by_it],
    ids=["continue_thread", "stop_thread", "a filter"],
)
async def test_opentelemetry_records_no_thread_token_with_an_error_of_aiohttp(work: Callable[[str], Any]) -> None:
    with instrumented(redact_url) as spans:
        async with WireServer(send(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")) as server:
            with pytest.raises(DecodeError, match="not valid HTTP"):
                await work(server.url)

    (span,) = spans.get_finished_spans()
    assert ["exception"] == [event.name for event in span.events]
    assert "eyJ%E2%80%A6" in str((span.events[0].attributes or {})["exception.message"])
    assert_clean(span.to_json())


SHORT = f"eyJ%E2%80%A6{THREAD_TOKEN[-4:]}"


@pytest.mark.parametrize(
    ("path", "redacted"),
    [
        (f"/v1/threads/{THREAD_TOKEN}", f"/v1/threads/{SHORT}"),
        (f"/v1/threads/use/{THREAD_TOKEN}", f"/v1/threads/use/{SHORT}"),
        ("/v1/threads/a%2Fb%20c", "/v1/threads/%E2%80%A6"),
        ("/v1/threads/use_bulk", "/v1/threads/use_bulk"),
        ("/v1/threads/delete_bulk", "/v1/threads/delete_bulk"),
        ("/v1/threads/create", "/v1/threads/create"),
        ("/v1/workspaces/12", "/v1/workspaces/12"),
    ],
)
def test_a_redacted_url_has_a_short_thread_token_in_its_path(path: str, redacted: str) -> None:
    assert f"http://h{redacted}?workspaceId=-1" == redact_url(f"http://h{path}?workspaceId=-1")
