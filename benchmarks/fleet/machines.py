"""What the processes and the report have to agree on: the machines, their threads and the watch. Performs no I/O."""

import zlib
from collections.abc import Iterable
from typing import Final, TypeAlias

from benchmarks.pages import prepare

INTERVAL: Final = 1.0
"""The interval of a watch, in seconds."""
SOCKETS: Final = 100
"""Maximum number of connections of the session of a watch, which is the default of aiohttp."""
MOVING: Final = "/moving"
"""The beginning of the path of a machine whose list changes."""

Found: TypeAlias = Iterable[tuple[str, str]]
"""Threads: the name of the machine and the token of each."""


def name_of(number: int) -> str:
    """Return the name of a machine, whose number counts from zero."""
    return f"m{number + 1:04}"


def path_of(number: int) -> str:
    """Return the path of a machine."""
    return f"/{name_of(number)}"


def checksum(found: Found) -> str:
    """Return a checksum of threads that does not depend on their order, as hexadecimal digits."""
    crc = 0
    for machine, token in sorted(found):
        crc = zlib.crc32(f"{machine} {token}\n".encode(), crc)
    return f"{crc:08x}"


def expected(machines: int, threads: int) -> str:
    """Return the checksum of all threads of the first `machines` machines, of which each has `threads` threads."""
    tokens = (one.token.decode() for one in prepare(machines * threads))
    return checksum((name_of(number // threads), token) for number, token in enumerate(tokens))
