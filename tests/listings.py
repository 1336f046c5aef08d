"""The listings of the API, described for the tests that run for each of them."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest
from attrs import field, frozen

from threads_async import (
    BrowserInstance,
    BrowserInstancesQuery,
    ExecutionThread,
    Listing,
    Query,
    ThreadsClient,
    ThreadsQuery,
    Workspace,
    WorkspacesQuery,
)
from threads_async.testing import FakeServer


@frozen
class Kind:
    """A listing.

    Attributes:
        name: The name of its items in `FakeServer`, as an argument and as an attribute.
        path: The path of its URL.
        number: The name on the wire of an item's first number.
        item: The class of its items.
        query: The class of its queries.
        method: The method of the client that returns it.
        start: Adds an item to the end of the list.
        stop: Removes an item from the list.
        key: Returns what identifies an item of the client or of `FakeServer`.
        record: Returns an item as it is on the wire. Its first number is an id; its last text can be any text.
        order: The sort key of `FakeServer` items in a consistent listing. None if there is no consistent listing.
        secret: Returns the secret of an item. None if items have no secret.
    """

    name: str
    path: str
    number: str
    item: type[Any]
    query: type[Query[Any]]
    method: Callable[..., Listing[Any]] = field(repr=False)
    start: Callable[[FakeServer], Any] = field(repr=False)
    stop: Callable[[FakeServer, Any], Any] = field(repr=False)
    key: Callable[[Any], Hashable] = field(repr=False)
    record: Callable[[int], dict[str, Any]] = field(repr=False)
    order: Callable[[Any], Any] | None = field(default=None, repr=False)
    secret: Callable[[Any], str | None] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name

    def server(self, count: int, **settings: Any) -> FakeServer:
        """Return a server with `count` items of this kind and none of the others."""
        counts: dict[str, Any] = {"threads": 0, "workspaces": 0, "browsers": 0, self.name: count}
        return FakeServer(**counts, **settings)

    def listing(self, client: ThreadsClient, **way: Any) -> Listing[Any]:
        """Return the listing with the parameters `way`."""
        if self.order is None:
            assert not way.pop("consistent", False)
        return self.method(client, **way)

    def rows(self, server: FakeServer, *, consistent: bool = False) -> tuple[Any, ...]:
        """Return the items of `FakeServer` in the order of the listing."""
        rows: tuple[Any, ...] = getattr(server, self.name)
        return tuple(sorted(rows, key=self.order)) if consistent else rows

    def keys(self, items: Iterable[Any]) -> list[Hashable]:
        """Return the keys of `items`."""
        return [self.key(item) for item in items]


THREADS = Kind(
    name="threads",
    path="/v1/threads",
    number="workspaceId",
    item=ExecutionThread,
    query=ThreadsQuery,
    method=ThreadsClient.threads,
    start=FakeServer.start_thread,
    stop=FakeServer.stop_thread,
    key=lambda one: one.thread_token,
    record=lambda number: {
        "workspaceId": 1,
        "type": "Manual",
        "createdAt": "2026-03-17T16:38:40.3851682+00:00",
        "threadToken": f"other-{number}",
    },
    order=lambda one: one.created_at,
    secret=lambda one: one.thread_token,
)
WORKSPACES = Kind(
    name="workspaces",
    path="/v1/workspaces",
    number="workspaceId",
    item=Workspace,
    query=WorkspacesQuery,
    method=ThreadsClient.workspaces,
    start=FakeServer.add_workspace,
    stop=FakeServer.remove_workspace,
    key=lambda one: one.workspace_id,
    record=lambda number: {"workspaceId": number + 1, "role": "Owner", "name": f"other-{number}"},
)
BROWSERS = Kind(
    name="browsers",
    path="/v1/browser_instances",
    number="processId",
    item=BrowserInstance,
    query=BrowserInstancesQuery,
    method=ThreadsClient.browser_instances,
    start=FakeServer.start_browser,
    stop=FakeServer.stop_browser,
    key=lambda one: one.process_id,
    record=lambda number: {
        "processId": number + 1,
        "profileId": "123e4567-e89b-12d3-a456-426614174000",
        "connectionString": f"other-{number}",
    },
    order=lambda one: one.process_id,
    secret=lambda one: one.connection_string,
)

KINDS = (THREADS, WORKSPACES, BROWSERS)
ORDERED = tuple(kind for kind in KINDS if kind.order is not None)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
each_ordered_kind = pytest.mark.parametrize("kind", ORDERED, ids=str)
