"""The canaries: secrets that must not appear anywhere but in the request itself.

They are the API token, a thread token (as a filter, in a response, in a server's message), a connection string and a
password in a URL.
"""

import asyncio
import contextlib
import copy
import gc
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import yarl
from listings import KINDS, THREADS, Kind, each_kind
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from threads_async import (
    ConfigurationError,
    RetryPolicy,
    StatusError,
    ThreadPage,
    ThreadsClient,
    ThreadsError,
    ThreadsQuery,
    make_converter,
    redact_url,
)
from threads_async import _endpoints as endpoints
from threads_async._exchange import Request, Response
from threads_async._secrets import Secret
from threads_async._source import PageSource
from threads_async._transport import Bounds, Transport
from threads_async.retry import Allows
from threads_async.testing import FakeServer, Fault, WireServer
from threads_async.testing.wire import Script, answer, hang, reset, send

API_TOKEN = "canary-of-the-api-0123456789"
THREAD_TOKEN = FakeServer(1, seed=99).threads[0].thread_token or ""
CONNECTION = FakeServer(browsers=1, seed=99).browsers[0].connection_string or ""
PASSWORD = "canary-of-the-url"
# A few characters at the ends of a thread token or a connection string are shown on purpose; its middle never is.
CANARIES = (API_TOKEN, PASSWORD, THREAD_TOKEN[8:40], THREAD_TOKEN[-24:-8], CONNECTION[-36:-10])


LIMITS = Bounds(timeout=1, response_bytes=1000, retry=RetryPolicy())


def assert_clean(text: str) -> None:
    assert [] == [canary for canary in CANARIES if canary in text]


def everything_of(error: BaseException) -> Iterator[str]:
    """Yield everything that could be shown of an error and of the errors attached to it."""
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    yield repr(pickle.dumps(error))
    yield repr(vars(copy.copy(error)))
    for other in (error.__cause__, error.__context__):
        assert other is None, "another error is attached to it"


ECHO = json.dumps({"message": f"no {API_TOKEN} for {THREAD_TOKEN}, {CONNECTION}"}).encode()


def bad_page(kind: Kind) -> bytes:
    """Return a page whose item has all secrets that its kind can have, and a text instead of a number."""
    secrets = {"threadToken": THREAD_TOKEN, "name": THREAD_TOKEN, "connectionString": CONNECTION}
    record = kind.record(0)
    bad = record | {name: secret for name, secret in secrets.items() if name in record} | {kind.number: "x"}
    return json.dumps({"totalCount": 1, "items": [bad]}).encode()


def scripts_of(kind: Kind) -> dict[str, Script]:
    bad = bad_page(kind)
    return {
        "closed": send(),
        "reset": reset(),
        "cut": send(answer(bad, length=10_000)),
        "silent": hang(),
        "not HTTP": send(f"{THREAD_TOKEN} {API_TOKEN}\r\n\r\n".encode()),
        "bad header": send(f"HTTP/1.1 200 OK\r\n{API_TOKEN}\r\n\r\n".encode()),
        "bad page": send(answer(bad)),
        "too large": send(answer(bad.ljust(2000))),
        "no JSON": send(answer(THREAD_TOKEN.encode())),
        "lying count": send(answer(b'{"totalCount":9,"items":[]}')),
        **{
            f"status {status}": send(
                answer(ECHO, status=f"{status} {THREAD_TOKEN}", headers=f"Location: /?{API_TOKEN}\r\n")
            )
            for status in (302, 401, 404, 429, 500)
        },
        "status with text": send(answer(f"no {API_TOKEN} for {THREAD_TOKEN}, {CONNECTION}".encode(), status="502 Bad")),
    }


SCRIPTS = {kind: scripts_of(kind) for kind in KINDS}


def secret_filters(kind: Kind) -> dict[str, str]:
    return {"thread_token": THREAD_TOKEN} if kind is THREADS else {}


@pytest.fixture
def all_logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


@each_kind
@pytest.mark.parametrize("name", SCRIPTS[THREADS])
async def test_no_error_shows_a_secret(kind: Kind, name: str, all_logs: pytest.LogCaptureFixture) -> None:
    async with (
        WireServer(SCRIPTS[kind][name]) as server,
        ThreadsClient(
            API_TOKEN,
            base_url=server.url,
            timeout=0.2,
            retry=RetryPolicy(attempts=2),
            max_response_bytes=1000,
        ) as client,
    ):
        with pytest.raises(ThreadsError) as caught:
            await kind.listing(client, **secret_filters(kind)).collect()

    for text in everything_of(caught.value):
        assert_clean(text)
    for record in all_logs.records:
        assert_clean(f"{record.getMessage()} {vars(record)!r}")


@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize(
    "body",
    [f'{{"message": "no {API_TOKEN[:20]}', f"no {API_TOKEN[:20]}", f"{'no ' * 22_000}{THREAD_TOKEN}"],
    ids=["JSON", "text", "more than is read"],
)
async def test_an_error_from_a_truncated_body_shows_no_part_of_a_token(body: str, status: int) -> None:
    head = f"HTTP/1.0 {status} Bad\r\n\r\n"
    async with (
        WireServer(send(f"{head}{body}".encode())) as server,
        ThreadsClient(API_TOKEN, base_url=server.url, retry=RetryPolicy(attempts=1)) as client,
    ):
        with pytest.raises(StatusError) as caught:
            await client.fetch_page(ThreadsQuery(thread_token=THREAD_TOKEN))

    # Without the traceback: its last frame is this test, which has the canaries as local variables.
    shown = f"{caught.value} {caught.value!r} {vars(caught.value)!r}"
    assert API_TOKEN[:4] not in shown
    assert_clean(shown)


async def test_no_public_value_shows_a_secret() -> None:
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        async with (
            FakeServer(3, token=API_TOKEN, seed=99) as server,
            ThreadsClient(API_TOKEN, base_url=server.url) as client,
        ):
            converter = make_converter()
            listing = client.threads(thread_token=THREAD_TOKEN)
            iterator, pages, watch = aiter(listing), listing.pages(), client.watch(thread_token=THREAD_TOKEN)
            page = await client.fetch_page(ThreadsQuery(thread_token=THREAD_TOKEN))
            values: list[Any] = [
                client,
                listing,
                iterator,
                pages,
                page,
                *page.items,
                listing.query,
                watch,
                await anext(watch),
            ]
            values += [await anext(iterator), await anext(pages), client.fetch_page, server.requests, server.threads]
            values += [
                *await client.browser_instances().collect(),
                *await client.workspaces().collect(),
                server.browsers,
            ]
            values += [converter, converter.structure(converter.unstructure(page), ThreadPage)]
            print(*values, [repr(value) for value in values])
            assert 1 == len(page.items)

    assert_clean(out.getvalue())


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": f"http://user:{PASSWORD}@localhost"},
        {"base_url": f"http://user:{PASSWORD}@localhost:port"},
        {"base_url": f"http://user:{PASSWORD}@[::1"},
        {"base_url": f"http://user:{PASSWORD}@ℂ℆"},
        {"base_url": f"http://localhost/?{PASSWORD}"},
        {"base_url": f"//{PASSWORD}"},
        {"token": f"{API_TOKEN}\n{API_TOKEN}"},
        {"token": f"{API_TOKEN}é"},
        {"token": [API_TOKEN]},
    ],
)
def test_no_wrong_setting_is_shown(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ThreadsClient(**({"token": API_TOKEN} | settings))

    for text in everything_of(caught.value):
        # The frame of this test has the setting as a local variable. Only what the client adds matters.
        assert_clean(text.replace(repr(settings), ""))


@pytest.mark.parametrize("query", [{"thread_token": f"{THREAD_TOKEN}\ud800"}, {"thread_token": [THREAD_TOKEN]}])
def test_no_wrong_filter_is_shown(query: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ThreadsClient(API_TOKEN).threads(**query)

    assert_clean(f"{caught.value!s} {caught.value!r} {vars(caught.value)!r}")


OPAQUE = "opaque-filter-4f9a7c2e81b06d35"
"""A thread token that is not a JWT."""
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in API_TOKEN)


REPEATS = {
    "filter": json.dumps({"message": f"no thread {OPAQUE}"}).encode(),
    "filter in text": f"no thread {OPAQUE}".encode(),
    "cut": b" " * 780 + API_TOKEN.encode() + b"x" * 5000,
    "at the end": b"x " * 90 + API_TOKEN.encode(),
    "escaped": f'{{"message": "{ESCAPED}"}}'.encode(),
    "escaped in text": f"not JSON: {ESCAPED}".encode(),
    "errors of ASP.NET": json.dumps({"title": "Bad", "errors": {"thread_token": [f"{OPAQUE} is unknown"]}}).encode(),
}


@pytest.mark.parametrize("name", REPEATS)
@pytest.mark.parametrize("status", [400, 404, 500])
async def test_no_secret_that_was_sent_is_shown_if_the_server_repeats_it(status: int, name: str) -> None:
    async with FakeServer(token=API_TOKEN) as server:
        server.fault_for = lambda _: Fault(status, REPEATS[name])
        async with ThreadsClient(API_TOKEN, base_url=server.url, retry=RetryPolicy(attempts=1)) as client:
            with pytest.raises(StatusError) as caught:
                await client.threads(thread_token=OPAQUE).collect()

    for text in everything_of(caught.value):
        shown = [
            part for part in (API_TOKEN, ESCAPED, OPAQUE) for at in range(len(part) - 8) if part[at : at + 9] in text
        ]
        # The label of the request shows the ends of the thread token on purpose.
        assert [] == shown


def locals_of(error: BaseException) -> str:
    """Return the traceback of an error and of the errors attached to it, with local variables, as some tools do."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


WAITING = {
    "for a response": hang(),
    "for the rest of a body": hang(answer(json.dumps([THREAD_TOKEN, CONNECTION]).encode(), length=10_000)),
}


async def ask(kind: Kind, url: str, *, prefetch: int) -> None:
    """Request a page outside of the test, because no frame of the test may contain the secrets."""
    async with ThreadsClient(API_TOKEN, base_url=url) as client:
        await kind.listing(client, **secret_filters(kind), prefetch=prefetch).collect()


@each_kind
@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("how", ["timeout", "cancel"])
async def test_the_traceback_of_a_timeout_or_a_cancellation_shows_no_secret(
    kind: Kind, name: str, how: str, prefetch: int
) -> None:
    async with WireServer(WAITING[name]) as server:
        task = asyncio.create_task(ask(kind, server.url, prefetch=prefetch))
        while not server.requests:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        if how == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            error: BaseException = cancelled.value
        else:
            with pytest.raises(TimeoutError) as late:
                async with asyncio.timeout(0.01):
                    await task
            error = late.value

    assert_clean(locals_of(error))


@pytest.mark.parametrize("prefetch", [0, 2])
async def test_the_traceback_of_an_error_in_a_user_hook_shows_the_hook_and_no_secret(prefetch: int) -> None:
    async def hook_of_the_user(*given: object) -> None:
        # The hook is responsible for what it does with the arguments from aiohttp.
        del given
        raise ZeroDivisionError

    trace = aiohttp.TraceConfig()
    trace.on_request_chunk_sent.append(hook_of_the_user)
    trace.on_request_headers_sent.append(hook_of_the_user)

    async def ask_with_a_hook(url: str) -> None:
        async with (
            aiohttp.ClientSession(trace_configs=[trace]) as session,
            ThreadsClient(API_TOKEN, base_url=url, session=session) as client,
        ):
            await client.threads(thread_token=THREAD_TOKEN, prefetch=prefetch).collect()

    async with WireServer(hang()) as server:
        with pytest.raises(ZeroDivisionError) as caught:
            await ask_with_a_hook(server.url)

    assert "hook_of_the_user" in [entry.name for entry in caught.traceback]
    assert "aiohttp" not in {str(entry.frame.f_globals["__name__"]).partition(".")[0] for entry in caught.traceback}
    assert_clean(locals_of(caught.value))


async def test_an_error_that_the_caller_handles_is_not_changed(unused_tcp_port: int) -> None:
    async def fail() -> None:
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://127.0.0.1:{unused_tcp_port}")

    class Broken(Transport):
        async def send(self, request: Request, allows: Allows | None = None) -> Response:
            raise ZeroDivisionError

    source = PageSource("http://zenno.example", Broken(Secret("x"), None, LIMITS))
    try:
        await fail()
    except aiohttp.ClientError as error:
        before = traceback.format_exception(error)
        with pytest.raises(ZeroDivisionError):
            await source.fetch(endpoints.THREADS, ThreadsQuery())
        after = traceback.format_exception(error)

    assert any("aiohttp" in line for line in before)
    assert before == after


@pytest.mark.parametrize("stop", [KeyboardInterrupt, asyncio.CancelledError])
async def test_an_exception_that_stops_a_request_has_no_aiohttp_error_attached(stop: type[BaseException]) -> None:
    class Broken(Transport):
        async def send(self, request: Request, allows: Allows | None = None) -> Response:
            error = stop()
            error.__context__ = aiohttp.ClientError(API_TOKEN)
            raise error

    source = PageSource("http://zenno.example", Broken(Secret("x"), None, LIMITS))
    with pytest.raises(stop) as caught:
        await source.fetch(endpoints.THREADS, ThreadsQuery())

    assert None is caught.value.__context__


INTERRUPTED = """
import asyncio, os, signal, sys, traceback
from threads_async import ThreadsClient
from threads_async.testing import WireServer
from threads_async.testing.wire import hang

async def main():
    async with WireServer(hang(b"HTTP/1.1 200 OK\\r\\n\\r\\n[")) as server:
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGINT)
        async with ThreadsClient(base_url=server.url) as client:
            await client.threads(thread_token=os.environ["FILTER"]).collect()

try:
    asyncio.run(main())
except KeyboardInterrupt as error:
    print("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_the_traceback_of_ctrl_c_shows_no_secret() -> None:
    settings = {"ZB_API_TOKEN": API_TOKEN, "FILTER": THREAD_TOKEN}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert "KeyboardInterrupt" in done.stdout
    # The program itself put the secrets into `os.environ`, and no frame shows it.
    assert_clean(done.stdout)
    assert "" == done.stderr


@pytest.fixture
async def other() -> AsyncIterator[FakeServer]:
    async with FakeServer(token=API_TOKEN) as other:
        yield other


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@each_kind
async def test_the_token_is_sent_only_to_the_configured_origin(
    kind: Kind, other: FakeServer, status: int, host: str
) -> None:
    async with FakeServer(token=API_TOKEN) as server, ThreadsClient(API_TOKEN, base_url=server.url) as client:
        server.fault_for = lambda _: Fault(status, b"", {"Location": f"http://{host}:{other.port}{kind.path}"})
        with pytest.raises(ThreadsError, match="not followed"):
            await kind.listing(client).collect()

    assert ([], 1) == (other.requests, len(server.requests))


async def test_the_token_does_not_stay_in_a_given_session() -> None:
    async with FakeServer(token=API_TOKEN) as server, aiohttp.ClientSession() as session:
        async with ThreadsClient(API_TOKEN, base_url=server.url, session=session) as client:
            await client.threads().first()
        await session.get(f"{server.url}/v1/threads")

    assert ["Api-Token" in seen.headers for seen in server.requests] == [True, False]


@contextlib.contextmanager
def instrumented(url_filter: Any) -> Iterator[InMemorySpanExporter]:
    """Record the requests of aiohttp with OpenTelemetry, and pass it `url_filter`."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    AioHttpClientInstrumentor().instrument(tracer_provider=provider, url_filter=url_filter)
    try:
        yield spans
    finally:
        AioHttpClientInstrumentor().uninstrument()


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("url_filter", [redact_url, None])
async def test_opentelemetry_with_our_filter_records_no_secret(url_filter: Any, failing: bool) -> None:
    with instrumented(url_filter) as spans:
        async with (
            FakeServer(token=API_TOKEN) as server,
            ThreadsClient(API_TOKEN, base_url=server.url, retry=RetryPolicy(attempts=1)) as client,
        ):
            if failing:
                server.fail_next(2, Fault(status=None))
            with contextlib.suppress(ThreadsError):
                await client.threads(thread_token=THREAD_TOKEN).collect()

    recorded = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/v1/threads" in recorded
    if url_filter is None:
        # Without the filter the thread token is recorded, so the test would detect it.
        assert THREAD_TOKEN in recorded
    else:
        assert_clean(recorded)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("http://localhost:8160/v1/threads?start=0&type=", "http://localhost:8160/v1/threads?start=0&type="),
        (f"http://u:{PASSWORD}@localhost/?thread_token=short", "http://localhost/?thread_token=%E2%80%A6"),
        (yarl.URL(f"http://h/?a=1&thread_token={THREAD_TOKEN}"), f"http://h/?a=1&thread_token=eyJ%E2%80%A6{THREAD_TOKEN[-4:]}"),
        ("http://h/?thread_token=", "http://h/?thread_token="),
    ],
)  # fmt: skip
def test_a_redacted_url_shows_everything_but_secrets(url: Any, redacted: str) -> None:
    assert redacted == redact_url(url)


async def test_an_unclosed_client_is_reported_without_secrets(recwarn: pytest.WarningsRecorder) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    async with FakeServer(token=API_TOKEN) as server:
        client = ThreadsClient(API_TOKEN, base_url=server.url)
        await client.threads(thread_token=THREAD_TOKEN).collect()
        del client
        gc.collect()

    shown: list[str] = []
    # A warning keeps its subject alive, such as the session. When that is freed, it causes the next warning.
    while len(recwarn) > 0:
        shown += [f"{one.message} {one!r}" for one in recwarn]
        recwarn.clear()
        gc.collect()

    assert any("unclosed ThreadsClient" in text for text in shown)
    for text in shown:
        assert_clean(text)
