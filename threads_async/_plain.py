"""The plain walk, which reads slice after slice by index. Performs no I/O.

Rule 1. `start` advances by the number of items received, so a server that caps its pages costs more requests but no
        items are missed.
Rule 2. The walk ends when `start` plus the number of items received reaches `totalCount` of the latest response.
        Nothing past that end is requested.
Rule 3. Some servers send their last page again for a `start` at or past their own `totalCount`. Its items are not
        taken.
Rule 4. A page larger than requested is a `PaginationError` at once.
Rules 5, 6 and 7 are the doubts of `_paging`: the server may ignore `start`, a response contradicts itself, and the
        server may filter after slicing. A page raises the third doubt if it shares an item with a short page before
        it.
"""

from typing import Generic, TypeAlias

from attrs import evolve, frozen

from threads_async._checks import INT32_MAX
from threads_async._paging import (
    Doubt,
    Seen,
    Slice,
    Step,
    Suspect,
    check_probe,
    check_slice,
    contradiction,
    guesses,
    pagination_error,
    probe,
)
from threads_async.models import Page, T


@frozen
class Checking(Suspect[T]):
    """A page that looks as if the server filtered after slicing (rule 7)."""


@frozen
class Probing(Suspect[T]):
    """A page that looks as if the server ignored `start` (rule 5)."""


Waiting: TypeAlias = Doubt[T] | Checking[T] | Probing[T]
"""The purpose of the next request, if it is not the next page."""


@frozen
class PlainWalk(Generic[T]):
    """The state of a plain walk between two requests.

    Attributes:
        start: Index of the next item to request.
        total: Maximum number of items to request at once.
        remaining: Maximum number of items still to return, or None for all.
        filtered: Whether the query has a filter.
        exhausted: Whether the end of the list has been reached.
        stride: The expected number of items on a page: `total`, or the size of the last page if it was smaller.
        previous: The previous page, or None at the beginning.
        waiting: The purpose of the next request; None if it is the next page.
        trusted: Whether the server is known not to ignore `start` (rule 5).
    """

    start: int
    total: int
    remaining: int | None = None
    filtered: bool = False
    exhausted: bool = False
    stride: int = 0
    previous: Page[T] | None = None
    waiting: Waiting[T] | None = None
    trusted: bool = False

    @property
    def next_start(self) -> int | None:
        """The index at which to resume; None at the end of the list."""
        return None if self.exhausted else self.start

    def next_slice(self) -> Slice | None:
        """Return the slice to request next, or None if nothing is left to request."""
        if self.exhausted or self.remaining == 0:
            return None
        if isinstance(self.waiting, Checking) and self.previous is not None:
            return Slice(self.previous.start, len(self.previous.items))
        if isinstance(self.waiting, Probing):
            return probe(self.waiting, self.total)
        return Slice(self.start, self.total if self.remaining is None else min(self.total, self.remaining))

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that follow `next_slice` if the list does not change."""
        if self.previous is None or self.exhausted or isinstance(self.waiting, Probing):
            return []
        starts = range(self.start + self.stride, self.previous.total_count, self.stride)[:count]
        return guesses(starts, Slice(self.start, self.total), self.total, self.remaining)

    def accept(self, asked: Slice, page: Page[T], seen: Seen = frozenset()) -> Step[T]:  # noqa: ARG002
        """Return the step after `page`, the response to `asked`. The plain walk does not use `seen`.

        Raises:
            PaginationError: The pages contradict each other (rules 4 to 7).
        """
        waiting = self.waiting
        if isinstance(waiting, Checking):
            check_slice(waiting, asked, page)
            return _take(evolve(self, waiting=None), waiting.asked, waiting.page)
        if isinstance(waiting, Probing):
            trusted = check_probe(waiting, asked, page, filtered=self.filtered)
            return _take(evolve(self, waiting=None, trusted=trusted), waiting.asked, waiting.page, probed=True)
        if len(page.items) <= asked.total and self._is_past_the_end(asked, page):
            return Step(evolve(self, exhausted=True))
        if self._is_suspect(page):
            return Step(evolve(self, waiting=Checking(asked, page)))
        return _take(self, asked, page)

    def _is_past_the_end(self, asked: Slice, page: Page[T]) -> bool:
        """Return whether `asked` begins past the end, so that the items on `page` do not belong to it (rule 3)."""
        if asked.start < page.total_count:
            return False
        if not page.items or (self.previous is None and asked.start > 0):
            return True
        # Either the list has shrunk since the previous page, or `totalCount` is wrong. If the list has shrunk and the
        # server sent its last page again, that page shares items with the previous one.
        return self.previous is not None and not set(self.previous.items).isdisjoint(page.items)

    def _is_suspect(self, page: Page[T]) -> bool:
        """Return whether `page` shares an item with a short page before it (rule 7)."""
        before = self.previous
        if before is None or not self.filtered or self.stride == self.total:
            return False
        return not set(before.items).isdisjoint(page.items)


def _take(walk: PlainWalk[T], asked: Slice, page: Page[T], *, probed: bool = False) -> Step[T]:
    """Take a page that is not past the end (rules 1, 2, 4, 5 and 6)."""
    received = len(page.items)
    before = () if walk.previous is None or walk.trusted or probed else walk.previous.items
    if page.items[:1] == before[:1] != () and received >= min(asked.total, len(before)):
        return Step(evolve(walk, waiting=Probing(asked, page)))
    error = contradiction(asked, page, filtered=walk.filtered)
    if error is not None:
        first = not isinstance(walk.waiting, Doubt)
        doubt = walk.waiting.again(page) if isinstance(walk.waiting, Doubt) else Doubt(page)
        if received > asked.total or doubt.settled:
            raise error
        if first or doubt.times > 1 or received == 0:
            return Step(evolve(walk, waiting=doubt))
    after = asked.start + received
    exhausted = after >= page.total_count
    if not exhausted and after > INT32_MAX:
        raise pagination_error(asked, page, "the list continues past the largest start that the API accepts")
    remaining = None if walk.remaining is None else walk.remaining - received
    after_page = PlainWalk(
        start=after,
        total=walk.total,
        remaining=remaining,
        filtered=walk.filtered,
        exhausted=exhausted,
        stride=received if received < asked.total else walk.total,
        previous=page,
        trusted=walk.trusted,
    )
    return Step(after_page, page.items, asked.start)
