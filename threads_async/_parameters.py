"""The parameters that a fleet passes on to the methods of its clients. Performs no I/O.

`ThreadsClient` documents them. A parameter that is not given has the default of the client.
"""

from typing import TypedDict
from uuid import UUID

from threads_async.models import ThreadType


class ThreadsParameters(TypedDict, total=False):
    """The parameters of `ThreadsClient.threads`."""

    workspace_id: int
    start: int
    total: int
    thread_token: str | None
    type: ThreadType | str | None
    sorting: str | None
    max_items: int | None
    prefetch: int
    consistent: bool


class WorkspacesParameters(TypedDict, total=False):
    """The parameters of `ThreadsClient.workspaces`."""

    start: int
    total: int
    id: int | None
    name: str | None
    roles: str | None
    max_items: int | None
    prefetch: int


class BrowserInstancesParameters(TypedDict, total=False):
    """The parameters of `ThreadsClient.browser_instances`."""

    workspace_id: int
    start: int
    total: int
    profile_id: UUID | str | None
    process_id: int | None
    sorting: str | None
    max_items: int | None
    prefetch: int
    consistent: bool


class WatchParameters(TypedDict, total=False):
    """The parameters of `ThreadsClient.watch`."""

    workspace_id: int
    thread_token: str | None
    type: ThreadType | str | None
    total: int
    prefetch: int
    interval: float
    max_interval: float
