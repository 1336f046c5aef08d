"""The command `watch`: a line an event for programs, a live view for people."""

import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cli_support import COMMAND, SECONDS, running, settings, start
from rich.console import Console

from threads_async import EventKind, ExecutionThread, ThreadEvent
from threads_async.cli import _watch
from threads_async.cli._table import Table, widths
from threads_async.cli._view import View
from threads_async.testing import FakeServer, Fault

WHY = "Windows has neither pseudo-terminals nor SIGINT for one process"
fcntl = pytest.importorskip("fcntl", reason=WHY)
pty = pytest.importorskip("pty", reason=WHY)
termios = pytest.importorskip("termios", reason=WHY)

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
TABLE = Table(Console(file=None, color_system=None), widths(79), "utf-8")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer(2)
    with running(server):
        yield server


def read_events(process: "subprocess.Popen[str]", number: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(number)]


def end(process: "subprocess.Popen[str]", by: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    process.send_signal(by)
    _, error = process.communicate(timeout=SECONDS)
    return process.returncode, error


def test_a_program_gets_a_line_an_event(server: FakeServer) -> None:
    first, second = server.threads
    with start("watch", "--interval", "0.01", env=settings(server)) as process:
        present = read_events(process, 2)
        server.stop_thread(second)
        (stopped,) = read_events(process, 1)
        code, error = end(process)

    assert ["present", "present", "stopped"] == [event["event"] for event in [*present, stopped]]
    assert list(present[0]) == ["event", "at", "workspaceId", "threadToken", "type", "createdAt"]
    assert [first.thread_token, second.thread_token] == [event["threadToken"] for event in present]
    assert second.thread_token == stopped["threadToken"]
    assert datetime.fromisoformat(stopped["at"]).tzinfo is not None
    assert (130, "") == (code, error)


def test_a_server_that_goes_and_comes_back_is_told_of() -> None:
    server = FakeServer(1)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        first.enter_context(running(server))
        process = stack.enter_context(start("watch", "--interval", "0.01", env=settings(server)))
        kinds = read_events(process, 1)
        first.close()
        kinds += read_events(process, 1)
        stack.enter_context(running(server))
        kinds += read_events(process, 1)
        end(process)

    assert ["present", "unreachable", "reachable"] == [event["event"] for event in kinds]
    assert ["event", "at"] == list(kinds[1])


def test_what_does_not_pass_ends_it_with_its_code(server: FakeServer) -> None:
    with start("watch", env={**settings(server), "ZB_API_TOKEN": "wrong"}) as process:
        out, error = process.communicate(timeout=SECONDS)

    assert (5, "") == (process.returncode, out)
    assert error.startswith("threads-async: the server refused the API token (401, ")
    assert 1 == len(error.splitlines())


def test_a_pipe_that_is_closed_ends_it_quietly() -> None:
    with start("watch", "--demo", "--interval", "0.01") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert "" == process.stderr.read()

    assert 0 == process.returncode


def test_the_demo_has_threads_that_come_and_go() -> None:
    with start("watch", "--demo", "--interval", "0.05") as process:
        kinds = [event["event"] for event in read_events(process, 12)]
        end(process)

    assert ["present"] * 10 == kinds[:10]
    assert set(kinds[10:]) <= {"started", "stopped"}


def test_a_wrong_interval_is_a_usage_error() -> None:
    with start("watch", "--demo", "--interval", "0") as process:
        _, error = process.communicate(timeout=SECONDS)

    assert 2 == process.returncode
    assert "interval" in error


@pytest.mark.parametrize("rows", [24, 10])
def test_a_terminal_gets_a_live_view_and_is_clean_afterwards(server: FakeServer, rows: int) -> None:
    for _ in range(30):
        server.start_thread()
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    env = {**settings(server), "TERM": "xterm-256color"}
    env.pop("COLUMNS", None)
    arguments = [*COMMAND, "watch", "--interval", "0.01"]
    with subprocess.Popen(arguments, env=env, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        text = ""
        deadline = time.monotonic() + SECONDS
        stopped = False
        while "- 2026" not in text and time.monotonic() < deadline:
            text += os.read(parent, 65536).decode()
            if "32 threads" in text and not stopped:
                stopped = True
                server.stop_thread(server.threads[0])
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):
            while chunk := os.read(parent, 65536):
                text += chunk.decode()
        os.close(parent)

    assert 130 == process.returncode
    assert "31 threads" in text
    assert re.search(r"… and \d+ more", text)
    assert "Traceback" not in text
    # The alternate screen is left and the cursor shown again.
    assert text.rindex("\x1b[?1049l") > text.rindex("\x1b[?1049h")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def event(kind: EventKind, number: int = 0) -> ThreadEvent:
    about_server = kind in (EventKind.REACHABLE, EventKind.UNREACHABLE)
    created = NOON - timedelta(days=1) + timedelta(seconds=number)
    thread = None if about_server else ExecutionThread(number, None, "Manual", created)
    return ThreadEvent(kind, thread, NOON)


def view_of(*events: ThreadEvent) -> View:
    view = View()
    for one in events:
        view.take(one)
    return view


def test_the_view_counts_what_runs() -> None:
    view = view_of(
        event(EventKind.PRESENT, 1),
        event(EventKind.PRESENT, 2),
        event(EventKind.STARTED, 3),
        event(EventKind.STOPPED, 1),
    )

    assert "2 threads" == view.title()


def test_the_view_shows_the_newest_first_and_says_how_many_more() -> None:
    lines = view_of(*(event(EventKind.PRESENT, number) for number in range(10))).lines(TABLE, 9).splitlines()

    assert 9 >= len(lines)
    assert ["9", "8", "7", "6"] == [line.split()[-1] for line in lines[3:7]]
    assert "… and 6 more" == lines[-1]


def test_the_view_shows_the_last_events() -> None:
    view = view_of(*(event(EventKind.STARTED, number) for number in range(9)), event(EventKind.STOPPED, 3))

    lines = view.lines(TABLE, 40).splitlines()
    assert ["+", "+", "+", "+", "-"] == [line[0] for line in lines[-5:]]
    assert "3" == lines[-1].split()[-1]


def test_the_view_never_needs_more_lines_than_there_are() -> None:
    view = view_of(*(event(EventKind.STARTED, number) for number in range(99)))

    assert all(len(view.lines(TABLE, height).splitlines()) <= height for height in range(11, 60))


def test_the_view_says_that_the_server_does_not_answer() -> None:
    gone = event(EventKind.UNREACHABLE)

    assert view_of(gone).title().startswith("the server has not answered since 2026")
    assert view_of(event(EventKind.PRESENT), gone).title().startswith("1 thread when last seen; the server")
    back = view_of(gone, event(EventKind.REACHABLE))
    assert "0 threads" == back.title()
    assert "! " in back.lines(TABLE, 24)


def test_a_fault_that_passes_is_unreachable_and_not_an_error(server: FakeServer) -> None:
    server.fail_next(3, Fault(503))
    with start("watch", "--interval", "0.01", env=settings(server)) as process:
        kinds = [one["event"] for one in read_events(process, 4)]
        end(process)

    assert ["unreachable", "reachable", "present", "present"] == kinds


def test_the_line_of_an_event_is_json() -> None:
    assert {"event": "reachable", "at": "2026-03-17T12:00:00+00:00"} == json.loads(
        _watch.line_of(event(EventKind.REACHABLE))
    )
