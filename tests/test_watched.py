"""What a watch makes of its looks, without I/O: events, unread events, the picture, conditions and pauses."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reader import Reader

from threads_async import (
    ConfigurationError,
    ConnectionFailedError,
    ExecutionThread,
    PaginationError,
    RequestTimeoutError,
    ServerError,
    ThreadEvent,
    ThreadsError,
    ThreadType,
    TooManyRequestsError,
    UnauthorizedError,
    WatchEvent,
)
from threads_async._cadence import Cadence, Patience
from threads_async._looks import Level, Look
from threads_async._picture import Picture
from threads_async._unread import Unread
from threads_async._watched import by_identity, happened

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
GONE = ConnectionFailedError("the connection was refused", request="GET http://localhost:8160/v1/threads", attempts=3)
CADENCE = Cadence(2.0, 30.0)


def thread(number: int, token: str | None = "", *, kind: str = "Manual", workspace: int = 1) -> ExecutionThread:
    """Return a thread that was created `number` seconds after noon. Its token is its number by default."""
    return ExecutionThread(
        workspace, f"token-{number}" if token == "" else token, ThreadType(kind), NOON + timedelta(seconds=number)
    )


def look(number: int, *threads: ExecutionThread) -> Look:
    return Look(number, NOON, NOON + timedelta(seconds=number), threads)


def failed(number: int, error: ThreadsError = GONE) -> Look:
    return Look(number, NOON, NOON + timedelta(seconds=number), error)


def taken(unread: Unread) -> list[WatchEvent]:
    return [unread.take() for _ in range(len(unread))]


def told(event: WatchEvent) -> tuple[Any, ...]:
    """Return the kind of the event, and the tokens of its thread before and after."""
    match event:
        case ThreadEvent(previous=ExecutionThread(thread_token=before)):
            return str(event.kind), before, event.thread.thread_token
        case ThreadEvent():
            return str(event.kind), event.thread.thread_token
        case _:
            return (str(event.kind),)


def events_of(*looks: Look) -> list[tuple[Any, ...]]:
    """Return what a reader is told who reads after each of `looks`."""
    picture = Picture()
    events: list[tuple[Any, ...]] = []
    for one in looks:
        picture.take(one)
        events += map(told, taken(picture.unread))
    return events


def unread_after(*looks: Look, read_first: int = 1) -> list[tuple[Any, ...]]:
    """Return what a reader is told who reads after the first looks, and then only after the last one."""
    picture = Picture()
    for number, one in enumerate(looks, 1):
        picture.take(one)
        if number == read_first:
            taken(picture.unread)
    return [told(event) for event in taken(picture.unread)]


# Events.


def test_the_first_look_reports_what_is_present_and_later_ones_what_changes() -> None:
    first = look(1, thread(1), thread(2))
    second = look(2, thread(2, kind="BrowserInstance"), thread(3))

    assert [
        ("present", "token-1"),
        ("present", "token-2"),
        ("stopped", "token-1"),
        ("changed", "token-2", "token-2"),
        ("started", "token-3"),
    ] == events_of(first, second)


def test_a_thread_with_another_token_has_changed_and_neither_stopped_nor_started() -> None:
    assert [("present", "a"), ("changed", "a", "b")] == events_of(look(1, thread(1, "a")), look(2, thread(1, "b")))


@pytest.mark.parametrize(("before", "after"), [("a", None), (None, "a")])
def test_a_thread_that_gets_or_loses_its_token_has_changed(before: str | None, after: str | None) -> None:
    assert ("changed", before, after) == events_of(look(1, thread(1, before)), look(2, thread(1, after)))[-1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # It is not known which is which.
        ([thread(1, "a"), thread(1, "b")], [thread(1, "c")]),
        ([thread(1, "a")], [thread(1, "b"), thread(1, "c")]),
        # They are different threads.
        ([thread(1, "a")], [thread(2, "b")]),
        ([thread(1, "a")], [thread(1, "b", kind="BrowserInstance")]),
        ([thread(1, "a")], [thread(1, "b", workspace=2)]),
    ],
)
def test_other_threads_have_stopped_and_started(before: list[ExecutionThread], after: list[ExecutionThread]) -> None:
    kinds = [kind for kind, *_ in events_of(look(1, *before), look(2, *after))]

    assert ["present"] * len(before) + ["stopped"] * len(before) + ["started"] * len(after) == kinds


def test_an_outage_is_reported_once_and_changes_nothing() -> None:
    assert [("present", "token-1"), ("unreachable",), ("reachable",), ("stopped", "token-1")] == events_of(
        look(1, thread(1)), failed(2), failed(3, ServerError("x", status=503)), look(4), look(5)
    )


@pytest.mark.parametrize("error", [UnauthorizedError("x", status=401), PaginationError("x")])
def test_an_error_that_waiting_cannot_fix_is_no_event(error: ThreadsError) -> None:
    assert [("present", "token-1")] == events_of(look(1, thread(1)), failed(2, error), look(3, thread(1)))


# Unread events.


def test_an_unread_start_and_stop_cancel_each_other_out() -> None:
    assert [] == unread_after(look(1), look(2, thread(1)), look(3))


def test_a_thread_that_was_not_read_as_present_and_stops_leaves_no_event() -> None:
    assert [("present", "token-2")] == unread_after(look(1, thread(1), thread(2)), look(2, thread(2)), read_first=0)


def test_an_unread_outage_that_ends_leaves_no_event() -> None:
    assert [] == unread_after(look(1), failed(2), look(3))
    assert [("unreachable",)] == unread_after(look(1), failed(2), look(3), failed(4))
    assert [("reachable",), ("unreachable",)] == unread_after(look(1), failed(2), look(3), failed(4), read_first=2)
    assert [("reachable",)] == unread_after(look(1), failed(2), look(3), failed(4), look(5), read_first=2)


def test_an_unread_start_shows_the_newest_token() -> None:
    assert [("started", "b")] == unread_after(look(1), look(2, thread(1, "a")), look(3, thread(1, "b")))
    assert [] == unread_after(look(1), look(2, thread(1, "a")), look(3, thread(1, "b")), look(4))


def test_unread_changes_are_one_change() -> None:
    a, b, c = (look(number, thread(1, token)) for number, token in enumerate("abc", 1))

    assert [("changed", "a", "c")] == unread_after(a, b, c)
    assert [] == unread_after(a, b, a)


def test_a_thread_that_stops_after_an_unread_change_stops_as_it_was_read() -> None:
    assert [("stopped", "a")] == unread_after(look(1, thread(1, "a")), look(2, thread(1, "b")), look(3))


def test_a_thread_that_comes_back_before_its_stop_was_read_has_not_stopped() -> None:
    here, other = look(1, thread(1)), look(3, thread(1, kind="BrowserInstance"))

    assert [] == unread_after(here, look(2), here)
    assert [("changed", "token-1", "token-1")] == unread_after(here, look(2), other)


def test_an_unread_event_keeps_its_place() -> None:
    assert [("started", "b"), ("started", "token-2")] == unread_after(
        look(1), look(2, thread(1, "a")), look(3, thread(1, "a"), thread(2)), look(4, thread(1, "b"), thread(2))
    )


def test_a_token_that_is_given_up_and_used_again_stays_with_its_thread() -> None:
    """A reader that knows threads by their tokens must first learn that the token is given up."""
    first, second = thread(1, "a"), thread(2, "a")

    assert [("changed", "a", "c"), ("started", "a")] == unread_after(
        look(1, first), look(2, thread(1, "b")), look(3, thread(1, "b"), second), look(4, thread(1, "c"), second)
    )


def test_a_token_that_is_taken_over_before_its_stop_was_read_is_taken_over_afterwards() -> None:
    first, second = thread(1, "a"), thread(2, "c")

    assert [("stopped", "c"), ("changed", "a", "c")] == unread_after(
        look(1, first, second), look(2, thread(1, "b"), second), look(3, thread(1, "b")), look(4, thread(1, "c"))
    )


def test_a_token_that_passes_to_another_thread_does_not_mix_their_events() -> None:
    """A stop of the thread that had the token is unread when another thread gets it."""
    first, second = thread(1, "a"), thread(2, "b")

    assert [("stopped", "a"), ("changed", "b", "a")] == unread_after(
        look(1, first, second), look(2, second), look(3, thread(2, "a"))
    )
    assert [("stopped", "a"), ("stopped", "b")] == unread_after(
        look(1, first, second), look(2, second), look(3, thread(2, "a")), look(4)
    )


def test_a_token_that_is_used_again_before_its_stop_was_read_belongs_to_the_new_thread() -> None:
    first = look(1, thread(1, "a"))
    looks = [first, look(2, thread(1, "b")), look(3, thread(1, "b"), thread(2, "a")), look(4, thread(2, "a"))]

    assert [("stopped", "a"), ("started", "a")] == unread_after(*looks)
    assert [("stopped", "a")] == unread_after(*looks, look(5))


few_threads = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", "c", "d", None, ""]), st.sampled_from(["Manual", "Other"])),
    max_size=5,
    unique_by=lambda one: thread(one[0], one[1]).thread_token or (one[0], one[2]),
)


@settings(max_examples=10 * settings().max_examples)
@given(st.lists(st.none() | few_threads, max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_the_events_of_any_looks_show_the_picture_whenever_they_are_read(
    looks: list[list[tuple[int, str | None, str]] | None], reads: list[int]
) -> None:
    """A reader that takes some events after each look, and in the end all, knows the picture from the events alone."""
    picture = Picture()
    reader = Reader()
    for number, (found, count) in enumerate(zip(looks, reads + [0] * len(looks), strict=False), 1):
        if found is None:
            picture.take(failed(number))
        else:
            shown = [thread(one, token, kind=kind) for one, token, kind in found]
            picture.take(look(number, *shown))
            assert tuple(shown) == picture.threads
        assert len(picture.unread) <= len(reader.known) + len(picture.threads or ()) + 2
        for _ in range(min(count, len(picture.unread))):
            reader.read(picture.unread.take())
    for event in taken(picture.unread):
        reader.read(event)

    assert Counter(picture.threads or ()) == Counter(reader.known)
    assert reader.reachable is (picture.down_since is None)


def test_two_looks_at_the_same_threads_have_no_events() -> None:
    found = by_identity([thread(number) for number in range(9)])

    assert [] == happened(found, by_identity(thread(number) for number in range(9)), NOON)


# The picture.


def test_a_failed_look_leaves_the_picture_and_says_why() -> None:
    picture = Picture()
    assert (None, None, False, None) == (picture.threads, picture.seen_at, picture.reachable, picture.error)

    picture.take(look(1, thread(1)))
    assert ((thread(1),), NOON, True, None) == (picture.threads, picture.seen_at, picture.reachable, picture.error)

    picture.take(failed(2))
    assert ((thread(1),), NOON, False, GONE) == (picture.threads, picture.seen_at, picture.reachable, picture.error)

    picture.take(look(3))
    assert ((), True, None, 0) == (picture.threads, picture.reachable, picture.error, picture.failures)


def test_an_outage_and_its_end_are_one_log_record_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "threads_async")
    picture = Picture()
    for one in (look(1), failed(2), failed(3), failed(4), look(9), look(10)):
        picture.take(one)

    assert [
        ("WARNING", f"a watch cannot list the threads: {GONE}"),
        ("INFO", "a watch can list the threads again, after 7.0 s"),
    ] == [(record.levelname, record.message) for record in caplog.records]


# Conditions.


def test_a_condition_is_tested_with_looks_after_its_beginning_until_one_meets_it() -> None:
    tested: list[int] = []

    def met(threads: tuple[ExecutionThread, ...]) -> bool:
        tested.append(len(threads))
        return len(threads) == 1

    level = Level(met, 5)
    for number, threads in [(5, (thread(1),)), (6, ()), (7, (thread(2),)), (8, (thread(3),))]:
        level.test(number, threads)

    assert [0, 1] == tested
    assert level.settled
    assert (thread(2),) == level.take()


def test_a_condition_can_be_met_by_no_threads() -> None:
    level = Level(lambda threads: not threads, 0)
    level.test(1, ())

    assert level.settled
    assert () == level.take()


def test_an_error_of_a_condition_is_raised_to_the_one_who_waits() -> None:
    level = Level(lambda threads: threads[0], 0)
    level.test(1, ())

    assert level.settled
    with pytest.raises(IndexError):
        level.take()


def test_an_async_function_is_no_condition() -> None:
    async def met(_: object) -> bool:
        raise AssertionError

    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()

    async def generate(_: object) -> AsyncIterator[bool]:
        yield True  # pragma: no cover - it is never run

    predicates: list[Any] = [met, lambda _: future, generate]
    for predicate in predicates:
        level = Level(predicate, 0)
        level.test(1, ())

        with pytest.raises(ConfigurationError, match="predicate must not be an async function"):
            level.take()


class Ambiguous:
    """Like an array of numpy."""

    def __bool__(self) -> NoReturn:
        raise ValueError("ambiguous")


def cancelled(_: object) -> NoReturn:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("predicate", "kind"), [(lambda _: Ambiguous(), ValueError), (cancelled, asyncio.CancelledError)]
)
def test_no_result_of_a_condition_ends_the_look_that_others_share(predicate: Any, kind: type[BaseException]) -> None:
    level = Level(predicate, 0)
    level.test(1, ())

    with pytest.raises(kind):
        level.take()


# Pauses.


@pytest.mark.parametrize(("fraction", "pause"), [(0.0, 1.8), (0.5, 2.0), (1.0, 2.2)])
def test_the_pause_after_a_success_is_the_interval_up_to_ten_percent_shorter_or_longer(
    fraction: float, pause: float
) -> None:
    assert pytest.approx(pause) == CADENCE.pause(0, None, fraction)


@pytest.mark.parametrize(("failures", "most"), [(1, 4), (2, 8), (3, 16), (4, 30), (5, 30), (10_000, 30)])
def test_pauses_grow_during_an_outage_up_to_the_maximum(failures: int, most: float) -> None:
    assert [0, most / 2, most] == [CADENCE.pause(failures, GONE, fraction) for fraction in (0, 0.5, 1)]


def test_a_long_interval_is_also_the_maximum() -> None:
    assert 100 == Cadence(100, 30).pause(9, GONE, 1)


@pytest.mark.parametrize("error", [ServerError("x", status=503), TooManyRequestsError("x", status=429)])
def test_the_pause_is_never_shorter_than_retry_after(error: ServerError) -> None:
    assert 4 == CADENCE.pause(1, error, 1)
    error.retry_after = 100
    assert 100 == CADENCE.pause(1, error, 0)
    error.retry_after = 1e20
    assert 3600 == CADENCE.pause(1, error, 0)
    error.retry_after = 1
    assert 4 == CADENCE.pause(1, error, 1)


# Retries.


def test_requests_of_a_look_are_retried_for_two_seconds_but_not_after_a_timeout() -> None:
    now = 100.0
    patience = Patience(lambda: now, down=False)

    assert patience.allows(GONE, 2.0)
    assert not patience.allows(GONE, 2.1)
    assert not patience.allows(RequestTimeoutError("late"), 0.1)
    now += 1.5
    assert patience.allows(GONE, 0.5)
    assert not patience.allows(GONE, 0.6)
    patience.responded()
    assert patience.allows(GONE, 2.0)


def test_during_an_outage_nothing_is_retried_before_the_first_response() -> None:
    patience = Patience(lambda: 100.0, down=True)

    assert not patience.allows(GONE, 0.0)
    patience.responded()
    assert patience.allows(GONE, 0.0)
