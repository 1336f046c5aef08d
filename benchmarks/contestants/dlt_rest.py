"""The REST client of dlt with its offset paginator. It is synchronous, and its items are dicts."""

from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from benchmarks.contestants._clock import Asked, Take, main


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    client = RESTClient(
        base_url=asked.base_url,
        headers={"Api-Token": asked.api_token},
        paginator=OffsetPaginator(
            limit=asked.total, offset_param="start", limit_param="total", total_path="totalCount"
        ),
    )
    for page in client.paginate("/v1/threads", params={"workspaceId": -1}, data_selector="items"):
        for thread in page:
            take(thread["threadToken"])


if __name__ == "__main__":
    main(walk)
