"""The states of the consistent walk: what its next answer is for. Performs no I/O.

The rules that lead from one to another are those of `_consistent`.
"""

from typing import Any, Generic, TypeAlias

from attrs import frozen

from threads_async._paging import Doubt, Suspect
from threads_async._place import Place
from threads_async.models import Page, T


@frozen
class Beginning:
    """Nothing has been taken yet."""


@frozen
class Following:
    """The last page counted; the next one overlaps it."""


@frozen
class Confirming:
    """The last page counted and reached the end, but may be a half-truth; the next one overlaps it (rule 5)."""


@frozen
class Seeking:
    """The last page did not count, or all of it had been seen long before (rule 3).

    Attributes:
        start: Index to request next.
        step: How far the walk has stepped back for it.
        low: Index up to which everything had been seen; -1 if no such index has been found.
        high: Index at which a page did not count.
    """

    start: int
    step: int
    low: int
    high: int


@frozen
class Alone(Generic[T]):
    """The last page held only the last item, though more are counted; it is requested again (rule 7)."""

    doubt: Doubt[T]


@frozen
class Single(Generic[T]):
    """The server sends one item a page (rule 7).

    Attributes:
        next: The page of the next item, which waits for the item before it to be found again; None before it came.
    """

    next: Page[T] | None = None


@frozen
class Probing(Suspect[T]):
    """A page looks as if the server ignored `start`: the last index is requested (rule 8)."""

    then: "State[T]"


@frozen
class Doubting(Generic[T]):
    """An answer contradicted itself and is requested again (rule 9)."""

    doubt: Doubt[T]
    then: "State[T]"


@frozen
class Checking(Suspect[T]):
    """A page looks as if the server filtered after slicing: the page before it is requested again (rule 10)."""

    then: "State[T]"


@frozen
class Ended:
    """The end of the list has been reached."""


State: TypeAlias = (
    Beginning | Following | Confirming | Seeking | Alone[T] | Single[T] | Probing[T] | Doubting[T] | Checking[T] | Ended
)


def stepped_back(state: State[Any], place: Place, high: int, total_count: int) -> Seeking:
    """Return the state after a page that does not count (rule 3).

    Args:
        state: The state before it.
        place: Where the walk is.
        high: Index at and after which nothing on the page has been seen.
        total_count: `totalCount` of the page.
    """
    low, step = -1, place.step_back(total_count)
    if isinstance(state, Seeking):
        low, step = state.low, 2 * state.step
    # A list that moves may have left behind where it was found before.
    low = low if low < high - 1 else -1
    start = high - step if low < 0 else (low + high) // 2
    # Nothing is requested past the end.
    return Seeking(max(0, min(start, total_count - max(1, place.stride // 2))), step, low, high)


def too_far_back(state: State[Any], before: Place, place: Place) -> Seeking | Following:
    """Return the state after a page on which everything had been seen (rule 3).

    Args:
        state: The state before it.
        before: Where the walk was before it.
        place: Where the walk is after it.
    """
    high, step = (state.high, state.step) if isinstance(state, Seeking) else (before.last, place.stride)
    # The first item not seen is between here and there.
    if high - place.last > place.stride // 2:
        return Seeking((place.last + high) // 2, step, place.last, high)
    return Following()
