"""The consistent walk: right on a list that moves, and the plain walk is not."""

import os
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from threads_async import ExecutionThread, PaginationError, ThreadPage, ThreadType
from threads_async._consistent import ConsistentWalk, key_of
from threads_async._paging import PlainWalk, Slice, Walk

CREATED = datetime(2026, 3, 17, tzinfo=UTC)
EXAMPLES = {"fast": 100, "ci": 2_000, "slow": 20_000}[os.environ.get("HYPOTHESIS_PROFILE", "ci")]


def thread(number: int) -> ExecutionThread:
    # Some threads have no token, and are told apart by the rest.
    token = None if number % 5 == 0 else f"token-{number}"
    return ExecutionThread(1, token, ThreadType.MANUAL, CREATED + timedelta(seconds=number))


def number_of(one: ExecutionThread) -> int:
    return int((one.created_at - CREATED).total_seconds())


class MovingList:
    """A server whose threads start at the end and stop anywhere."""

    def __init__(self, count: int, cap: int | None = None) -> None:
        self.alive = list(range(count))
        self.made = count
        self.cap = cap
        self.lasting = set(self.alive)

    def start(self) -> None:
        self.alive.append(self.made)
        self.made += 1

    def stop(self, place: int) -> None:
        if self.alive:
            self.lasting.discard(self.alive.pop(place % len(self.alive)))

    def answer(self, asked: Slice) -> ThreadPage:
        total = asked.total if self.cap is None else min(asked.total, self.cap)
        shown = self.alive[asked.start : asked.start + total]
        return ThreadPage(tuple(thread(number) for number in shown), len(self.alive), asked.start)


class WalkMachine(RuleBasedStateMachine):
    """A walk over a moving list: requests go out, are answered, and are taken, and the list moves in between.

    Requests ahead are answered in any order, so a page may be older or newer than the one before it.
    """

    kind: ClassVar[type[ConsistentWalk | PlainWalk]]

    def __init__(self) -> None:
        super().__init__()
        self.server = MovingList(0)
        self.walk: Walk = PlainWalk(0, 1)
        self.prefetch = 0
        self.flying: dict[Slice, ThreadPage | None] = {}
        self.got: list[int] = []
        self.requests = 0

    @initialize(
        count=st.integers(0, 40),
        total=st.integers(1, 12),
        cap=st.none() | st.integers(1, 6),
        prefetch=st.integers(0, 8),
    )
    def begin(self, count: int, total: int, cap: int | None, prefetch: int) -> None:
        self.server = MovingList(count, cap)
        self.walk = self.kind(0, total)
        self.prefetch = prefetch
        self.plan()

    def plan(self) -> None:
        """Have in flight what the iterator would have: see `PageIterator` and `Ahead`."""
        asked = self.walk.next_slice()
        if asked is None:
            self.flying = {}
        elif self.prefetch == 0:
            self.flying = {asked: None}
        else:
            wanted = [asked, *self.walk.ahead(self.prefetch - 1)]
            assert len(set(wanted)) == len(wanted) <= self.prefetch
            assert [one.start for one in wanted] == sorted(one.start for one in wanted)
            self.flying = {one: self.flying.get(one) for one in wanted}

    @rule(place=st.integers(0, 10**6))
    def one_stops(self, place: int) -> None:
        self.server.stop(place)

    @rule(place=st.integers(0, 10**6), many=st.integers(2, 15))
    def many_stop(self, place: int, many: int) -> None:
        for _ in range(many):
            self.server.stop(place)

    @rule(many=st.integers(1, 4))
    def some_start(self, many: int) -> None:
        for _ in range(many):
            self.server.start()

    @precondition(lambda self: None in self.flying.values())
    @rule(which=st.integers(0, 8))
    def server_answers(self, which: int) -> None:
        waiting = [asked for asked, page in self.flying.items() if page is None]
        asked = waiting[which % len(waiting)]
        self.flying[asked] = self.server.answer(asked)
        self.requests += 1

    @precondition(lambda self: self.flying)
    @rule()
    def walk_goes_on(self) -> None:
        asked = self.walk.next_slice()
        assert asked is not None
        page = self.flying.pop(asked)
        if page is None:
            page = self.server.answer(asked)
            self.requests += 1
        step = self.walk.accept(asked, page)
        self.walk = step.walk
        self.got += [number_of(one) for one in step.items]
        self.plan()

    def teardown(self) -> None:
        # The list stands still from here on, so the walk must come to its end.
        self.requests = 0
        while self.walk.next_slice() is not None:
            self.walk_goes_on()
            assert self.requests < 20 + 4 * self.server.made, "the walk does not end"
        assert len(set(self.got)) == len(self.got), "a thread came twice"
        assert self.server.lasting <= set(self.got), "a thread that lived through the walk was missed"
        assert set(self.got) <= set(range(self.server.made))


class ConsistentMachine(WalkMachine):
    """The walk that is right."""

    kind = ConsistentWalk


class PlainMachine(WalkMachine):
    """The walk that is not."""

    kind = PlainWalk


STATEFUL = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(300)
def test_the_consistent_walk_gives_every_lasting_thread_exactly_once() -> None:
    run_state_machine_as_test(ConsistentMachine, settings=STATEFUL)


@pytest.mark.timeout(300)
def test_the_plain_walk_does_not_which_shows_that_the_machine_sees_it() -> None:
    """Errors of the walk do not count: what the machine finds is a thread silently missed or repeated."""
    with pytest.raises(AssertionError, match=r"was missed|came twice"):
        run_state_machine_as_test(
            PlainMachine, settings=settings(STATEFUL, phases=[Phase.generate], report_multiple_bugs=False)
        )


def read(walk: Walk, server: MovingList, between: Callable[[], None] = lambda: None) -> tuple[list[int], list[Slice]]:
    got: list[int] = []
    slices: list[Slice] = []
    while (asked := walk.next_slice()) is not None:
        slices.append(asked)
        step = walk.accept(asked, server.answer(asked))
        walk = step.walk
        assert step.items == () or number_of(step.items[0]) in server.alive
        got += [number_of(one) for one in step.items]
        between()
    return got, slices


@pytest.mark.parametrize(("total", "most"), [(1000, 11), (100, 102), (2, 10_000), (1, 10_000)])
def test_without_churn_it_costs_one_thread_of_overlap_a_page(total: int, most: int) -> None:
    got, slices = read(ConsistentWalk(0, total), MovingList(10_000))

    assert list(range(10_000)) == got
    assert len(slices) <= most


@given(
    count=st.integers(0, 60),
    start=st.integers(0, 70),
    total=st.integers(1, 20),
    max_items=st.none() | st.integers(0, 70),
    cap=st.none() | st.integers(1, 20),
)
def test_on_a_list_that_stands_still_it_equals_slicing(
    count: int, start: int, total: int, max_items: int | None, cap: int | None
) -> None:
    walk = ConsistentWalk(start, total, max_items, resume=start)

    got, slices = read(walk, MovingList(count, cap))

    assert list(range(count))[start:][: count if max_items is None else max_items] == got
    assert all(asked.start < max(count, 1) for asked in slices[1:])


@given(count=st.integers(1, 60), total=st.integers(1, 20), taken=st.integers(0, 60), cap=st.none() | st.integers(1, 9))
def test_next_start_leads_on_where_it_stopped(count: int, total: int, taken: int, cap: int | None) -> None:
    server = MovingList(count, cap)
    walk: Walk = ConsistentWalk(0, total, taken)
    got: list[int] = []
    while (asked := walk.next_slice()) is not None:
        step = walk.accept(asked, server.answer(asked))
        walk = step.walk
        got += [number_of(one) for one in step.items]
    if walk.next_start is not None:
        rest, _ = read(ConsistentWalk(walk.next_start, total, resume=walk.next_start), server)
        got += rest

    assert list(range(count)) == got


@pytest.mark.parametrize("seed", range(20))
def test_a_long_list_under_steady_churn_is_read_whole(seed: int) -> None:
    draw = random.Random(seed)
    server = MovingList(3000)

    def churn() -> None:
        for _ in range(draw.randrange(8)):
            if draw.random() < 0.5:
                server.stop(draw.randrange(3000))
            else:
                server.start()

    got, slices = read(ConsistentWalk(0, 100), server, churn)

    assert server.lasting <= set(got)
    assert len(set(got)) == len(got)
    assert len(slices) < 120


def test_when_all_that_was_seen_has_stopped_it_begins_anew() -> None:
    server = MovingList(30)

    def all_seen_stop() -> None:
        server.alive = [number for number in server.alive if number >= 10]

    got, _ = read(ConsistentWalk(0, 10), server, all_seen_stop)

    assert list(range(30)) == got


def test_threads_that_start_in_front_are_no_harm() -> None:
    """Sorted newest first, every new thread shifts the rest to the right."""
    numbers = list(range(100, 0, -1))

    class NewestFirst(MovingList):
        def answer(self, asked: Slice) -> ThreadPage:
            shown = self.alive[asked.start : asked.start + asked.total]
            page = ThreadPage(tuple(thread(number) for number in shown), len(self.alive), asked.start)
            self.alive[:0] = [self.made, self.made + 1]
            self.made += 2
            return page

    server = NewestFirst(0)
    server.alive, server.made = list(numbers), 1000

    got, _ = read(ConsistentWalk(0, 10), server)

    assert numbers == [number for number in got if number < 1000]


def page(numbers: range, total_count: int, start: int) -> ThreadPage:
    return ThreadPage(tuple(thread(number) for number in numbers), total_count, start)


@pytest.mark.parametrize("count", [19, 20, 25, 100])
@pytest.mark.parametrize("total", [10, 1])
def test_a_server_that_ignores_start_is_an_error(count: int, total: int) -> None:
    class IgnoresStart(MovingList):
        def answer(self, asked: Slice) -> ThreadPage:
            return page(range(min(asked.total, count)), count, asked.start)

    with pytest.raises(PaginationError):
        read(ConsistentWalk(0, total), IgnoresStart(count))


@pytest.mark.parametrize(
    "bad",
    [page(range(0), 25, 9), page(range(9, 15), 12, 9)],
    ids=["empty before the end", "more than counted"],
)
def test_an_answer_that_contradicts_itself_twice_is_an_error(bad: ThreadPage) -> None:
    walk = ConsistentWalk(0, 10).accept(Slice(0, 10), page(range(10), 25, 0)).walk
    walk = walk.accept(Slice(9, 10), bad).walk

    assert Slice(9, 10) == walk.next_slice()
    with pytest.raises(PaginationError):
        walk.accept(Slice(9, 10), bad)


def test_a_page_larger_than_asked_for_is_an_error_at_once() -> None:
    with pytest.raises(PaginationError, match="more threads came than were asked for"):
        ConsistentWalk(0, 10).accept(Slice(0, 10), page(range(11), 25, 0))


@pytest.mark.parametrize("again", [(), (0, 5)])
def test_a_start_past_the_end_gives_nothing(again: Any) -> None:
    step = ConsistentWalk(9, 10, resume=9).accept(Slice(9, 10), page(range(*again) if again else range(0), 5, 9))

    assert ((), None, None) == (step.items, step.walk.next_slice(), step.walk.next_start)


def test_a_list_that_becomes_empty_ends_the_walk() -> None:
    walk = ConsistentWalk(0, 10).accept(Slice(0, 10), page(range(10), 25, 0)).walk

    assert None is walk.accept(Slice(9, 10), page(range(0), 0, 9)).walk.next_slice()


def test_a_first_page_with_more_than_it_counts_is_an_error() -> None:
    walk = ConsistentWalk(0, 10).accept(Slice(0, 10), page(range(3), 0, 0)).walk
    with pytest.raises(PaginationError, match="more threads came than the server counts"):
        walk.accept(Slice(0, 10), page(range(3), 0, 0))


def test_a_server_that_never_lets_it_end_is_an_error() -> None:
    """Asked near the end it has lost threads, asked further in front it has them again."""

    def answer(asked: Slice) -> ThreadPage:
        count = 100 if asked.start < 50 else 40
        return page(range(asked.start, min(asked.start + asked.total, count)), count, asked.start)

    walk: Walk = ConsistentWalk(0, 10)
    with pytest.raises(PaginationError, match="faster than it can be read"):
        while True:
            asked = walk.next_slice()
            assert asked is not None
            walk = walk.accept(asked, answer(asked)).walk


@pytest.mark.parametrize("count", [1_000, 10_000, 50_000])
def test_what_is_remembered_of_a_thread_is_small(count: int) -> None:
    tracemalloc.start()
    try:
        remembered = {key_of(thread(number)) for number in range(count)}
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == len(remembered)
    assert size / count < 130


def test_threads_are_told_apart_by_token_or_else_by_all_the_rest() -> None:
    one = ExecutionThread(1, None, ThreadType.MANUAL, CREATED)
    others = [
        ExecutionThread(2, None, ThreadType.MANUAL, CREATED),
        ExecutionThread(1, None, "Cloud", CREATED),
        ExecutionThread(1, None, ThreadType.MANUAL, CREATED + timedelta(microseconds=1)),
        ExecutionThread(1, "", ThreadType.MANUAL, CREATED),
    ]

    assert key_of(one) == key_of(ExecutionThread(1, None, "Manual", CREATED))
    assert key_of(ExecutionThread(1, "t", "Manual", CREATED)) == key_of(ExecutionThread(9, "t", "x", CREATED))
    assert 5 == len({key_of(one), *map(key_of, others)})
