"""The values of the API, as Python has them. Performs no I/O; knows nothing of JSON or HTTP."""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from attrs import Attribute, field, frozen

from threads_async._secrets import shorten
from threads_async.errors import ConfigurationError, RequestError

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
_SORTING: Final = re.compile(r"(?:CreatedAt|ThreadToken|Type|WorkspaceId)(?: +(?:ASC|DESC))?", re.IGNORECASE | re.ASCII)

_Validator: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]


class ThreadType(StrEnum):
    """What runs in an execution thread, by the API's own texts."""

    MANUAL = "Manual"
    """A browser that a person works with."""

    BROWSER_INSTANCE = "BrowserInstance"
    """A browser that a program drives."""


@frozen
class ExecutionThread:
    """The slot in which one browser of a ZennoBrowser runs ("поток выполнения" on the API's page).

    Attributes:
        workspace_id: The workspace that the thread belongs to, a 64-bit integer.
        thread_token: What names the thread and opens it, so a secret: reprs show a shortened form. None where the API
            gives null, as it does for threads that cannot be driven.
        type: `ThreadType`, or the text itself where the API has a type that this version does not know. Either
            compares equal to the text.
        created_at: When the thread was made. Always aware; microseconds, rounded from the API's seven digits; UTC
            where the API gives no offset.
    """

    workspace_id: int
    thread_token: str | None = field(repr=lambda token: repr(shorten(token)))
    type: ThreadType | str = field(repr=lambda value: repr(str(value)))
    created_at: datetime


@frozen
class ThreadPage:
    """One page of a listing.

    Attributes:
        items: The threads, in the server's order.
        total_count: All threads that matched when the page was made, not only those on it.
        start: Index of the first thread of the page, from zero.
    """

    items: tuple[ExecutionThread, ...] = field(repr=lambda items: f"<{len(items)} threads>")
    total_count: int
    start: int

    @property
    def next_start(self) -> int | None:
        """Index of the first thread after this page, to be given back as `start`; None at the end."""
        after = self.start + len(self.items)
        return after if after < self.total_count else None


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
class ThreadEvent:
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


def _whole_number(least: int, most: int) -> _Validator:
    def check(_: object, attribute: "Attribute[int]", value: object) -> None:
        # bool is an int to Python, but nobody means start=True.
        if type(value) is not int or not least <= value <= most:
            # Python refuses to write a number of thousands of digits.
            far = type(value) is int and abs(value) > 2 * INT64_MAX
            shown = "one far beyond" if far else value if type(value) is int else type(value).__name__
            msg = f"{attribute.name} must be a whole number from {least} to {most}, not {shown}"
            raise ConfigurationError(msg, parameter=attribute.name)

    return check


def check_count(name: str, value: int | None) -> None:
    """Raise `ConfigurationError` unless `value` is a whole number from 0 up, or None."""
    if value is not None and (type(value) is not int or value < 0):
        raise ConfigurationError(f"{name} must be a whole number from 0 up", parameter=name)


def _text_or_none(value: str | None) -> str | None:
    # The API's page sends empty values and means their defaults by them.
    return None if value == "" else value


def _type_or_none(value: ThreadType | str | None) -> ThreadType | str | None:
    return ThreadType(value) if value in tuple(ThreadType) else _text_or_none(value)


def _check_type(_: object, __: object, value: Any) -> None:
    if value is not None and not isinstance(value, ThreadType):
        allowed = " or ".join(f"{member.value!r}" for member in ThreadType)
        raise ConfigurationError(f"type must be {allowed}, or None", parameter="type")


def _check_sorting(_: object, __: object, value: Any) -> None:
    if value is not None and (not isinstance(value, str) or _SORTING.fullmatch(value) is None):
        allowed = "'CreatedAt', 'ThreadToken', 'Type' or 'WorkspaceId', with ' ASC' or ' DESC' if you like"
        raise ConfigurationError(f"sorting must be {allowed}, or None", parameter="sorting")


def _check_thread_token(_: object, __: object, value: Any) -> None:
    # The value is a secret, so the message says only what is wrong with it.
    if value is not None:
        if not isinstance(value, str):
            raise ConfigurationError("thread_token must be a text or None", parameter="thread_token")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ConfigurationError("thread_token holds a lone surrogate", parameter="thread_token")


@frozen(kw_only=True)
class ThreadsQuery:
    """What is asked for: the parameters of the API, by the API's own names and defaults.

    An empty text means the default, as on the API's page.

    Attributes:
        workspace_id: A workspace; -1 is the default workspace. A 64-bit integer.
        start: Index of the first thread, from zero. At most 2³¹ - 1.
        total: **The page size**, though the API calls it total: the most threads of one page, from 1 to 2³¹ - 1.
        thread_token: Only the thread with this token. A secret: reprs show a shortened form.
        type: Only threads of this type, as `ThreadType` or its text.
        sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``, in any letter case. A following ``ASC``
            or ``DESC`` is documented for sibling listings of the same API only.

    Raises:
        ConfigurationError: A value is not of the documented type or out of its range; it names the parameter.
    """

    workspace_id: int = field(default=-1, validator=_whole_number(-INT64_MAX - 1, INT64_MAX))
    start: int = field(default=0, validator=_whole_number(0, INT32_MAX))
    total: int = field(default=1000, validator=_whole_number(1, INT32_MAX))
    thread_token: str | None = field(
        default=None,
        converter=_text_or_none,
        validator=_check_thread_token,
        repr=lambda token: repr(shorten(token)),
    )
    type: ThreadType | str | None = field(default=None, converter=_type_or_none, validator=_check_type)
    sorting: str | None = field(default=None, converter=_text_or_none, validator=_check_sorting)
