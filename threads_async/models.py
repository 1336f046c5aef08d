"""The values of the API as Python classes. Performs no I/O, and knows nothing about JSON or HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from uuid import UUID

from attrs import field, frozen

from threads_async._secrets import SECRET, show_shortened
from threads_async.errors import RequestError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ThreadType(StrEnum):
    """What runs in an execution thread. The values are the strings of the API.

    A string that this version does not know becomes a member too, with the string as its name and value. It equals the
    string and other members with the same string, but ``list(ThreadType)`` does not contain it.
    """

    MANUAL = "Manual"
    """A browser that a person uses."""

    BROWSER_INSTANCE = "BrowserInstance"
    """A browser that a program controls."""

    @classmethod
    def _missing_(cls, value: object) -> "ThreadType | None":
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    def __reduce_ex__(self, _: object) -> tuple[type["ThreadType"], tuple[str]]:
        # Early releases of Python 3.11 look members up by name, which fails for an unknown type.
        return type(self), (str(self),)


class _PydanticSerializer:
    """The attribute in which pydantic looks for the serializer of a value in a field of type ``Any``."""

    def __get__(self, _: object, owner: object) -> Any:
        try:
            from threads_async._pydantic import serializer  # noqa: PLC0415 - almost only pydantic reads it
        except ImportError as error:
            # Tools that look at every attribute must not fail where pydantic is not installed.
            raise AttributeError("pydantic is not installed") from error
        return serializer()


class _ForPydantic:
    """What pydantic looks for in a class."""

    __slots__ = ()

    __pydantic_serializer__: ClassVar[_PydanticSerializer] = _PydanticSerializer()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from threads_async._pydantic import schema_of  # noqa: PLC0415 - only pydantic calls this, so it is there

        return schema_of(source, handler)


@frozen
class Value(_ForPydantic):
    """A frozen attrs class that `configure_converter` supports. Its fields have the names of the API in snake case."""


@frozen
class ExecutionThread(Value):
    """The slot in which one browser of a ZennoBrowser runs ("поток выполнения" on the API's page).

    Attributes:
        workspace_id: The workspace of the thread, a 64-bit integer.
        thread_token: Identifies the thread and gives access to it. It is a secret: reprs show it shortened. None if
            the API returns null.
        type: What runs in the thread. A type that this version does not know is a `ThreadType` too.
        created_at: When the thread was created. The time is always aware, in UTC if the API returns no offset. The
            seven decimal places of the API are rounded to microseconds.
    """

    workspace_id: int
    thread_token: str | None = field(repr=show_shortened, metadata=SECRET)
    type: ThreadType = field(converter=ThreadType, repr=lambda value: repr(str(value)))
    created_at: datetime


@frozen
class Workspace(Value):
    """A workspace that the owner of the API token can use.

    Documented on the API's page "Получение доступных рабочих пространств".

    Attributes:
        workspace_id: The id, a 64-bit integer. Pass it to `ThreadsClient.threads`.
        name: The name. None if the API returns null.
        role: The role of the token's owner in the workspace, such as ``Owner``. None if the API returns null.
    """

    workspace_id: int
    name: str | None
    role: str | None


@frozen
class BrowserInstance(Value):
    """A running browser that was started through the API.

    Documented on the API's page "Получение экземпляров браузера".

    Attributes:
        profile_id: The profile of the browser.
        process_id: The id of its process on the machine of the ZennoBrowser.
        connection_string: The address of its DevTools, such as ``ws://127.0.0.1:…/devtools/browser/…``. It gives
            control of the browser, so it is a secret: reprs show it shortened. None if the API returns null.
    """

    profile_id: UUID
    process_id: int
    connection_string: str | None = field(repr=show_shortened, metadata=SECRET)


@frozen
class Limits(Value):
    """The limits of a licence, and how much of them is in use.

    Computers with the same licence share one thread limit. Some of the active threads may run on another computer, so
    ``active_threads`` can be larger than the number of threads that `ThreadsClient.threads` lists.

    All fields are 64-bit integers. The API does not document the meaning of the fields that are not about threads. They
    are None if the API returns null.

    Attributes:
        active_threads: The number of running threads.
        limit_threads: The maximum number of threads that can run at once.
        active_cloud_profiles: The API's ``activeCloudProfiles``.
        limit_cloud_profiles: The API's ``limitCloudProfiles``.
        active_local_profiles: The API's ``activeLocalProfiles``.
        limit_local_profiles: The API's ``limitLocalProfiles``.
        active_cloud_profile_storage: The API's ``activeCloudProfileStorage``.
        limit_cloud_profile_storage: The API's ``limitCloudProfileStorage``.
        active_api_enabled: The API's ``activeApiEnabled``.
        limit_api_enabled: The API's ``limitApiEnabled``.
    """

    active_threads: int
    limit_threads: int
    active_cloud_profiles: int | None
    limit_cloud_profiles: int | None
    active_local_profiles: int | None
    limit_local_profiles: int | None
    active_cloud_profile_storage: int | None
    limit_cloud_profile_storage: int | None
    active_api_enabled: int | None
    limit_api_enabled: int | None

    @property
    def free_threads(self) -> int:
        """Number of threads that can still be started. It is the limit minus the active threads, but never below 0."""
        return max(0, self.limit_threads - self.active_threads)


@frozen
class Page(_ForPydantic, Generic[T_co]):
    """One page of a listing.

    Attributes:
        items: The items, in the order of the server.
        total_count: The number of all items that matched when the server created the page, not only of those on it.
        start: The index of the first item of the page, counted from zero.
    """

    items: tuple[T_co, ...] = field(repr=lambda items: f"<{len(items)} items>")
    total_count: int
    start: int

    @property
    def next_start(self) -> int | None:
        """The index of the first item after this page, or None at the end of the list."""
        after = self.start + len(self.items)
        return after if after < self.total_count else None


ThreadPage: TypeAlias = Page[ExecutionThread]
"""A page of execution threads."""


class EventKind(StrEnum):
    """What happened to a thread or to the server.

    The first four are kinds of `ThreadEvent`, and the last two of `ServerEvent`.
    """

    PRESENT = "present"
    """The thread was running at the first successful look of the watch."""

    STARTED = "started"
    """The thread has started."""

    STOPPED = "stopped"
    """The thread has stopped."""

    CHANGED = "changed"
    """The thread is still running, but a field is different. For example, it has another token."""

    UNREACHABLE = "unreachable"
    """A look failed with a temporary error, for example because the server does not respond."""

    REACHABLE = "reachable"
    """A look succeeded again."""


def _show_kind(kind: EventKind) -> str:
    return repr(str(kind))


@frozen
class ThreadEvent(Value):
    """What a `ThreadWatch` reports about a thread.

    Attributes:
        kind: What happened: ``present``, ``started``, ``stopped`` or ``changed``.
        thread: The thread to which it happened. If it has stopped, this is the thread as the watch reported it last.
        at: When the watch noticed it, in UTC.
        previous: The thread before it changed, as the watch reported it last. None for all other kinds.
    """

    kind: EventKind = field(repr=_show_kind)
    thread: ExecutionThread
    at: datetime
    previous: ExecutionThread | None = None


@frozen
class ServerEvent(Value):
    """What a `ThreadWatch` reports about the server.

    Attributes:
        kind: What happened: ``unreachable`` or ``reachable``.
        at: When the watch noticed it, in UTC.
        error: Why the server is unreachable: the error of the failed look. None if it is reachable. When two events are
            compared, errors with the same repr are equal.
    """

    kind: EventKind = field(repr=_show_kind)
    at: datetime
    # Exceptions are compared by identity, but an event must equal its pickled copy.
    error: RequestError | None = field(default=None, eq=repr)


WatchEvent: TypeAlias = ThreadEvent | ServerEvent
"""What a `ThreadWatch` reports."""
