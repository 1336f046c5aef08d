"""The plain walk: slice after slice by offset. Performs no I/O.

Rule 1. `start` advances by the items that came, so a server that caps its pages costs requests, not items.
Rule 2. The walk ends when `start` plus what came reaches `totalCount` by the newest answer. Nothing is asked for past
        that end.
Rule 3. What a server sends for a `start` at or past its own count is no part of the list: some send the last page
        again.
Rule 4. A page larger than requested is a `PaginationError` at once.
Rules 5, 6 and 7 are the doubts of `_paging`: the server may ignore `start`, an answer contradicts itself, and the
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
"""What the next answer is for, if it is not the next page."""


@frozen
class PlainWalk(Generic[T]):
    """The walk by offset.

    Attributes:
        start: Index of the next item to ask for.
        total: Most items to ask for at once.
        remaining: How many items may still be handed out, or None for all.
        filtered: Whether only some items are asked for.
        exhausted: Whether the end of the list has been reached.
        stride: How many items a page is expected to hold: `total`, or what the server last sent instead.
        previous: The page before, or None at the beginning.
        waiting: What the next answer is for; None if it is the next page.
        trusted: Whether the server is known to heed `start` (rule 5).
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
        """Where to resume; None at the end of the list."""
        return None if self.exhausted else self.start

    def next_slice(self) -> Slice | None:
        """Return what to ask for next, or None when there is nothing more to ask for."""
        if self.exhausted or self.remaining == 0:
            return None
        if isinstance(self.waiting, Checking) and self.previous is not None:
            return Slice(self.previous.start, len(self.previous.items))
        if isinstance(self.waiting, Probing):
            return probe(self.waiting, self.total)
        return Slice(self.start, self.total if self.remaining is None else min(self.total, self.remaining))

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that will be asked for after `next_slice`, if nothing moves."""
        if self.previous is None or self.exhausted or isinstance(self.waiting, Probing):
            return []
        starts = range(self.start + self.stride, self.previous.total_count, self.stride)[:count]
        return guesses(starts, Slice(self.start, self.total), self.total, self.remaining)

    def accept(self, asked: Slice, page: Page[T], seen: Seen = frozenset()) -> Step[T]:  # noqa: ARG002
        """Take the answer to `asked`. What was `seen` does not matter here.

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
        """Tell whether `asked` begins past the end, so that the items on `page` are none of it (rule 3)."""
        if asked.start < page.total_count:
            return False
        if not page.items or (self.previous is None and asked.start > 0):
            return True
        # Here the list has shrunk since the page before, or the count is a lie. The last page of a list that shrank
        # has items in common with the page before; what has none is not explained by that.
        return self.previous is not None and not set(self.previous.items).isdisjoint(page.items)

    def _is_suspect(self, page: Page[T]) -> bool:
        """Tell whether `page` shares an item with a short page before it."""
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
        raise pagination_error(asked, page, "the list goes on past the largest start that the API takes")
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
