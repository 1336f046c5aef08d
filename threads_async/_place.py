"""Where a consistent walk is in the list, how fast the list shifts, and when to give up. Performs no I/O."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from threads_async._paging import Slice, pagination_error
from threads_async.models import Page

_READINGS: Final = 8
_PAGES: Final = 10


@frozen
class Place:
    """The position of a walk in the list, according to the accepted pages, and the speed of the list.

    Attributes:
        start: Index of the first item of the last accepted page.
        keys: The keys of its items; none before the first page.
        base: If new items are only added at the end, at least this many items of the original list (at the first
            response) come before that page or are gone from between its items. None if the page may be older than that
            list.
        stride: The expected number of items on a page.
        fullest: The number of items on the largest page so far.
        new: The number of new items on the last accepted page.
        total_count: `totalCount` of the latest page that was accepted or dropped.
        passed: If new items are only added at the end, the walk has passed at least this many items of the original
            list.
        speed: The number of items by which the list shifts to the left from one response to the next. It rises at once
            to the observed value, and falls by half of the difference. After a page without new items it is 0.
        answers: The number of responses since the last accepted page.
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
        """Index of the last item of the last accepted page; -1 before the first page."""
        return self.start + len(self.keys) - 1

    @property
    def overlap(self) -> int:
        """The number of items by which the next page overlaps the last one.

        One item while the list does not shift. While it shifts: the expected shift, a quarter more for safety, and one
        item. This is rounded up to eighths of a page, so that a small change of speed does not make the requests in
        flight useless.
        """
        if self.speed == 0:
            return 1
        unit = max(1, self.stride // 8)
        return _quotient(1 + self.speed + _quotient(self.speed, 4), unit) * unit

    def wanted(self, remaining: int | None) -> int | None:
        """Return the number of new items to request if `remaining` are still to be returned; None for a full page.

        After a page without new items it is a full page too, because a short page might not catch up with the list.
        """
        return remaining if self.new else None

    def step_back(self, total_count: int) -> int:
        """Return how far to step back from a dropped page.

        Half a page, or as many items as the list has lost if that is more. The speed of the list is added.
        """
        return max(1, self.stride // 2, self.total_count - total_count) + self.speed

    def answered(self) -> "Place":
        """Return the place after one more response."""
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
        """Return the place after an accepted page.

        Args:
            asked: The slice that was requested.
            keys: The keys of all items on the page.
            total_count: `totalCount` of the response.
            new: The number of new items on the page.
            position: The position on the page of the last seen item; -1 if there is none.
            full: The number of items that a full page has.
            least: A known minimum for `base`.
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
            # If a page has no new items, the overlap was too large.
            speed=0 if is_first or not new else self._speed(asked.start + position),
        )

    def _base_of(self, start: int, keys: Sequence[Hashable], position: int) -> int:
        """Return the `base` of a page, from an item that it shares with the previous page."""
        if self.base is None:
            return 0
        if position < 0:
            # Without a shared item, a page of one item (rule 7) directly follows the last one. A page at index 0 does
            # not, so nothing is known.
            return self.base + len(self.keys) if start == self.last + 1 else 0
        shared = keys[position]
        # Of items with equal keys, it is not known which one is shared.
        if self.keys.count(shared) != 1 or keys.count(shared) != 1:
            return 0
        return self.base + self.keys.index(shared) - position

    def _speed(self, index: int) -> int:
        """Return the speed, given the present index of the last seen item.

        An `index` of -1 means that this item and all items before it are gone.
        """
        observed = max(0, _quotient(self.last - index, max(1, self.answers)))
        return max(observed, self.speed - _quotient(self.speed - observed, 2))


def _quotient(number: int, divisor: int) -> int:
    """Return the quotient, rounded up."""
    return -(-number // divisor)


@frozen
class Budget:
    """The number of items that may still be received, so that a walk ends however the list changes.

    Attributes:
        count: `totalCount` of the first response.
        page: The size of the first page. If that reached the end of the list, the size of a full page.
        left: The number of items that may still be received.
    """

    count: int
    page: int
    left: int

    @classmethod
    def after(cls, page: Page[Any], size: int) -> "Budget":
        """Return the budget after the first response: eight readings of the list, and ten pages.

        Args:
            page: The first page.
            size: The number of items on a full page.
        """
        held = len(page.items) if 0 < len(page.items) < page.total_count - page.start else size
        return cls(page.total_count, held, _READINGS * page.total_count + _PAGES * held)

    def spend(self, asked: Slice, page: Page[Any]) -> "Budget":
        """Return the budget after one more response. An empty page costs as much as the first page.

        Raises:
            PaginationError: The budget is used up.
        """
        if self.left <= 0:
            raise pagination_error(asked, page, "the list changes faster than it can be read")
        return evolve(self, left=self.left - min(self.page, len(page.items) or self.page))
