"""The simulation of the walks, and what the documentation shows from it."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import walks
from benchmarks.drawing import picture, run
from benchmarks.moving import MovingList, Rate, Reader
from benchmarks.numbered import number_of, thread_of
from benchmarks.processes import ROOT
from threads_async import ExecutionThread
from threads_async._paging import Slice
from threads_async._plain import PlainWalk

SVG = "{http://www.w3.org/2000/svg}"


def test_the_consistent_walk_is_wrong_on_none_of_the_first_lists_and_the_plain_walk_on_many(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 0 == walks.main(["--lists", "1000"])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:6]]
    plain, consistent = (
        [[int(cell.replace(",", "")) for cell in row[1:]] for row in part] for part in (rows[:2], rows[2:])
    )

    assert all(sum(row) > 100 for row in (*plain, *consistent))
    assert all(row[2] > 0 and row[3] > 0 for row in plain)
    assert all(row[2:] == [0, 0, 0] for row in consistent)
    # The walk does not give up on a list that changes by less than half a page.
    assert 0 == consistent[0][1]


def test_a_wrong_walk_is_reported_and_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain walk replaces the consistent one."""

    def plain(
        start: int, total: int, max_items: int | None, filtered: bool, *, appends: bool
    ) -> PlainWalk[ExecutionThread]:
        return PlainWalk(start, total, max_items, filtered)

    monkeypatch.setattr(walks, "consistent_walk", plain)

    assert 1 == walks.main(["--lists", "60"])
    assert "Case(seed=" in capsys.readouterr().out


def test_a_walk_that_never_ends_is_detected() -> None:
    """The plain walk never ends on a list that grows by a page with each request."""
    case = walks.Case(
        seed=1,
        count=20,
        order="append",
        moment="atomic",
        cap=None,
        twins=False,
        restless=False,
        rate=Rate(10, 0, steady=True),
        between=0.0,
        total=5,
        start=0,
        max_items=None,
        prefetch=0,
        filtered=False,
    )

    assert walks.ENDLESS == walks.read(case, consistent=False).kind
    assert walks.COMPLETE == walks.read(case, consistent=True).kind


def test_the_documents_show_the_table_and_the_picture_that_the_command_writes(tmp_path: Path) -> None:
    assert 0 == walks.main(["--write", "--output", str(tmp_path)])
    for name in ("walk-requests.md", "moving-list.svg"):
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert written == (ROOT / "docs" / "_static" / name).read_text(encoding="utf-8"), "use --write"


def test_the_table_does_not_count_a_run_that_missed_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "consistent_walk", PlainWalk)

    with pytest.raises(AssertionError, match="missed"):
        walks.requests_for(100, 10, 3)


def test_the_picture_shows_every_request_of_its_run() -> None:
    requests = run()
    root = ET.fromstring(picture())  # noqa: S314 - made here
    bars = [one.get("class") for one in root.iter(f"{SVG}rect")]

    # The legend has one of each.
    assert sum(one.new > 0 for one in requests) + 1 == bars.count("new")
    assert sum(one.new == 0 for one in requests) + 1 == bars.count("dropped")
    assert 1 < bars.count("dropped") < bars.count("new")


def test_a_moving_list_responds_as_configured() -> None:
    server = MovingList(9, "front", "slice first", cap=2)
    server.move = lambda: server.stop(0)
    first = server.answer(Slice(0, 5))
    server.moment = "count first"
    second = server.answer(Slice(0, 5))
    server.start(0)

    assert ([0, 1], 8) == ([number_of(one) for one in first.items], first.total_count)
    assert ([2, 3], 8) == ([number_of(one) for one in second.items], second.total_count)
    assert (9, {2, 3, 4, 5, 6, 7, 8}) == (server.alive[0], server.lasting)


def test_twins_are_equal_and_adjacent() -> None:
    assert thread_of(3, twins=True) == thread_of(5, twins=True) != thread_of(6, twins=True)
    server = MovingList(6, "anywhere", twins=True)
    for place in range(20):
        server.start(place * 7)
        if place % 4 == 0:
            server.stop(place * 5)

    groups = [number // 3 for number in server.alive]
    assert len(set(groups)) == 1 + sum(one != two for one, two in pairwise(groups))


def test_a_reader_that_is_not_ready_does_nothing() -> None:
    reader = Reader(PlainWalk(0, 2), MovingList(3))
    reader.go_on()

    assert ([Slice(0, 2)], []) == (list(reader.flying), reader.got)
    reader.let_answer()
    reader.let_answer()
    assert (1, True) == (reader.requests, reader.ready)
