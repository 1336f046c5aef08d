"""The loop that people write by hand: aiohttp, a JSON parser in C and an attrs class, without checks."""

import aiohttp

from benchmarks.contestants._clock import Asked, Take, main
from benchmarks.handwritten import read_page


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    start = 0
    async with aiohttp.ClientSession(headers={"Api-Token": asked.api_token}) as session:
        while True:
            params = {"workspaceId": -1, "start": start, "total": asked.total}
            async with session.get(f"{asked.base_url}/v1/threads", params=params) as response:
                response.raise_for_status()
                total_count, threads = read_page(await response.read())
            for thread in threads:
                take(thread.thread_token or "")
            start += asked.total
            if start >= total_count:
                return


if __name__ == "__main__":
    main(walk)
