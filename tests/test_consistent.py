"""The consistent walk is right on a list that changes; the plain walk is not. The rules are those of the module."""

import os
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from benchmarks.moving import Moment, MovingList, Order, Rate, Reader, Which, consistent_walk
from benchmarks.numbered import browser_of, number_of, thread_of
from threads_async import ExecutionThread, PaginationError, ThreadPage, ThreadType
from threads_async._consistent import ConsistentWalk
from threads_async._endpoints import BROWSER_INSTANCES, THREADS, Endpoint
from threads_async._keys import keys_of
from threads_async._paging import Doubt, Slice, Step, Walk
from threads_async._place import Budget
from threads_async._plain import PlainWalk
from threads_async._states import Alone, Confirming, Doubting, Ended, Following, Probing, Seeking, Single

EXAMPLES = {"fast": 100, "ci": 2_000, "slow": 20_000}[os.environ.get("HYPOTHESIS_PROFILE", "ci")]
CREATED = datetime(2026, 3, 17, tzinfo=UTC)


class WalkMachine(RuleBasedStateMachine):
    """A walk over a list that never stops changing. It changes between requests, responses and steps of the walk.

    Prefetched requests are answered in any order, so a page may be older or newer than the one before it. At the end
    the list continues to change at the same pace until the walk has ended.
    """

    consistent: ClassVar[bool]
    make: ClassVar[Callable[..., Any]] = staticmethod(thread_of)
    endpoint: ClassVar[Endpoint[Any]] = THREADS

    @initialize(
        count=st.integers(0, 40),
        order=st.sampled_from(["append", "front", "anywhere"]),
        moment=st.sampled_from(["atomic", "slice first", "count first"]),
        twins=st.booleans(),
        total=st.integers(1, 12),
        cap=st.none() | st.integers(1, 6),
        restless=st.booleans(),
        prefetch=st.integers(0, 8),
        start=st.just(0) | st.integers(0, 45),
        max_items=st.none() | st.integers(0, 45),
        share=st.integers(0, 100),
        which=st.sampled_from(["first", "last", "any"]),
        seed=st.integers(0, 2**32),
    )
    def begin(
        self,
        count: int,
        order: Order,
        moment: Moment,
        twins: bool,
        total: int,
        cap: int | None,
        restless: bool,
        prefetch: int,
        start: int,
        max_items: int | None,
        share: int,
        which: Which,
        seed: int,
    ) -> None:
        least = 1 if order == "append" else 2
        cap = None if cap is None else max(cap, least)
        self.draw = random.Random(seed)
        self.caps = range(least, max(2, total) + 1) if restless and moment == "atomic" and cap is not None else None
        self.page = max(2, total) if cap is None else min(max(2, total), cap)
        # The pace that never changes: up to half a page with each request.
        pace = self.page * share // 200
        self.rate = Rate(pace, pace, which)
        # If the pages are capped and the count is from another moment, one page may look like the complete list.
        self.moment = moment
        twins = twins and self.endpoint is THREADS
        self.server = MovingList(count, order, moment if cap is None else "atomic", cap, twins=twins, make=self.make)
        self.server.move = lambda: self.server.churn(self.rate, self.draw)
        if self.consistent:
            walk: Walk[Any] = ConsistentWalk(
                start, total, max_items, appends=order == "append", identity=self.endpoint.identity
            )
        else:
            walk = PlainWalk(start, total, max_items)
        self.max_items = max_items
        self.prefetch = prefetch
        self.reader = Reader(walk, self.server, start, prefetch)
        self.count = count

    @rule(place=st.integers(0, 10**6), many=st.integers(1, 15))
    def some_stop(self, place: int, many: int) -> None:
        for _ in range(many):
            self.server.stop(place)

    @rule(place=st.integers(0, 10**6), many=st.integers(1, 4))
    def some_start(self, place: int, many: int) -> None:
        for _ in range(many):
            self.server.start(place)

    @precondition(lambda self: self.reader.flying)
    @rule(which=st.integers(0, 8))
    def server_answers(self, which: int) -> None:
        if self.caps is not None:
            self.server.cap = self.draw.choice(self.caps)
        self.reader.let_answer(which)

    @precondition(lambda self: self.reader.ready)
    @rule()
    def walk_goes_on(self) -> None:
        wanted = list(self.reader.flying)
        assert len(wanted) <= max(1, self.prefetch)
        assert sorted(one.start for one in wanted) == [one.start for one in wanted]
        try:
            self.reader.go_on()
        except PaginationError:
            # An error is allowed only if the list changed by more than half a page with each request, or completely.
            assert self.server.moved > self.reader.requests * min((self.page - 1) / 2, len(self.server.alive))
            self.reader.flying = {}
            self.stopped = True
        self.server.moment = self.moment

    stopped = False

    def teardown(self) -> None:
        # The eight readings and ten pages of its budget, with all requests that it may have guessed in vain.
        bound = (1 + self.prefetch) * (1 + 8 * self.server.made + 10 * self.page)
        while self.reader.flying:
            assert self.reader.requests <= bound, "the walk does not end"
            self.server_answers(0)
            self.server.churn(self.rate, self.draw)
            self.walk_goes_on()
        got = self.reader.got
        assert not self.reader.repeated or (self.server.twins and not self.consistent), "a thread came twice"
        if not self.stopped and (self.max_items is None or len(got) < self.max_items):
            assert set() == self.reader.missed, "a thread that ran during the whole walk was missed"


class ConsistentMachine(WalkMachine):
    """The consistent walk, which is right."""

    consistent = True


class ConsistentMachineOfBrowsers(ConsistentMachine):
    """The same walk over another kind of item."""

    make = staticmethod(browser_of)
    endpoint = BROWSER_INSTANCES


class PlainMachine(WalkMachine):
    """The plain walk, which is not."""

    consistent = False


STATEFUL = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    # The same examples in each run, so that only the code makes a difference. The profile `slow` draws others.
    derandomize=os.environ.get("HYPOTHESIS_PROFILE") != "slow",
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", [ConsistentMachine, ConsistentMachineOfBrowsers])
def test_the_consistent_walk_lists_every_lasting_item_exactly_once(machine: type[WalkMachine]) -> None:
    run_state_machine_as_test(machine, settings=STATEFUL)


@pytest.mark.timeout(300)
def test_the_same_machine_detects_the_fault_of_the_plain_walk() -> None:
    """An error that the walk raises does not count: the machine finds a thread that is silently missed or repeated."""
    with pytest.raises(AssertionError, match=r"was missed|came twice"):
        run_state_machine_as_test(
            PlainMachine, settings=settings(STATEFUL, phases=[Phase.generate], report_multiple_bugs=False)
        )


def thread(number: int, token: str | None = "") -> ExecutionThread:
    return thread_of(number) if token == "" else ExecutionThread(1, token, ThreadType.MANUAL, CREATED)


def page(numbers: range, total_count: int, start: int) -> ThreadPage:
    return ThreadPage(tuple(thread(number) for number in numbers), total_count, start)


def through(walk: Walk[ExecutionThread], *pages: ThreadPage) -> tuple[list[Slice], list[Step[ExecutionThread]]]:
    """Pass `pages` to `walk` one after another; return the slices that it requested and the steps."""
    slices: list[Slice] = []
    steps: list[Step[ExecutionThread]] = []
    seen: set[Any] = set()
    for one in pages:
        asked = walk.next_slice()
        assert asked is not None
        slices.append(asked)
        steps.append(walk.accept(asked, evolve(one, start=asked.start), seen))
        walk = steps[-1].walk
        seen.update(steps[-1].keys)
    return slices, steps


def state_of(step: Step[ExecutionThread]) -> object:
    assert isinstance(step.walk, ConsistentWalk)
    return step.walk.state


def numbers_of(step: Step[ExecutionThread]) -> list[int]:
    return [number_of(one) for one in step.items]


def read(
    walk: Walk[ExecutionThread], server: MovingList, between: Callable[[], object] = lambda: None
) -> tuple[list[int], list[tuple[int, int]]]:
    """Read a complete list; return the numbers of the threads received, and the slices requested."""
    reader = Reader(walk, server)
    slices: list[tuple[int, int]] = []
    while reader.flying:
        slices += [(asked.start, asked.total) for asked in reader.flying]
        reader.let_answer()
        reader.go_on()
        between()
    return [number_of(one) for one in reader.got], slices


@pytest.mark.parametrize(("total", "most"), [(1000, 11), (100, 102), (2, 10_000), (1, 10_000)])
def test_on_a_quiet_list_it_costs_one_thread_of_overlap_per_page(total: int, most: int) -> None:
    got, slices = read(consistent_walk(0, total), MovingList(10_000))

    assert list(range(10_000)) == got
    assert len(slices) <= most


@pytest.mark.parametrize("appends", [False, True])
@given(
    count=st.integers(0, 60),
    start=st.integers(0, 70),
    total=st.integers(1, 20),
    max_items=st.none() | st.integers(0, 70),
    cap=st.none() | st.integers(1, 20),
)
def test_on_a_list_that_does_not_change_it_equals_slicing(
    count: int, start: int, total: int, max_items: int | None, cap: int | None, appends: bool
) -> None:
    if not appends and cap is not None:
        cap += 1
    got, slices = read(consistent_walk(start, total, max_items, appends=appends), MovingList(count, cap=cap))

    assert list(range(count))[start:][: count if max_items is None else max_items] == got
    assert all(first < max(count, 1) for first, _ in slices[1:])


@given(count=st.integers(1, 60), total=st.integers(1, 20), taken=st.integers(0, 60), cap=st.none() | st.integers(1, 9))
def test_a_walk_that_stopped_early_continues_at_next_start(count: int, total: int, taken: int, cap: int | None) -> None:
    server = MovingList(count, cap=cap)
    reader = Reader(consistent_walk(0, total, taken), server)
    while reader.flying:
        reader.let_answer()
        reader.go_on()
    got = [number_of(one) for one in reader.got]
    if reader.walk.next_start is not None:
        got += read(consistent_walk(reader.walk.next_start, total), server)[0]

    assert list(range(count)) == got


@pytest.mark.parametrize("order", ["append", "front"])
def test_accept_is_a_function_of_the_walk_the_page_and_the_seen_items(order: Order) -> None:
    """At every step of a walk, accepting the same page twice leads to the same step."""
    server, draw = MovingList(60, order), random.Random(5)
    walk: Walk[ExecutionThread] = consistent_walk(0, 7, appends=order == "append")
    seen: set[Any] = set()
    while (asked := walk.next_slice()) is not None:
        answer = server.answer(asked)
        before = repr(walk), set(seen)
        step = walk.accept(asked, answer, seen)
        assert step == walk.accept(asked, answer, seen)
        assert before == (repr(walk), seen)
        walk = step.walk
        seen |= set(step.keys)
        server.churn(Rate(2, 2), draw)


@pytest.mark.parametrize(("count", "total"), [(40, 10), (400, 10), (1000, 100), (10_000, 1000)])
@pytest.mark.parametrize("share", [5, 10, 20, 30, 40, 50])
def test_a_list_that_changes_by_up_to_half_a_page_costs_at_most_eight_readings_and_ten_requests(
    count: int, total: int, share: int
) -> None:
    server, draw = MovingList(count), random.Random(0)
    moves = total * share // 100
    _, quiet = read(consistent_walk(0, total), MovingList(count))

    got, slices = read(
        consistent_walk(0, total), server, lambda: server.churn(Rate(moves, moves, "first", steady=True), draw)
    )

    assert server.lasting <= set(got)
    assert len(set(got)) == len(got)
    assert len(slices) <= 8 * len(quiet) + 10
    # The walk lists only the threads of the beginning and those that started while its last page was in flight.
    assert len(got) <= count + 2 * total


@pytest.mark.parametrize("prefetch", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("share", [0, 10, 30, 50])
def test_each_page_requested_ahead_adds_at_most_as_many_requests_again(prefetch: int, share: int) -> None:
    def requests(ahead: int) -> int:
        server, draw = MovingList(1000), random.Random(0)
        reader = Reader(consistent_walk(0, 100), server, prefetch=ahead)
        while reader.flying:
            while None in reader.flying.values():
                reader.let_answer()
                server.churn(Rate(share, share, "first", steady=True), draw)
            reader.go_on()
        assert set() == reader.missed
        return reader.requests

    assert requests(prefetch) <= (1 + prefetch) * requests(0)


def test_rule_1_a_page_counts_if_any_seen_thread_is_on_it() -> None:
    _, (_, second) = through(consistent_walk(0, 10), page(range(10), 40, 0), page(range(5, 15), 40, 0))

    assert [10, 11, 12, 13, 14] == numbers_of(second)


def test_rule_1_a_page_without_a_seen_thread_does_not_count() -> None:
    _, (_, second) = through(consistent_walk(0, 10), page(range(10), 40, 0), page(range(10, 20), 40, 0))

    assert () == second.items
    assert isinstance(state_of(second), Seeking)


def test_rule_1_a_page_from_index_0_always_counts() -> None:
    server = MovingList(30)

    def all_seen_stop() -> None:
        while server.alive and server.alive[0] < 10:
            server.stop(0)

    got, _ = read(consistent_walk(0, 10), server, all_seen_stop)

    assert list(range(30)) == got


def test_rule_2_threads_before_a_seen_one_have_started_since_and_next_start_is_right() -> None:
    """Two new threads are before the seen one. The first thread that was not handed out is after it."""
    shifted = (thread(90), thread(91), thread(9), thread(10))
    walk = consistent_walk(0, 10, 13, appends=False)

    _, (_, second) = through(walk, page(range(10), 40, 0), ThreadPage(shifted, 42, 9))

    assert [10] == numbers_of(second)
    assert (12, 13) == (second.start, second.walk.next_start)


def test_rule_3_it_steps_back_by_half_a_page_then_twice_as_far() -> None:
    gone = page(range(50, 60), 100, 0)
    slices, _ = through(consistent_walk(60, 10), page(range(10), 100, 60), gone, gone, gone, gone)

    assert [(60, 10), (69, 10), (64, 10), (54, 10), (34, 10)] == [(one.start, one.total) for one in slices]


def test_rule_3_it_steps_back_by_as_many_threads_as_the_list_has_lost() -> None:
    slices, _ = through(
        consistent_walk(60, 10), page(range(10), 100, 60), page(range(50, 51), 70, 0), page(range(50, 60), 70, 0)
    )

    assert [60, 69, 39] == [one.start for one in slices]


def test_rule_3_if_it_went_too_far_back_it_halves_the_distance() -> None:
    server = MovingList(4000)
    reader = Reader(consistent_walk(0, 10), server)
    for _ in range(100):
        reader.let_answer()
        reader.go_on()
    # As many threads stop at the front as start at the end, so the count does not show it.
    for _ in range(170):
        server.stop(0)
        server.start(0)
    before, known = reader.requests, len(reader.got)
    while len(reader.got) == known:
        reader.let_answer()
        reader.go_on()

    # Seven requests until the steps, which double from half a page, reach a seen thread, 14 pages too far back. Then
    # the distance is halved five times.
    assert 12 >= reader.requests - before
    while reader.flying:
        reader.let_answer()
        reader.go_on()
    assert set() == reader.missed


def test_rule_3_after_an_index_past_the_end_of_a_shrunken_list_it_requests_a_lower_one() -> None:
    slices, steps = through(
        consistent_walk(0, 10), page(range(10), 30, 0), page(range(0), 8, 9), page(range(2, 10), 8, 0)
    )

    assert [0, 9, 0] == [one.start for one in slices]
    assert Ended() == state_of(steps[-1])


def test_rule_3_nothing_is_requested_past_the_end_of_a_shrunken_list() -> None:
    first, gone = page(range(90, 100), 110, 0), page(range(0), 12, 0)
    slices, _ = through(consistent_walk(90, 10), first, gone, page(range(5), 12, 0))
    # 98 threads are gone, so the last thread seen may be at index 1.
    assert [90, 99, 1] == [one.start for one in slices]

    slices, _ = through(consistent_walk(90, 10), first, page(range(50, 55), 110, 0), gone, page(range(5), 12, 0))
    # A step back of ten would lead to index 84.
    assert [90, 99, 94, 7] == [one.start for one in slices]


def test_rule_4_the_overlap_grows_with_the_speed_of_the_list_and_shrinks_again() -> None:
    server, draw = MovingList(3000), random.Random(1)
    reader = Reader(consistent_walk(0, 100), server)
    overlaps: list[int] = []
    for number in range(30):
        walk = reader.walk
        assert isinstance(walk, ConsistentWalk)
        overlaps.append(walk.place.overlap)
        reader.let_answer()
        reader.go_on()
        server.churn(Rate(0, 10 if number < 6 else 0, "first", steady=True), draw)

    # For ten threads per request: ten, a quarter more and one, in eighths of a page.
    assert {24} == set(overlaps[4:8])
    assert 1 == overlaps[-1]


def test_rule_5_a_short_page_that_reaches_the_count_is_the_end() -> None:
    slices, steps = through(consistent_walk(0, 10, appends=False), page(range(10), 15, 0), page(range(9, 15), 15, 0))

    assert [0, 9] == [one.start for one in slices]
    assert (Ended(), None) == (state_of(steps[-1]), steps[-1].walk.next_start)


@pytest.mark.parametrize("appends", [False, True])
def test_rule_5_a_full_page_that_reaches_the_count_is_not_yet_the_end(appends: bool) -> None:
    """The slice is older than the count: five of 20 threads stopped in between, and five lasting ones remain."""
    walk = consistent_walk(0, 10, appends=appends)

    slices, steps = through(walk, page(range(10), 10, 0), page(range(9, 15), 10, 0), page(range(9, 15), 15, 0))

    assert Confirming() == state_of(steps[0])
    assert [(0, 10), (9, 10), (9, 10)] == [(one.start, one.total) for one in slices]
    assert [10, 11, 12, 13, 14] == numbers_of(steps[-1])
    assert Ended() == state_of(steps[-1])


def test_rule_5_a_page_as_large_as_the_largest_one_is_full() -> None:
    """The server caps its pages at five."""
    _, steps = through(consistent_walk(0, 10), page(range(5), 9, 0), page(range(4, 9), 9, 0), page(range(8, 9), 9, 0))

    assert [Following(), Confirming(), Ended()] == [state_of(step) for step in steps]


def test_rule_5_the_end_of_a_list_that_grows_is_confirmed_once() -> None:
    """One thread starts with each request, so each page of two is full and reaches the count."""
    _, steps = through(consistent_walk(0, 2), page(range(2), 2, 0), page(range(1, 3), 3, 0))

    assert [Confirming(), Ended()] == [state_of(step) for step in steps]


def test_rule_6_no_page_is_guessed_past_the_threads_of_the_first_count() -> None:
    pages = (page(range(10), 30, 0), page(range(9, 19), 100, 0))
    _, steps = through(consistent_walk(0, 10), *pages)
    _, others = through(consistent_walk(0, 10, appends=False), *pages)

    assert [27] == [one.start for one in steps[-1].walk.ahead(9)]
    assert [27, 36, 45, 54, 63, 72, 81, 90] == [one.start for one in others[-1].walk.ahead(9)]


def test_rule_6_it_ends_when_all_threads_of_the_first_count_have_been_passed() -> None:
    _, steps = through(consistent_walk(0, 10), page(range(10), 18, 0), page(range(9, 19), 40, 0))

    assert Ended() == state_of(steps[-1])


def test_rule_6_new_threads_count_as_passed_even_if_the_list_shifts() -> None:
    """The last page ends at index 32 of 34, but 28 had been passed before it, and nine are new."""
    slices, steps = through(
        consistent_walk(0, 10),
        page(range(10), 34, 0),
        page(range(9, 19), 34, 0),
        page(range(18, 28), 34, 0),
        page(range(32, 39), 34, 0),
        page(range(27, 37), 34, 0),
    )

    assert [0, 9, 18, 27, 22] == [one.start for one in slices]
    assert (Following(), Ended()) == (state_of(steps[2]), state_of(steps[-1]))


def test_rule_5_the_same_last_thread_again_proves_nothing_if_threads_move_to_the_right() -> None:
    """One thread stops at the front and one starts there, so the last of four is where the last of three was."""
    walk = consistent_walk(0, 3, appends=False)
    pages = (page(range(3), 6, 0), page(range(3, 6), 5, 0), page(range(2, 5), 4, 0), page(range(2, 5), 4, 0))
    _, steps = through(walk, *pages)

    assert [Confirming()] * 2 == [state_of(step) for step in steps[2:]]


@pytest.mark.parametrize("count", [187, 214])
def test_rule_6_threads_before_start_are_not_counted_twice(count: int) -> None:
    """The walk goes back to index 0 and on past the seen threads. Then all seen threads after `start` stop."""
    server = MovingList(count)
    reader = Reader(consistent_walk(50, 10), server, 50)
    stopped = False
    while reader.flying:
        walk = reader.walk
        assert isinstance(walk, ConsistentWalk)
        if reader.requests == 1:
            for _ in range(50):
                server.start(0)
        elif reader.requests == 2:
            # The count falls by so much that the step back leads to index 0.
            for _ in range(50):
                server.stop(count)
            server.stop(0)
        elif not stopped and reader.requests > 4 and walk.place.last > 69:
            stopped = True
            for _ in range(len([one for one in server.alive[: walk.place.last + 1] if one >= 50])):
                server.stop(next(place for place, one in enumerate(server.alive) if one >= 50))
        reader.let_answer()
        reader.go_on()

    assert stopped
    assert set() == reader.missed


def test_rule_6_does_not_apply_if_threads_start_at_the_front() -> None:
    _, steps = through(consistent_walk(0, 10, appends=False), page(range(10), 18, 0), page(range(9, 19), 40, 0))

    assert Following() == state_of(steps[-1])


def test_rule_6_does_not_apply_to_threads_before_start() -> None:
    """39 of 45 threads have been passed when all seen threads stop. The page at index 0 shows those before `start`."""
    unknown = page(range(90, 95), 45, 0)
    slices, steps = through(
        consistent_walk(20, 10),
        page(range(20, 30), 45, 0),
        page(range(29, 39), 45, 0),
        *[unknown] * 4,
        page(range(10), 45, 0),
    )

    assert [20, 29, 38, 33, 23, 3, 0] == [one.start for one in slices]
    assert Following() == state_of(steps[-1])


def test_rule_7_a_server_that_sends_one_thread_per_page_is_read_completely() -> None:
    got, slices = read(consistent_walk(0, 10), MovingList(5, cap=1))

    assert [0, 1, 2, 3, 4] == got
    # Three more requests for the first thread make sure. Then each thread is requested, and then the one before it. At
    # the end, the last thread is requested once more.
    assert [0, 0, 0, 0, 1, 0, 2, 1, 3, 2, 4, 3, 4] == [start for start, _ in slices]


def test_rule_7_the_previous_thread_must_still_be_at_its_index() -> None:
    one = [page(range(number, number + 1), 9, 0) for number in range(6)]
    slices, steps = through(consistent_walk(0, 10), one[0], one[0], one[0], one[0], one[2], one[1])

    doubt = Doubt(evolve(one[0], start=0))
    assert [Alone(doubt), Alone(doubt.again(doubt.page)), Single()] == [state_of(step) for step in steps[1:4]]
    assert [0, 0, 0, 0, 1, 0] == [asked.start for asked in slices]
    # A page from index 0 counts, so the thread after the one that is gone is handed out.
    assert [1] == numbers_of(steps[-1])


def test_rule_7_a_cap_that_is_lifted_is_noticed() -> None:
    server = MovingList(30, cap=1)
    reader = Reader(consistent_walk(0, 10), server)
    while len(reader.got) < 3:
        reader.let_answer()
        reader.go_on()
    server.cap = None
    before = reader.requests
    while reader.flying:
        reader.let_answer()
        reader.go_on()

    assert list(range(30)) == [number_of(one) for one in reader.got]
    assert reader.requests - before <= 7


def test_rule_7_in_another_order_one_thread_per_page_is_an_error() -> None:
    with pytest.raises(PaginationError, match="one item a page"):
        read(consistent_walk(0, 10, appends=False), MovingList(5, "anywhere", cap=1))


@pytest.mark.parametrize("count", [19, 20, 25, 100])
@pytest.mark.parametrize("total", [10, 1])
def test_rule_8_a_server_that_ignores_start_is_an_error_after_one_more_request(count: int, total: int) -> None:
    first = page(range(max(2, total)), count, 0)
    slices, steps = through(consistent_walk(0, total), first, first)

    assert isinstance(state_of(steps[-1]), Probing)
    asked = steps[-1].walk.next_slice()
    assert Slice(count - 1, max(2, total)) == asked
    with pytest.raises(PaginationError, match="ignores start"):
        steps[-1].walk.accept(asked, evolve(first, start=count - 1), set(steps[0].keys))
    assert 2 == len(slices)


@pytest.mark.parametrize("total", [1, 3, 10])
def test_rule_8_equal_threads_count_as_one_and_not_as_an_ignored_start(total: int) -> None:
    equal = [thread(0, None)] * 12

    def answer(asked: Slice) -> ThreadPage:
        return ThreadPage(tuple(equal[asked.start : asked.start + asked.total]), 12, asked.start)

    walk: Walk[ExecutionThread] = consistent_walk(0, total)
    got: list[ExecutionThread] = []
    seen: set[Any] = set()
    probes = 0
    while (asked := walk.next_slice()) is not None:
        step = walk.accept(asked, answer(asked), seen)
        walk = step.walk
        seen |= set(step.keys)
        got += step.items
        probes += isinstance(state_of(step), Probing)

    assert equal[:1] == got
    # Pages of ten need no probe: the second one has only three threads, so it is a different page.
    assert probes == (total < 10)


def test_rule_8_new_threads_at_the_front_do_not_count_as_an_ignored_start() -> None:
    """Sorted newest first: five threads start with each request, and each page begins like the one before it."""
    server, draw = MovingList(60, "front"), random.Random(0)

    got, _ = read(consistent_walk(0, 12, appends=False), server, lambda: server.churn(Rate(5, 0, steady=True), draw))

    assert set(range(60)) <= set(got)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (page(range(0), 25, 9), "no items, although more remain"),
        (page(range(9, 15), 12, 9), "items past its totalCount"),
    ],
    ids=["empty before the end", "more than counted"],
)
def test_rule_9_a_response_that_contradicts_itself_three_times_is_an_error(bad: ThreadPage, why: str) -> None:
    slices, steps = through(consistent_walk(0, 10), page(range(10), 25, 0), bad, bad)

    assert isinstance(state_of(steps[-1]), Doubting)
    asked = steps[-1].walk.next_slice()
    assert slices[1] == slices[2] == asked == Slice(9, 10)
    with pytest.raises(PaginationError, match=why):
        steps[-1].walk.accept(asked, bad, set(steps[0].keys))


def test_rule_9_a_different_contradiction_shows_that_the_list_changes_and_is_accepted() -> None:
    _, steps = through(
        consistent_walk(0, 10), page(range(10), 25, 0), page(range(9, 15), 12, 9), page(range(9, 17), 14, 9)
    )

    assert [10, 11, 12, 13, 14, 15, 16] == numbers_of(steps[-1])
    assert Ended() == state_of(steps[-1])


def test_rule_9_a_full_page_with_more_threads_than_counted_is_not_the_end() -> None:
    """The count is lower each time, and the page is full, so the list may continue."""
    _, steps = through(
        consistent_walk(0, 10), page(range(10), 19, 0), page(range(9, 19), 18, 9), page(range(9, 19), 17, 9)
    )

    assert Confirming() == state_of(steps[-1])
    assert Slice(16, 10) == steps[-1].walk.next_slice()


@pytest.mark.parametrize("count", [3, 15, 19, 24])
def test_rule_9_a_count_that_is_too_low_is_an_error(count: int) -> None:
    """The server has 25 threads but counts fewer; also if a full page ends at exactly that count."""

    def answer(asked: Slice) -> ThreadPage:
        return page(range(asked.start, min(asked.start + asked.total, 25)), count, asked.start)

    walk: Walk[ExecutionThread] = consistent_walk(0, 10)
    seen: set[Any] = set()
    with pytest.raises(PaginationError):
        while True:
            asked = walk.next_slice()
            assert asked is not None
            step = walk.accept(asked, answer(asked), seen)
            walk = step.walk
            seen |= set(step.keys)


def test_rule_11_a_server_that_never_lets_the_walk_end_is_an_error() -> None:
    """Near the end, the server has lost threads; further to the front, it has them again."""

    def answer(asked: Slice) -> ThreadPage:
        count = 100 if asked.start < 50 else 40
        return page(range(asked.start, min(asked.start + asked.total, count)), count, asked.start)

    walk: Walk[ExecutionThread] = consistent_walk(0, 10)
    seen: set[Any] = set()
    answers = 0
    with pytest.raises(PaginationError, match="faster than it can be read"):
        while True:
            asked = walk.next_slice()
            assert asked is not None
            answers += 1
            step = walk.accept(asked, answer(asked), seen)
            walk = step.walk
            seen |= set(step.keys)

    # The first response, eight times 100 threads and ten times the first page, and one response too many.
    assert 1 + 90 + 1 == answers


def test_rule_11_an_empty_page_costs_as_much_as_the_first_one() -> None:
    walk = consistent_walk(0, 10).accept(Slice(0, 10), page(range(10), 20, 0), set()).walk
    assert isinstance(walk, ConsistentWalk)
    assert walk.budget is not None
    after = walk.budget.spend(Slice(9, 10), page(range(0), 5, 9))

    assert (260, 250) == (walk.budget.left, after.left)


def test_a_page_larger_than_requested_is_an_error_at_once() -> None:
    with pytest.raises(PaginationError, match="more items than requested"):
        consistent_walk(0, 10).accept(Slice(0, 10), page(range(11), 25, 0), set())


def test_rule_10_a_page_that_the_growth_of_the_list_explains_is_not_suspect() -> None:
    """The server caps its pages at five, and two threads start at the front."""
    walk = consistent_walk(0, 10, filtered=True, appends=False)
    _, (_, second) = through(walk, page(range(5), 40, 0), page(range(2, 7), 42, 0))

    assert [5, 6] == numbers_of(second)


def test_after_a_page_without_new_threads_a_full_page_is_requested_even_if_fewer_are_wanted() -> None:
    """Sorted newest first: two threads start with each request, so pages of two would never catch up."""
    walk = consistent_walk(0, 10, 11, appends=False)
    slices, _ = through(walk, page(range(10), 40, 0), page(range(7, 9), 42, 0), page(range(7, 17), 44, 0))

    assert [(0, 10), (9, 2), (10, 10)] == [(one.start, one.total) for one in slices]


def test_rule_11_the_ten_pages_have_the_size_of_the_first_or_as_requested_on_a_shorter_list() -> None:
    assert 8 * 20 + 10 * 2 == Budget.after(page(range(2), 20, 0), 10).left
    assert 8 * 2 + 10 * 10 == Budget.after(page(range(2), 2, 0), 10).left
    assert 10 * 10 == Budget.after(page(range(0), 0, 0), 10).left


def test_rule_11_a_page_larger_than_the_first_one_costs_no_more() -> None:
    budget = Budget.after(page(range(2), 20, 0), 10)

    assert (180, 178) == (budget.left, budget.spend(Slice(1, 10), page(range(1, 11), 20, 1)).left)


def test_the_walk_resumes_at_the_unused_rest_of_a_page() -> None:
    """The list shifts by more than expected, so the last page has eight new threads, but only seven are wanted."""
    slices, steps = through(
        consistent_walk(0, 10, 25),
        page(range(10), 40, 0),
        page(range(12, 22), 40, 0),
        page(range(8, 18), 40, 0),
        page(range(17, 26), 19, 0),
    )

    assert [(0, 10), (9, 10), (4, 10), (10, 10)] == [(one.start, one.total) for one in slices]
    assert list(range(18, 25)) == numbers_of(steps[-1])
    assert (None, 18) == (steps[-1].walk.next_slice(), steps[-1].walk.next_start)


def test_with_equal_threads_no_index_skips_one_that_was_not_handed_out() -> None:
    """Threads 0, 1, 2, 2, 3: resuming at `start` plus the number taken may repeat a thread but misses none."""
    items = (thread(0), thread(1), thread(2), thread(2), thread(3))
    step = consistent_walk(0, 10).accept(Slice(0, 10), ThreadPage(items, 5, 0), set())
    cut = consistent_walk(0, 10, 3).accept(Slice(0, 3), ThreadPage(items[:3], 5, 0), set())

    assert ([0, 1, 2, 3], 0) == (numbers_of(step), step.start)
    assert ([0, 1, 2], 3) == (numbers_of(cut), cut.walk.next_start)


@pytest.mark.parametrize("again", [range(0), range(5)], ids=["empty", "the last page again"])
def test_a_consistent_walk_from_past_the_end_is_empty(again: range) -> None:
    step = consistent_walk(9, 10).accept(Slice(9, 10), page(again, 5, 9), set())

    assert ((), None, None) == (step.items, step.walk.next_slice(), step.walk.next_start)


def test_a_list_that_becomes_empty_ends_the_walk() -> None:
    _, steps = through(consistent_walk(0, 10), page(range(10), 25, 0), page(range(0), 0, 9))

    assert Ended() == state_of(steps[-1])


def test_before_the_first_page_next_start_is_the_start() -> None:
    assert 7 == consistent_walk(7, 10).next_start


# Some of these are sizes at which a set has just grown, so it is as large as it can be for its content.
@pytest.mark.parametrize("count", [309, 1_000, 1_229, 4_917, 10_000, 19_663, 50_000])
def test_the_memory_per_seen_thread_is_small(count: int) -> None:
    threads = [ExecutionThread(1, f"token-{number}" * 40, ThreadType.MANUAL, CREATED) for number in range(count)]
    tracemalloc.start()
    try:
        remembered = set(keys_of(threads, THREADS.identity))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == len(remembered)
    assert size / count < 145
