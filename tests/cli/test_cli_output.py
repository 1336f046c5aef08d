"""Threads as text for programs and for people."""

import csv
import io
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cli_support import JWT
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from threads_async import ExecutionThread, ThreadType
from threads_async.cli import _table
from threads_async.cli._columns import COLUMNS, fit, local
from threads_async.cli._output import Csv, JsonLines
from threads_async.cli._streams import write
from threads_async.cli._table import Table, widths
from threads_async.cli._text import plain

THREADS = COLUMNS[ExecutionThread]
FIELDS = ("workspaceId", "threadToken", "type", "createdAt")
CREATED = datetime(2026, 3, 17, 16, 38, 40, 385168, UTC)
THREAD = ExecutionThread(-1, JWT, ThreadType.MANUAL, CREATED)
HOSTILE = "\x1b]0;pwned\x07\x9b31m[red]\r\n\u202e\u2028"

any_text = st.text() | st.sampled_from([HOSTILE, "界" * 40, "=1+1", 'a"b,c', ""])
offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
any_thread = st.builds(
    ExecutionThread,
    st.integers(-(2**63), 2**63 - 1),
    st.none() | any_text,
    st.sampled_from(ThreadType) | any_text,
    st.datetimes(timezones=offsets),
)


has_local_time = pytest.mark.skipif(os.name == "nt", reason="Windows cannot set the time zone of one process")


@pytest.fixture
def eastern_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time five hours behind UTC, without daylight saving."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EST+5")
        time.tzset()
        yield
    time.tzset()


def table(available: int | None = None, **settings: bool) -> Table:
    console = Console(file=io.StringIO(), **settings)  # type: ignore[arg-type]
    return Table(THREADS, console, widths(THREADS, available), "utf-8")


@given(st.lists(any_thread, max_size=3))
def test_each_json_line_is_one_thread_whatever_text_it_contains(threads: list[ExecutionThread]) -> None:
    lines = JsonLines().rows(threads).splitlines()

    assert [
        {
            "workspaceId": thread.workspace_id,
            "threadToken": thread.thread_token,
            "type": thread.type,
            "createdAt": thread.created_at.isoformat(),
        }
        for thread in threads
    ] == [json.loads(line) for line in lines]
    assert all(line.isascii() and line.isprintable() for line in lines)


@given(st.lists(any_thread, max_size=3))
def test_csv_round_trips(threads: list[ExecutionThread]) -> None:
    text = Csv(ExecutionThread).header() + Csv(ExecutionThread).rows(threads)

    assert [
        list(FIELDS),
        *(
            [str(thread.workspace_id), thread.thread_token or "", thread.type, thread.created_at.isoformat()]
            for thread in threads
        ),
    ] == list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_csv_leaves_a_formula_as_it_is() -> None:
    thread = ExecutionThread(1, None, "=1+1", CREATED)

    assert "1,,=1+1,2026-03-17T16:38:40.385168+00:00\r\n" == Csv(ExecutionThread).rows([thread])


@given(st.none() | st.integers(10, 300))
def test_columns_fit_a_terminal_of_at_least_ten_cells(available: int | None) -> None:
    found = widths(THREADS, available)

    assert min(found) >= 1
    assert sum(found) + 6 <= (74 if available is None else available)


@given(any_text, st.integers(1, 40))
def test_a_cell_is_padded_or_cut_to_its_width(text: str, width: int) -> None:
    assert width == cell_len(fit(plain(text), width))


def test_a_cut_cell_ends_in_an_ellipsis() -> None:
    assert "Brows…" == fit("BrowserInstance", 6)


@given(st.lists(any_thread, max_size=3), st.none() | st.integers(10, 100))
def test_a_table_has_one_fitting_and_printable_line_per_thread(
    threads: list[ExecutionThread], available: int | None
) -> None:
    lines = table(available).rows(threads).split("\n")

    assert "" == lines.pop()
    assert len(threads) == len(lines)
    assert all(line.isprintable() and cell_len(line) <= (available or 74) for line in lines)


def test_a_table_has_a_header_of_one_line() -> None:
    assert "CREATED                    TYPE             TOKEN     WORKSPACE\n" == table().header()


@has_local_time
@pytest.mark.usefixtures("eastern_time")
def test_a_table_shortens_the_token_and_shows_local_time() -> None:
    assert "2026-03-17 11:38:40-05:00  Manual           eyJ…sR8U  -1\n" == table().rows([THREAD])


def test_a_table_shows_a_dash_for_no_token() -> None:
    assert ["Manual", "-", "7"] == table().rows([ExecutionThread(7, None, ThreadType.MANUAL, CREATED)]).split()[2:]


def test_a_table_shows_markup_from_the_server_unchanged() -> None:
    assert "[red]x[/red]" in table().rows([ExecutionThread(7, None, "[red]x[/red]", CREATED)])


def test_a_terminal_gets_colours_and_no_escape_sequence_from_the_server() -> None:
    text = table(force_terminal=True).rows([ExecutionThread(7, HOSTILE, HOSTILE, CREATED)])

    assert "\x1b[" in text
    assert re.sub("\x1b\\[[0-9;]*m", "", text).rstrip("\n").isprintable()


@has_local_time
@pytest.mark.usefixtures("eastern_time")
@pytest.mark.parametrize(
    ("available", "shown"),
    [
        (63, "2026-03-17 11:38:40-05:00"),
        (62, "2026-03-17 11:38:40"),
        (57, "2026-03-17 11:38:40"),
        (45, "2026-03-17 11:38"),
        (28, "2026-03-17"),
        (15, "2026-…"),
    ],
)
def test_a_narrow_table_cuts_a_time_between_its_parts(available: int, shown: str) -> None:
    assert table(available).rows([THREAD]).startswith(f"{shown}  ")


@has_local_time
@pytest.mark.usefixtures("eastern_time")
@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime.min.replace(tzinfo=UTC), "0001-01-01 00:00:00+00:00"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))), "9999-12-31 23:59:59-09:00"),
    ],
)
def test_a_time_without_a_local_equivalent_is_shown_unchanged(moment: datetime, shown: str) -> None:
    assert shown == local(moment)


def test_an_old_windows_console_gets_no_colours(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("rich.console.detect_legacy_windows", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    del capsysbinary

    assert "\x1b" not in _table.table(ExecutionThread).header()


def test_a_write_that_a_signal_ends_after_a_part_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    class Halting(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(bytes(data[:3]))
            return len(written[-1])

    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(Halting()))

    write("12345678")

    assert b"12345678" == b"".join(written)
