"""How SIGTERM ends a command."""

import contextlib
import signal
import threading
from collections.abc import Generator
from typing import NoReturn


class TerminatedError(SystemExit):
    """SIGTERM. asyncio passes on only KeyboardInterrupt and SystemExit."""


def _terminate(*_: object) -> NoReturn:
    raise TerminatedError


@contextlib.contextmanager
def ending_by_sigterm() -> Generator[None]:
    """Let SIGTERM end the block with `TerminatedError` and its clean-up, which leaves the terminal as it was."""
    # Only the main thread can handle signals. A handler of the caller, or that it ignores the signal, is not changed.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
