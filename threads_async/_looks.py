"""The looks of a watch: what one has found, and the conditions that are tested with it. Performs no I/O."""

import copy
import inspect
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias, cast

from attrs import frozen

from threads_async.errors import ClientClosedError, ConfigurationError, RequestError, ThreadsError
from threads_async.models import ExecutionThread
from threads_async.retry import may_pass

Snapshot: TypeAlias = tuple[ExecutionThread, ...]


@frozen
class Look:
    """A look that has ended.

    Attributes:
        number: Looks are numbered from 1, in the order in which they began.
        began: When it began, in UTC.
        ended: When it ended, in UTC.
        found: The threads that it found, or why it failed.
    """

    number: int
    began: datetime
    ended: datetime
    found: Snapshot | ThreadsError

    @property
    def outage(self) -> RequestError | None:
        """Why the look failed, if that may pass by itself. Otherwise None."""
        return self.found if isinstance(self.found, RequestError) and may_pass(self.found) else None

    @property
    def failure(self) -> RequestError | None:
        """Why the look failed, temporarily or not. None if it succeeded, or if the client is closed."""
        if not isinstance(self.found, ThreadsError) or isinstance(self.found, ClientClosedError):
            return None
        # An event has a `RequestError`. `PaginationError` is the only other error of a listing.
        return self.found if isinstance(self.found, RequestError) else RequestError(self.found.message)

    def threads(self) -> Snapshot:
        """Return the threads that the look found.

        Raises:
            ThreadsError: The look failed. Several tasks may wait for one look, so each gets a copy of the error.
        """
        if isinstance(self.found, ThreadsError):
            raise copy.copy(self.found)
        return self.found

    def check(self) -> None:
        """Raise the error of the look, as `threads` does, unless it may pass by itself."""
        if self.outage is None:
            self.threads()


class Level:
    """A condition that a task waits for.

    Args:
        predicate: Returns whether threads meet the condition.
        after: Only looks with a higher number count.
    """

    def __init__(self, predicate: Callable[[Snapshot], object], after: int) -> None:
        self._predicate = predicate
        self._after = after
        self._outcome: Snapshot | BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether a look has met the condition, or the predicate has failed."""
        return self._outcome is not None

    def test(self, number: int, threads: Snapshot) -> None:
        """Test the threads that the look `number` has found."""
        if self.settled or number <= self._after:
            return
        try:
            met = self._predicate(threads)
            if inspect.iscoroutine(met):
                met.close()
            if inspect.isawaitable(met) or inspect.isasyncgen(met):
                # It would count as true, whatever its result.
                self._outcome = ConfigurationError("predicate must not be an async function", parameter="predicate")
            elif met:
                self._outcome = threads
        except BaseException as error:  # noqa: BLE001 - `take` raises it; it must not end a look that others share
            self._outcome = error

    def take(self) -> Snapshot:
        """Return the threads that met the condition, or raise the error of the predicate."""
        outcome, self._outcome = self._outcome, None
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            return cast("Snapshot", outcome)
        finally:
            # The traceback of the error refers to this frame.
            del outcome
