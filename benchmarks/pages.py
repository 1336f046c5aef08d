"""The listed threads, as bytes on the wire. Performs no I/O.

The same threads are made each time, so the server and the check of a listing have the same ones. They look like those
of ZennoBrowser: a token of 300 to 500 characters shaped like a JWT, and a time with seven fractional digits.
"""

import base64
import itertools
import random
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

_HEADER: Final = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
_PAYLOAD_BYTES: Final = (168, 312)
_SIGNATURE_BYTES: Final = 32
_TYPES: Final = (b"Manual", b"BrowserInstance")
_FIRST_MOMENT: Final = datetime(2026, 3, 17, 16, 38, 40, 385168, tzinfo=UTC)
_TICK: Final = timedelta(milliseconds=1370)


@frozen
class Prepared:
    """A thread on the wire, and the token in it.

    Attributes:
        item: The JSON object.
        token: Its token.
    """

    item: bytes
    token: bytes


@frozen
class Expected:
    """The expected result of a listing.

    Attributes:
        count: How many threads.
        characters: The total number of characters in their tokens.
        checksum: CRC-32 of all tokens in order, as hexadecimal digits.
    """

    count: int
    characters: int
    checksum: str


def endless() -> Iterator[Prepared]:
    """Yield threads without end, each with another token and a later time."""
    draw = random.Random(8160)  # noqa: S311 - it makes test data, not keys
    for number in itertools.count():
        payload = draw.randbytes(draw.randint(*_PAYLOAD_BYTES))
        parts = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (payload, draw.randbytes(_SIGNATURE_BYTES)))
        token = b".".join((_HEADER, *parts))
        moment = (_FIRST_MOMENT + number * _TICK).isoformat(timespec="microseconds").encode()
        # Python's datetime does not have the seventh digit.
        created_at = b"%s%d%s" % (moment[:-6], number % 10, moment[-6:])
        item = b'{"workspaceId":1,"threadToken":"%s","type":"%s","createdAt":"%s"}' % (
            token,
            _TYPES[draw.getrandbits(1)],
            created_at,
        )
        yield Prepared(item, token)


def prepare(count: int) -> list[Prepared]:
    """Return the first `count` threads."""
    return list(itertools.islice(endless(), count))


def expect(prepared: Sequence[Prepared], count: int) -> Expected:
    """Return the expected result of a listing of `count` threads, which repeats the prepared ones."""
    characters = 0
    checksum = 0
    for number in range(count):
        token = prepared[number % len(prepared)].token
        characters += len(token)
        checksum = zlib.crc32(token, checksum)
    return Expected(count, characters, f"{checksum:08x}")


class Book:
    """The bodies of all responses.

    The bodies with the usual page size are joined in advance and shared by all listings. Others are joined when they
    are requested.

    Args:
        prepared: The threads.
        total: The page size to prepare for.
    """

    def __init__(self, prepared: Sequence[Prepared], total: int) -> None:
        self._items = [one.item for one in prepared]
        self._total = total
        self._pages = [b",".join(self._items[start : start + total]) for start in range(0, len(prepared), total)]

    def body(self, count: int, start: int, total: int) -> tuple[bytes, bytes, bytes]:
        """Return the parts of the body for `start` and `total` in a list of `count` threads."""
        end = min(count, start + total)
        return b'{"totalCount":%d,"items":[' % count, self._between(start, end) if start < end else b"", b"]}"

    def _between(self, start: int, end: int) -> bytes:
        known = len(self._items)
        first = start % known
        if start % self._total == 0 and first % self._total == 0 and end - start == min(self._total, known - first):
            return self._pages[first // self._total]
        if first + end - start <= known:
            return b",".join(self._items[first : first + end - start])
        return b",".join([self._items[number % known] for number in range(start, end)])
