"""The processes of a run: one server, and one process for each measurement. All of them use only loopback."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import frozen

ROOT: Final = Path(__file__).resolve().parent.parent
API_TOKEN: Final = "benchmark"  # noqa: S105 - it gives access only to the server of the benchmark
ALLOCATOR: Final = {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(8 * 2**20)}
"""Settings of glibc's allocator, the same in every process. Other C libraries ignore them.

With its defaults, glibc may return the memory of each page to the kernel and fetch it again for the next page. Whether
it does depends on details such as where the heap ends, and it can cost a quarter of the processor time.
"""
_FOREIGN: Final = ("MALLOC_", "GLIBC_TUNABLES", "PYTHONMALLOC")
"""The first letters of environment variables that would also change the allocator."""
_SECONDS: Final = 300
"""Maximum time for one process, in seconds."""


class BrokenError(Exception):
    """A process of the benchmark failed; the message says how."""


def environment() -> dict[str, str]:
    """Return the environment of all processes: no proxy, no telemetry, and the same allocator settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(_FOREIGN)
    }
    # Let Python write bytecode, or each process would compile its imports again.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | ALLOCATOR | {"RUNTIME__DLTHUB_TELEMETRY": "false", "NO_PROXY": "*"}


def run(*arguments: str, seconds: float = _SECONDS) -> str:
    """Run Python with `arguments` in the root of the repository and return its output.

    Raises:
        BrokenError: The process failed or took longer than `seconds`.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BrokenError(f"it took longer than {seconds:g} s") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise BrokenError(f"it ended with status {done.returncode}: {last[0]}")
    return done.stdout


def report_of(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module and return the JSON object that it prints.

    Raises:
        BrokenError: The process failed, took too long or printed something else.
    """
    printed = run("-m", module, *arguments)
    try:
        value = json.loads(printed)
    except ValueError:
        raise BrokenError("it did not report in JSON") from None
    if not isinstance(value, dict):
        raise BrokenError("it did not report a JSON object")
    return value


@frozen
class Server:
    """The server process.

    Attributes:
        url: The URL at which it listens.
    """

    url: str

    def requests(self) -> int:
        """Return the number of requests for threads so far."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/requests", timeout=10) as answer:
            return int(answer.read())


@contextlib.contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """Run a module that serves, and yield the URL at which it listens."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101 - requested above
        assert process.stdout is not None  # noqa: S101 - requested above
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise BrokenError("the server did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            # The server ends when its standard input is closed.
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def server(prepared: int, total: int) -> Iterator[Server]:
    """Run a server with `prepared` threads in pages of `total`."""
    with serving("benchmarks.server", str(prepared), str(total), API_TOKEN) as url:
        yield Server(url)
