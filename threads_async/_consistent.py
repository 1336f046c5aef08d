"""The walk that stays correct on a list that changes while it is read. Performs no I/O.

A walk by index misses items: when an item before `start` is removed, all items behind it shift to the left. This walk
requests pages that overlap, so that each page shows where it belongs in the list.

An item is *lasting* if it is in the list during the whole walk. The walk assumes that no two items change places, that
a page is a slice of the list at one moment, and `totalCount` is the list's length at one moment of the same request.

Rule 1. A page is accepted if it contains an item already seen, starts at index 0, or is the first page. Every lasting
        item from the beginning of the walk to the end of the page has then been seen: those before a seen item were
        seen earlier, and none is missing between the seen item and the end of the page.
Rule 2. Of an accepted page, the items after the last seen one are new. Unseen ones before it are later additions.
Rule 3. A page that is not accepted is dropped. The walk steps back by half a page, or by the number of items that the
        list has lost if that is more, plus the speed of the list. Each further step is twice as long. If all items of a
        page are already seen, the walk tries halfway between this page and the last dropped one.
Rule 4. The overlap is one item while the list does not shift, and otherwise follows the speed at which it shifts.
Rule 5. An accepted page that reaches `totalCount` and is short (with fewer items than requested and than the fullest
        page so far) is the last one. A full page may have reached only the `totalCount` of another moment, so the walk
        requests one more page, which overlaps it.
Rule 6. N₀ is `totalCount` of the first response. If new items are only added at the end, all lasting items are among
        these N₀ items. Items shift only to the left, so at least i of the N₀ were before the item at index i. If it is
        d places after another item of its page, at least d more were before it than before that item. The walk ends
        when an accepted page ends N₀ items from the beginning. The first page may be older than N₀ and is not counted.
Rule 7. If the server sends one item a page, pages cannot overlap. The walk then requests the next item, and after it
        the previous one again. If that is still at its index, it was there when the next one was read, because no item
        moves to the right. The next item is then accepted. If items can move right, the walk raises `PaginationError`.
Rules 8, 9 and 10 are the doubts of `_paging`: the server may ignore `start`, a response contradicts itself, and the
        server may filter after slicing. A page raises the third doubt if it contains more seen items than the overlap
        and the growth of the list explain.
Rule 11. After the first response, the walk may receive eight times N₀ items and ten pages. Then the list changes too
        fast: a `PaginationError`. A page costs no more than the first one, or a full page if the first reached the end.

A page is accepted for what it contains, not for when it was made, so pages may be requested ahead, in any order.
"""

from collections.abc import Callable, Hashable
from typing import Generic

from attrs import evolve, field, frozen

from threads_async import _states as states
from threads_async._keys import at, first_places, keys_of, last_place
from threads_async._paging import (
    Doubt,
    Seen,
    Slice,
    Step,
    check_probe,
    check_slice,
    contradiction,
    guesses,
    pagination_error,
    probe,
)
from threads_async._place import Budget, Place
from threads_async.models import Page, T


@frozen
class ConsistentWalk(Generic[T]):
    """The state of a consistent walk between two requests.

    Attributes:
        start: Index at which the walk begins.
        total: Maximum number of items to request at once; 1 counts as 2.
        identity: Returns the value that distinguishes an item from all others.
        remaining: Maximum number of items still to return, or None for all.
        filtered: Whether the query has a filter.
        appends: Whether new items are only added at the end, as in the order ``CreatedAt``.
        state: What the next response is for.
        place: The position in the list, and how fast the list shifts.
        budget: How many items may still be received; None before the first response.
        resume: Index of the first item not yet returned.
        trusted: Whether the server is known not to ignore `start`.
    """

    start: int
    total: int
    identity: Callable[[T], Hashable] = field(kw_only=True, repr=False)
    remaining: int | None = None
    filtered: bool = False
    appends: bool = True
    state: states.State[T] = field(factory=states.Beginning)
    place: Place = field(factory=Place)
    budget: Budget | None = None
    resume: int | None = None
    trusted: bool = False

    @property
    def next_start(self) -> int | None:
        """The index at which to resume; None at the end of the list."""
        if isinstance(self.state, states.Ended):
            return None
        return self.start if self.resume is None else self.resume

    @property
    def size(self) -> int:
        """Maximum number of items on a page: at least two, because one is the overlap."""
        return max(2, self.total)

    def next_slice(self) -> Slice | None:  # noqa: PLR0911 - one for each state
        """Return the slice to request next, or None if nothing is left to request."""
        last, size, wanted = self.place.last, self.size, self.place.wanted(self.remaining)
        if self.remaining == 0 or isinstance(self.state, states.Ended):
            return None
        match self.state:
            case states.Beginning():
                return Slice(self.start, size if self.remaining is None else min(size, self.remaining))
            case states.Seeking(start=start):
                return Slice(start, size)
            case states.Single(next=following):
                return Slice(last + (following is None), size)
            case states.Probing() as suspect:
                return probe(suspect, size)
            case states.Checking():
                return Slice(self.place.start, last + 1 - self.place.start)
            case states.Doubting(then=then):
                return evolve(self, state=then).next_slice()
            case _:  # Following, Confirming or Alone
                start = max(0, min(last + 1, self.place.total_count) - self.place.overlap)
                return Slice(start, size if wanted is None else min(size, wanted + last + 1 - start))

    def ahead(self, count: int) -> list[Slice]:
        """Return up to `count` slices that follow `next_slice` if the list does not change."""
        asked, stride, overlap = self.next_slice(), self.place.stride, self.place.overlap
        if asked is None or self.budget is None or self.state != states.Following() or overlap >= stride:
            return []
        end = min(self.place.total_count, self.budget.count) if self.appends else self.place.total_count
        starts = range(asked.start + stride - overlap, end - overlap, stride - overlap)[:count]
        return guesses(starts, asked, self.size, self.place.wanted(self.remaining), overlap)

    def accept(self, asked: Slice, page: Page[T], seen: Seen) -> Step[T]:
        """Return the step after `page`, the response to `asked`. `seen` contains the keys of all earlier steps.

        Raises:
            PaginationError: The pages contradict each other (rules 7 to 10), or the list changes too fast (rule 11).
        """
        budget = Budget.after(page, self.size) if self.budget is None else self.budget.spend(asked, page)
        walk = evolve(self, budget=budget, place=self.place.answered())
        match self.state:
            case states.Checking(then=then) as check:
                check_slice(check, asked, page)
                return _judge(evolve(walk, state=then), check.asked, check.page, seen)
            case states.Probing(then=then) as probing:
                trusted = check_probe(probing, asked, page, filtered=self.filtered)
                return _judge(evolve(walk, state=then, trusted=trusted), probing.asked, probing.page, seen, probed=True)
            case states.Doubting(doubt=doubt, then=then):
                return _hear(evolve(walk, state=then), asked, page, seen, doubt)
            case _:
                return _hear(walk, asked, page, seen)


def _hear(walk: ConsistentWalk[T], asked: Slice, page: Page[T], seen: Seen, doubt: Doubt[T] | None = None) -> Step[T]:
    """Judge the page, unless it contradicts itself or is suspect (rules 9 and 10)."""
    error = contradiction(asked, page, filtered=walk.filtered)
    if error is not None and len(page.items) > asked.total:
        raise error
    if asked.start >= page.total_count and (page.total_count or not page.items):
        if isinstance(walk.state, states.Beginning) or page.total_count == 0:
            return Step(evolve(walk, state=states.Ended()))
        return _step_back(walk, asked.start, page)
    if error is not None:
        again = Doubt(page) if doubt is None else doubt.again(page)
        if again.settled:
            raise error
        if doubt is None or again.times > 1 or not page.items:
            return Step(evolve(walk, state=states.Doubting(again, walk.state)))
    if _is_suspect(walk, asked, page, seen):
        return Step(evolve(walk, state=states.Checking(asked, page, walk.state)))
    return _judge(walk, asked, page, seen)


def _is_suspect(walk: ConsistentWalk[T], asked: Slice, page: Page[T], seen: Seen) -> bool:
    """Return whether `page` contains more seen items than a server that filters first can send (rule 10)."""
    if not walk.filtered or isinstance(walk.state, states.Beginning | states.Seeking):
        return False
    if not isinstance(walk.state, states.Single) and walk.place.stride == walk.size:
        return False
    grown = max(0, page.total_count - walk.place.total_count)
    overlap = max(0, walk.place.last + 1 - asked.start)
    return sum(key in seen for key in keys_of(page.items, walk.identity)) > overlap + grown


def _judge(walk: ConsistentWalk[T], asked: Slice, page: Page[T], seen: Seen, *, probed: bool = False) -> Step[T]:
    """Accept the page, keep it until another response confirms it, or drop it."""
    keys = keys_of(page.items, walk.identity)
    place = walk.place
    again = (keys[0],) == place.keys[:1] and len(keys) >= min(asked.total, place.fullest)  # Rule 8
    if again and asked.start > place.start and not (walk.trusted or probed):
        return Step(evolve(walk, state=states.Probing(asked, page, walk.state)))
    # Rule 7: first the next item, then the previous one again.
    if isinstance(walk.state, states.Single):
        following = walk.state.next
        if following is None and asked.start == place.last + 1 and seen.isdisjoint(keys):
            return Step(evolve(walk, state=states.Single(page)))
        if following is not None and asked.start == place.last and (*keys,) == place.keys[-1:]:
            later = keys_of(following.items, walk.identity)
            return _take(walk, Slice(following.start, walk.size), following, later, -1)
    # Rule 1.
    position = last_place(keys, seen)
    if position >= 0 or asked.start == 0 or isinstance(walk.state, states.Beginning):
        return _take(walk, asked, page, keys, position)
    return _step_back(walk, asked.start, page)


def _step_back(walk: ConsistentWalk[T], high: int, page: Page[T]) -> Step[T]:
    """Drop `page`, which has no seen item at the index `high` or after it (rule 3)."""
    place = evolve(walk.place, total_count=page.total_count)
    return Step(evolve(walk, state=states.stepped_back(walk.state, walk.place, high, page.total_count), place=place))


def _take(walk: ConsistentWalk[T], asked: Slice, page: Page[T], keys: list[Hashable], position: int) -> Step[T]:
    """Accept a page. Its last seen item is at `position`; -1 if it has none."""
    # Of items with equal keys, only the first one is taken.
    places = first_places(keys, position + 1)
    items = at(places[: walk.remaining], page.items)
    # Rule 6. If a filter is set, the server may filter after slicing, and then indexes prove nothing. If the walk began
    # at index 0 and a page from there has no seen item, all items that the walk has passed are gone from the list.
    least = 0 if walk.filtered else asked.start
    least = walk.place.passed if position < 0 and asked.start == walk.start == 0 else least
    place = walk.place.after(asked, keys, page.total_count, len(places), position, full=walk.size, least=least)
    all_taken = len(items) == len(places)
    after_page = evolve(
        walk,
        remaining=None if walk.remaining is None else walk.remaining - len(items),
        state=_state_after(walk, asked, page, place, bool(items)) if all_taken else states.Following(),
        place=place,
        resume=asked.start + (len(keys) if all_taken else places[len(items)]),
    )
    return Step(after_page, items, asked.start + position + 1, at(places, keys))


def _state_after(walk: ConsistentWalk[T], asked: Slice, page: Page[T], place: Place, new: bool) -> states.State[T]:
    """Return the state after an accepted page; `place` is the position after it (rules 3, 5, 6 and 7)."""
    received = len(page.items)
    # Rules 5 and 6.
    done = walk.appends and walk.budget is not None and place.passed >= walk.budget.count
    if place.last + 1 >= page.total_count:
        short = received < min(asked.total, walk.place.fullest or asked.total)
        # The same item is last again, at the same index: the list has not shifted, so it ended there at some moment. If
        # items also move to the right, only a page of one item proves that.
        same = (place.last, place.keys[-1:]) == (walk.place.last, walk.place.keys[-1:])
        same = same and (walk.appends or received == 1)
        twice = walk.state == states.Confirming() and place.last + 1 == page.total_count and (done or same)
        return states.Ended() if short or twice else states.Confirming()
    if done:
        return states.Ended()
    if new:
        return states.Single() if isinstance(walk.state, states.Single) else states.Following()
    # Rule 7.
    if received == 1 and asked.start == walk.place.last:
        doubt = walk.state.doubt.again(page) if isinstance(walk.state, states.Alone) else Doubt(page)
        if not doubt.settled:
            return states.Alone(doubt)
        if not walk.appends:
            what = "the server sends one item a page, which can be read consistently only if new ones are added last"
            raise pagination_error(asked, page, what, "read it without consistent=True")
        return states.Single()
    # Rule 3.
    return states.too_far_back(walk.state, walk.place, place)
