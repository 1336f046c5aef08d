"""The command `watch`: one line per event for programs, a live view for people."""

import contextlib
import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cli_processes import end, read_events, terminal
from cli_support import SECONDS, running, settings, start
from rich.cells import cell_len
from rich.console import Console

from threads_async import ConnectionFailedError, EventKind, ExecutionThread, ServerEvent, ThreadEvent, WatchEvent
from threads_async.cli._columns import COLUMNS
from threads_async.cli._output import event_line
from threads_async.cli._table import Table, widths
from threads_async.cli._view import Seen, View, text_of
from threads_async.testing import FakeServer, Fault

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
GONE = ConnectionFailedError(
    "the host name is not known",
    request="GET http://localhost:8160/v1/threads?start=0",
    hint="check the host of base_url",
)
THREADS = COLUMNS[ExecutionThread]
TABLE = Table(THREADS, Console(file=None, color_system=None), widths(THREADS, 79), "utf-8")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer(2)
    with running(server):
        yield server


def test_a_program_gets_one_line_per_event(server: FakeServer) -> None:
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


def test_a_restart_of_the_server_is_reported() -> None:
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
    assert ["event", "at", "url", "error", "reason"] == list(kinds[1])
    assert f"{server.url}/v1/threads" == kinds[1]["url"]
    assert kinds[1]["reason"].startswith("the connection ")
    assert ["event", "at"] == list(kinds[2])


def test_a_permanent_error_ends_it_with_its_exit_code(server: FakeServer) -> None:
    with start("watch", env={**settings(server), "ZB_API_TOKEN": "wrong"}) as process:
        out, error = process.communicate(timeout=SECONDS)

    assert (5, "") == (process.returncode, out)
    assert error.startswith("threads-async: the server refused the API token (401, ")
    assert 1 == len(error.splitlines())


def test_a_closed_pipe_ends_a_watch_quietly() -> None:
    with start("watch", "--demo", "--interval", "0.01") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert "" == process.stderr.read()

    assert 0 == process.returncode


def test_threads_of_the_demo_start_and_stop() -> None:
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
def test_a_terminal_gets_a_live_view_and_is_restored_afterwards(server: FakeServer, rows: int) -> None:
    for _ in range(30):
        server.start_thread()
    with terminal("watch", "--interval", "0.01", rows=rows, env=settings(server)) as screen:
        screen.read_until("32 threads")
        server.stop_thread(server.threads[0])
        screen.read_until("- 2026")
        code = screen.interrupt()

    assert 130 == code
    assert "31 threads" in screen.text
    assert re.search(r"… and \d+ more", screen.text)
    assert "Traceback" not in screen.text
    # It left the alternate screen, showed the cursor and turned line wrapping on again.
    for left, entered in [("1049l", "1049h"), ("25h", "25l"), ("7h", "7l")]:
        assert screen.text.rindex(f"\x1b[?{left}") > screen.text.rindex(f"\x1b[?{entered}")


@pytest.mark.parametrize("wanted", [[], ["--format", "live"]])
def test_a_terminal_that_cannot_be_redrawn_gets_one_line_per_event(server: FakeServer, wanted: list[str]) -> None:
    env = {**settings(server), "TERM": "dumb"}
    with terminal("watch", "--interval", "0.01", *wanted, env=env) as screen:
        screen.read_until("present")
        server.start_thread()
        screen.read_until("started")
        code = screen.interrupt()

    assert 130 == code
    assert "\x1b" not in screen.text
    assert ["present", "present", "started"] == [
        line.split()[2] for line in screen.text.splitlines() if line[:1] == "2"
    ]
    assert max(map(len, screen.text.splitlines())) < 80


def test_a_live_view_in_a_pipe_is_one_line_per_event(server: FakeServer) -> None:
    with start("watch", "--format", "live", "--interval", "0.01", env=settings(server)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        end(process)

    assert "present" == line.split()[2]
    assert str(server.threads[0].thread_token) not in line


NOT_UTF_8 = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_live_view_works_in_an_encoding_that_lacks_characters(server: FakeServer, encoding: str) -> None:
    env = {**settings(server), **NOT_UTF_8, "PYTHONIOENCODING": encoding}
    with terminal("watch", "--interval", "0.01", env=env) as screen:
        screen.read_until("2 threads")
        screen.read_until("eyJ?")
        code = screen.interrupt()

    assert 130 == code
    assert "Error" not in screen.text


def test_a_live_view_ends_when_its_terminal_is_closed(server: FakeServer) -> None:
    # As nohup does.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminal("watch", "--interval", "0.01", env=settings(server)) as screen:
            screen.read_until("2 threads")
            screen.hang_up()
            code = screen.process.wait(SECONDS)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert 12 == code


def test_a_live_view_says_why_the_server_is_unreachable(server: FakeServer) -> None:
    with terminal("watch", "--interval", "0.01", "--attempts", "1", env=settings(server)) as screen:
        screen.read_until("2 threads")
        server.fault_for = lambda _: Fault(503)
        screen.read_until("the server failed (503)")
        screen.read_until(f"2 threads on {server.url}, seen 1 s ago")
        code = screen.interrupt()

    assert 130 == code
    assert f"{server.url}/v1/threads: the server failed (503)" in screen.text


def test_a_permanent_error_ends_the_live_view_with_its_exit_code(server: FakeServer) -> None:
    with terminal("watch", "--interval", "0.01", env=settings(server)) as screen:
        screen.read_until("2 threads")
        server.token = "another"
        screen.read_until("the server refused the API token")
        code = screen.process.wait(SECONDS)
        screen.hang_up()

    assert 5 == code
    assert "1049l" in screen.text.partition("threads-async:")[0]


def test_a_terminal_shows_what_wait_waits_for_and_why_the_server_does_not_respond(server: FakeServer) -> None:
    arguments = ("wait", "--until", "none", "--interval", "0.01", "--attempts", "1")
    with terminal(*arguments, env=settings(server)) as screen:
        screen.read_until("waiting until none")
        server.fault_for = lambda _: Fault(503)
        screen.read_until("waiting until none; unreachable:")
        screen.read_until("failed (503)")
        server.fault_for = None
        # The spinner goes on without the reason.
        screen.read_until("waiting until none\r")
        for one in server.threads:
            server.stop_thread(one)
        code = screen.process.wait(SECONDS)
        screen.hang_up()

    assert 0 == code
    assert "threads-async:" not in screen.text


@pytest.mark.parametrize("command", [("watch",), ("wait", "--until", "none")])
def test_sigterm_leaves_the_terminal_as_it_was(server: FakeServer, command: tuple[str, ...]) -> None:
    with terminal(*command, "--interval", "0.01", env=settings(server)) as screen:
        screen.read_until("2 threads" if command == ("watch",) else "waiting until none")
        screen.process.terminate()
        screen.read_until("\x1b[?25h")
        code = screen.process.wait(SECONDS)
        screen.hang_up()

    assert 143 == code
    assert "Traceback" not in screen.text


def about_thread(kind: EventKind, number: int = 0) -> ThreadEvent:
    return ThreadEvent(kind, thread(number), NOON)


def thread(number: int) -> ExecutionThread:
    return ExecutionThread(number, None, "Manual", NOON - timedelta(days=1) + timedelta(seconds=number))


UNREACHABLE = ServerEvent(EventKind.UNREACHABLE, NOON, GONE)
REACHABLE = ServerEvent(EventKind.REACHABLE, NOON + timedelta(seconds=5))


def view_of(*events: WatchEvent) -> View:
    view = View()
    for one in events:
        view.take(one)
    return view


def seen(number: int, age: float = 0.0) -> Seen:
    return Seen("http://localhost:8160", tuple(map(thread, reversed(range(number)))), age)


@pytest.mark.parametrize(
    ("age", "shown"),
    [(-1, "0 s"), (0.9, "0 s"), (59, "59 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h")],
)
def test_the_first_line_has_the_number_of_threads_the_address_and_the_age(age: float, shown: str) -> None:
    assert f"1 thread on http://localhost:8160, seen {shown} ago" == seen(1, age).title()
    assert f"2 threads on http://localhost:8160, seen {shown} ago" == seen(2, age).title()


def test_before_the_first_response_the_view_says_so() -> None:
    """An empty list would look like a server without threads."""
    nothing = Seen("http://localhost:8160", None)

    lines = View().lines(nothing, TABLE, 79, 24)

    assert ["waiting for the first response from http://localhost:8160"] == lines


def test_the_view_shows_the_newest_first_and_says_how_many_more() -> None:
    lines = View().lines(seen(10), TABLE, 79, 9)

    assert 9 >= len(lines)
    assert ["9", "8", "7", "6"] == [line.split()[-1] for line in lines[3:7]]
    assert "… and 6 more" == lines[-1]


def test_the_view_shows_the_last_events() -> None:
    view = view_of(
        *(about_thread(EventKind.STARTED, number) for number in range(9)),
        about_thread(EventKind.CHANGED, 2),
        about_thread(EventKind.STOPPED, 3),
    )

    lines = view.lines(seen(9), TABLE, 79, 40)
    assert ["+", "+", "+", "~", "-"] == [line[0] for line in lines[-5:]]
    assert "3" == lines[-1].split()[-1]


def test_on_a_small_terminal_threads_are_shown_rather_than_many_events() -> None:
    view = view_of(*(about_thread(EventKind.STARTED, number) for number in range(9)))

    lines = view.lines(seen(9), TABLE, 40, 10)

    assert ["8", "7", "6"] == [line.split()[-1] for line in lines[-6:-3]]
    assert "… and 6 more" == lines[-3]
    assert "+" == lines[-1][0]


def test_the_view_never_has_more_lines_than_the_terminal() -> None:
    view = view_of(*(about_thread(EventKind.STARTED, number) for number in range(99)), UNREACHABLE)

    assert all(len(view.lines(seen(99), TABLE, 79, height)) <= height for height in range(1, 60))


@pytest.mark.parametrize("width", [-1, 0, 1])
def test_the_view_fits_a_terminal_without_width(width: int) -> None:
    lines = view_of(UNREACHABLE).lines(seen(1), TABLE, width, 24)

    assert 24 == len(lines)
    assert all(cell_len(line) <= 1 for line in lines)


@pytest.mark.parametrize("width", [20, 79, 200])
@pytest.mark.parametrize("message", [GONE.message, "サーバーがビジー状態です" * 9])
def test_the_view_says_why_the_server_does_not_respond(width: int, message: str) -> None:
    error = ConnectionFailedError(message, request=GONE.request, hint=GONE.hint)
    lines = view_of(ServerEvent(EventKind.UNREACHABLE, NOON, error)).lines(seen(0), TABLE, width, 40)

    reason = f"http://localhost:8160/v1/threads: {message}; check the host of ZB_API_BASE_URL or --base-url"
    text = "".join(lines).replace(" ", "")
    assert "unreachable,noticedat2026" in text
    assert reason.replace(" ", "") in text
    assert all(cell_len(line) <= width for line in lines if "CREATED" not in line)


def test_when_the_server_responds_again_the_reason_is_gone() -> None:
    lines = view_of(UNREACHABLE, REACHABLE).lines(seen(1), TABLE, 79, 24)

    assert "noticed" not in "".join(lines)
    assert ["!", "!"] == [line[0] for line in lines[-2:]]
    assert lines[-1].endswith(" reachable")


def test_a_line_of_text_says_why_the_server_does_not_respond() -> None:
    assert f" unreachable http://localhost:8160/v1/threads: {GONE.message}; check the host" in text_of(
        UNREACHABLE, TABLE
    )
    assert " reachable\n" == text_of(REACHABLE, TABLE)[19:]


def test_a_temporary_fault_is_an_unreachable_event_and_not_an_error(server: FakeServer) -> None:
    server.fail_next(3, Fault(503))
    with start("watch", "--interval", "0.01", env=settings(server)) as process:
        kinds = [one["event"] for one in read_events(process, 4)]
        end(process)

    assert ["unreachable", "reachable", "present", "present"] == kinds


def test_the_line_of_an_event_is_json() -> None:
    assert {"event": "reachable", "at": "2026-03-17T12:00:05+00:00"} == json.loads(event_line(REACHABLE))
    assert {
        "event": "unreachable",
        "at": "2026-03-17T12:00:00+00:00",
        "url": "http://localhost:8160/v1/threads",
        "error": "ConnectionFailedError",
        "reason": "the host name is not known",
    } == json.loads(event_line(UNREACHABLE))


def test_the_line_of_a_change_has_the_thread_before_it() -> None:
    before, after = (ExecutionThread(1, token, "Manual", NOON) for token in "ab")
    data = {"workspaceId": 1, "threadToken": "a", "type": "Manual", "createdAt": "2026-03-17T12:00:00+00:00"}

    line = json.loads(event_line(ThreadEvent(EventKind.CHANGED, after, NOON, before)))

    assert {"event": "changed", "at": NOON.isoformat(), **data, "threadToken": "b", "previous": data} == line
