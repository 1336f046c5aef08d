"""What all contestants share: the clock, the tally and the report.

All imports are done before the clock starts, and so is a listing of two pages, which triggers late imports. In the
timed listing, the threads are only counted. Another listing after it, without the clock, computes the checksum.
"""

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from attrs import asdict, frozen


@frozen
class Asked:
    """What to list.

    Attributes:
        base_url: The base URL of the API.
        api_token: The API token.
        total: The page size.
    """

    base_url: str
    api_token: str
    total: int


Take: TypeAlias = Callable[[str], None]
Walk: TypeAlias = Callable[[Asked, Take], Awaitable[None]]


@frozen
class Measured:
    """The measurements of a process.

    Attributes:
        cpu_s: Processor time of the listing, of all threads of the process, in seconds.
        wall_s: Elapsed time of the listing, in seconds.
        peak_kib: Peak memory of the process in RAM up to the end of that listing, in KiB.
        count: How many threads were received.
        characters: The total number of characters in their tokens.
        checksum: CRC-32 of the tokens in order, from another listing.
    """

    cpu_s: float
    wall_s: float
    peak_kib: int
    count: int
    characters: int
    checksum: str


class Tally:
    """Counts the threads, which is all that a contestant does with them in the timed listing."""

    def __init__(self) -> None:
        self.count = 0
        self.characters = 0

    def take(self, token: str) -> None:
        """Count a thread."""
        self.count += 1
        self.characters += len(token)


class Check:
    """Computes the checksum of the tokens."""

    def __init__(self) -> None:
        self._crc = 0

    def take(self, token: str) -> None:
        """Add a thread."""
        self._crc = zlib.crc32(token.encode(), self._crc)

    @property
    def checksum(self) -> str:
        """The checksum of all tokens so far, as hexadecimal digits."""
        return f"{self._crc:08x}"


_STATUS: Final = Path("/proc/self/status")


def peak_kib() -> int:
    """Return the peak memory of this process in RAM so far, in KiB."""
    if _STATUS.exists():
        # getrusage would return the peak of the parent process if that is larger.
        (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


async def measure(walk: Walk, asked: Asked, warm: Asked) -> Measured:
    """List the threads of `warm` first, then those of `asked` with the clock, and again for the checksum."""
    await walk(warm, Tally().take)
    gc.collect()
    tally = Tally()
    wall, cpu = time.perf_counter(), time.process_time()
    await walk(asked, tally.take)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    most = peak_kib()
    check = Check()
    await walk(asked, check.take)
    return Measured(cpu_s, wall_s, most, tally.count, tally.characters, check.checksum)


def main(walk: Walk) -> None:
    """Read the command line, measure `walk`, and print the measurements as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server", help="URL of the server")
    parser.add_argument("api_token", help="API token")
    parser.add_argument("count", type=int, help="number of threads to list")
    parser.add_argument("total", type=int, help="page size")
    given = parser.parse_args()
    asked, warm = (
        Asked(f"{given.server}{path}", given.api_token, given.total)
        for path in (f"/of/{given.count}", f"/warm/of/{2 * given.total}")
    )
    print(json.dumps(asdict(asyncio.run(measure(walk, asked, warm)))))  # noqa: T201 - the report of this process
