"""The watch of all machines once a second. Runs in a separate process.

``python -m benchmarks.fleet.watching SERVER TOKEN MACHINES THREADS SECONDS`` prints one line of JSON. SERVER ends in
``/moving`` for lists that change. The clock runs for SECONDS, after all machines have been seen.
"""

import asyncio
import json
import sys
import time
from typing import Final

import aiohttp

from benchmarks.contestants._clock import peak_kib
from benchmarks.fleet.listing import ask
from benchmarks.fleet.machines import INTERVAL, MOVING, SOCKETS, name_of, path_of
from threads_async import Fleet, FleetWatch, ServerEvent, ThreadsClient

_SETTLE: Final = 2.0
"""Maximum time after the first events, in seconds, in which the looks of the machines spread out."""


async def _next(watch: FleetWatch) -> None:
    found = await anext(watch)
    if isinstance(found.event, ServerEvent):
        sys.exit(f"{found.machine} is {found.event.kind}: {found.event.error}")


async def _count(watch: FleetWatch, events: list[int]) -> None:
    while True:
        await _next(watch)
        events[0] += 1


async def measure(server: str, token: str, machines: int, threads: int, seconds: float) -> dict[str, float]:
    """Watch all machines, and return the measurements."""
    counts = f"{server.removesuffix(MOVING)}/counts"
    ask(f"{server.removesuffix(MOVING)}/begin")
    before = peak_kib()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SOCKETS)) as session:
        clients = {
            name_of(number): ThreadsClient(token, base_url=f"{server}{path_of(number)}", session=session)
            for number in range(machines)
        }
        async with Fleet(clients) as fleet, fleet.watch(interval=INTERVAL) as watch:
            for _ in range(machines * threads):
                await _next(watch)
            events = [0]
            counting = asyncio.create_task(_count(watch, events))
            await asyncio.sleep(min(_SETTLE, seconds))
            first, events[0] = ask(counts), 0
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(seconds)
            cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
            came, last = events[0], ask(counts)
            counting.cancel()
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "grown_kib": peak_kib() - before,
        "requests": last["requests"] - first["requests"],
        "sockets": last["sockets"],
        "server_cpu_s": last["cpu_s"] - first["cpu_s"],
        "events": came,
    }


if __name__ == "__main__":
    _server, _token, _machines, _threads, _seconds = sys.argv[1:]
    _measured = measure(_server, _token, int(_machines), int(_threads), float(_seconds))
    print(json.dumps(asyncio.run(_measured)))  # noqa: T201 - the report of this process
