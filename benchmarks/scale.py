"""How this library behaves with long lists, large pages and slow pages. Runs in separate processes.

``python -m benchmarks.scale SERVER TOKEN growth THREADS`` prints one line of JSON, and so do ``block TOTAL``, ``frozen
TOTAL``, ``hand TOTAL`` and ``prefetch PAGES``.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Final

import aiohttp

from benchmarks.contestants._clock import Tally, peak_kib
from benchmarks.handwritten import read_page
from threads_async import ThreadsClient

_LISTED: Final = 200_000
"""A shorter list is listed repeatedly, for about this number of threads in total."""

LATENCY_MS: Final = 20
PAGES: Final = 200
SMALL_PAGE: Final = 100


async def _list(client: ThreadsClient, tally: Tally, total: int) -> None:
    async for page in client.threads(total=total).pages():
        for thread in page.items:
            tally.take(thread.thread_token or "")


async def growth(server: str, token: str, threads: int) -> dict[str, float]:
    """List `threads` threads, repeatedly if they are few, with a single client as in a service."""
    times = max(1, _LISTED // threads)
    tally = Tally()
    async with ThreadsClient(token, base_url=f"{server}/of/{threads}") as client:
        await client.fetch_page(client.threads().query)
        gc.collect()
        began = time.process_time()
        for _ in range(times):
            await _list(client, tally, 1000)
        cpu_s = time.process_time() - began
    if tally.count != threads * times:
        sys.exit(f"{tally.count} threads were received instead of {threads * times}")
    return {"cpu_us": cpu_s / tally.count * 1e6, "peak_kib": peak_kib()}


async def _sizes(server: str, token: str, total: int) -> AsyncIterator[int]:
    """List by page with this library, and yield the sizes of the pages. What a user does with them is not included."""
    async with ThreadsClient(token, base_url=f"{server}/of/{_LISTED}", max_response_bytes=2**30) as client:
        async for page in client.threads(total=total).pages():
            yield len(page.items)


async def _sizes_by_hand(server: str, token: str, total: int) -> AsyncIterator[int]:
    """List by page with the loop by hand, and yield the sizes of the pages."""
    async with aiohttp.ClientSession(headers={"Api-Token": token}) as session:
        for start in range(0, _LISTED, total):
            params = {"workspaceId": -1, "start": start, "total": total}
            async with session.get(f"{server}/of/{_LISTED}/v1/threads", params=params) as response:
                _, threads = read_page(await response.read())
            yield len(threads)


async def _longest(sizes: AsyncIterator[int]) -> dict[str, float]:
    """Return the longest time for which another task of the same loop, always ready to run, had to wait."""
    longest = {"wall_s": 0.0, "cpu_s": 0.0}

    async def watch() -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0)
            later_wall, later_cpu = time.perf_counter(), time.thread_time()
            longest["wall_s"] = max(longest["wall_s"], later_wall - wall)
            longest["cpu_s"] = max(longest["cpu_s"], later_cpu - cpu)
            wall, cpu = later_wall, later_cpu

    count = await anext(sizes)
    gc.collect()
    watching = asyncio.create_task(watch())
    async for size in sizes:
        count += size
    watching.cancel()
    if count != _LISTED:
        sys.exit(f"{count} threads were received instead of {_LISTED}")
    return longest


async def block(server: str, token: str, total: int) -> dict[str, float]:
    """Return the longest event-loop pause with this library, including the work of the garbage collector."""
    return await _longest(_sizes(server, token, total))


async def frozen(server: str, token: str, total: int) -> dict[str, float]:
    """Return the same after `gc.freeze`, which makes the garbage collector ignore all objects from before."""
    gc.collect()
    gc.freeze()
    return await _longest(_sizes(server, token, total))


async def hand(server: str, token: str, total: int) -> dict[str, float]:
    """Return the same for the loop by hand."""
    return await _longest(_sizes_by_hand(server, token, total))


async def prefetch(server: str, token: str, pages: int) -> dict[str, float]:
    """List `PAGES` pages, each of which takes `LATENCY_MS`, with `pages` pages requested ahead."""
    tally = Tally()
    async with ThreadsClient(token, base_url=f"{server}/of/{PAGES * SMALL_PAGE}/late/{LATENCY_MS}") as client:
        began = time.perf_counter()
        async for page in client.threads(total=SMALL_PAGE, prefetch=pages).pages():
            tally.count += len(page.items)
        wall_s = time.perf_counter() - began
    if tally.count != PAGES * SMALL_PAGE:
        sys.exit(f"{tally.count} threads were received instead of {PAGES * SMALL_PAGE}")
    return {"wall_s": wall_s}


_KINDS: Final = {"growth": growth, "block": block, "frozen": frozen, "hand": hand, "prefetch": prefetch}

if __name__ == "__main__":
    _server, _token, _what, _number = sys.argv[1:]
    _found = _KINDS[_what](_server, _token, int(_number))
    print(json.dumps(asyncio.run(_found)))  # noqa: T201 - the report of this process
