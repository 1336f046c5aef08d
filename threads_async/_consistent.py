"""The walk that is right on a list that moves. Performs no I/O.

A plain walk by offset skips threads: when one stops that stood before `start`, all behind it shift to the left. This
walk asks for each page from the last thread that it has seen, so that each page shows its own place in the list.

Let the threads that live through the whole walk be the lasting ones, and assume that no two of them ever change places.

Rule 1. A page counts if it holds a thread already seen, or begins at the beginning of the list (or of the walk). Then
        every lasting thread up to its end has been seen once the page is taken. For: all lasting ones up to a seen
        thread have been seen before, and between it and the end of the page none is missing.
Rule 2. A page that does not count is thrown away, and the walk steps back: by as many threads as the list has lost,
        then twice as many each time, until a page counts.
Rule 3. What is seen already is not handed out again.
Rule 4. The walk ends with a page that counts and reaches `totalCount`.
Rule 5. A page that begins like the one before it, further on, counts only if so many threads have come in before it.
        Else the server may ignore `start`: three times in a row is a `PaginationError`.
Rule 6. A server that gives one thread a page leaves no room for an overlap. Then the next thread is asked for alone,
        and counts if the thread before it is found at its place once more, afterwards. That needs one more assumption:
        threads start at the end only, so that none ever moves to the right.

Rule 7. A server that filters after slicing sends short pages that overlap by more than was asked for. So if the list is
        filtered, and a page after a short one shows more seen threads than the overlap and the growth of the list
        explain, the page before is asked for again in its received size, as by rule 6 of the plain walk. If fewer
        threads come, that is a `PaginationError`: places mean nothing, and the walk would end too early.

It does not matter when a page was made, only what is on it; so pages may be asked for ahead, in any order. Under rule
6 nothing is asked for ahead, so that the second look at the thread before is a new one.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from attrs import evolve, field, frozen

from threads_async._paging import Slice, Step, Suspect, check_slice, contradiction, pagination_error
from threads_async.models import ExecutionThread, ThreadPage

_DIGEST_SIZE: Final = 15
"""Bytes of a key. 2¹²⁰ keys make a mistaken identity a matter of theory, and 15 bytes fill an object of 48."""

_MOST_REPEATS: Final = 3

_PATIENCE: Final = 1000
"""How many answers in a row may bring nothing new, besides those that a walk back and forth over all seen explains."""


def key_of(thread: ExecutionThread) -> bytes:
    """Return what tells `thread` from others, in a few bytes: its token, or all else where it has none."""
    text = thread.thread_token
    if text is None:
        text = f"{thread.workspace_id} {thread.created_at.isoformat()} {thread.type}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_SIZE).digest()


@frozen
class _Alone:
    """A page of threads of which it is not known whether one was skipped before them (rule 6)."""

    asked: Slice
    page: ThreadPage


@frozen
class ConsistentWalk:
    """The consistent walk between two requests.

    Attributes:
        start: Index to ask from: that of the last thread seen, as far as is known.
        total: Most threads to ask for at once.
        remaining: How many threads may still be handed out, or None for all.
        filtered: Whether only some threads are asked for.
        exhausted: Whether the end of the list has been reached.
        resume: Index of the first thread not handed out.
        seen: The keys of the threads seen. It grows as the walk goes on, and all values of one walk share it.
        last: The key of the thread seen last, or None at the beginning.
        first: The key of the first thread of the page taken last.
        first_start: Index of that thread.
        stride: How many threads a page is expected to hold.
        total_count: `totalCount` of the newest answer.
        back: How far to step back from a page that does not count; 0 when the last one counted.
        single: Whether the server gives one thread a page.
        alone: The page that waits for the thread before it to be found in its place.
        suspect: The page that waits for the page before to be looked at again (rule 7).
        doubted: Whether the last answer contradicted itself.
        fruitless: How many answers in a row brought nothing new.
        repeats: How many of them looked as if the server ignored `start`.
    """

    start: int
    total: int
    remaining: int | None = None
    filtered: bool = False
    exhausted: bool = False
    resume: int = 0
    seen: set[bytes] = field(factory=set[bytes], repr=False)
    last: bytes | None = None
    first: bytes | None = None
    first_start: int = 0
    stride: int = 0
    total_count: int = 0
    back: int = 0
    single: bool = False
    alone: _Alone | None = None
    suspect: Suspect | None = None
    doubted: bool = False
    fruitless: int = 0
    repeats: int = 0

    @property
    def next_start(self) -> int | None:
        """Where to resume; None at the end of the list."""
        return None if self.exhausted else self.resume

    def next_slice(self) -> Slice | None:
        """Return what to ask for next, or None when there is nothing more to ask for."""
        if self.exhausted or self.remaining == 0:
            return None
        if self.suspect is not None:
            return Slice(self.first_start, self.start + 1 - self.first_start)
        if self.single and not self.back:
            return Slice(self.start + (self.alone is None), self._size)
        if self.back or self.remaining is None:
            return Slice(self.start, self._size)
        return Slice(self.start, min(self._size, self.remaining + (self.last is not None)))

    @property
    def _size(self) -> int:
        # One thread is the overlap, so a page must hold two to bring any.
        return max(2, self.total)

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that will be asked for after `next_slice`, if nothing moves."""
        if self.exhausted or self.last is None or self.back or self.single:
            return []
        starts = range(self.start + self.stride - 1, self.total_count - 1, self.stride - 1)[:count]
        if self.remaining is None:
            return [Slice(start, self._size) for start in starts]
        left = ((start, self.remaining - (start - self.start)) for start in starts)
        return [Slice(start, min(self._size, wanted + 1)) for start, wanted in left if wanted > 0]

    def accept(self, asked: Slice, page: ThreadPage) -> Step:
        """Take the answer to `asked`.

        Raises:
            PaginationError: An answer contradicts itself twice, or answers go on and on without anything new.
        """
        if self.fruitless > _PATIENCE + 4 * len(self.seen):
            raise pagination_error(asked, page, "the list moves faster than it can be read")
        if self.suspect is not None:
            check_slice(self.suspect, asked, page)
            return self._judge(self.suspect.asked, self.suspect.page)
        if asked.start >= page.total_count and len(page.items) <= asked.total and (page.total_count or not page.items):
            return self._shrunk(page)
        error = contradiction(asked, page, filtered=self.filtered)
        if error is not None:
            if len(page.items) > asked.total or self.doubted:
                raise error
            return Step(evolve(self, doubted=True))
        if self._is_suspect(asked, page):
            return Step(evolve(self, suspect=Suspect(asked, page), fruitless=self.fruitless + 1))
        return self._judge(asked, page)

    def _judge(self, asked: Slice, page: ThreadPage) -> Step:
        """Take a sound page, keep it for later, or throw it away."""
        keys = [key_of(thread) for thread in page.items]
        if self.alone is not None and asked.start == self.start and keys == [self.last]:
            # The thread before stands where it stood, and none moves to the right: so it stood there in between.
            return self._take(self.alone.asked, self.alone.page, [key_of(one) for one in self.alone.page.items])
        if self._is_repeated(asked, page, keys):
            if self.repeats == _MOST_REPEATS - 1:
                raise pagination_error(asked, page, "the page before came again, as if start were ignored")
            return self._step_back(asked.start, page, repeats=self.repeats + 1)
        if self.last is None or asked.start == 0 or not self.seen.isdisjoint(keys):
            return self._take(asked, page, keys)
        if self.single and not self.back and asked.start == self.start + 1:
            return Step(
                evolve(self, alone=_Alone(asked, page), suspect=None, doubted=False, fruitless=self.fruitless + 1)
            )
        return self._step_back(asked.start, page)

    def _shrunk(self, page: ThreadPage) -> Step:
        """Go on from the end of a list that has become shorter than the index asked from."""
        if self.last is None or page.total_count == 0:
            return Step(evolve(self, exhausted=True))
        # The last thread of the list stands at its count less one.
        return self._step_back(page.total_count, page)

    def _is_suspect(self, asked: Slice, page: ThreadPage) -> bool:
        """Tell whether `page` shows more seen threads than an honest server can send (rule 7)."""
        if not self.filtered or self.back or not (self.single or 0 < self.stride < self._size):
            return False
        overlap = max(0, self.start + 1 - asked.start) + max(0, page.total_count - self.total_count)
        return sum(key_of(thread) in self.seen for thread in page.items) > overlap

    def _is_repeated(self, asked: Slice, page: ThreadPage, keys: list[bytes]) -> bool:
        """Tell whether `page` begins like the page before although it is one further on (rule 5)."""
        distance = asked.start - self.first_start
        return keys[0] == self.first and 0 < distance > page.total_count - self.total_count

    def _step_back(self, start: int, page: ThreadPage, *, repeats: int = 0) -> Step:
        back = max(1, 2 * self.back, self.total_count - page.total_count if not self.back else 0)
        walk = evolve(
            self,
            start=max(0, start - back),
            back=back,
            total_count=page.total_count,
            alone=None,
            suspect=None,
            doubted=False,
            fruitless=self.fruitless + 1,
            repeats=repeats,
        )
        return Step(walk)

    def _take(self, asked: Slice, page: ThreadPage, keys: list[bytes]) -> Step:
        """Take a page that counts."""
        items = tuple(self._unseen(page, keys))
        received = len(keys)
        after = asked.start + received
        left = len(items) if self.remaining is None else min(len(items), self.remaining)
        exhausted = after >= page.total_count and left == len(items)
        walk = evolve(
            self,
            start=after - 1,
            remaining=None if self.remaining is None else self.remaining - left,
            exhausted=exhausted,
            resume=after - (len(items) - left),
            last=keys[-1],
            first=keys[0],
            first_start=asked.start,
            stride=received if 1 < received < asked.total else self._size,
            total_count=page.total_count,
            back=0,
            single=received == 1 and (self.single or not items) and not exhausted,
            alone=None,
            suspect=None,
            doubted=False,
            fruitless=0 if items else self.fruitless + 1,
            repeats=0 if items else self.repeats,
        )
        return Step(walk, items[:left], after - len(items))

    def _unseen(self, page: ThreadPage, keys: list[bytes]) -> Iterator[ExecutionThread]:
        for thread, key in zip(page.items, keys, strict=True):
            if key not in self.seen:
                self.seen.add(key)
                yield thread
