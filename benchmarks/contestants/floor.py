"""The floor: aiohttp and a JSON parser in C, straight to dicts, without checks."""

import aiohttp
import msgspec

from benchmarks.contestants._clock import Asked, Take, main


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    decode = msgspec.json.Decoder().decode
    start = 0
    async with aiohttp.ClientSession(headers={"Api-Token": asked.api_token}) as session:
        while True:
            params = {"workspaceId": -1, "start": start, "total": asked.total}
            async with session.get(f"{asked.base_url}/v1/threads", params=params) as response:
                page = decode(await response.read())
            for item in page["items"]:
                take(item["threadToken"])
            start += asked.total
            if start >= page["totalCount"]:
                return


if __name__ == "__main__":
    main(walk)
