"""What all our iterators share: they may be left by ``async with``. Performs no I/O."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, TypeVar

T_co = TypeVar("T_co", covariant=True)


class ClosingIterator(AsyncIterator[T_co]):
    """An iterator that is its own context, whose end is `aclose`."""

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @abstractmethod
    async def aclose(self) -> None:
        """End the iteration."""
