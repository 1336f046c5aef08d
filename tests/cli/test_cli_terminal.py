"""Terminals, pipes, signals and full disks: the command in a separate process."""

import asyncio
import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_support import COMMAND, SECONDS, environment, running, settings, start

from threads_async.testing import FakeServer, FakeThread, SeenRequest

WHY = "Windows has neither pseudo-terminals nor /dev/full nor SIGPIPE"
fcntl = pytest.importorskip("fcntl", reason=WHY)
pty = pytest.importorskip("pty", reason=WHY)
termios = pytest.importorskip("termios", reason=WHY)

FULL = Path("/dev/full")


def in_terminal(
    *arguments: str, columns: int = 80, variables: Mapping[str, str] | None = None, **streams: Any
) -> tuple[int, str]:
    """Run the command with a pseudo-terminal as standard output and error, unless `streams` say otherwise."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**environment(TERM="xterm-256color"), **(variables or {})}
    env.pop("COLUMNS", None)
    with subprocess.Popen(
        [*COMMAND, *arguments], env=env, stdin=child, **{"stdout": child, "stderr": child, **streams}
    ) as process:
        os.close(child)
        chunks: list[bytes] = []
        # When the other side is closed, Linux raises an error; other systems return an empty chunk.
        with contextlib.suppress(OSError):
            chunks.extend(iter(lambda: os.read(parent, 65536), b""))
        os.close(parent)
    return process.returncode, b"".join(chunks).decode()


def shown(text: str) -> str:
    """Return what stays on the terminal: `text` without colours and without erased lines."""
    text = re.sub("[^\n]*\r\n(\x1b\\[[?]25h)?\r\x1b\\[1A\x1b\\[2K", "", text)
    return re.sub("\x1b\\[[0-9;?]*[a-zA-Z]|\r", "", text)


class Gate:
    """Holds back every page but the first until it is opened."""

    def __init__(self, server: FakeServer) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()
        server.on_request = self._hold

    async def _hold(self, request: SeenRequest) -> None:
        if request.parameters["start"] != "0":
            self.reached.set()
            await asyncio.to_thread(self._opened.wait, SECONDS)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def gated() -> Iterator[tuple[FakeServer, Gate]]:
    """A server with 25 threads whose gate holds back every page but the first."""
    server = FakeServer(25)
    gate = Gate(server)
    with running(server):
        yield server, gate
        gate.open()


def test_a_terminal_gets_a_table() -> None:
    code, text = in_terminal("list", "--demo", "--demo-threads", "3")

    assert 0 == code
    header, *rows, footer = shown(text).splitlines()
    assert header.startswith("CREATED ")
    assert 3 == len(rows)
    assert "3 threads" == footer


@pytest.mark.parametrize("columns", [12, 80])
def test_no_line_of_a_table_wraps(columns: int) -> None:
    _, text = in_terminal("list", "--demo", "--demo-threads", "3", columns=columns)

    lines = shown(text).splitlines()
    assert 1 + 3 + 1 == len(lines)
    assert max(map(len, lines)) < columns


@pytest.mark.parametrize(
    ("options", "footer"),
    [
        ("--max-items 2", "2 of 5 threads"),
        ("--start 4", "1 of 5 threads"),
        ("--max-items 9", "5 threads"),
        ("--max-items 0", "0 threads"),
        ("--workspace-id 99", "0 threads"),
        ("--max-items 1 --total 1", "1 of 5 threads"),
    ],
)
def test_a_table_on_a_terminal_ends_with_the_number_of_threads(options: str, footer: str) -> None:
    _, text = in_terminal("list", "--demo", "--demo-threads", "5", *options.split())

    assert footer == shown(text).splitlines()[-1]


def test_one_thread_is_not_called_threads() -> None:
    _, text = in_terminal("list", "--demo", "--demo-threads", "1")

    assert "1 thread" == shown(text).splitlines()[-1]


@pytest.mark.parametrize("arguments", ["list --demo", "count --demo", "doctor --demo", "list --demo --help"])
def test_with_no_color_a_terminal_gets_neither_colours_nor_bold_nor_dim(arguments: str) -> None:
    _, text = in_terminal(*arguments.split(), variables={"NO_COLOR": "1"})

    assert [] == re.findall("\x1b\\[[0-9;]*m", text)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_of_the_doctor_wraps_and_its_states_are_coloured(columns: int) -> None:
    code, text = in_terminal("doctor", "--demo", columns=columns)

    assert 0 == code
    lines = shown(text).splitlines()
    assert max(map(len, lines)) < columns
    assert {"\x1b[32mok\x1b[0m"} == set(re.findall(r"\x1b\[[0-9]+m\w+\x1b\[0m", text))
    assert "Everything works." == lines[-1]


def test_a_dumb_terminal_gets_no_colours() -> None:
    _, text = in_terminal("doctor", "--demo", variables={"TERM": "dumb"})

    assert "\x1b" not in text


def test_an_empty_no_color_keeps_colours() -> None:
    _, text = in_terminal("list", "--demo", "--demo-threads", "1", variables={"NO_COLOR": ""})

    assert "\x1b[1m" in text


def test_progress_is_ascii_if_the_encoding_is_ascii() -> None:
    variables = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}

    _, text = in_terminal("list", "--demo", "--total", "1000", variables=variables)

    assert "1000 of 2500" in text
    assert "\\u" not in text


def test_progress_is_shown_on_a_terminal_and_erased() -> None:
    _, text = in_terminal("list", "--demo", "--total", "1000")

    assert "1000 of 2500" in text
    assert " of " not in shown(text)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor stays hidden"


def test_progress_counts_up_to_max_items() -> None:
    _, text = in_terminal("list", "--demo", "--start", "100", "--max-items", "500", "--total", "300")

    assert "300 of 500" in text


def test_progress_does_not_mix_with_data_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "threads.jsonl"
    with path.open("wb") as file:
        code, text = in_terminal("list", "--demo", stdout=file)

    assert 0 == code
    assert "1000 of 2500" in text
    assert "" == shown(text)
    assert 2500 == len([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])


def test_a_terminal_that_cannot_erase_gets_no_progress() -> None:
    _, text = in_terminal("count", "--demo", variables={"TERM": "dumb"})

    assert "2500\r\n" == text


def test_rows_are_written_as_they_arrive(gated: tuple[FakeServer, Gate]) -> None:
    server, gate = gated
    with start("list", "--total", "10", env=settings(server)) as process:
        assert process.stdout is not None
        # The second page is held back until these rows are read. If rows were written at the end, this would block.
        early = [process.stdout.readline() for _ in range(10)]
        gate.open()
        late, error = process.communicate(timeout=SECONDS)

    assert (0, "") == (process.returncode, error)
    assert [thread.thread_token for thread in server.threads] == [
        json.loads(line)["threadToken"] for line in [*early, *late.splitlines()]
    ]


def test_ctrl_c_ends_quietly_with_130(gated: tuple[FakeServer, Gate]) -> None:
    server, gate = gated
    with start("list", "--total", "10", env=settings(server)) as process:
        assert gate.reached.wait(SECONDS)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=SECONDS)

    assert (130, "") == (process.returncode, error)
    assert 10 == output.count("\n")


@pytest.mark.parametrize("wanted", ["table", "jsonl"])
def test_a_closed_pipe_ends_a_listing_quietly(wanted: str) -> None:
    with start("list", "--demo", "--format", wanted) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        error = process.stderr.read()

    assert (0, "") == (process.returncode, error)


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("arguments", ["list --demo", "list --demo --format table", "count --demo", "--help"])
def test_a_full_disk_prints_one_line_and_exits_with_12(arguments: str) -> None:
    with FULL.open("wb") as full, start(*arguments.split(), stdout=full) as process:
        _, error = process.communicate(timeout=SECONDS)

    assert (12, "threads-async: could not write to standard output: No space left on device\n") == (
        process.returncode,
        error,
    )


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_an_error_that_cannot_be_printed_keeps_its_exit_code() -> None:
    with FULL.open("wb") as full, start("bogus", stderr=full) as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert (2, "") == (process.returncode, output)


@pytest.mark.parametrize(("wanted", "expected"), [("csv", "Ручной"), ("jsonl", r"\u0420"), ("table", "??????")])
def test_data_is_utf_8_in_any_locale_but_a_table_is_not(wanted: str, expected: str) -> None:
    thread = FakeThread(1, None, "Ручной", "2026-03-17T16:38:40.3851682+00:00")
    server = FakeServer([thread])
    with running(server):
        env = {**settings(server), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
        with start("list", "--format", wanted, env=env) as process:
            output, error = process.communicate(timeout=SECONDS)

    assert (0, "") == (process.returncode, error)
    assert expected in output
