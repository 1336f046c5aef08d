"""The commands for a fleet: every format says the machine, and one dead machine neither hides nor is hidden."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from attrs import evolve
from cli_fleets import DEAD, Machines, tokens, two_and_a_dead_one
from rich.console import Console

from threads_async import (
    ConnectionFailedError,
    EventKind,
    ExecutionThread,
    FleetError,
    FleetEvent,
    FleetThread,
    RequestTimeoutError,
    ServerError,
    ServerEvent,
    ThreadEvent,
    ThreadsError,
)
from threads_async.cli import main
from threads_async.cli._columns import COLUMNS
from threads_async.cli._exits import failure_of, lines_of
from threads_async.cli._table import Table, widths
from threads_async.cli._view import Seen, View, text_of
from threads_async.testing import Fault, SeenRequest

Capture: TypeAlias = pytest.CaptureFixture[bytes]

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    with two_and_a_dead_one(tmp_path, monkeypatch) as machines:
        yield machines


@pytest.fixture
def alive(machines: Machines) -> Machines:
    """The machines without the dead one."""
    machines.file.write_text(machines.file.read_text().partition("[machines.dead]")[0])
    return machines


def objects(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines()]


def test_json_lines_say_the_machine_first(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["list", *alive.options, "--total", "4"])

    found = objects(capsysbinary.readouterr().out)
    assert tokens(alive) == sorted((one["machine"], one["threadToken"]) for one in found)
    assert ["machine", "workspaceId", "threadToken", "type", "createdAt"] == list(found[0])


def test_csv_has_a_column_for_the_machine(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["list", *alive.options, "--format", "csv"])

    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode(), newline="")))
    assert tokens(alive) == sorted((row["machine"], row["threadToken"]) for row in rows)


def test_a_table_has_a_column_for_the_machine(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["list", *alive.options, "--format", "table"])

    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[0].startswith("MACHINE           CREATED ")
    assert 25 == sum(line.startswith("office 1          2026-") for line in lines)
    assert 7 == sum(line.startswith("office 2          2026-") for line in lines)


def test_a_dead_machine_is_reported_after_the_threads_of_the_others(machines: Machines, capsysbinary: Capture) -> None:
    assert 17 == main(["list", *machines.options])

    out, error = capsysbinary.readouterr()
    assert tokens(machines) == sorted((one["machine"], one["threadToken"]) for one in objects(out))
    detail, summary = error.decode().splitlines()
    assert detail.startswith(f"threads-async: dead: the connection was refused (GET {DEAD}/v1/threads?")
    assert detail.endswith("; check the host and port of base_url")
    assert "threads-async: 1 of 3 machines failed" == summary


def test_filters_and_limits_apply_to_the_fleet(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["list", *alive.options, "--type", "manual", "--max-items", "5"])
    assert ["Manual"] * 5 == [one["type"] for one in objects(capsysbinary.readouterr().out)]

    alive.servers["office 2"].start_thread(created_at=datetime.now(UTC).isoformat())
    assert 0 == main(["list", *alive.options, "--older-than", "1h"])
    assert 32 == len(objects(capsysbinary.readouterr().out))


def test_if_all_machines_fail_nothing_is_written(machines: Machines, capsysbinary: Capture) -> None:
    for server in machines.servers.values():
        server.fault_for = lambda _: Fault(503)

    assert 17 == main(["list", *machines.options, "--format", "table"])

    out, error = capsysbinary.readouterr()
    assert b"" == out
    assert "threads-async: 3 of 3 machines failed" == error.decode().splitlines()[-1]


def test_a_list_that_changes_is_mentioned(alive: Machines, capsysbinary: Capture) -> None:
    server = alive.servers["office 1"]

    def change(seen: SeenRequest) -> None:
        if seen.parameters["start"] != "0":
            server.start_thread()

    server.on_request = change
    assert 0 == main(["list", *alive.options, "--total", "10"])
    assert b"the list changed while it was being read" in capsysbinary.readouterr().err
    assert 0 == main(["list", *alive.options, "--total", "10", "--consistent"])
    assert b"" == capsysbinary.readouterr().err


@pytest.mark.parametrize("option", [["--start", "1"], ["--all-workspaces"]])
def test_options_that_make_no_sense_for_a_fleet_are_refused(
    alive: Machines, option: list[str], capsysbinary: Capture
) -> None:
    assert 2 == main(["list", *alive.options, *option])

    assert b"a fleet cannot be combined with --all-workspaces or --start" in capsysbinary.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fleet", "x.toml", "--demo"], "--fleet cannot be combined with --base-url, --token-file or --demo"),
        (["--fleet", "x.toml", "--base-url", "http://x"], "--fleet cannot be combined"),
        (["--demo-machines", "2"], "--demo-machines requires --demo"),
        (["--fleet", "absent.toml"], "--fleet: the file of the fleet cannot be read: "),
    ],
)
def test_wrong_options_are_named(arguments: list[str], message: str, capsysbinary: Capture) -> None:
    assert 2 == main(["count", *arguments])

    assert message in capsysbinary.readouterr().err.decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[machines.a]\nbase_url = 'x'", "threads-async: --fleet: machines.a.base_url: it must look like "),
        (
            "[machines.' ']\nbase_url = 'http://x'\ntoken_env = 'TOKEN_ONE'",
            "threads-async: --fleet: the file of the fleet is invalid: ",
        ),
    ],
)
def test_a_wrong_setting_of_the_file_is_named(
    machines: Machines, text: str, message: str, capsysbinary: Capture
) -> None:
    machines.file.write_text(text)

    assert 2 == main(["count", *machines.options])
    assert capsysbinary.readouterr().err.decode().startswith(message)


def test_the_count_is_a_line_for_each_machine_and_the_sum(machines: Machines, capsysbinary: Capture) -> None:
    assert 17 == main(["count", *machines.options])

    out, error = capsysbinary.readouterr()
    assert "25 office 1\n 7 office 2\n32 in total\n" == out.decode()
    assert "threads-async: 1 of 3 machines failed" == error.decode().splitlines()[-1]


def test_if_all_machines_respond_counts_and_limits_are_no_failure(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["count", *alive.options, "--type", "Manual"])
    assert capsysbinary.readouterr().out.decode().splitlines()[-1].endswith(" in total")
    assert 0 == main(["limits", *alive.options])
    assert ["office 1", "office 2"] == [one["machine"] for one in objects(capsysbinary.readouterr().out)]


def test_if_no_machine_responds_nothing_is_counted(machines: Machines, capsysbinary: Capture) -> None:
    machines.file.write_text(machines.file.read_text()[machines.file.read_text().index("[machines.dead]") :])

    assert 17 == main(["count", *machines.options])
    assert b"" == capsysbinary.readouterr().out


def test_the_limits_of_each_machine_are_shown(machines: Machines, capsysbinary: Capture) -> None:
    machines.servers["office 1"].limit_threads = 30

    assert 17 == main(["limits", *machines.options])
    found = objects(capsysbinary.readouterr().out)
    assert [("office 1", 30), ("office 2", 10_000)] == [(one["machine"], one["limitThreads"]) for one in found]

    assert 17 == main(["limits", *machines.options, "--format", "text"])
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert ["office 1", "  threads                25 of 30 in use, 5 free"] == lines[:2]
    assert "office 2" in lines


def test_threads_are_stopped_on_all_machines_that_respond(machines: Machines, capsysbinary: Capture) -> None:
    before = tokens(machines)

    assert 17 == main(["stop", *machines.options, "--all", "--yes"])

    out, error = capsysbinary.readouterr()
    assert before == sorted((one["machine"], one["threadToken"]) for one in objects(out))
    assert [] == tokens(machines)
    lines = error.decode().splitlines()
    assert "threads-async: skipped, because their threads could not be listed: dead" == lines[0]
    assert lines[1].startswith("threads-async: dead: the connection was refused ")
    assert "threads-async: 1 of 3 machines failed; 32 of 32 threads stopped" == lines[2]


def test_nothing_is_stopped_on_a_machine_whose_threads_cannot_all_be_listed(
    alive: Machines, capsysbinary: Capture
) -> None:
    server = alive.servers["office 1"]
    for _ in range(1500 - 25):
        server.start_thread()
    server.fault_for = lambda seen: Fault(503) if seen.parameters.get("start", "0") != "0" else None

    assert 17 == main(["stop", *alive.options, "--all", "--yes"])

    assert 1500 == len(server.threads)
    assert [] == tokens(alive, "office 2")
    assert {"office 2"} == {one["machine"] for one in objects(capsysbinary.readouterr().out)}


def test_a_dry_run_over_a_fleet_stops_nothing(alive: Machines, capsysbinary: Capture) -> None:
    assert 0 == main(["stop", *alive.options, "--type", "Manual", "--dry-run"])

    found = objects(capsysbinary.readouterr().out)
    assert {"office 1", "office 2"} == {one["machine"] for one in found}
    assert 32 == len(tokens(alive))


def test_a_dry_run_reports_a_dead_machine(machines: Machines) -> None:
    assert 17 == main(["stop", *machines.options, "--all", "--dry-run"])


def test_if_no_thread_matches_a_dead_machine_is_reported(machines: Machines, capsysbinary: Capture) -> None:
    assert 17 == main(["stop", *machines.options, "--older-than", "3650d", "--yes"])

    assert b"no thread matches, so nothing was stopped" in capsysbinary.readouterr().err


def fail_to_stop(fault: Fault) -> Callable[[SeenRequest], Fault | None]:
    return lambda seen: fault if seen.method == "DELETE" or "stop" in seen.path else None


def test_a_machine_that_dies_while_it_is_stopped_leaves_the_others_stopped(
    alive: Machines, capsysbinary: Capture
) -> None:
    alive.servers["office 1"].fault_for = fail_to_stop(Fault(status=None))

    assert 17 == main(["stop", *alive.options, "--all", "--yes"])

    out, error = capsysbinary.readouterr()
    assert {"office 2"} == {one["machine"] for one in objects(out)}
    assert ["office 1"] * 25 == [name for name, _ in tokens(alive)]
    assert "; 7 of 32 threads known to be stopped" in error.decode().splitlines()[-1]
    # The first request failed, so the rest of its threads were not attempted.
    stops = [seen for seen in alive.servers["office 1"].requests if seen.method != "GET"]
    assert 1 == len(stops)


def test_a_thread_that_cannot_be_stopped_does_not_end_the_work_on_its_machine(
    alive: Machines, capsysbinary: Capture
) -> None:
    server = alive.servers["office 1"]
    stubborn = server.threads[0].thread_token

    def refuse(seen: SeenRequest) -> Fault | None:
        return Fault(400) if seen.method != "GET" and str(stubborn) in f"{seen.path}{seen.body!r}" else None

    server.fault_for = refuse

    assert 17 == main(["stop", *alive.options, "--all", "--yes"])

    assert [("office 1", stubborn)] == tokens(alive)
    assert 31 == len(objects(capsysbinary.readouterr().out))


def test_a_demo_of_a_fleet_has_one_dead_machine(capsysbinary: Capture) -> None:
    demo = ["--demo", "--demo-machines", "3", "--demo-threads", "4", "--attempts", "1"]

    assert 17 == main(["count", *demo])
    out, error = capsysbinary.readouterr()
    assert "4 machine-1\n4 machine-2\n8 in total\n" == out.decode()
    assert error.decode().startswith("threads-async: machine-3: the connection was refused ")

    assert 17 == main(["list", *demo])
    found = objects(capsysbinary.readouterr().out)
    assert 8 == len({one["threadToken"] for one in found})


def thread(number: int) -> ExecutionThread:
    return ExecutionThread(number, None, "Manual", NOON + timedelta(seconds=number))


GONE = ConnectionFailedError("no connection", request="GET http://a/v1/threads?x", hint="check the host of base_url")
MODEL = COLUMNS[FleetThread]
TABLE = Table(MODEL, Console(file=None, color_system=None), widths(MODEL, 99), "utf-8")


def unreachable(name: str) -> FleetEvent:
    return FleetEvent(name, ServerEvent(EventKind.UNREACHABLE, NOON, GONE))


def test_the_view_shows_a_few_dead_machines_with_their_reasons_and_counts_the_others() -> None:
    view = View()
    for name in "abcde":
        view.take(unreachable(name))

    lines = view.lines(Seen("0 of 5 machines", None), TABLE, 119, 40)
    shown = [line.partition(": ")[2] for line in lines if line.startswith("unreachable, ")]
    assert [f"{name}: http://a/v1/threads: no connection; check the host of base_url" for name in "abc"] == shown
    assert "… and 2 more unreachable" in lines

    view.take(FleetEvent("a", ServerEvent(EventKind.REACHABLE, NOON)))
    assert "… and 1 more unreachable" in view.lines(Seen("0 of 5 machines", None), TABLE, 119, 40)
    lines = view.lines(Seen("1 of 5 machines", [FleetThread("a", thread(1))]), TABLE, 119, 40)
    assert lines[-1].endswith(" reachable a")
    assert any(line.startswith("a                 2026-03-17") for line in lines)


def test_a_line_of_text_says_the_machine() -> None:
    event = ThreadEvent(EventKind.STARTED, thread(1), NOON)

    assert "started     a                 2026-" in text_of(FleetEvent("a", event), TABLE)
    assert text_of(unreachable("a"), TABLE).endswith(
        " unreachable a: http://a/v1/threads: no connection; check the host of base_url\n"
    )
    assert text_of(FleetEvent("a", ServerEvent(EventKind.REACHABLE, NOON)), TABLE).endswith(" reachable   a\n")


@pytest.mark.parametrize("width", [10, 40, 60, 79, 200])
def test_a_table_with_machines_fits_every_terminal(width: int) -> None:
    table = evolve(TABLE, columns=widths(MODEL, width))
    found = FleetThread("a machine with a very long name \x1b[31m", thread(1))

    for line in (*table.header().splitlines(), *table.rows([found]).splitlines()):
        assert len(line) <= max(width, 1 + 2 * 4 + 4 * 4)
        assert "\x1b" not in line


def test_each_machine_that_failed_has_a_line_of_its_own() -> None:
    failures: dict[str, ThreadsError] = {"a\n": RequestTimeoutError("late"), "b": ServerError("bad", status=500)}
    error = FleetError("2 of 2 machines failed", failures)

    assert [
        "threads-async: a : late",
        "threads-async: b: bad",
        "threads-async: 2 of 2 machines failed",
    ] == lines_of(failure_of(error))
