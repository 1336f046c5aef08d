"""Where a walk is in a list that moves, how fast that moves, and when to give up. Performs no I/O."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from threads_async._paging import Slice, pagination_error
from threads_async.models import Page

_READINGS: Final = 8
_PAGES: Final = 10


@frozen
class Place:
    """Where in the list a walk is, as the pages that counted show it, and how fast the list moves.

    Attributes:
        start: Index of the first item of the last page that counted.
        keys: The keys of its items; none before the first page.
        base: At least so many items of the first answer's list stand before it, if items only append; None if
            the page may be older than that answer's `totalCount`.
        stride: How many items a page is expected to hold.
        fullest: The most items that a page held.
        new: How many items of the last page that counted were new.
        total_count: `totalCount` of the newest page that was taken or dropped.
        passed: At least so many items of the first answer's list are known to be passed, if items only append.
        speed: By how many items the list shifts to the left from one answer to the next. It rises at once to what
            was observed, and falls by half of the difference.
        answers: How many answers have come since the last page that counted.
    """

    start: int = 0
    keys: tuple[Hashable, ...] = field(default=(), repr=False)
    base: int | None = None
    stride: int = 0
    fullest: int = 0
    new: int = 0
    total_count: int = 0
    passed: int = 0
    speed: int = 0
    answers: int = 0

    @property
    def last(self) -> int:
        """Index of the last item of the last page that counted; -1 before the first page."""
        return self.start + len(self.keys) - 1

    @property
    def overlap(self) -> int:
        """By how many items the next page is to overlap the last one.

        One item while the list is quiet. On a list that moves, the shift that is to be expected, a quarter more
        for safety, and one item. Rounded up to eighths of a page, so that a small change of the speed does not make
        the requests in flight useless.
        """
        if self.speed == 0:
            return 1
        unit = max(1, self.stride // 8)
        return _quotient(1 + self.speed + _quotient(self.speed, 4), unit) * unit

    def wanted(self, remaining: int | None) -> int | None:
        """Return how many new items to ask for where `remaining` may still be handed out; None for a whole page.

        A whole one also after a page that brought nothing new: a short one might not catch up with the list.
        """
        return remaining if self.new else None

    def step_back(self, total_count: int) -> int:
        """Return how far to step back from a page that does not count: half a page, or by what the list has lost."""
        return max(1, self.stride // 2, self.total_count - total_count) + self.speed

    def answered(self) -> "Place":
        """Return it after one more answer."""
        return evolve(self, answers=self.answers + 1)

    def after(  # noqa: PLR0913 - what a page shows
        self,
        asked: Slice,
        keys: Sequence[Hashable],
        total_count: int,
        new: int,
        position: int,
        *,
        full: int,
        least: int,
    ) -> "Place":
        """Return it after a page that counts.

        Args:
            asked: What was requested.
            keys: The keys of all items on the page.
            total_count: `totalCount` of the answer.
            new: How many of the items are new.
            position: Where on the page the last item stands that had been seen; -1 if there is none.
            full: How many items the server is asked for.
            least: At least so many items of the first answer's list stand before the page, by what is known else.
        """
        received = len(keys)
        is_first = not self.keys
        base = max(least, self._base_of(asked.start, keys, position))
        return Place(
            start=asked.start,
            keys=tuple(keys),
            base=None if is_first else base,
            stride=received if 1 < received < asked.total else full,
            fullest=max(received, self.fullest),
            new=new,
            total_count=total_count,
            passed=0 if is_first else max(self.passed, base + received),
            # A page without anything new overlaps too much.
            speed=0 if is_first or not new else self._speed(asked.start + position),
        )

    def _base_of(self, start: int, keys: Sequence[Hashable], position: int) -> int:
        """Return how many items stand before a page at least, by an item that it shares with the page before."""
        if self.base is None:
            return 0
        if position < 0:
            # A page of one item follows the one before it; at index 0 nothing is shared.
            return self.base + len(self.keys) if start == self.last + 1 else 0
        shared = keys[position]
        # Of items that agree in everything, it is not known which one is shared.
        if self.keys.count(shared) != 1 or keys.count(shared) != 1:
            return 0
        return self.base + self.keys.index(shared) - position

    def _speed(self, index: int) -> int:
        """Return the speed, where the last seen item is found at `index`; -1 if it is gone with all before it."""
        observed = max(0, _quotient(self.last - index, max(1, self.answers)))
        return max(observed, self.speed - _quotient(self.speed - observed, 2))


def _quotient(number: int, divisor: int) -> int:
    """Return the quotient, rounded up."""
    return -(-number // divisor)


@frozen
class Budget:
    """How many items may still be received, so that a walk ends however the list moves.

    Attributes:
        count: `totalCount` of the first answer.
        page: How many items the first page held, or was to hold if the list was not longer.
        left: How many items may still be received.
    """

    count: int
    page: int
    left: int

    @classmethod
    def after(cls, page: Page[Any], size: int) -> "Budget":
        """Return the budget after the first answer: eight readings of the list, and ten pages.

        Args:
            page: The first answer.
            size: How many items a page is to hold.
        """
        held = len(page.items) if 0 < len(page.items) < page.total_count - page.start else size
        return cls(page.total_count, held, _READINGS * page.total_count + _PAGES * held)

    def spend(self, asked: Slice, page: Page[Any]) -> "Budget":
        """Return the budget after one more answer. An empty page costs as much as the first page.

        Raises:
            PaginationError: Nothing was left.
        """
        if self.left <= 0:
            raise pagination_error(asked, page, "the list moves faster than it can be read")
        return evolve(self, left=self.left - min(self.page, len(page.items) or self.page))
