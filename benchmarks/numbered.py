"""Threads and browsers with numbers, so that lists of them can be told of by numbers. Performs no I/O."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from threads_async import BrowserInstance, ExecutionThread, ThreadType

_CREATED: Final = datetime(2026, 3, 17, tzinfo=UTC)
TWINS: Final = 3
"""How many threads in a row agree in everything, where threads have twins."""


@lru_cache(maxsize=2**16)
def thread_of(number: int, *, twins: bool = False) -> ExecutionThread:
    """Return the thread of this number. With `twins` it has no token, and agrees with its neighbours in everything."""
    if twins:
        return ExecutionThread(1, None, ThreadType.MANUAL, _CREATED + timedelta(seconds=number - number % TWINS))
    # Some threads have no token, and are told apart by the rest.
    token = None if number % 5 == 0 else f"token-{number}"
    return ExecutionThread(1, token, ThreadType.MANUAL, _CREATED + timedelta(seconds=number))


def browser_of(number: int, *, twins: bool = False) -> BrowserInstance:
    """Return the browser of this number. Browsers have no `twins`: each has a process of its own."""
    del twins
    return BrowserInstance(UUID(int=number), number, None)


def number_of(item: ExecutionThread | BrowserInstance) -> int:
    """Return the number of `item`; of twins, that of the first."""
    if isinstance(item, BrowserInstance):
        return item.process_id
    return int((item.created_at - _CREATED).total_seconds())
