"""The limits of the licence in the responses of `FakeServer`. Performs no I/O."""

from collections.abc import Iterable
from typing import Final

from threads_async.testing._asked import BadParametersError
from threads_async.testing._resources import INT64, BadValueError, number_in
from threads_async.testing._rows import DEFAULT_WORKSPACE

PATH: Final = "/v1/product/limits"

_NUMBERS: Final = {
    "activeThreads": 0,
    "limitThreads": 0,
    "activeCloudProfiles": 12,
    "limitCloudProfiles": 100,
    "activeLocalProfiles": 34,
    "limitLocalProfiles": 1000,
    "activeCloudProfileStorage": 56,
    "limitCloudProfileStorage": 1024,
    "activeApiEnabled": 1,
    "limitApiEnabled": 1,
}
"""The numbers of a response, in the order of the API. Those that are not about threads are made up."""

NAMES: Final = tuple(_NUMBERS)


def limits_of(active: int, limit: int) -> dict[str, int]:
    """Return the body for a server on which `active` of at most `limit` threads run."""
    return _NUMBERS | {"activeThreads": active, "limitThreads": limit}


def workspace_of(query: Iterable[tuple[str, str]]) -> int:
    """Return the workspace in `query`. An empty value means the default workspace.

    Raises:
        BadParametersError: It is not a 64-bit integer.
    """
    text = dict([pair for pair in query if pair[1]]).get("workspaceId", "-1")
    try:
        workspace_id = number_in(INT64)(text)
    except BadValueError:
        raise BadParametersError({"workspaceId": [f"The value '{text}' is not valid."]}) from None
    return DEFAULT_WORKSPACE if workspace_id == -1 else workspace_id
