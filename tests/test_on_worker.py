"""What runs on a Dask worker, called in this process."""

import asyncio
import functools
import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from threads_async import ConfigurationError, ExecutionThread, Page, ThreadsQuery, UnauthorizedError, make_converter
from threads_async import _on_worker as on_worker
from threads_async._answers import Answer, CallError, Parcel, packed
from threads_async._on_worker import PROCESS, call, call_async, fetch, is_async
from threads_async._paging import Slice
from threads_async.testing import FakeServer

TOKEN = "canary-0123456789abcdef0123456789abcdef"

THREAD = make_converter().structure(
    {
        "workspaceId": 1,
        "threadToken": "eyJ.thread.token",
        "type": "Manual",
        "createdAt": "2026-03-17T16:38:40.3851682+00:00",
    },
    ExecutionThread,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the token of the worker, and forget the calls of other tests."""
    monkeypatch.setenv("ZB_API_TOKEN", TOKEN)
    monkeypatch.setattr(on_worker, "_begun", on_worker._Begun(2))


Caller = Callable[..., Any]


async def call_plainly(function: Callable[[ExecutionThread], Any], key: str = "key", process: str = PROCESS) -> Answer:
    return call(key, process, packed((packed(function), THREAD)))


@frozen
class InLoop:
    """A plain function as an object that is awaited."""

    function: Callable[[ExecutionThread], Any]

    async def __call__(self, thread: ExecutionThread) -> Any:
        return self.function(thread)


async def call_in_loop(function: Callable[[ExecutionThread], Any], key: str = "key", process: str = PROCESS) -> Answer:
    return await call_async(key, process, packed((packed(InLoop(function)), THREAD)))


both_ways = pytest.mark.parametrize("way", [call_plainly, call_in_loop])


async def test_a_page_is_fetched_with_the_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeServer(25, token=TOKEN) as server:
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        answer = await fetch(packed((ThreadsQuery(), Slice(20, 10))))

    page = answer.parcel.open()
    assert (PROCESS, "done") == (answer.process, answer.state)
    assert isinstance(page, Page)
    assert [thread.thread_token for thread in server.threads[20:]] == [thread.thread_token for thread in page.items]
    assert (25, 20) == (page.total_count, page.start)


async def test_an_error_of_the_client_is_returned_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeServer(25, token="another") as server:
        monkeypatch.setenv("ZB_API_BASE_URL", server.url)
        answer = await fetch(packed((ThreadsQuery(), None)))

    error = answer.parcel.open()
    assert "failed" == answer.state
    assert isinstance(error, UnauthorizedError)
    assert 401 == error.status
    assert not hasattr(error, "__notes__")


async def test_a_worker_without_a_token_fails_with_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZB_API_TOKEN")

    answer = await fetch(packed((ThreadsQuery(), None)))

    assert isinstance(answer.parcel.open(), ConfigurationError)


@both_ways
async def test_a_call_returns_what_the_function_returns(way: Caller) -> None:
    answer = await way(lambda thread: thread.workspace_id)

    assert ("done", 1) == (answer.state, answer.parcel.open())


CALLS: list[ExecutionThread] = []


def count(thread: ExecutionThread) -> None:
    CALLS.append(thread)


@both_ways
async def test_a_call_is_made_only_once_for_a_key(way: Caller) -> None:
    CALLS.clear()

    states = [(await way(count, key)).state for key in ("a", "a", "b", "a")]

    assert ["done", "repeated", "done", "repeated"] == states
    assert [THREAD, THREAD] == CALLS


@both_ways
async def test_a_call_for_another_process_is_not_made(way: Caller) -> None:
    answer = await way(lambda _: 1 / 0, process="another")

    assert ("restarted", None) == (answer.state, answer.parcel.open())


def test_only_the_newest_keys_are_remembered() -> None:
    begun = on_worker._Begun(2)

    assert [True, True, False, True, True] == [begun.add(key) for key in ("a", "b", "a", "c", "a")]


class KeywordError(Exception):
    """An error that can be pickled, but not unpickled."""

    def __init__(self, *, text: str) -> None:
        super().__init__(text)

    def __reduce__(self) -> Any:
        return type(self), self.args


class SilentError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError

    def __reduce__(self) -> Any:
        raise TypeError


class ShyError(Exception):
    """An error that becomes another one when it is pickled."""

    def __reduce__(self) -> Any:
        return ValueError, ("shy",)


ERRORS: list[BaseException] = []
"""What `raise_last` raises. Most of it cannot be pickled with a function."""


def raise_last(_: ExecutionThread) -> None:
    try:
        os.environ[TOKEN]
    except KeyError as cause:
        raise ERRORS[-1] from cause


@both_ways
async def test_an_error_of_the_function_is_returned_with_its_traceback_as_a_note_and_without_its_cause(
    way: Caller,
) -> None:
    ERRORS.append(LookupError("why"))

    answer = await way(raise_last)

    error = answer.parcel.open()
    assert "failed" == answer.state
    assert repr(LookupError("why")) == repr(error)
    assert None is error.__cause__ is error.__context__ is error.__traceback__
    (note,) = error.__notes__
    assert note.startswith("Traceback on the worker:\n  File ")
    assert ", in raise_last\n" in note
    assert note.endswith("raise ERRORS[-1] from cause")
    assert "threads_async" not in note
    assert "LookupError: why\nTraceback on the worker:" in "".join(traceback.format_exception(error))


@both_ways
@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (KeywordError(text="why"), f"{__name__}.KeywordError", f"{__name__}.KeywordError: why"),
        (SilentError(), f"{__name__}.SilentError", f"{__name__}.SilentError"),
        (ShyError("why"), f"{__name__}.ShyError", f"{__name__}.ShyError: why"),
        (SystemExit("why"), "SystemExit", "SystemExit: why"),
        (asyncio.CancelledError("why"), "asyncio.exceptions.CancelledError", "asyncio.exceptions.CancelledError: why"),
        (LookupError(f"the token {TOKEN}"), "LookupError", "LookupError: the token …"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_an_error_that_cannot_be_delivered_is_replaced(
    way: Caller, raised: BaseException, kind: str, message: str
) -> None:
    ERRORS.append(raised)

    answer = await way(raise_last)

    error = answer.parcel.open()
    assert "failed" == answer.state
    assert isinstance(error, CallError)
    assert (kind, message) == (error.kind, error.message)
    assert TOKEN.encode() not in answer.parcel.content


@both_ways
async def test_a_result_that_cannot_be_pickled_is_an_error(way: Caller) -> None:
    answer = await way(lambda _: threading.Lock())

    error = answer.parcel.open()
    assert isinstance(error, CallError)
    assert "_thread.lock" == error.kind
    assert "the result, a _thread.lock, cannot be pickled: TypeError: cannot pickle '_thread.lock' object" == str(error)


@both_ways
async def test_a_result_with_the_api_token_is_not_delivered(way: Caller) -> None:
    answer = await way(lambda _: ["the token", f"is {TOKEN}."])

    error = answer.parcel.open()
    assert isinstance(error, CallError)
    assert "the result, a list, contains the API token" == str(error)
    assert TOKEN.encode() not in answer.parcel.content


@both_ways
@pytest.mark.parametrize("token", ["", "a", " short \n"])
async def test_without_a_real_token_every_result_is_delivered(
    way: Caller, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZB_API_TOKEN", token)

    assert "a short text" == (await way(lambda _: "a short text")).parcel.open()
    ERRORS.append(SystemExit(""))
    assert "failed" == (await way(raise_last, "other")).state


@both_ways
async def test_a_function_that_the_worker_cannot_unpickle_is_the_error_of_the_call(way: Caller) -> None:
    task = call if way is call_plainly else call_async

    answer = task("key", PROCESS, packed((Parcel(b"cno_such_module\nfunction\n."), THREAD)))
    answer = await answer if asyncio.iscoroutine(answer) else answer

    assert isinstance(answer, Answer)
    assert isinstance(answer.parcel.open(), ModuleNotFoundError)


async def wait_forever(_: ExecutionThread) -> None:
    await asyncio.Event().wait()


def make_future(_: ExecutionThread) -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("function", [wait_forever, make_future])
async def test_a_plain_function_must_not_return_something_to_await(function: Callable[[ExecutionThread], Any]) -> None:
    error = (await call_plainly(function)).parcel.open()

    assert isinstance(error, TypeError)
    assert "the function returned an awaitable: pass an async def function, which is awaited" == str(error)


async def test_a_task_that_is_cancelled_with_its_worker_has_no_answer() -> None:
    task = asyncio.ensure_future(call_async("key", PROCESS, packed((packed(wait_forever), THREAD))))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()


def test_functions_and_objects_that_are_awaited_are_recognized() -> None:
    class Object:
        async def __call__(self, thread: ExecutionThread) -> None: ...

    async def function(thread: ExecutionThread) -> None: ...

    assert [True, True, True, False, False] == [
        is_async(one) for one in (function, functools.partial(function), Object(), len, functools.partial(len))
    ]


def test_what_crosses_the_wire_has_no_content_in_its_repr() -> None:
    assert "Answer(process='p', state='done', parcel=Parcel(content=<2 bytes>))" == repr(
        Answer("p", "done", Parcel(b"xy"))
    )
