"""Threads and browsers made from numbers, so that numbers can describe a list of them. Performs no I/O."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from threads_async import BrowserInstance, ExecutionThread, ThreadType

_CREATED: Final = datetime(2026, 3, 17, tzinfo=UTC)
TWINS: Final = 3
"""How many adjacent threads are equal if threads have twins."""


@lru_cache(maxsize=2**16)
def thread_of(number: int, *, twins: bool = False) -> ExecutionThread:
    """Return the thread with this number. With `twins` it has no token and equals its neighbours."""
    if twins:
        return ExecutionThread(1, None, ThreadType.MANUAL, _CREATED + timedelta(seconds=number - number % TWINS))
    # Some threads have no token and are identified by their other attributes.
    token = None if number % 5 == 0 else f"token-{number}"
    return ExecutionThread(1, token, ThreadType.MANUAL, _CREATED + timedelta(seconds=number))


def browser_of(number: int, *, twins: bool = False) -> BrowserInstance:
    """Return the browser with this number. Browsers have no `twins`: each has its own process."""
    del twins
    return BrowserInstance(UUID(int=number), number, None)


def number_of(item: ExecutionThread | BrowserInstance) -> int:
    """Return the number of `item`. For twins, it is the number of the first."""
    if isinstance(item, BrowserInstance):
        return item.process_id
    return int((item.created_at - _CREATED).total_seconds())
