"""The states of the consistent walk, which say what its next request is for. Performs no I/O.

The rules that lead from one state to another are in `_consistent`.
"""

from typing import Any, Generic, TypeAlias

from attrs import frozen

from threads_async._paging import Doubt, Suspect
from threads_async._place import Place
from threads_async.models import Page, T


@frozen
class Beginning:
    """No page has been accepted yet."""


@frozen
class Following:
    """The last page was accepted; the next one overlaps it."""


@frozen
class Confirming:
    """The last page was accepted and reached `totalCount`; one more page that overlaps it confirms the end (rule 5)."""


@frozen
class Seeking:
    """The last page was dropped, or the walk has stepped back too far (rule 3).

    Attributes:
        start: Index to request next.
        step: The size of the last step back.
        low: Index up to which all items had been seen; -1 if no such index is known.
        high: Index at which the search ends: the start of a dropped page, or the last item of an earlier accepted page.
    """

    start: int
    step: int
    low: int
    high: int


@frozen
class Alone(Generic[T]):
    """The last page contained only the last seen item, although more items remain according to `totalCount`.

    The page is requested again (rule 7).
    """

    doubt: Doubt[T]


@frozen
class Single(Generic[T]):
    """The server sends one item a page (rule 7).

    Attributes:
        next: The page of the next item, which is accepted if the previous item is found again; None before it is
            received.
    """

    next: Page[T] | None = None


@frozen
class Probing(Suspect[T]):
    """A page looks as if the server ignored `start`, so the last index is requested (rule 8)."""

    then: "State[T]"


@frozen
class Doubting(Generic[T]):
    """A response contradicted itself and is requested again (rule 9)."""

    doubt: Doubt[T]
    then: "State[T]"


@frozen
class Checking(Suspect[T]):
    """A page looks as if the server filtered after slicing, so the previous page is requested again (rule 10)."""

    then: "State[T]"


@frozen
class Ended:
    """The end of the list has been reached."""


State: TypeAlias = (
    Beginning | Following | Confirming | Seeking | Alone[T] | Single[T] | Probing[T] | Doubting[T] | Checking[T] | Ended
)


def stepped_back(state: State[Any], place: Place, high: int, total_count: int) -> Seeking:
    """Return the state after a page that is not accepted (rule 3).

    Args:
        state: The state before the page.
        place: The position of the walk.
        high: The page has no seen item at this index or after it.
        total_count: `totalCount` of the page.
    """
    low, step = -1, place.step_back(total_count)
    if isinstance(state, Seeking):
        low, step = state.low, 2 * state.step
    # If the list has shifted past `low` since, `low` is of no use any more.
    low = low if low < high - 1 else -1
    start = high - step if low < 0 else (low + high) // 2
    # Request nothing past the end of the list.
    return Seeking(max(0, min(start, total_count - max(1, place.stride // 2))), step, low, high)


def too_far_back(state: State[Any], before: Place, place: Place) -> Seeking | Following:
    """Return the state after a page on which all items had been seen (rule 3).

    Args:
        state: The state before the page.
        before: The position of the walk before the page.
        place: The position of the walk after the page.
    """
    high, step = (state.high, state.step) if isinstance(state, Seeking) else (before.last, place.stride)
    # The first unseen item is between `place.last` and `high`.
    if high - place.last > place.stride // 2:
        return Seeking((place.last + high) // 2, step, place.last, high)
    return Following()
