"""The pagination code that Stainless generates for SDKs, here from openai, with a page class for this API.

The client, the page and the model are like those that the generator writes for an API that counts its items.
"""

from datetime import datetime
from typing import Generic, TypeVar

from openai._base_client import AsyncAPIClient, BaseAsyncPage, BasePage, PageInfo
from openai._models import BaseModel
from pydantic import Field

from benchmarks.contestants._clock import Asked, Take, main

_T = TypeVar("_T")


class Thread(BaseModel):
    """A thread."""

    workspace_id: int = Field(alias="workspaceId")
    thread_token: str | None = Field(alias="threadToken", default=None)
    type: str
    created_at: datetime = Field(alias="createdAt")


class AsyncOffsetPage(BaseAsyncPage[_T], BasePage[_T], Generic[_T]):
    """A page, which knows the next request."""

    items: list[_T]
    total_count: int = Field(alias="totalCount")

    def _get_page_items(self) -> list[_T]:
        return self.items or []

    def next_page_info(self) -> PageInfo | None:
        """Return the parameters of the next request, or None at the end."""
        start = self._options.params.get("start") or 0
        assert isinstance(start, int)  # noqa: S101 - set here, and below
        after = start + len(self._get_page_items())
        return PageInfo(params={"start": after}) if after < self.total_count else None


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    client = AsyncAPIClient(
        version="1.0.0",
        base_url=asked.base_url,
        custom_headers={"Api-Token": asked.api_token},
        _strict_response_validation=False,
    )
    try:
        threads = client.get_api_list(
            "/v1/threads",
            model=Thread,
            page=AsyncOffsetPage[Thread],
            options={"params": {"workspaceId": -1, "start": 0, "total": asked.total}},
        )
        async for thread in threads:
            take(thread.thread_token or "")
    finally:
        await client.close()


if __name__ == "__main__":
    main(walk)
