"""The plain walk: arithmetic over slices and pages, without a server."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import ExecutionThread, PaginationError, ThreadPage, ThreadType
from threads_async._paging import Slice, Walk, contradiction
from threads_async._plain import PlainWalk

CREATED = datetime(2026, 3, 17, tzinfo=UTC)
Server = Callable[[Slice], ThreadPage]


def thread(number: int) -> ExecutionThread:
    return ExecutionThread(1, f"token-{number}", ThreadType.MANUAL, CREATED)


def threads(count: int) -> list[ExecutionThread]:
    return [thread(number) for number in range(count)]


def server_of(living: Sequence[ExecutionThread], cap: int = 10**9) -> Server:
    """Return a server that responds as documented but caps its pages."""

    def answer(asked: Slice) -> ThreadPage:
        page = tuple(living[asked.start : asked.start + min(asked.total, cap)])
        return ThreadPage(page, len(living), asked.start)

    return answer


def walk_through(walk: Walk[ExecutionThread], server: Server) -> tuple[list[ExecutionThread], list[Slice]]:
    got: list[ExecutionThread] = []
    slices: list[Slice] = []
    while (asked := walk.next_slice()) is not None:
        assert len(slices) < 5_000, "the walk does not end"
        slices.append(asked)
        step = walk.accept(asked, server(asked), frozenset())
        walk = step.walk
        got.extend(step.items)
    return got, slices


def script(*pages: ThreadPage) -> Server:
    """Return a server that sends these pages whatever is requested."""
    left = list(pages)
    return lambda _: left.pop(0)


def page(first: int, after: int, total_count: int) -> ThreadPage:
    return ThreadPage(tuple(thread(number) for number in range(first, after)), total_count, first)


sizes = st.integers(0, 300)


@given(count=sizes, start=sizes, total=st.integers(1, 120), max_items=st.none() | sizes)
def test_the_walk_equals_slicing_with_exactly_the_requests_needed(
    count: int, start: int, total: int, max_items: int | None
) -> None:
    living = threads(count)
    wanted = living[start:] if max_items is None else living[start : start + max_items]

    got, slices = walk_through(PlainWalk(start, total, max_items), server_of(living))

    assert wanted == got
    needed = -(-len(wanted) // total)
    # If there is nothing to list, one request is needed to learn it.
    assert (needed if wanted or max_items == 0 else 1) == len(slices)
    assert all(asked.start < count for asked in slices[1:])


@given(count=sizes, start=sizes, total=st.integers(1, 120), cap=st.integers(1, 120), max_items=st.none() | sizes)
def test_a_server_that_caps_its_pages_costs_requests_but_no_threads(
    count: int, start: int, total: int, cap: int, max_items: int | None
) -> None:
    living = threads(count)
    wanted = living[start:] if max_items is None else living[start : start + max_items]

    got, slices = walk_through(PlainWalk(start, total, max_items), server_of(living, cap))

    assert wanted == got
    assert len(slices) <= max(1, -(-len(wanted) // min(cap, total)))


@given(count=sizes, total=st.integers(1, 120), data=st.data())
def test_a_walk_resumed_at_next_start_continues_where_it_stopped(count: int, total: int, data: st.DataObject) -> None:
    living = threads(count)
    first = data.draw(st.integers(0, count))
    walk: Walk[ExecutionThread] = PlainWalk(0, total, first)
    while (asked := walk.next_slice()) is not None:
        walk = walk.accept(asked, server_of(living)(asked), frozenset()).walk

    rest: list[ExecutionThread] = []
    if walk.next_start is not None:
        rest, _ = walk_through(PlainWalk(walk.next_start, total), server_of(living))

    assert living[first:] == rest


def test_the_last_request_is_no_larger_than_needed() -> None:
    _, slices = walk_through(PlainWalk(0, 100, 250), server_of(threads(1000)))

    assert [Slice(0, 100), Slice(100, 100), Slice(200, 50)] == slices


def test_the_newest_total_count_determines_the_end() -> None:
    got, _ = walk_through(PlainWalk(0, 2), script(page(0, 2, 3), page(2, 4, 5), page(4, 5, 5)))

    assert threads(5) == got


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (page(2, 2, 3), page(2, 3, 3)),  # empty, although the server counts one more
        (page(2, 5, 4), page(2, 5, 5)),  # more than the server counts
    ],
)
def test_a_response_that_contradicts_itself_is_requested_once_more(first: ThreadPage, second: ThreadPage) -> None:
    got, slices = walk_through(PlainWalk(0, 3), script(page(0, 2, 3), first, second))

    assert [0, 2, 2] == [asked.start for asked in slices]
    assert threads(2) + list(second.items) == got


@pytest.mark.parametrize(
    ("bad", "why"), [(page(2, 2, 3), "no items, although more remain"), (page(2, 5, 4), "items past its totalCount")]
)
def test_the_same_contradiction_three_times_is_an_error(bad: ThreadPage, why: str) -> None:
    with pytest.raises(PaginationError, match=why):
        walk_through(PlainWalk(0, 3), script(page(0, 2, 3), bad, bad, bad))


def test_different_contradictions_show_that_the_list_changes_and_are_accepted() -> None:
    """The server slices first and then counts, while threads stop, so at the end it always counts too few."""
    got, slices = walk_through(PlainWalk(0, 3), script(page(0, 3, 9), page(3, 6, 5), page(3, 6, 4)))

    assert threads(6) == got
    assert [0, 3, 3] == [asked.start for asked in slices]


def test_an_empty_page_before_the_end_is_never_accepted() -> None:
    """The count is different each time, until a page with threads is received."""
    got, _ = walk_through(
        PlainWalk(0, 3), script(page(0, 3, 9), page(3, 3, 8), page(3, 3, 7), page(3, 3, 6), page(3, 5, 5))
    )

    assert threads(5) == got


def test_ten_empty_pages_before_the_end_are_an_error() -> None:
    with pytest.raises(PaginationError, match="no items, although more remain"):
        walk_through(PlainWalk(0, 3), script(page(0, 3, 50), *[page(3, 3, count) for count in range(40, 30, -1)]))


def test_a_resolved_doubt_does_not_count_later() -> None:
    pages = script(page(0, 0, 4), page(0, 2, 4), page(2, 2, 4), page(2, 4, 4))

    got, _ = walk_through(PlainWalk(0, 2), pages)

    assert threads(4) == got


def test_a_page_larger_than_requested_is_an_error_with_its_numbers() -> None:
    with pytest.raises(PaginationError, match="more items than requested") as caught:
        walk_through(PlainWalk(0, 3), script(page(0, 3, 10), page(3, 8, 10)))

    error = caught.value
    assert (3, 3, 5, 10) == (error.start, error.total, error.received, error.total_count)


@pytest.mark.parametrize("count", [6, 7, 9])
@pytest.mark.parametrize("max_items", [None, 4])
def test_a_server_that_ignores_start_is_an_error(count: int, max_items: int | None) -> None:
    living = threads(count)

    def ignores_start(asked: Slice) -> ThreadPage:
        return ThreadPage(tuple(living[: asked.total]), len(living), asked.start)

    with pytest.raises(PaginationError, match="the server ignores start"):
        walk_through(PlainWalk(0, 3, max_items), ignores_start)


def test_an_ignored_start_is_also_detected_with_one_thread_per_page() -> None:
    with pytest.raises(PaginationError, match="the server ignores start"):
        walk_through(PlainWalk(0, 1), lambda asked: page(0, min(asked.total, 5), 5))


def test_a_list_that_grows_at_the_front_by_a_page_does_not_count_as_an_ignored_start() -> None:
    """The walk requests the last index once and gets the last thread."""
    got, slices = walk_through(
        PlainWalk(0, 2), script(page(0, 2, 4), page(0, 2, 6), page(3, 4, 6), page(0, 2, 8), page(2, 4, 8))
    )

    assert [0, 1, 0, 1, 0, 1, 2, 3] == [int((one.thread_token or "").removeprefix("token-")) for one in got]
    assert [0, 2, 5, 4, 6] == [asked.start for asked in slices]


@pytest.mark.parametrize("total", [1, 2, 5, 6])
def test_equal_threads_are_all_listed(total: int) -> None:
    equal = [ExecutionThread(1, None, ThreadType.MANUAL, CREATED)] * 12

    got, slices = walk_through(PlainWalk(0, total), server_of(equal))

    assert equal == got
    # One more request in total, to check that the server respects start.
    assert -(-12 // total) + 1 == len(slices)


def test_a_shorter_page_shows_without_a_probe_that_the_server_respects_start() -> None:
    equal = [ExecutionThread(1, None, ThreadType.MANUAL, CREATED)] * 12

    got, slices = walk_through(PlainWalk(0, 8), server_of(equal))

    assert (equal, [0, 8]) == (got, [asked.start for asked in slices])


def test_a_list_that_has_shrunk_before_a_probe_does_not_count_as_an_ignored_start() -> None:
    """The page at the former last index is empty."""
    got, slices = walk_through(PlainWalk(0, 2), script(page(0, 2, 4), page(0, 2, 6), page(5, 5, 4), page(0, 0, 4)))

    assert [0, 2, 5, 4] == [asked.start for asked in slices]
    assert threads(2) * 2 == got


def test_while_a_server_is_probed_no_page_is_guessed() -> None:
    walk = PlainWalk[ExecutionThread](0, 2).accept(Slice(0, 2), page(0, 2, 9)).walk
    step = walk.accept(Slice(2, 2), page(0, 2, 9), frozenset())

    assert Slice(8, 2) == step.walk.next_slice()
    assert ([Slice(4, 2)], []) == (walk.ahead(1), step.walk.ahead(1))


@pytest.mark.parametrize("start", [5, 9])
@pytest.mark.parametrize("past_the_end", [(), tuple(threads(5)[2:])], ids=["empty", "the last page again"])
def test_a_plain_walk_from_past_the_end_is_empty(start: int, past_the_end: tuple[ExecutionThread, ...]) -> None:
    got, slices = walk_through(PlainWalk(start, 3), script(ThreadPage(past_the_end, 5, start)))

    assert ([], [Slice(start, 3)]) == (got, slices)


def test_the_last_page_again_after_the_list_shrank_ends_the_walk() -> None:
    got, _ = walk_through(PlainWalk(0, 3), script(page(0, 3, 4), page(0, 3, 3)))

    assert threads(3) == got


@pytest.mark.parametrize("lie", [1, 3])
def test_a_count_below_the_number_received_does_not_end_the_walk_silently(lie: int) -> None:
    with pytest.raises(PaginationError, match="items past its totalCount"):
        walk_through(PlainWalk(0, 3), script(page(0, 3, 9), *[page(3, 6, lie)] * 3))


def test_a_first_page_larger_than_its_count_is_an_error() -> None:
    with pytest.raises(PaginationError, match="items past its totalCount"):
        walk_through(PlainWalk(0, 3), script(*[page(0, 3, 0)] * 3))


def test_a_list_longer_than_the_api_can_address_is_an_error() -> None:
    most = 2**31 - 1
    with pytest.raises(PaginationError, match="largest start"):
        walk_through(PlainWalk(most, 1), script(page(most, most + 1, 2**40)))


def test_next_start_is_none_only_at_the_end_of_the_list() -> None:
    server = server_of(threads(5))
    capped = PlainWalk[ExecutionThread](0, 3, 3).accept(Slice(0, 3), server(Slice(0, 3))).walk
    ended = PlainWalk[ExecutionThread](3, 3).accept(Slice(3, 3), server(Slice(3, 3))).walk

    assert (None, 3) == (capped.next_slice(), capped.next_start)
    assert (None, None) == (ended.next_slice(), ended.next_start)


@given(asked=st.builds(Slice, st.integers(0, 9), st.integers(1, 9)), cap=st.integers(1, 9), count=st.integers(0, 9))
def test_no_page_of_a_correct_server_contradicts_itself(asked: Slice, cap: int, count: int) -> None:
    assert contradiction(asked, server_of(threads(count), cap)(asked)) is None
