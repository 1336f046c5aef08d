"""The cost of a small request: a page with one thread, requested repeatedly. Runs in separate processes.

``python -m benchmarks.small SERVER TOKEN WHO`` prints one line of JSON. WHO is ``bare`` (aiohttp and a JSON parser in
C), ``page`` and ``first`` (this library), or ``httpx``.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import aiohttp
import msgspec

from threads_async import ThreadsClient, ThreadsQuery

REQUESTS: Final = 3_000
_WARM: Final = 100
_PATH: Final = "/of/1/v1/threads"
_PARAMETERS: Final = {"workspaceId": -1, "start": 0, "total": 1}

Ask: TypeAlias = Callable[[], Awaitable[int]]
"""Sends one request and returns the number of threads received."""


@asynccontextmanager
async def _bare(server: str, token: str) -> AsyncIterator[Ask]:
    decode = msgspec.json.Decoder().decode
    async with aiohttp.ClientSession(headers={"Api-Token": token}) as session:

        async def ask() -> int:
            async with session.get(f"{server}{_PATH}", params=_PARAMETERS) as response:
                response.raise_for_status()
                return len(decode(await response.read())["items"])

        yield ask


@asynccontextmanager
async def _page(server: str, token: str) -> AsyncIterator[Ask]:
    query = ThreadsQuery(total=1)
    async with ThreadsClient(token, base_url=f"{server}/of/1") as client:

        async def ask() -> int:
            return len((await client.fetch_page(query)).items)

        yield ask


@asynccontextmanager
async def _first(server: str, token: str) -> AsyncIterator[Ask]:
    async with ThreadsClient(token, base_url=f"{server}/of/1") as client:

        async def ask() -> int:
            return int(await client.threads().first() is not None)

        yield ask


@asynccontextmanager
async def _httpx(server: str, token: str) -> AsyncIterator[Ask]:
    import httpx  # noqa: PLC0415 - the others must run without it

    async with httpx.AsyncClient(headers={"Api-Token": token}) as session:

        async def ask() -> int:
            response = await session.get(f"{server}{_PATH}", params=_PARAMETERS)
            response.raise_for_status()
            return len(response.json()["items"])

        yield ask


WHO: Final = {"bare": _bare, "page": _page, "first": _first, "httpx": _httpx}


async def measure(who: str, server: str, token: str) -> dict[str, float]:
    """Return the processor time of a request, in microseconds."""
    async with WHO[who](server, token) as ask:
        for _ in range(_WARM):
            await ask()
        gc.collect()
        began = time.process_time()
        came = [await ask() for _ in range(REQUESTS)]
        cpu_s = time.process_time() - began
    if sum(came) != REQUESTS:
        sys.exit(f"{sum(came)} threads were received instead of {REQUESTS}")
    return {"cpu_us": cpu_s / REQUESTS * 1e6}


if __name__ == "__main__":
    _server, _token, _who = sys.argv[1:]
    print(json.dumps(asyncio.run(measure(_who, _server, _token))))  # noqa: T201 - the report of this process
