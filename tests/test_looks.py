"""The benchmark of looks: it reports costs and memory, and fails if a watch keeps what it should not.

As in test_benchmarks.py, no time is judged.
"""

import re
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="Windows does not report the peak memory of a process")

from benchmarks import looks
from threads_async import WatchEvent
from threads_async._unread import Unread
from threads_async._watched import happened

FEW = ["--looks", "40", "--threads", "5", "--rounds", "2"]


def rows_of(text: str) -> dict[str, list[str]]:
    """Return the cells of all tables in `text`, by the first cell of their row."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {first: cells for first, *cells in rows}


def test_the_command_reports_the_cost_of_a_look_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == looks.main(FEW)
    out, err = capsys.readouterr()
    rows = rows_of(out)

    assert "1.00" == rows["one consistent listing"][1]
    for title in ("one look, events read", "one look, events not read"):
        assert all(float(cell.replace(",", "")) > 0 for cell in rows[title])
    assert ["4", "40"] == rows["peak memory of the process"][::2]
    assert ["4", "40"] == rows["allocated by Python (tracemalloc)"][::2]
    # One for each thread that runs.
    assert "at most 5 of them were kept" in out
    assert "threads-async " in out
    assert ["round 1 of 2", "round 2 of 2", "memory, with tracemalloc"] == err.splitlines()


def test_the_tables_are_written_only_if_requested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == looks.main([*FEW, "--output", str(tmp_path)])
    assert [] == list(tmp_path.iterdir())
    capsys.readouterr()

    assert 0 == looks.main([*FEW, "--output", str(tmp_path), "--write"])
    assert capsys.readouterr().out == (tmp_path / "looks.md").read_text(encoding="utf-8") + "\n"


def test_a_watch_that_keeps_each_event_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[WatchEvent] = []
    take = Unread.take

    def keep(unread: Unread) -> WatchEvent:
        kept.append(take(unread))
        return kept[-1]

    monkeypatch.setattr(Unread, "take", keep)
    # A tenth of a megabyte, so that few looks are enough.
    monkeypatch.setattr(looks, "_GROWTH", 0.1)

    assert 1 == looks.main(["--looks", "200", "--threads", "2", "--write", "--output", str(tmp_path)])
    assert re.search(r"^allocated by Python \(tracemalloc\) grew by 0\.\d MB$", capsys.readouterr().out, re.MULTILINE)
    assert [] == list(tmp_path.iterdir())


def test_a_watch_whose_unread_events_add_up_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unread, "add", Unread._append)

    assert 1 == looks.main(FEW)
    # The five of the first look, and two for each look after it.
    assert "\n83 events were unread\n" in capsys.readouterr().out


def test_a_watch_that_reports_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look of this watch is like its first."""
    monkeypatch.setattr("threads_async._picture.happened", lambda _, now, at: happened(None, now, at))

    with pytest.raises(AssertionError, match="PRESENT"):
        looks.main(FEW)


@pytest.mark.parametrize("few", [["--looks", "19", "--rounds", "2"], ["--rounds", "0"], ["--threads", "0"]])
def test_too_few_looks_rounds_or_threads_are_refused(few: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        looks.main(few)

    assert "at least one thread, one round, and ten looks for each round" in capsys.readouterr().err
