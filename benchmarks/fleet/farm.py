"""The server process: many machines, one path prefix each. Each response is sent after a pause.

``python -m benchmarks.fleet.farm MACHINES THREADS MILLISECONDS TOKEN`` prints its port and ends when its standard input
is closed. ``/m0001`` is the base URL of the first machine. Below ``/moving/m0001``, its first thread stops and another
one starts before each listing; all other responses are ready in advance. ``/begin`` returns what the server has counted
since the last ``/begin``, and begins to count again; ``/counts`` only returns it.
"""

import asyncio
import json
import re
import sys
import time
from collections import deque
from itertools import islice
from typing import Final

from benchmarks.fleet.machines import path_of
from benchmarks.pages import endless
from benchmarks.server import NOT_FOUND, UNAUTHORIZED, Connection, answer, authorized, serve

_LINE: Final = re.compile(rb"GET (/moving)?(/m\d+)/v1/threads\?(?:[^ ]*&)?start=(\d+)&total=(\d+)[& ]")


def _page(items: list[bytes], count: int) -> bytes:
    return answer(b"200 OK", b'{"totalCount":%d,"items":[' % count, b",".join(items), b"]}")


class Farm:
    """The machines.

    Args:
        machines: How many there are.
        threads: How many threads each has.
        seconds: The pause before each response, in seconds.
        token: The required value of the header ``Api-Token``.
    """

    def __init__(self, machines: int, threads: int, seconds: float, token: bytes) -> None:
        self._seconds = seconds
        self._token = token
        self._new = endless()
        self._lists = {
            path_of(number).encode(): deque((one.item for one in islice(self._new, threads)), maxlen=threads)
            for number in range(machines)
        }
        self._threads = threads
        self._ready = {path: _page(list(items), threads) for path, items in self._lists.items()}
        self.begin()

    def begin(self) -> None:
        """Begin to count again. Connections count from their next request on."""
        self._open: set[Visit] = set()
        self._requests = 0
        self._most = 0
        self._cpu_s = time.process_time()

    def counts(self) -> bytes:
        """Return the response with what was counted."""
        counted = {"requests": self._requests, "sockets": self._most, "cpu_s": time.process_time() - self._cpu_s}
        return answer(b"200 OK", json.dumps(counted).encode())

    def reply(self, visit: "Visit", request: bytes) -> tuple[float, bytes]:
        """Return the seconds to wait, and the response."""
        line = _LINE.match(request)
        if line is None:
            return 0, self._other(request)
        if not authorized(request, self._token):
            return 0, UNAUTHORIZED
        moving, path, start, total = line[1], line[2], int(line[3]), int(line[4])
        items = self._lists.get(path)
        if items is None:
            return 0, NOT_FOUND
        self._requests += 1
        self._open.add(visit)
        self._most = max(self._most, len(self._open))
        if moving and start == 0:
            items.append(next(self._new).item)
        elif start == 0 and total >= self._threads:
            return self._seconds, self._ready[path]
        return self._seconds, _page(list(islice(items, start, start + total)), self._threads)

    def _other(self, request: bytes) -> bytes:
        if request.startswith((b"GET /begin ", b"GET /counts ")):
            reply = self.counts()
            if request.startswith(b"GET /begin "):
                self.begin()
            return reply
        return NOT_FOUND

    def left(self, visit: "Visit") -> None:
        """Take note that a connection has ended."""
        self._open.discard(visit)


class Visit(Connection):
    """A connection. It counts from its first request for threads on."""

    def __init__(self, farm: Farm) -> None:
        super().__init__(lambda request: farm.reply(self, request))
        self._farm = farm

    def connection_lost(self, _: Exception | None) -> None:
        """Take note of the end."""
        self._farm.left(self)


if __name__ == "__main__":
    _machines, _threads, _milliseconds = map(int, sys.argv[1:4])
    _farm = Farm(_machines, _threads, _milliseconds / 1000, sys.argv[4].encode())
    asyncio.run(serve(lambda: Visit(_farm)))
