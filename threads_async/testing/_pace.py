"""Repeat a step at a given rate while a context is active."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn

from threads_async.testing._serving import LoopThread


async def repeat(step: Callable[[], object], rate: float) -> NoReturn:
    """Call `step` repeatedly, `rate` times per second by the clock of the event loop, until cancelled."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        due += 1 / rate
        # Sleep until a fixed time, so that sleeps that last too long do not lower the rate.
        await asyncio.sleep(max(0.0, due - clock()))
        step()


class Repeating:
    """Repeats `step` in the running event loop (``async with``), or in that of `thread` (``with``).

    Args:
        step: The function to call.
        rate: Number of calls per second.
        thread: The thread for ``with``; None if the server has no thread.
    """

    def __init__(self, step: Callable[[], object], rate: float, thread: LoopThread | None) -> None:
        self._step = step
        self._rate = rate
        self._thread = thread
        self._stop = contextlib.AsyncExitStack()

    async def __aenter__(self) -> None:
        task = asyncio.create_task(repeat(self._step, self._rate))

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stop.push_async_callback(end)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop.aclose()

    def __enter__(self) -> None:
        self._server_thread().run(self.__aenter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server_thread().run(self._stop.aclose())

    def _server_thread(self) -> LoopThread:
        if self._thread is None:
            raise RuntimeError("the server does not run in its own thread; use `async with`")
        return self._thread
