"""Which slice of the list to ask for next, and when to stop. Performs no I/O.

A walk is a frozen value between two requests. `next_slice` says what to ask for; `accept` takes the answer and returns
the walk after it with the threads to hand out; `ahead` guesses what will be asked for after that. The consistent walk
stands in `_consistent`.

The plain walk:

Rule 1. `start` advances by the threads that came, so a server that caps its pages costs requests, not threads.
Rule 2. The walk ends when `start` plus what came reaches `totalCount` by the newest answer. Nothing is asked for past
        that end.
Rule 3. An answer that contradicts itself (empty before its own end, or more threads than its own count) is asked for
        once more, since a thread may have started or stopped between the server's count and its slice. Twice is a
        `PaginationError`.
Rule 4. A page larger than asked for, or the page before it once more (the server ignores `start`), is a
        `PaginationError` at once.
Rule 5. What a server sends for a `start` at or past its own count is no part of the list: some send the last page
        again.
Rule 6. A server that filters after slicing sends short pages, and the next one begins in the middle of the page
        before. So if the list is filtered, and a page after a short one shares a thread with it, the page before is
        asked for again, in its received size. If fewer threads come, the server filtered out some of just that slice:
        a `PaginationError` before any thread is handed out twice. If as many come, it is an honest list that has moved.
        On a list that stands still, this is exact: a page whose whole slice matches cannot overlap with the next one.
"""

from typing import Final, Protocol

from attrs import evolve, frozen

from threads_async.errors import PaginationError
from threads_async.models import INT32_MAX, ExecutionThread, ThreadPage

_ADVICE: Final = "the list cannot be read reliably from this server"
FILTER_ADVICE: Final = "list without type and thread_token, and filter the threads yourself"
"""The way out where the server filters after slicing."""


@frozen
class Slice:
    """One request: at most `total` threads from index `start`."""

    start: int
    total: int


class Walk(Protocol):
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

    def accept(self, asked: Slice, page: ThreadPage) -> "Step":
        """Take the answer to `asked`, or raise `PaginationError`."""
        ...


@frozen
class Suspect:
    """A page that looks as if the server filtered after slicing, until that is known (rule 6)."""

    asked: Slice
    page: ThreadPage


@frozen
class Step:
    """What an answer leads to: the walk after it, the threads to hand out, and the index of the first of them."""

    walk: Walk
    items: tuple[ExecutionThread, ...] = ()
    start: int = 0


def contradiction(asked: Slice, page: ThreadPage, *, filtered: bool = False) -> PaginationError | None:
    """Return what is wrong with `page` in itself as an answer to `asked`, or None."""
    received = len(page.items)
    if received > asked.total:
        return pagination_error(asked, page, "more threads came than were asked for")
    # A server that filters after slicing shows nothing of a slice without matches, and more matches than it counts of
    # one whose start is behind those that were skipped.
    advice = f"if it filters after slicing, {FILTER_ADVICE}" if filtered else _ADVICE
    if received == 0 and asked.start < page.total_count:
        return pagination_error(asked, page, "no thread came, though more remain", advice)
    if received and asked.start + received > page.total_count:
        return pagination_error(asked, page, "more threads came than the server counts", advice)
    return None


def check_slice(suspect: Suspect, asked: Slice, page: ThreadPage) -> None:
    """Raise the error of a server that filters after slicing unless `page` is all of the slice `asked` (rule 6)."""
    if len(page.items) < min(asked.total, page.total_count - asked.start):
        what = "the server filters after slicing, so its pages overlap and their places mean nothing"
        raise pagination_error(suspect.asked, suspect.page, what, FILTER_ADVICE)


def pagination_error(asked: Slice, page: ThreadPage, what: str, advice: str = _ADVICE) -> PaginationError:
    return PaginationError(
        f"{what} (asked for {asked.total} from {asked.start}, received {len(page.items)}, "
        f"totalCount {page.total_count}); {advice}",
        start=asked.start,
        total=asked.total,
        received=len(page.items),
        total_count=page.total_count,
    )


@frozen
class PlainWalk:
    """The walk by offset.

    Attributes:
        start: Index of the next thread to ask for.
        total: Most threads to ask for at once.
        remaining: How many threads may still be handed out, or None for all.
        filtered: Whether only some threads are asked for.
        exhausted: Whether the end of the list has been reached.
        stride: How many threads a page is expected to hold: `total`, or what the server last sent instead.
        previous: The page before, or None at the beginning.
        doubted: Whether the last answer contradicted itself.
        suspect: A page that waits for the page before to be looked at again (rule 6).
    """

    start: int
    total: int
    remaining: int | None = None
    filtered: bool = False
    exhausted: bool = False
    stride: int = 0
    previous: ThreadPage | None = None
    doubted: bool = False
    suspect: Suspect | None = None

    @property
    def next_start(self) -> int | None:
        """Where to resume; None at the end of the list."""
        return None if self.exhausted else self.start

    def next_slice(self) -> Slice | None:
        """Return what to ask for next, or None when there is nothing more to ask for."""
        if self.exhausted or self.remaining == 0:
            return None
        if self.suspect is not None and self.previous is not None:
            return Slice(self.previous.start, len(self.previous.items))
        return Slice(self.start, self.total if self.remaining is None else min(self.total, self.remaining))

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that will be asked for after `next_slice`, if nothing moves."""
        if self.previous is None or self.exhausted:
            return []
        starts = range(self.start + self.stride, self.previous.total_count, self.stride)[:count]
        if self.remaining is None:
            return [Slice(start, self.total) for start in starts]
        left = ((start, self.remaining - (start - self.start)) for start in starts)
        return [Slice(start, min(self.total, wanted)) for start, wanted in left if wanted > 0]

    def accept(self, asked: Slice, page: ThreadPage) -> Step:
        """Take the answer to `asked`.

        Raises:
            PaginationError: The pages contradict each other (rules 3, 4 and 6).
        """
        if self.suspect is not None:
            check_slice(self.suspect, asked, page)
            return self._take(self.suspect.asked, self.suspect.page)
        if len(page.items) <= asked.total and self._is_past_the_end(asked, page):
            return Step(evolve(self, exhausted=True))
        if self._is_suspect(page):
            return Step(evolve(self, suspect=Suspect(asked, page)))
        return self._take(asked, page)

    def _take(self, asked: Slice, page: ThreadPage) -> Step:
        received = len(page.items)
        if self._is_repeated(page):
            raise pagination_error(asked, page, "the page before came again, as if start were ignored")
        error = contradiction(asked, page, filtered=self.filtered)
        if error is not None:
            if received > asked.total or self.doubted:
                raise error
            return Step(evolve(self, doubted=True, suspect=None))
        after = asked.start + received
        exhausted = after == page.total_count
        if not exhausted and after > INT32_MAX:
            raise pagination_error(asked, page, "the list goes on past the largest start that the API takes")
        remaining = None if self.remaining is None else self.remaining - received
        walk = PlainWalk(
            start=after,
            total=self.total,
            remaining=remaining,
            filtered=self.filtered,
            exhausted=exhausted,
            stride=received if received < asked.total else self.total,
            previous=page,
        )
        return Step(walk, page.items, asked.start)

    def _is_past_the_end(self, asked: Slice, page: ThreadPage) -> bool:
        """Tell whether `asked` begins past the end, so that the items on `page` are none of it (rule 5)."""
        if asked.start < page.total_count:
            return False
        if not page.items or (self.previous is None and asked.start > 0):
            return True
        # Here the list has shrunk since the page before, or the count is a lie. The last page of a list that shrank
        # has threads in common with the page before; what has none is not explained by that.
        return self.previous is not None and not set(self.previous.items).isdisjoint(page.items)

    def _is_suspect(self, page: ThreadPage) -> bool:
        """Tell whether `page` shares a thread with a short page before it."""
        before = self.previous
        if before is None or not self.filtered or self.stride == self.total:
            return False
        return not set(before.items).isdisjoint(page.items)

    def _is_repeated(self, page: ThreadPage) -> bool:
        """Tell whether `page` begins with the thread that the page before began with (rule 4).

        In a list that moves that can be honest: with new threads at the front, everything shifts back. So it counts
        only while fewer threads came in than one page holds.
        """
        before = self.previous
        if before is None or not page.items or page.items[0] != before.items[0]:
            return False
        return page.total_count - before.total_count < len(before.items)
