"""The code that people write by hand: an attrs class like ours, and a page decoded into it without checks."""

from datetime import datetime

import attrs
import msgspec

_decode = msgspec.json.Decoder().decode


@attrs.frozen
class Thread:
    """A thread."""

    workspace_id: int
    thread_token: str | None
    type: str
    created_at: datetime


def read_page(body: bytes) -> tuple[int, list[Thread]]:
    """Return `totalCount` and the threads of a page."""
    page = _decode(body)
    return page["totalCount"], [
        Thread(
            item["workspaceId"],
            item["threadToken"],
            item["type"],
            datetime.fromisoformat(item["createdAt"]),
        )
        for item in page["items"]
    ]
