"""What both walks share: slices, steps, and the doubts about responses. Performs no I/O.

A walk is a frozen value: the state of the algorithm between two requests. `next_slice` returns the slice to request,
`accept` takes the response and returns the items and the next walk, and `ahead` guesses the slices after the next one.
The plain walk is in `_plain`, the consistent walk in `_consistent`.

A response is doubted in three cases:

Ignored start. If a page begins with the same item as the previous page and is not shorter, the server may ignore
        `start`. The walk then requests the last index of the list. If the response has no more items than there can
        be from there, the server is trusted for the rest of the walk. If it has more, and they are the same items
        again, it is a `PaginationError`.
Contradiction. A response that contradicts itself (no items although more remain, or items past its own `totalCount`) is
        requested again, because an item may have been added or removed between the server's count and its slice. The
        same response three times in a row is a `PaginationError`. A different one shows that the list changes, and is
        taken if it has items. Ten such responses in a row without items are a `PaginationError` too.
Filter after slicing. A server that filters after slicing sends short pages, and each page begins in the middle of the
        previous one. If the query has a filter and a page shares items with a short page before it, the walk requests
        the short page again, with as many items as it had. If fewer are received, the server filtered out some of that
        slice: a `PaginationError`, before any item is returned twice. If as many are received, the server is honest
        and the list has changed. On a list that does not change, this is exact: if all items of a slice match, its
        page cannot overlap with the next one.
"""

from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic, Protocol, TypeAlias

from attrs import frozen

from threads_async.errors import PaginationError
from threads_async.models import Page, T

_ADVICE: Final = "the list cannot be read reliably from this server"
Seen: TypeAlias = AbstractSet[Hashable]
"""The keys of all steps so far."""
FILTER_ADVICE: Final = "list without filters, and filter the items yourself"
"""The advice for a server that filters after slicing."""
_MOST_TIMES: Final = 3
_MOST_ANSWERS: Final = 10


@frozen
class Slice:
    """One request: at most `total` items from index `start`."""

    start: int
    total: int


class Walk(Protocol[T]):
    """The part of a walk that the iterator uses."""

    @property
    def next_start(self) -> int | None:
        """The index at which to resume; None at the end of the list."""
        ...

    def next_slice(self) -> Slice | None:
        """Return the slice to request next, or None if nothing is left to request."""
        ...

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that follow `next_slice` if the list does not change."""
        ...

    def accept(self, asked: Slice, page: Page[T], seen: Seen) -> "Step[T]":
        """Return the step after `page`, the response to `asked`. `seen` contains the keys of all earlier steps.

        Raises:
            PaginationError: The pages contradict each other, or the list changes too fast.
        """
        ...


@frozen
class Suspect(Generic[T]):
    """A page that is kept until another response shows whether it can be taken."""

    asked: Slice
    page: Page[T]


@frozen
class Doubt(Generic[T]):
    """One of the three doubts: a response that contradicts itself.

    Attributes:
        page: The page in the response.
        times: How many times in a row this page was received.
        answers: How many responses in a row were doubted.
    """

    page: Page[T]
    times: int = 1
    answers: int = 1

    def again(self, page: Page[T]) -> "Doubt[T]":
        """Return the doubt after `page` was received for the same request."""
        return Doubt(page, self.times + 1 if page == self.page else 1, self.answers + 1)

    @property
    def settled(self) -> bool:
        """Whether there were so many such responses that changes of the list do not explain them."""
        return self.times >= _MOST_TIMES or self.answers >= _MOST_ANSWERS


@frozen
class Step(Generic[T]):
    """The result of a response.

    Attributes:
        walk: The walk after the response.
        items: The items to return to the caller.
        start: The index of the first of them.
        keys: The keys of new items. The iterator adds them to the `seen` keys.
    """

    walk: Walk[T]
    items: tuple[T, ...] = ()
    start: int = 0
    keys: tuple[Hashable, ...] = ()


def guesses(starts: Iterable[int], asked: Slice, size: int, remaining: int | None, overlap: int = 0) -> list[Slice]:
    """Return the slices at `starts`, which follow `asked`, without those past `remaining`.

    Args:
        starts: The indexes at which they begin.
        asked: The slice requested before them.
        size: Maximum number of items to request at once.
        remaining: Maximum number of items to return from `asked` and the slices after it, or None for all.
        overlap: How many items of each slice are expected to be seen items.
    """
    if remaining is None:
        return [Slice(start, size) for start in starts]
    wanted = ((start, remaining - (start - asked.start)) for start in starts)
    return [Slice(start, min(size, many + overlap)) for start, many in wanted if many > 0]


def contradiction(asked: Slice, page: Page[Any], *, filtered: bool = False) -> PaginationError | None:
    """Return the error if `page`, the response to `asked`, contradicts itself, or None."""
    received = len(page.items)
    if received > asked.total:
        return pagination_error(asked, page, "the response has more items than requested")
    # A server that filters after slicing sends an empty page for a slice without matches. For a slice after many items
    # that do not match, it sends items past `totalCount`, which counts only matches.
    advice = _advice(filtered=filtered)
    if received == 0 and asked.start < page.total_count:
        return pagination_error(asked, page, "the response has no items, although more remain", advice)
    if received and asked.start + received > page.total_count:
        return pagination_error(asked, page, "the response has items past its totalCount", advice)
    return None


def single_page(asked: Slice, page: Page[T]) -> Page[T] | PaginationError:
    """Return `page`, the response to the only request `asked`, or the error if it contradicts itself."""
    if page.items and asked.start >= page.total_count > 0:
        # For a start past the end, some servers send the last page again. It is not part of the slice.
        return Page((), page.total_count, page.start)
    return contradiction(asked, page) or page


def _advice(*, filtered: bool) -> str:
    return f"if it filters after slicing, {FILTER_ADVICE}" if filtered else _ADVICE


def check_slice(suspect: Suspect[Any], asked: Slice, page: Page[Any]) -> None:
    """Raise the error of a server that filters after slicing, unless `page` is the complete slice `asked`."""
    if len(page.items) < min(asked.total, page.total_count - asked.start):
        what = "the server filters after slicing, so its pages overlap and an index means nothing"
        raise pagination_error(suspect.asked, suspect.page, what, FILTER_ADVICE)


def probe(suspect: Suspect[Any], total: int) -> Slice:
    """Return the slice that shows whether the server ignores `start`: it begins at the last index of the list.

    It requests at least two items, so that a server that ignores `start` can send more items than there can be.
    """
    return Slice(max(0, suspect.page.total_count - 1), max(2, total))


def check_probe(suspect: Suspect[T], asked: Slice, page: Page[T], *, filtered: bool) -> bool:
    """Return whether `page`, the response to `probe`, proves that the server respects `start`.

    If it has more items than there can be from that index, the server ignores `start` or the list changed during the
    request. If it also begins with all items of the suspect page, the server ignores `start`.

    Raises:
        PaginationError: The server ignores `start`.
    """
    if not page.items or asked.start + len(page.items) <= page.total_count:
        return True
    if page.items[: len(suspect.page.items)] == suspect.page.items:
        what = "the server ignores start: it sent the previous page again"
        raise pagination_error(suspect.asked, suspect.page, what, _advice(filtered=filtered))
    return False


def pagination_error(asked: Slice, page: Page[Any], what: str, advice: str = _ADVICE) -> PaginationError:
    return PaginationError(
        f"{what} (requested {asked.total} from index {asked.start}, received {len(page.items)}, "
        f"totalCount {page.total_count}); {advice}",
        start=asked.start,
        total=asked.total,
        received=len(page.items),
        total_count=page.total_count,
    )
