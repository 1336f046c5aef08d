"""What runs on a Dask worker: fetching a page, and calling a function for a thread.

The settings of the client come from the environment of the worker. The API token is in no argument, result or error.
"""

import asyncio
import inspect
import os
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from threads_async._answers import Answer, Parcel, packed, packed_error, packed_result
from threads_async._endpoints import endpoint_of
from threads_async._secrets import Secret
from threads_async.client import ThreadsClient
from threads_async.errors import ThreadsError

PROCESS: Final = uuid.uuid4().hex
"""Identifies the process of the worker. After a restart, it is another one."""


class _Begun:
    """The keys of the calls that have begun in this process.

    Dask repeats a task only as long as somebody waits for it, so the newest keys are enough.
    """

    def __init__(self, most: int = 2**16) -> None:
        self._most = most
        # A dict, because it remembers the order.
        self._keys: dict[str, None] = {}
        # Plain functions run in threads.
        self._lock = threading.Lock()

    def add(self, key: str) -> bool:
        """Return whether `key` is new, and remember it."""
        with self._lock:
            if key in self._keys:
                return False
            self._keys[key] = None
            if len(self._keys) > self._most:
                del self._keys[next(iter(self._keys))]
            return True


_begun: Final = _Begun()


async def fetch(parcel: Parcel) -> Answer:
    """Fetch a page. `parcel` contains the query and the slice."""
    query, asked = parcel.open()
    try:
        async with ThreadsClient() as client:
            # Not `fetch_page`: whether a page contradicts itself depends on the walk, which is not here.
            page = await client._source.fetch(endpoint_of(query), query, asked)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this package
        return Answer(PROCESS, *packed_result(page, _token()))
    except ThreadsError as error:
        # Nothing of its traceback is of interest, and it would be different for each attempt.
        return Answer(PROCESS, "failed", packed_error(error.with_traceback(None), _token()))


def call(key: str, process: str, parcel: Parcel) -> Answer:
    """Call a plain function for a thread, unless that was done before. `parcel` contains the function and the thread.

    Args:
        key: Identifies the call.
        process: The process for which the call was meant.
        parcel: The function and the thread.
    """
    refused = _refused(key, process)
    if refused is not None:
        return refused
    try:
        function, thread = parcel.open()
        return Answer(PROCESS, *packed_result(_value_of(function.open()(thread)), _token()))
    except (Exception, asyncio.CancelledError, SystemExit) as error:  # noqa: BLE001 - an error of the user's function
        return Answer(PROCESS, "failed", packed_error(error, _token()))


async def call_async(key: str, process: str, parcel: Parcel) -> Answer:
    """Call an ``async def`` function for a thread, as `call` does for a plain one."""
    refused = _refused(key, process)
    if refused is not None:
        return refused
    try:
        function, thread = parcel.open()
        return Answer(PROCESS, *packed_result(await function.open()(thread), _token()))
    except (Exception, asyncio.CancelledError, SystemExit) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # It is not the function that was cancelled, but the task: the worker is closing.
            raise
        return Answer(PROCESS, "failed", packed_error(error, _token()))


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether `function` is an ``async def`` function, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - it is not about whether it is callable


def _refused(key: str, process: str) -> Answer | None:
    """Return an answer if the call must not be made."""
    if process != PROCESS:
        return Answer(PROCESS, "restarted", packed(None))
    return None if _begun.add(key) else Answer(PROCESS, "repeated", packed(None))


def _value_of(result: "object | Awaitable[object]") -> object:
    """Return the result of a plain function, or raise an error if somebody would have to await it."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        msg = "the function returned an awaitable: pass an async def function, which is awaited"
        raise TypeError(msg)
    return result


def _token() -> Secret:
    return Secret(os.environ.get("ZB_API_TOKEN", "").strip())
