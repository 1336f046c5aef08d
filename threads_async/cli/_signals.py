"""How SIGTERM ends a command."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any


class TerminatedError(Exception):
    """SIGTERM ended the command."""


async def until_sigterm(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` as the main task of an event loop; SIGTERM cancels it, so that it leaves the terminal as it was.

    A second SIGTERM ends the process at once, for example if the reader of a full pipe does not go on.

    Raises:
        TerminatedError: SIGTERM has cancelled `work`.
    """
    # Only the main thread can handle signals. A handler of the caller, or that it ignores the signal, is not changed.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        await work
        return
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    terminated = False

    # As asyncio handles Ctrl-C. An exception from here could leave the event loop anywhere, also between taking a
    # callback from its queue and running it: whoever waits for that callback then waits for ever.
    def terminate(*_: object) -> None:
        nonlocal terminated
        terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        task.cancel()
        # Wake the event loop.
        loop.call_soon_threadsafe(lambda: None)

    signal.signal(signal.SIGTERM, terminate)
    try:
        await task
    except asyncio.CancelledError:
        if terminated:
            raise TerminatedError from None
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
