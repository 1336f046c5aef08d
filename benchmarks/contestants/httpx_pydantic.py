"""The loop that people write by hand with httpx and pydantic: the models parse and check the bytes."""

from datetime import datetime

import httpx
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from benchmarks.contestants._clock import Asked, Take, main


class Thread(BaseModel):
    """A thread."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    workspace_id: int
    thread_token: str | None
    type: str
    created_at: datetime


class Page(BaseModel):
    """A page."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    total_count: int
    items: list[Thread]


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    start = 0
    async with httpx.AsyncClient(base_url=asked.base_url, headers={"Api-Token": asked.api_token}) as client:
        while True:
            params = {"workspaceId": -1, "start": start, "total": asked.total}
            response = await client.get("/v1/threads", params=params)
            response.raise_for_status()
            page = Page.model_validate_json(response.content)
            for thread in page.items:
                take(thread.thread_token or "")
            start += asked.total
            if start >= page.total_count:
                return


if __name__ == "__main__":
    main(walk)
