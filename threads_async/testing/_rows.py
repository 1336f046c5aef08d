"""What the lists of the fake hold, as it stands on the wire. Performs no I/O."""

from typing import Final, TypeVar

from attrs import field, frozen

from threads_async._secrets import show_shortened

DEFAULT_WORKSPACE: Final = 1
"""The id of the default workspace, which a request calls -1."""

TYPES: Final = ("Manual", "BrowserInstance")


@frozen
class FakeThread:
    """A thread as it stands on the wire.

    Attributes:
        workspace_id: The workspace that it belongs to.
        thread_token: Its token, which looks like that of the real program: a JWT of several hundred characters. None
            stands for null. A secret of the fake's, shortened in reprs all the same.
        type: ``Manual``, ``BrowserInstance``, or any other text.
        created_at: When it was made, as text: seven fractional digits and an offset, as the real program writes it.
    """

    workspace_id: int
    thread_token: str | None = field(repr=show_shortened)
    type: str
    created_at: str


@frozen
class FakeWorkspace:
    """A workspace as it stands on the wire.

    Attributes:
        workspace_id: Its id; 1 is that of the default workspace.
        name: Its name; None stands for null.
        role: The role of the token's owner in it; None stands for null.
    """

    workspace_id: int
    name: str | None = None
    role: str | None = "Owner"


def _lower(text: str) -> str:
    return text.lower()


@frozen
class FakeBrowser:
    """A running browser as it stands on the wire, with its workspace, which does not.

    Attributes:
        workspace_id: The workspace that it belongs to.
        profile_id: The profile that it runs with, as the text of a UUID, in lower case.
        process_id: The number of its process.
        connection_string: The address of its DevTools; None stands for null. Shortened in reprs like a token.
    """

    workspace_id: int
    profile_id: str = field(converter=_lower)
    process_id: int
    connection_string: str | None = field(repr=show_shortened)


Row = TypeVar("Row")
"""Any of them."""
