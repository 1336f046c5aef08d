"""What all our iterators share: how they are left, and that each belongs to one event loop."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from types import TracebackType
from typing import NoReturn, Self, TypeVar

from threads_async.errors import ClientClosedError

T_co = TypeVar("T_co", covariant=True)


class ClosingIterator(AsyncIterator[T_co]):
    """An iterator that is its own context, whose end is `aclose`.

    It belongs to the event loop in which it is first used, and is neither copied nor pickled: a copy would have no
    requests of its own.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> NoReturn:
        msg = f"a {type(self).__name__} cannot be copied or pickled; make a new one from its listing or client"
        raise TypeError(msg)

    def _check_loop(self) -> None:
        """Raise `ClientClosedError` if the iterator belongs to another event loop than the running one."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("the iterator was used in another event loop; make a new one for each loop")

    @abstractmethod
    async def aclose(self) -> None:
        """End the iteration."""
