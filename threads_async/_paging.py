"""What both walks share: slices, steps, and when an answer is doubted. Performs no I/O.

A walk is a frozen value between two requests. `next_slice` says what to ask for; `accept` takes the answer and returns
the walk after it with the items to hand out; `ahead` guesses what will be asked for after that. The plain walk is in
`_plain`, the consistent walk in `_consistent`.

An answer is doubted in three cases:

Ignored start. If a page begins with the same item as the last one and is not shorter, the server may ignore
        `start`. Then the last index of the list is requested. If no more items come than there can be, the server
        is trusted for the rest of the walk. If more come, and they are the same again, it is a `PaginationError`.
Contradiction. An answer that contradicts itself (empty before its end, or more items than it counts) is requested
        again, since an item may have come or gone between the server's count and its slice. The same answer
        three times in a row is a `PaginationError`. A different one shows that the list moves, and is taken if it has
        items; ten in a row without any are a `PaginationError` too.
Filter after slicing. A server that filters after slicing sends short pages, and the next one begins in the middle of
        the page before. So if the list is filtered, and a page after a short one shares items with it, that one is
        requested again, in its received size. If fewer items come, the server filtered out some of just that slice:
        a `PaginationError` before any item is handed out twice. If as many come, it is an honest list that has moved.
        On a list that stands still, this is exact: a page whose whole slice matches cannot overlap with the next one.
"""

from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic, Protocol, TypeAlias

from attrs import frozen

from threads_async.errors import PaginationError
from threads_async.models import Page, T

_ADVICE: Final = "the list cannot be read reliably from this server"
Seen: TypeAlias = AbstractSet[Hashable]
"""The keys that a walk wanted to be remembered."""
FILTER_ADVICE: Final = "list without filters, and filter the items yourself"
"""The way out where the server filters after slicing."""
_MOST_TIMES: Final = 3
_MOST_ANSWERS: Final = 10


@frozen
class Slice:
    """One request: at most `total` items from index `start`."""

    start: int
    total: int


class Walk(Protocol[T]):
    """What the iterator needs of a walk."""

    @property
    def next_start(self) -> int | None:
        """Where to resume; None at the end of the list."""
        ...

    def next_slice(self) -> Slice | None:
        """Return what to ask for next, or None when there is nothing more to ask for."""
        ...

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that will be asked for after `next_slice`, if nothing moves."""
        ...

    def accept(self, asked: Slice, page: Page[T], seen: Seen) -> "Step[T]":
        """Take the answer to `asked`, where `seen` holds the keys of all steps before, or raise `PaginationError`."""
        ...


@frozen
class Suspect(Generic[T]):
    """A page that waits for another answer before it is taken."""

    asked: Slice
    page: Page[T]


@frozen
class Doubt(Generic[T]):
    """An answer that cannot be believed at once.

    Attributes:
        page: What came.
        times: How many times in a row it came.
        answers: How many such answers came in a row, this one or others.
    """

    page: Page[T]
    times: int = 1
    answers: int = 1

    def again(self, page: Page[T]) -> "Doubt[T]":
        """Return the doubt after `page` came instead of what was doubted."""
        return Doubt(page, self.times + 1 if page == self.page else 1, self.answers + 1)

    @property
    def settled(self) -> bool:
        """Whether it came so often that no movement of the list explains it."""
        return self.times >= _MOST_TIMES or self.answers >= _MOST_ANSWERS


@frozen
class Step(Generic[T]):
    """What an answer leads to.

    Attributes:
        walk: The walk after it.
        items: The items to hand out.
        start: The index of the first of them.
        keys: What the walk wants to be remembered of them: the iterator adds it to what is `seen`.
    """

    walk: Walk[T]
    items: tuple[T, ...] = ()
    start: int = 0
    keys: tuple[Hashable, ...] = ()


def guesses(starts: Iterable[int], asked: Slice, size: int, remaining: int | None, overlap: int = 0) -> list[Slice]:
    """Return the slices at `starts`, which follow `asked`, as far as they are wanted.

    Args:
        starts: Where they begin.
        asked: What is requested before them.
        size: Maximum number of items to request at once.
        remaining: How many items may still be handed out after `asked` was planned, or None for all.
        overlap: How many items of each are expected to be known.
    """
    if remaining is None:
        return [Slice(start, size) for start in starts]
    wanted = ((start, remaining - (start - asked.start)) for start in starts)
    return [Slice(start, min(size, many + overlap)) for start, many in wanted if many > 0]


def contradiction(asked: Slice, page: Page[Any], *, filtered: bool = False) -> PaginationError | None:
    """Return what is wrong with `page` in itself as an answer to `asked`, or None."""
    received = len(page.items)
    if received > asked.total:
        return pagination_error(asked, page, "more items came than were asked for")
    # A server that filters after slicing shows nothing of a slice without matches, and more matches than it counts of
    # one whose start is behind those that were skipped.
    advice = _advice(filtered=filtered)
    if received == 0 and asked.start < page.total_count:
        return pagination_error(asked, page, "no item came, though more remain", advice)
    if received and asked.start + received > page.total_count:
        return pagination_error(asked, page, "more items came than the server counts", advice)
    return None


def single_page(asked: Slice, page: Page[T]) -> Page[T] | PaginationError:
    """Return `page` as the answer to `asked` alone, or what is wrong with it in itself."""
    if page.items and asked.start >= page.total_count > 0:
        # Past the end some servers send the last page again, which is no part of the list.
        return Page((), page.total_count, page.start)
    return contradiction(asked, page) or page


def _advice(*, filtered: bool) -> str:
    return f"if it filters after slicing, {FILTER_ADVICE}" if filtered else _ADVICE


def check_slice(suspect: Suspect[Any], asked: Slice, page: Page[Any]) -> None:
    """Raise the error of a server that filters after slicing unless `page` is all of the slice `asked`."""
    if len(page.items) < min(asked.total, page.total_count - asked.start):
        what = "the server filters after slicing, so its pages overlap and their places mean nothing"
        raise pagination_error(suspect.asked, suspect.page, what, FILTER_ADVICE)


def probe(suspect: Suspect[Any], total: int) -> Slice:
    """Return what to ask for to see whether the server ignores `start`: the last index of the list.

    Two items at least, since a server that ignores `start` must have room to show more than there can be.
    """
    return Slice(max(0, suspect.page.total_count - 1), max(2, total))


def check_probe(suspect: Suspect[T], asked: Slice, page: Page[T], *, filtered: bool) -> bool:
    """Return whether `page`, the answer to `probe`, shows that the server heeds `start`.

    A page with more items than there can be from there does not show it: the server ignores `start`, or the list has
    moved while it answered. If it begins with the page that raised the suspicion, it is the former.

    Raises:
        PaginationError: The server ignores `start`.
    """
    if not page.items or asked.start + len(page.items) <= page.total_count:
        return True
    if page.items[: len(suspect.page.items)] == suspect.page.items:
        what = "the page before came again: the server ignores start"
        raise pagination_error(suspect.asked, suspect.page, what, _advice(filtered=filtered))
    return False


def pagination_error(asked: Slice, page: Page[Any], what: str, advice: str = _ADVICE) -> PaginationError:
    return PaginationError(
        f"{what} (asked for {asked.total} from {asked.start}, received {len(page.items)}, "
        f"totalCount {page.total_count}); {advice}",
        start=asked.start,
        total=asked.total,
        received=len(page.items),
        total_count=page.total_count,
    )
