"""The commands `limits`, `start` and `stop`, and `list --older-than`."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path

import click
import pytest
from cli_support import COMMAND, SECONDS, running, settings, start

from threads_async.cli import main
from threads_async.cli._ages import _Age, created_before
from threads_async.testing import FakeServer, Fault, SeenRequest

Capture = pytest.CaptureFixture[bytes]

AGED = 20


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server with threads of March 2026, and one of now."""
    server = FakeServer(AGED, limit_threads=25)
    server.start_thread(created_at=datetime.now(UTC).isoformat())
    with running(server):
        yield server


@pytest.fixture(autouse=True)
def _environment(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings(server).items():
        monkeypatch.setenv(name, value)


def stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))


def tokens_of(output: bytes) -> list[str]:
    return [json.loads(line)["threadToken"] for line in output.splitlines()]


def tokens(server: FakeServer) -> list[str]:
    return [str(thread.thread_token) for thread in server.threads]


def stopped(server: FakeServer) -> int:
    return AGED + 1 - len(server.threads)


# limits ---------------------------------------------------------------------------------------------------------------


def test_the_limits_are_one_line_of_json(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["limits"])

    limits = json.loads(capsysbinary.readouterr().out)
    assert (21, 25, 10) == (limits["activeThreads"], limits["limitThreads"], len(limits))


def test_the_limits_are_one_line_each_for_people(server: FakeServer, capsysbinary: Capture) -> None:
    server.limits = {"activeApiEnabled": None}

    assert 0 == main(["limits", "--format", "text", "--workspace-id", "-1"])

    assert capsysbinary.readouterr().out.decode().splitlines() == [
        "threads                21 of 25 in use, 4 free",
        "cloud profiles         12 of 100 in use",
        "local profiles         34 of 1000 in use",
        "cloud profile storage  56 of 1024 in use",
        "api enabled            - of 1 in use",
    ]


# start ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "count"), [([], 1), (["1"], 1), (["3"], 3)])
def test_started_threads_are_written(
    server: FakeServer, capsysbinary: Capture, arguments: list[str], count: int
) -> None:
    assert 0 == main(["start", *arguments])

    assert tokens(server)[-count:] == tokens_of(capsysbinary.readouterr().out)
    assert AGED + 1 + count == len(server.threads)


def test_a_start_at_the_limit_has_its_own_exit_code(server: FakeServer, capsysbinary: Capture) -> None:
    assert 14 == main(["start", "5"])

    words = capsysbinary.readouterr().err
    assert b"only 4 threads are free: 21 of the 25 threads of the licence are in use" in words
    assert b"; the server may have started threads: look for those created since " in words
    assert words.endswith(b"; 0 of 5 threads known to be started\n")
    server.limit_threads = 21

    assert 14 == main(["start"])

    assert capsysbinary.readouterr().err.endswith(b"; stop a thread, or use --wait\n")


def test_a_table_without_a_thread_has_no_header(server: FakeServer, capsysbinary: Capture) -> None:
    server.limit_threads = 21

    assert 14 == main(["start", "--format", "table"])
    assert b"" == capsysbinary.readouterr().out


def test_a_start_can_wait(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["start", "2", "--wait", "10", "--format", "table"])
    assert 3 == len(capsysbinary.readouterr().out.splitlines())
    # Enough time for one look at the limits on a slow machine.
    assert 14 == main(["start", "5", "--wait", "0.5"])

    output = capsysbinary.readouterr()
    assert b"no thread is free within" in output.err
    assert tokens(server)[-2:] == tokens_of(output.out)


def test_threads_started_before_an_error_are_written(server: FakeServer, capsysbinary: Capture) -> None:
    server.limit_threads = 1000
    server.fault_for = lambda _: Fault(503) if len(server.requests) > 1 else None

    assert 6 == main(["start", "150"])

    output = capsysbinary.readouterr()
    assert 100 == len(tokens_of(output.out))
    assert b"the server may have started threads: look for those created since" in output.err


@pytest.mark.parametrize("count", ["0", "-1", "10001", "x"])
def test_a_wrong_number_of_threads_is_refused(server: FakeServer, count: str) -> None:
    assert 2 == main(["start", "--", count])
    assert [] == server.requests


# stop -----------------------------------------------------------------------------------------------------------------


def test_old_threads_are_shown_and_then_stopped(server: FakeServer, capsysbinary: Capture) -> None:
    old = tokens(server)[:AGED]

    assert 0 == main(["stop", "--older-than", "1h", "--dry-run"])
    assert old == tokens_of(capsysbinary.readouterr().out)
    assert 0 == stopped(server)
    assert 0 == main(["stop", "--older-than", "1h", "--yes"])
    assert old == tokens_of(capsysbinary.readouterr().out)
    assert AGED == stopped(server)


def test_without_a_terminal_nothing_is_stopped_unless_confirmed(
    server: FakeServer, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, "y\n")

    assert 15 == main(["stop", "--all"])

    output = capsysbinary.readouterr()
    assert b"nothing was stopped: without a terminal for standard input and output, --yes is required" in output.err
    # Neither does it write thread tokens into a log.
    assert b"" == output.out
    assert [] == server.requests


def test_without_standard_input_nothing_is_stopped(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    assert 15 == main(["stop", "--all"])
    assert 0 == stopped(server)


@pytest.mark.parametrize(
    ("arguments", "kind"), [(["--type", "manual"], "Manual"), (["--type", "BrowserInstance"], "BrowserInstance")]
)
def test_threads_of_a_type_are_stopped(server: FakeServer, arguments: list[str], kind: str) -> None:
    left = [thread for thread in server.threads if thread.type != kind]

    assert 0 == main(["stop", *arguments, "--yes"])
    assert left == list(server.threads)


def test_conditions_are_combined(server: FakeServer) -> None:
    assert 0 == main(["stop", "--type", "Manual", "--older-than", "1h", "--yes"])

    assert 1 <= stopped(server) < AGED
    assert not any(thread.type == "Manual" for thread in server.threads[:-1])


@pytest.mark.parametrize("json_lines", [False, True])
@pytest.mark.parametrize("source", ["file", "standard input"])
def test_threads_with_the_given_tokens_are_stopped(
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsysbinary: Capture,
    source: str,
    json_lines: bool,
) -> None:
    wanted = [*tokens(server)[3:5], "unknown"]
    text = "\n".join(json.dumps({"threadToken": one}) if json_lines else one for one in wanted) + "\n\n"
    name = "-"
    if source == "file":
        (tmp_path / "tokens").write_text(text, encoding="utf-8")
        name = str(tmp_path / "tokens")
    stdin(monkeypatch, text)

    assert 0 == main(["stop", "--thread-tokens", name, "--yes"])

    output = capsysbinary.readouterr()
    assert wanted[:2] == tokens_of(output.out)
    assert b"1 token does not belong to a matching thread in this workspace" in output.err
    assert 2 == stopped(server)


def test_the_output_of_list_selects_what_stop_stops(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture
) -> None:
    assert 0 == main(["list", "--older-than", "1h", "--format", "jsonl"])
    stdin(monkeypatch, capsysbinary.readouterr().out.decode())

    assert 0 == main(["stop", "--thread-tokens", "-", "--yes"])
    assert AGED == stopped(server)


@pytest.mark.parametrize(
    "text",
    [
        "two words\n",
        "{",
        '{"token": "x"}',
        "\x00",
        '{"a":' + "[" * 200_000,
        "workspaceId,threadToken\n1,eyJ.a.b\n",
        "#comment\neyJ.a.b\n",
        "eyJ…x3fQ\n",
    ],
)
def test_a_file_of_something_else_is_refused(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture, text: str
) -> None:
    stdin(monkeypatch, text)

    assert 2 == main(["stop", "--thread-tokens", "-", "--yes"])
    assert b"each line must be a thread token" in capsysbinary.readouterr().err
    assert [] == server.requests


@pytest.mark.parametrize("text", ["", "\n", '{"threadToken": null}'])
def test_a_file_without_any_token_stops_nothing(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture, text: str
) -> None:
    """For example, if a program found no thread to stop."""
    stdin(monkeypatch, text)

    assert 0 == main(["stop", "--thread-tokens", "-", "--yes"])

    assert b"no thread matches, so nothing was stopped" in capsysbinary.readouterr().err
    assert 0 == stopped(server)


def test_a_file_of_tokens_that_is_too_large_is_refused(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture
) -> None:
    monkeypatch.setattr("threads_async.cli._selection._MOST_OF_A_FILE", 1024)
    path = tmp_path / "tokens"
    path.write_text("\n".join(tokens(server)), encoding="utf-8")

    assert 2 == main(["stop", "--thread-tokens", str(path), "--yes"])

    assert b"the file is larger than 1 kB" in capsysbinary.readouterr().err
    assert 0 == stopped(server)


def test_lines_of_threads_without_a_token_are_left_out_and_counted(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsysbinary: Capture
) -> None:
    lines = [json.dumps({"threadToken": token}) for token in (tokens(server)[0], None)]
    stdin(monkeypatch, "\n".join(lines))

    assert 0 == main(["stop", "--thread-tokens", "-", "--yes"])

    assert b"1 thread without a token cannot be stopped" in capsysbinary.readouterr().err
    assert 1 == stopped(server)


def test_a_file_of_tokens_that_is_not_text_or_not_there_is_refused(
    server: FakeServer, tmp_path: Path, capsysbinary: Capture
) -> None:
    (tmp_path / "tokens").write_bytes(b"\xff\xff")

    assert 2 == main(["stop", "--thread-tokens", str(tmp_path / "tokens"), "--yes"])
    assert 2 == main(["stop", "--thread-tokens", str(tmp_path / "none"), "--yes"])
    assert b"the file cannot be read: No such file" in capsysbinary.readouterr().err
    assert [] == server.requests


@pytest.mark.parametrize("arguments", [[], ["--all", "--type", "Manual"], ["--all", "--older-than", "1h"]])
def test_stop_must_be_told_which_threads(server: FakeServer, arguments: list[str]) -> None:
    assert 2 == main(["stop", "--yes", *arguments])
    assert [] == server.requests


@pytest.mark.parametrize("fault", [Fault(500), Fault(200, b"{}")])
def test_if_the_listing_fails_nothing_is_stopped(server: FakeServer, fault: Fault) -> None:
    server.fault_for = lambda _: fault if len(server.requests) > 1 else None
    server.page_cap = 5

    assert main(["stop", "--all", "--yes", "--attempts", "1"]) in (6, 9)
    assert {"GET"} == {seen.method for seen in server.requests}


def test_if_no_thread_matches_nothing_is_stopped(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["stop", "--older-than", "99999d", "--yes"])

    output = capsysbinary.readouterr()
    assert (b"", b"threads-async: no thread matches, so nothing was stopped\n") == (output.out, output.err)


def test_threads_without_a_token_are_left_and_counted(server: FakeServer, capsysbinary: Capture) -> None:
    server.start_thread(thread_token=None)
    server.start_thread(thread_token="two words")

    assert 0 == main(["stop", "--all", "--yes"])

    assert b"2 threads without a usable token cannot be stopped" in capsysbinary.readouterr().err
    assert [None, "two words"] == [thread.thread_token for thread in server.threads]


def test_an_error_in_the_middle_says_how_many_were_stopped(server: FakeServer, capsysbinary: Capture) -> None:
    for _ in range(30):
        server.start_thread()
    server.fault_for = lambda seen: Fault(None) if seen.method == "DELETE" and stopped(server) > -30 else None

    assert 3 == main(["stop", "--all", "--yes", "--attempts", "1"])

    output = capsysbinary.readouterr()
    assert 20 == len(tokens_of(output.out))
    assert b"20 of 51 threads known to be stopped" in output.err
    assert b"the server may have stopped threads" in output.err


def test_a_thread_that_fails_on_its_own_leaves_the_others_stopped(server: FakeServer, capsysbinary: Capture) -> None:
    last = tokens(server)[4]

    def fault_for(seen: SeenRequest) -> Fault | None:
        bulk = seen.path.endswith("delete_bulk")
        return Fault(404) if seen.method == "DELETE" and (bulk or seen.path.endswith(last)) else None

    server.fault_for = fault_for

    assert 8 == main(["stop", "--all", "--yes"])

    output = capsysbinary.readouterr()
    assert 20 == len(tokens_of(output.out)) == stopped(server)
    assert b"20 of 21 threads " in output.err


def into_a_closed_pipe(*arguments: str) -> tuple[int, str]:
    """Run a command whose output nobody reads, and return its exit code and what it says."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, *arguments], check=False, stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=SECONDS
        )
    return done.returncode, done.stderr


def test_a_stop_whose_output_nobody_reads_says_how_many_were_stopped(server: FakeServer) -> None:
    for _ in range(30):
        server.start_thread()

    code, said = into_a_closed_pipe("stop", "--all", "--yes")

    assert 12 == code
    assert "the reader of standard output is gone; 20 of 51 threads stopped" in said
    assert 31 == len(server.threads)


def test_a_stop_whose_header_cannot_be_written_stops_nothing(server: FakeServer) -> None:
    code, said = into_a_closed_pipe("stop", "--all", "--yes", "--format", "csv")

    assert (12, 0) == (code, stopped(server))
    assert "the reader of standard output is gone; 0 of 21 threads stopped" in said


def test_a_start_whose_output_nobody_reads_says_how_many_were_started(server: FakeServer) -> None:
    code, said = into_a_closed_pipe("start", "3")

    assert 12 == code
    assert "the reader of standard output is gone; 3 of 3 threads started" in said
    assert AGED + 1 + 3 == len(server.threads)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_start_whose_output_cannot_be_written_starts_nothing(server: FakeServer) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "start", "2"]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=SECONDS)

    assert 12 == done.returncode
    assert "could not write to standard output: No space left on device; 0 of 2 threads started" in done.stderr
    assert [] == server.requests


def test_a_start_that_returned_fewer_threads_counts_them(server: FakeServer, capsysbinary: Capture) -> None:
    thread = {"workspaceId": 1, "threadToken": "eyJ.a.b", "type": "Manual", "createdAt": "2026-03-17T16:38:40Z"}
    server.fail_next(fault=Fault(200, json.dumps([thread]).encode()))

    assert 9 == main(["start", "3"])

    assert capsysbinary.readouterr().err.endswith(b"; 1 of 3 threads known to be started\n")


@pytest.mark.parametrize(
    ("arguments", "pending"), [(["3"], "3 more"), (["3", "--wait", "60"], "1 more"), ([], "1 more")]
)
def test_ctrl_c_during_a_start_says_what_may_have_been_started(
    server: FakeServer, arguments: list[str], pending: str
) -> None:
    reached = threading.Event()

    async def hold(seen: SeenRequest) -> None:
        if seen.method == "POST":
            reached.set()
            await asyncio.sleep(SECONDS)

    server.on_request = hold
    with start("start", *arguments) as process:
        assert reached.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)

    assert (130, "") == (process.returncode, output)
    count = "0 of 3 threads" if arguments else "0 of 1 thread"
    assert f"threads-async: interrupted: {count} started; {pending} may have been started\n" == errors


def test_ctrl_c_in_the_middle_says_what_was_stopped(server: FakeServer) -> None:
    for _ in range(30):
        server.start_thread()
    reached = threading.Event()

    async def hold(seen: SeenRequest) -> None:
        if seen.method == "DELETE" and len(server.threads) < AGED + 31:
            reached.set()
            await asyncio.sleep(SECONDS)

    server.on_request = hold
    with start("stop", "--all", "--yes") as process:
        assert reached.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)

    assert 130 == process.returncode
    assert 20 == len(output.splitlines())
    assert "threads-async: interrupted: 20 of 51 threads stopped; 20 more may have been stopped\n" == errors


def test_ctrl_c_before_anything_is_stopped_is_quiet(server: FakeServer) -> None:
    reached = threading.Event()

    async def hold(_: SeenRequest) -> None:
        reached.set()
        await asyncio.sleep(SECONDS)

    server.on_request = hold
    with start("stop", "--all", "--yes") as process:
        assert reached.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)

    assert (130, "", "") == (process.returncode, output, errors)


def asked(answer: bytes | None) -> tuple[int, str]:
    """Run ``stop --all`` in a pseudo-terminal, and return its exit code and output.

    Args:
        answer: What is typed when it asks; None for Ctrl-C.
    """
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    parent, child = pty.openpty()
    seen = b""
    with (
        subprocess.Popen([*COMMAND, "stop", "--all"], stdin=child, stdout=child, stderr=child) as process,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(process.kill)
        os.close(child)
        # When the other side is closed, Linux raises an error; other systems return an empty chunk.
        with contextlib.suppress(OSError):
            while b"[y/N]: " not in seen:
                seen += os.read(parent, 65536)
            # A signal between the question and the reading of the answer is noticed only after the answer.
            while answer is None and process.poll() is None:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
            os.write(parent, answer or b"")
            while chunk := os.read(parent, 65536):
                seen += chunk
        os.close(parent)
    return process.returncode, seen.decode()


@pytest.mark.parametrize("answer", [b"n\n", b"\n"])
def test_on_a_terminal_the_answer_no_stops_nothing(server: FakeServer, answer: bytes) -> None:
    code, output = asked(answer)

    assert (15, 0) == (code, stopped(server))
    assert "Stop these 21 threads? [y/N]: " in output
    assert "threads-async: nothing was stopped" in output
    assert 21 == output.count("eyJ…")


def test_on_a_terminal_the_answer_yes_stops_the_threads(server: FakeServer) -> None:
    code, output = asked(b"y\n")

    assert (0, AGED + 1) == (code, stopped(server))
    assert "21 threads stopped" in output


def test_ctrl_c_at_the_question_stops_nothing(server: FakeServer) -> None:
    code, output = asked(None)

    assert (130, 0) == (code, stopped(server))
    assert "nothing was stopped" in output


def test_the_end_of_the_input_at_the_question_stops_nothing(server: FakeServer) -> None:
    code, output = asked(b"\x04")

    assert (15, 0) == (code, stopped(server))
    assert "nothing was stopped" in output


def test_with_its_output_elsewhere_it_does_not_ask(server: FakeServer) -> None:
    """Nobody could see the threads."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    parent, child = pty.openpty()
    done = subprocess.run([*COMMAND, "stop", "--all"], check=False, stdin=child, capture_output=True, timeout=SECONDS)
    os.close(parent)
    os.close(child)

    assert (15, b"") == (done.returncode, done.stdout)
    assert b"--yes is required" in done.stderr


def test_one_thread_is_asked_about_in_the_singular(server: FakeServer) -> None:
    while len(server.threads) > 1:
        server.stop_thread(server.threads[0])

    assert "Stop this thread? [y/N]: " in asked(b"n\n")[1]


def test_a_demo_can_be_stopped(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZB_API_BASE_URL")

    assert 0 == main(["stop", "--all", "--yes", "--demo", "--demo-threads", "30"])
    assert 30 == len(tokens_of(capsysbinary.readouterr().out))


# --older-than ---------------------------------------------------------------------------------------------------------


def test_list_shows_old_threads_and_how_many_there_are(server: FakeServer, capsysbinary: Capture) -> None:
    assert 0 == main(["list", "--older-than", "1h", "--total", "7"])
    assert tokens(server)[:AGED] == tokens_of(capsysbinary.readouterr().out)
    assert 0 == main(["list", "--older-than", "1h", "--all-workspaces"])
    assert tokens(server)[:AGED] == tokens_of(capsysbinary.readouterr().out)
    assert 2 == main(["list", "--older-than", "1h", "--max-items", "5"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (" 2H ", 7200),
        ("0s", 0),
    ],
)
def test_an_age_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert timedelta(seconds=seconds) == _Age().convert(text, None, None)


@pytest.mark.parametrize("text", ["", "5", "h", "5x", "-5m", "1h 30m", "5mm", "1e3s", "٣s", "9999999999s"])
def test_anything_else_is_not_an_age(text: str) -> None:
    with pytest.raises(click.BadParameter, match="a number with a unit is expected"):
        _Age().convert(text, None, None)


def test_an_age_that_is_too_long_is_not_an_age() -> None:
    with pytest.raises(click.BadParameter, match="it is too long"):
        _Age().convert("999999999d999999999d", None, None)


def test_no_thread_is_older_than_time_itself() -> None:
    assert datetime.min.replace(tzinfo=UTC) == created_before(timedelta(days=999_999_999))


def test_without_an_age_threads_of_any_time_are_meant() -> None:
    assert None is created_before(None)
