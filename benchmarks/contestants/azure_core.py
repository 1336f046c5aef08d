"""The paging of azure-core over its aiohttp transport, with default policies. Items stay dicts, which costs least."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

from azure.core import AsyncPipelineClient
from azure.core.async_paging import AsyncItemPaged, AsyncList
from azure.core.rest import AsyncHttpResponse, HttpRequest

from benchmarks.contestants._clock import Asked, Take, main

Answer: TypeAlias = tuple[int, AsyncHttpResponse]
"""The index that was requested, and the response."""


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(base_url=asked.base_url)
    async with client:

        async def get_next(continuation_token: str | None) -> Answer:
            start = int(continuation_token or 0)
            params = {"workspaceId": -1, "start": start, "total": asked.total}
            url = client.format_url("/v1/threads")
            response = await client.send_request(
                HttpRequest("GET", url, params=params, headers={"Api-Token": asked.api_token})
            )
            response.raise_for_status()
            return start, response

        async def extract_data(answer: Answer) -> tuple[str | None, AsyncIterator[dict[str, Any]]]:
            start, response = answer
            page = response.json()
            after = start + len(page["items"])
            return str(after) if after < page["totalCount"] else None, AsyncList(page["items"])

        threads: AsyncItemPaged[dict[str, Any]] = AsyncItemPaged(get_next, extract_data)
        async for thread in threads:
            take(thread["threadToken"])


if __name__ == "__main__":
    main(walk)
