"""An event loop in which time passes only while all tasks wait, so that tests of long waits are fast."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_GRACE: Final = 0.001
"""Seconds for bytes that are on their way between two sockets of this process."""


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for the next timer, makes the clock jump to it."""

    now: float = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout and min(_GRACE, timeout))
        if timeout and not events:
            self.now += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock that starts at 0 and jumps to the next timer when nothing else can happen."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def pass_time(self, seconds: float) -> None:
        """Let time pass while code runs that does not wait."""
        self._jumping.now += seconds


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end in virtual time, and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
