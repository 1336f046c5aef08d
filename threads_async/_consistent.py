"""The walk that is right on a list that changes while it is read. Performs no I/O.

A walk by offset skips threads: when a thread before `start` stops, all threads behind it shift to the left. This walk
requests pages that overlap, so that each page shows its own place in the list.

A thread is *lasting* if it runs during the whole walk. Assumed is that no two threads ever change places, that a
page is a slice of the list at one moment, and that `totalCount` is its length at that or another moment between request
and answer.

Rule 1. A page counts if it holds a thread already seen, starts at index 0, or is the first page. Then every lasting
        thread up to its end has been seen once the page is taken: those before a seen thread were seen earlier, and
        between it and the end of the page none is missing.
Rule 2. Of a page that counts, the threads behind the last seen one are new. Unseen threads before it have started
        since, and are left out.
Rule 3. A page that does not count is dropped, and the walk steps back: by half a page or by what the list has lost,
        then twice as far each time. If it comes so far back that a whole page has been seen, it halves the distance.
Rule 4. The next page overlaps the last one by one thread while the list is quiet, and by its speed while it moves.
Rule 5. The walk ends with a page that counts, reaches `totalCount` and is short: it holds fewer threads than requested
        and than the fullest page so far. A full page that reaches `totalCount` proves nothing, since the two may be
        from different moments; so one more page is requested that overlaps it.
Rule 6. If new threads only append, the lasting threads are among the first N₀, where N₀ is the `totalCount` of the
        first answer. Threads shift only to the left, so at least as many of them stand before a thread as its index
        says, and at least as many as stand before another one and between the two on a page. When a page that counts
        ends N₀ threads from the beginning, the walk ends. The first page proves nothing, as it may be older than N₀.
Rule 7. A server that sends one thread a page leaves no room for an overlap. Then the next thread is requested alone,
        and taken if the thread before it is found at its place once more, afterwards: no thread moves to the right, so
        it was there in between. In an order in which threads do move to the right, this is a `PaginationError`.
Rules 8, 9 and 10 are the doubts of `_paging`: the server may ignore `start`, an answer contradicts itself, and the
        server may filter after slicing. The third is raised by a page with more seen threads than the overlap and the
        growth of the list explain.
Rule 11. All answers together may hold as many threads as eight readings of the list at the first answer and ten pages,
        a page being no more than the first one. Another answer is a `PaginationError`: the list moves too fast.

Only what is on a page matters, not when it was made, so pages may be requested ahead and answered in any order.
"""

from collections.abc import Hashable

from attrs import evolve, field, frozen

from threads_async import _states as states
from threads_async._identity import key_of
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
from threads_async.models import ThreadPage


@frozen
class ConsistentWalk:
    """The consistent walk between two requests.

    Attributes:
        start: Index at which the walk begins.
        total: Maximum number of threads to request at once.
        remaining: How many threads may still be handed out, or None for all.
        filtered: Whether only some threads are requested.
        appends: Whether new threads only append, as in the order ``CreatedAt``.
        state: What the next answer is for.
        place: Where in the list it is, and how fast that moves.
        budget: How much may still be received; None before the first answer.
        resume: Index of the first thread not handed out.
        trusted: Whether the server is known not to ignore `start`.
    """

    start: int
    total: int
    remaining: int | None = None
    filtered: bool = False
    appends: bool = True
    state: states.State = field(factory=states.Beginning)
    place: Place = field(factory=Place)
    budget: Budget | None = None
    resume: int | None = None
    trusted: bool = False

    @property
    def next_start(self) -> int | None:
        """Where to resume; None at the end of the list."""
        if isinstance(self.state, states.Ended):
            return None
        return self.start if self.resume is None else self.resume

    @property
    def size(self) -> int:
        """Maximum number of threads on a page: two at least, since one is the overlap."""
        return max(2, self.total)

    def next_slice(self) -> Slice | None:  # noqa: PLR0911 - one for each state
        """Return what to ask for next, or None when there is nothing more to ask for."""
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
        """Return up to `count` slices that will be asked for after `next_slice`, if nothing moves."""
        asked, stride, overlap = self.next_slice(), self.place.stride, self.place.overlap
        if asked is None or self.budget is None or self.state != states.Following() or overlap >= stride:
            return []
        end = min(self.place.total_count, self.budget.count) if self.appends else self.place.total_count
        starts = range(asked.start + stride - overlap, end - overlap, stride - overlap)[:count]
        return guesses(starts, asked, self.size, self.place.wanted(self.remaining), overlap)

    def accept(self, asked: Slice, page: ThreadPage, seen: Seen) -> Step:
        """Take the answer to `asked`, where `seen` holds the keys of all steps before.

        Raises:
            PaginationError: The pages contradict each other (rules 7 to 10), or the list moves too fast (rule 11).
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


def _hear(walk: ConsistentWalk, asked: Slice, page: ThreadPage, seen: Seen, doubt: Doubt | None = None) -> Step:
    """Judge the page unless something is wrong with it in itself (rules 9 and 10)."""
    error = contradiction(asked, page, filtered=walk.filtered)
    if error is not None and len(page.items) > asked.total:
        raise error
    if asked.start >= page.total_count and (page.total_count or not page.items):
        if isinstance(walk.state, states.Beginning) or page.total_count == 0:
            return Step(evolve(walk, state=states.Ended()))
        return _step_back(walk, asked.start, page)
    # Rule 9.
    if error is not None:
        again = Doubt(page) if doubt is None else doubt.again(page)
        if again.settled:
            raise error
        if doubt is None or again.times > 1 or not page.items:
            return Step(evolve(walk, state=states.Doubting(again, walk.state)))
    if _is_suspect(walk, asked, page, seen):
        return Step(evolve(walk, state=states.Checking(asked, page, walk.state)))
    return _judge(walk, asked, page, seen)


def _is_suspect(walk: ConsistentWalk, asked: Slice, page: ThreadPage, seen: Seen) -> bool:
    """Tell whether `page` shows more seen threads than a server that filters first can send (rule 10)."""
    if not walk.filtered or isinstance(walk.state, states.Beginning | states.Seeking):
        return False
    if not isinstance(walk.state, states.Single) and walk.place.stride == walk.size:
        return False
    grown = max(0, page.total_count - walk.place.total_count)
    overlap = max(0, walk.place.last + 1 - asked.start)
    return sum(key_of(thread) in seen for thread in page.items) > overlap + grown


def _judge(walk: ConsistentWalk, asked: Slice, page: ThreadPage, seen: Seen, *, probed: bool = False) -> Step:
    """Take a page, keep it until more is known, or drop it."""
    keys = [key_of(thread) for thread in page.items]
    place = walk.place
    again = (keys[0],) == place.keys[:1] and len(keys) >= min(asked.total, place.fullest)  # Rule 8
    if again and asked.start > place.start and not (walk.trusted or probed):
        return Step(evolve(walk, state=states.Probing(asked, page, walk.state)))
    # Rule 7: first the next thread, then the one before it once more.
    if isinstance(walk.state, states.Single):
        following = walk.state.next
        if following is None and asked.start == place.last + 1 and seen.isdisjoint(keys):
            return Step(evolve(walk, state=states.Single(page)))
        if following is not None and asked.start == place.last and (*keys,) == place.keys[-1:]:
            later = [key_of(thread) for thread in following.items]
            return _take(walk, Slice(following.start, walk.size), following, later, -1)
    # Rule 1.
    position = next((index for index in reversed(range(len(keys))) if keys[index] in seen), -1)
    if position >= 0 or asked.start == 0 or isinstance(walk.state, states.Beginning):
        return _take(walk, asked, page, keys, position)
    return _step_back(walk, asked.start, page)


def _step_back(walk: ConsistentWalk, high: int, page: ThreadPage) -> Step:
    """Drop `page`, on which nothing at or after the index `high` has been seen (rule 3)."""
    place = evolve(walk.place, total_count=page.total_count)
    return Step(evolve(walk, state=states.stepped_back(walk.state, walk.place, high, page.total_count), place=place))


def _take(walk: ConsistentWalk, asked: Slice, page: ThreadPage, keys: list[Hashable], position: int) -> Step:
    """Take a page that counts, whose last seen thread is at `position`; -1 if there is none."""
    # Of threads that agree in everything, the first one.
    new = dict(zip(reversed(keys[position + 1 :]), range(len(keys) - 1, position, -1), strict=True))
    places = sorted(new.values())
    items = tuple([page.items[index] for index in places[: walk.remaining]])
    # Rule 6. To a server that filters after slicing, an index means something else. And if nothing on a page from
    # index 0 has been seen, all that was seen stood before it, unless it begins before the walk.
    least = walk.place.passed if position < 0 and asked.start == walk.start == 0 else asked.start
    least = 0 if walk.filtered and position >= 0 else least
    place = walk.place.after(asked, keys, page.total_count, len(new), position, full=walk.size, least=least)
    after_page = evolve(
        walk,
        remaining=None if walk.remaining is None else walk.remaining - len(items),
        state=_state_after(walk, asked, page, place, bool(new)) if len(items) == len(new) else states.Following(),
        place=place,
        resume=asked.start + (places[len(items)] if len(items) < len(new) else len(keys)),
    )
    return Step(after_page, items, asked.start + position + 1, tuple(new))


def _state_after(walk: ConsistentWalk, asked: Slice, page: ThreadPage, place: Place, new: bool) -> states.State:
    """Return the state after a page that counts and leads to `place` (rules 3, 5, 6 and 7)."""
    received = len(page.items)
    # Rules 5 and 6.
    done = walk.appends and walk.budget is not None and place.passed >= walk.budget.count
    if place.last + 1 >= page.total_count:
        short = received < min(asked.total, walk.place.fullest or asked.total)
        # If the same thread is last again, at the same index, the list ended there in between: it has not shifted.
        # Where threads move to the right too, only a thread that comes alone shows that.
        same = (place.last, place.keys[-1:]) == (walk.place.last, walk.place.keys[-1:]) and (
            walk.appends or received == 1
        )
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
            what = "the server sends one thread a page, which can be read consistently in the order CreatedAt only"
            raise pagination_error(asked, page, what, "read it without consistent=True")
        return states.Single()
    # Rule 3.
    return states.too_far_back(walk.state, walk.place, place)
