"""The command in processes and terminals of its own, for the tests of the commands that run until they are ended."""

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cli_support import COMMAND, SECONDS

WHY = "Windows has neither pseudo-terminals nor SIGINT for one process"
fcntl = pytest.importorskip("fcntl", reason=WHY)
pty = pytest.importorskip("pty", reason=WHY)
termios = pytest.importorskip("termios", reason=WHY)


def read_events(process: "subprocess.Popen[str]", number: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(number)]


def end(process: "subprocess.Popen[str]", by: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    process.send_signal(by)
    _, error = process.communicate(timeout=SECONDS)
    return process.returncode, error


class Terminal:
    """A command that runs in its own pseudo-terminal."""

    def __init__(self, *arguments: str, rows: int = 24, env: Mapping[str, str]) -> None:
        self._parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
        variables = {"TERM": "xterm-256color", **env}
        variables.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], env=variables, stdin=child, stdout=child, stderr=child, start_new_session=True
        )
        os.close(child)
        self.text = ""

    def read_until(self, wanted: str) -> None:
        """Read until `wanted` appears in the text that is read by this call. Fail if it does not appear in time."""
        begin = len(self.text)
        deadline = time.monotonic() + SECONDS
        while wanted not in self.text[begin:]:
            readable, _, _ = select.select([self._parent], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"{wanted!r} did not appear: {self.text!r}"
            self.text += os.read(self._parent, 65536).decode(errors="replace")

    def type(self, text: str) -> None:
        """Send `text` as if it was typed."""
        os.write(self._parent, text.encode())

    def interrupt(self) -> int:
        """Send the signal of Ctrl-C, read the remaining output, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        # When the other side is closed, Linux raises an error; other systems return an empty chunk.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._parent, 65536):
                self.text += chunk.decode(errors="replace")
        self.hang_up()
        return self.process.wait(SECONDS)

    def hang_up(self) -> None:
        """Close the terminal."""
        os.close(self._parent)


@contextlib.contextmanager
def terminal(*arguments: str, **parameters: Any) -> Iterator[Terminal]:
    terminal = Terminal(*arguments, **parameters)
    with terminal.process as process:
        try:
            yield terminal
        finally:
            process.kill()
