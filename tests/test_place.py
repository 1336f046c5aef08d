"""The place of a walk: what a page shows about the threads before it that were in the first count."""

from threads_async._paging import Slice
from threads_async._place import Place

ASKED = Slice(20, 10)


def test_the_first_page_shows_nothing_about_the_threads_before_it() -> None:
    place = Place().after(ASKED, ["a", "b"], 50, 2, -1, full=10, least=20)

    assert (20, 21, None, 0) == (place.start, place.last, place.base, place.passed)


def test_the_number_before_a_shared_thread_is_the_maximum_of_the_previous_page_and_the_index() -> None:
    before = Place(start=22, keys=("a", "b", "c"), base=30)
    further = Place(start=22, keys=("a", "b", "c"), base=10)

    assert (31, 34) == (
        before.after(ASKED, ["b", "c", "d"], 50, 1, 1, full=10, least=20).base,
        before.after(ASKED, ["b", "c", "d"], 50, 1, 1, full=10, least=20).passed,
    )
    assert 20 == further.after(ASKED, ["b", "c", "d"], 50, 1, 1, full=10, least=20).base


def test_equal_threads_do_not_show_which_of_them_is_shared() -> None:
    before = Place(start=22, keys=("a", "b", "b"), base=30)
    other = Place(start=22, keys=("a", "b", "c"), base=30)

    assert 20 == before.after(ASKED, ["b", "d"], 50, 1, 0, full=10, least=20).base
    assert 20 == other.after(ASKED, ["b", "b", "d"], 50, 1, 1, full=10, least=20).base


def test_a_single_thread_comes_after_the_previous_one() -> None:
    before = Place(start=19, keys=("a",), base=30)

    assert (31, 32) == (
        before.after(ASKED, ["b"], 50, 1, -1, full=10, least=20).base,
        before.after(ASKED, ["b"], 50, 1, -1, full=10, least=20).passed,
    )


def test_passed_threads_stay_passed() -> None:
    before = Place(start=30, keys=("a", "b"), base=40, passed=42)

    assert 42 == before.after(Slice(0, 10), ["x", "y"], 50, 2, -1, full=10, least=0).passed
