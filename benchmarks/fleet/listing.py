"""The contestants, which list the threads of all machines. Each listing runs in a separate process.

``python -m benchmarks.fleet.listing WHO SERVER TOKEN MACHINES AT_ONCE`` prints one line of JSON.
"""

import asyncio
import gc
import json
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import aiohttp
import msgspec
from attrs import evolve, frozen

from benchmarks.contestants._clock import peak_kib
from benchmarks.fleet.machines import Found, checksum, name_of, path_of
from threads_async import Fleet, FleetThread, ThreadsClient

_TOTAL: Final = 1000
_WARM: Final = 10
"""Number of machines that are listed before the clock starts, which triggers late imports."""


@frozen
class Asked:
    """What to list.

    Attributes:
        server: The URL of the server.
        token: The API token.
        machines: How many machines there are.
        at_once: Maximum number of machines that are read at the same time.
    """

    server: str
    token: str
    machines: int
    at_once: int

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each machine, by its name."""
        return {name_of(number): f"{self.server}{path_of(number)}" for number in range(self.machines)}

    def session(self, **options: Any) -> aiohttp.ClientSession:
        """Return a new session with at most `at_once` connections."""
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.at_once), **options)

    def fleet(self, session: aiohttp.ClientSession | None) -> Fleet:
        """Return a new fleet."""
        clients = {name: ThreadsClient(self.token, base_url=url, session=session) for name, url in self.urls.items()}
        return Fleet(clients, at_once=self.at_once)


def _pairs(threads: list[FleetThread]) -> Found:
    return ((found.machine, found.thread.thread_token or "") for found in threads)


async def _fleet(asked: Asked) -> Found:
    async with asked.session() as session, asked.fleet(session) as fleet:
        return _pairs(await fleet.threads(total=_TOTAL).collect())


async def _fleet_no_gc(asked: Asked) -> Found:
    gc.disable()
    try:
        return await _fleet(asked)
    finally:
        gc.enable()


async def _fleet_own(asked: Asked) -> Found:
    async with asked.fleet(None) as fleet:
        return _pairs(await fleet.threads(total=_TOTAL).collect())


async def _fleet_stream(asked: Asked) -> Found:
    """Keep no thread, but only their number on each machine."""
    counts = dict.fromkeys(asked.urls, 0)
    async with asked.session() as session, asked.fleet(session) as fleet:
        async for found in fleet.threads(total=_TOTAL):
            counts[found.machine] += 1
    return ()


async def _fleet_stream_kept(asked: Asked) -> Found:
    async with asked.session() as session, asked.fleet(session) as fleet:
        return _pairs([found async for found in fleet.threads(total=_TOTAL)])


Read: TypeAlias = Callable[[aiohttp.ClientResponse], Awaitable[Any]]


async def _machine(session: aiohttp.ClientSession, url: str, read: Read) -> list[Any]:
    items: list[Any] = []
    start = 0
    while True:
        params = {"workspaceId": -1, "start": start, "total": _TOTAL}
        async with session.get(f"{url}/v1/threads", params=params) as response:
            response.raise_for_status()
            page = await read(response)
        items += page["items"]
        start += _TOTAL
        if start >= page["totalCount"]:
            return items


async def _by_hand(asked: Asked, read: Read) -> Found:
    urls = asked.urls
    async with asked.session(headers={"Api-Token": asked.token}) as session:
        lists = await asyncio.gather(*(_machine(session, url, read) for url in urls.values()))
    return ((name, item["threadToken"]) for name, items in zip(urls, lists, strict=True) for item in items)


async def _json(asked: Asked) -> Found:
    return await _by_hand(asked, aiohttp.ClientResponse.json)


async def _msgspec(asked: Asked) -> Found:
    decode = msgspec.json.Decoder().decode

    async def read(response: aiohttp.ClientResponse) -> Any:
        return decode(await response.read())

    return await _by_hand(asked, read)


Collect: TypeAlias = Callable[[Asked], Awaitable[Found]]

WHO: Final[dict[str, Collect]] = {
    "json": _json,
    "msgspec": _msgspec,
    "fleet": _fleet,
    "fleet_no_gc": _fleet_no_gc,
    "fleet_stream": _fleet_stream,
    "fleet_own": _fleet_own,
}
_KEPT: Final[dict[str, Collect]] = {"fleet_stream": _fleet_stream_kept}
"""A listing that keeps no thread is checked by another one that does."""


def ask(url: str) -> dict[str, Any]:
    """Return what the server has counted."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        counted: dict[str, Any] = json.loads(answer.read())
    return counted


async def measure(who: str, asked: Asked) -> dict[str, float | str]:
    """List all threads with the clock, and return the measurements and the checksum of the threads."""
    await WHO[who](evolve(asked, machines=min(_WARM, asked.machines)))
    ask(f"{asked.server}/begin")
    gc.collect()
    before = peak_kib()
    wall, cpu = time.perf_counter(), time.process_time()
    found = await WHO[who](asked)
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    after = peak_kib()
    counted = ask(f"{asked.server}/counts")
    if who in _KEPT:
        found = await _KEPT[who](asked)
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "grown_kib": after - before,
        "requests": counted["requests"],
        "sockets": counted["sockets"],
        "server_cpu_s": counted["cpu_s"],
        "checksum": checksum(found),
    }


if __name__ == "__main__":
    _who, _server, _token, _machines, _at_once = sys.argv[1:]
    _asked = Asked(_server, _token, int(_machines), int(_at_once))
    print(json.dumps(asyncio.run(measure(_who, _asked))))  # noqa: T201 - the report of this process
