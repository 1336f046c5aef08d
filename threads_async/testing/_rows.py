"""The items in the lists of `FakeServer`, as they are sent. Performs no I/O."""

from typing import Final, TypeVar

from attrs import field, frozen

from threads_async._secrets import show_shortened

DEFAULT_WORKSPACE: Final = 1
"""The ID of the default workspace, which requests call -1."""

TYPES: Final = ("Manual", "BrowserInstance")


@frozen
class FakeThread:
    """A thread of a `FakeServer`, with the values that the server sends.

    Attributes:
        workspace_id: The ID of the workspace that the thread belongs to.
        thread_token: The thread token; None is sent as null. Generated tokens look like those of ZennoBrowser: JWTs of
            several hundred characters. Shortened in reprs, although it is not a real secret.
        type: ``Manual``, ``BrowserInstance`` or any other text.
        created_at: The creation time, as text. Generated times look like those of ZennoBrowser, with seven
            fractional digits and a UTC offset.
    """

    workspace_id: int
    thread_token: str | None = field(repr=show_shortened)
    type: str
    created_at: str


@frozen
class FakeWorkspace:
    """A workspace of a `FakeServer`, with the values that the server sends.

    Attributes:
        workspace_id: The ID. The default workspace has the ID 1.
        name: The name; None is sent as null.
        role: The role of the token's owner in the workspace; None is sent as null.
    """

    workspace_id: int
    name: str | None = None
    role: str | None = "Owner"


def _lower(text: str) -> str:
    return text.lower()


@frozen
class FakeBrowser:
    """A running browser of a `FakeServer`, with the values that the server sends.

    Attributes:
        workspace_id: The ID of the workspace that the browser belongs to. It is not sent.
        profile_id: The profile that the browser runs with, as the text of a UUID. Converted to lower case.
        process_id: The process ID.
        connection_string: The DevTools address; None is sent as null. Shortened in reprs like a token.
    """

    workspace_id: int
    profile_id: str = field(converter=_lower)
    process_id: int
    connection_string: str | None = field(repr=show_shortened)


Row = TypeVar("Row")
"""Any of the three."""
