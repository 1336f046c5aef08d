"""The values of the API, as Python has them. Performs no I/O; knows nothing of JSON or HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

from attrs import field, frozen

from threads_async._secrets import SECRET, show_shortened
from threads_async.errors import RequestError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ThreadType(StrEnum):
    """What runs in an execution thread, by the API's own texts.

    A type that this version does not know becomes a member too, whose name and value are its text. It is equal to its
    text and to other members made from it, but ``list(ThreadType)`` does not have it.
    """

    MANUAL = "Manual"
    """A browser that a person works with."""

    BROWSER_INSTANCE = "BrowserInstance"
    """A browser that a program drives."""

    @classmethod
    def _missing_(cls, value: object) -> "ThreadType | None":
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


@frozen
class Value:
    """A frozen attrs class that `configure_converter` knows. Its fields are called as on the wire, in snake case."""


@frozen
class ExecutionThread(Value):
    """The slot in which one browser of a ZennoBrowser runs ("поток выполнения" on the API's page).

    Attributes:
        workspace_id: The workspace that the thread belongs to, a 64-bit integer.
        thread_token: What names the thread and grants access to it, so a secret: reprs show a shortened form. None
            where the API gives null, as it does for threads that cannot be driven.
        type: What runs in it. A type that this version does not know is a member of `ThreadType` too.
        created_at: When the thread was made. Always aware; microseconds, rounded from the API's seven digits; UTC
            where the API gives no offset.
    """

    workspace_id: int
    thread_token: str | None = field(repr=show_shortened, metadata=SECRET)
    type: ThreadType = field(converter=ThreadType, repr=lambda value: repr(str(value)))
    created_at: datetime


@frozen
class Workspace(Value):
    """A workspace that the owner of the API token may use.

    By the API's page "Получение доступных рабочих пространств".

    Attributes:
        workspace_id: Its id, a 64-bit integer; what `ThreadsClient.threads` takes as `workspace_id`.
        name: Its name; None where the API gives null.
        role: The role of the token's owner in it, such as ``Owner``; None where the API gives null.
    """

    workspace_id: int
    name: str | None
    role: str | None


@frozen
class BrowserInstance(Value):
    """A running browser that was started through the API.

    By the API's page "Получение экземпляров браузера".

    Attributes:
        profile_id: The profile that it runs with.
        process_id: The number of its process on the machine of the ZennoBrowser.
        connection_string: The address of its DevTools, such as ``ws://127.0.0.1:…/devtools/browser/…``. Whoever has it
            drives the browser, so it is a secret: reprs show a shortened form. None where the API gives null.
    """

    profile_id: UUID
    process_id: int
    connection_string: str | None = field(repr=show_shortened, metadata=SECRET)


@frozen
class Page(Generic[T_co]):
    """One page of a listing.

    Attributes:
        items: The items, in the server's order.
        total_count: All items that matched when the page was made, not only those on it.
        start: Index of the first item of the page, from zero.
    """

    items: tuple[T_co, ...] = field(repr=lambda items: f"<{len(items)} items>")
    total_count: int
    start: int

    @property
    def next_start(self) -> int | None:
        """Index of the first item after this page, to be given back as `start`; None at the end."""
        after = self.start + len(self.items)
        return after if after < self.total_count else None


ThreadPage: TypeAlias = Page[ExecutionThread]
"""A page of execution threads."""


class EventKind(StrEnum):
    """What happened to a thread, or to the server that lists it."""

    PRESENT = "present"
    """The thread ran when the watch began."""

    STARTED = "started"
    """The thread has started."""

    STOPPED = "stopped"
    """The thread has stopped."""

    UNREACHABLE = "unreachable"
    """The server does not answer."""

    REACHABLE = "reachable"
    """The server answers again."""


@frozen
class ThreadEvent(Value):
    """Something that a watch noticed.

    Attributes:
        kind: What happened.
        thread: The thread to which it happened; None for ``unreachable`` and ``reachable``.
        at: When it was noticed, in UTC.
        error: Why the server is ``unreachable``: the error of the look that failed. None for every other kind. Two
            events are equal if their errors say the same.
    """

    kind: EventKind = field(repr=lambda kind: repr(str(kind)))
    thread: ExecutionThread | None
    at: datetime
    # Exceptions compare by identity, and an event must stay equal to its pickled copy.
    error: RequestError | None = field(default=None, eq=repr)
