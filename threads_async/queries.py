"""The parameters of the API's lists, validated once. Performs no I/O."""

import re
from typing import Any, Final, Generic
from uuid import UUID

from attrs import Attribute, field, fields, frozen

from threads_async._checks import INT32_MAX, INT64_MAX, Validator, check_text, text_or_none, whole_number
from threads_async._secrets import SECRET, show_shortened
from threads_async.errors import ConfigurationError
from threads_async.models import BrowserInstance, ExecutionThread, T_co, ThreadType, Workspace

_check_workspace_id: Final = whole_number(-INT64_MAX - 1, INT64_MAX)


def _one_of(*names: str) -> Validator:
    """Return a validator for ``sorting``."""
    pattern = re.compile(rf"(?:{'|'.join(names)})(?: +(?:ASC|DESC))?", re.IGNORECASE | re.ASCII)
    *most, last = map(repr, names)
    allowed = f"{', '.join(most)} or {last}, optionally followed by ' ASC' or ' DESC'"

    def check(_: object, attribute: "Attribute[Any]", value: object) -> None:
        if value is not None and (not isinstance(value, str) or pattern.fullmatch(value) is None):
            raise ConfigurationError(f"{attribute.name} must be {allowed}, or None", parameter=attribute.name)

    return check


def _type_or_none(value: ThreadType | str | None) -> ThreadType | str | None:
    return ThreadType(value) if value and value in tuple(ThreadType) else text_or_none(value)


def _check_type(_: object, __: object, value: Any) -> None:
    if value is not None and not (isinstance(value, ThreadType) and value in tuple(ThreadType)):
        allowed = " or ".join(f"{member.value!r}" for member in ThreadType)
        raise ConfigurationError(f"type must be {allowed}, or None", parameter="type")


def _uuid_or_none(value: UUID | str | None) -> UUID | str | None:
    try:
        return UUID(value) if isinstance(value, str) and value else text_or_none(value)  # type: ignore[arg-type]
    except ValueError:
        # The validator reports it.
        return value


def _check_uuid(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None and not isinstance(value, UUID):
        raise ConfigurationError(f"{attribute.name} must be a UUID or None", parameter=attribute.name)


@frozen(kw_only=True)
class Query(Generic[T_co]):
    """What to list: the parameters that all lists of the API have.

    Attributes:
        start: Index of the first item, counted from zero, at most 2³¹ - 1.
        total: **The page size**, called total by the API: the maximum number of items on a page, from 1 to 2³¹ - 1.

    Raises:
        ConfigurationError: A value has the wrong type or is out of range. The error names the parameter.
    """

    start: int = field(default=0, validator=whole_number(0, INT32_MAX))
    total: int = field(default=1000, validator=whole_number(1, INT32_MAX))

    @property
    def filtered(self) -> bool:
        """Whether an optional parameter other than ``sorting`` is set, so that only matching items are listed."""
        optional = [attribute.name for attribute in fields(type(self)) if attribute.default is None]
        return any(getattr(self, name) is not None for name in optional if name != "sorting")


@frozen(kw_only=True)
class ThreadsQuery(Query[ExecutionThread]):
    """Which execution threads to list. The parameters have the names and defaults of the API.

    An empty ``thread_token``, ``type`` or ``sorting`` means the default, as in the
    documentation of the API.

    Attributes:
        start: Index of the first thread, counted from zero, at most 2³¹ - 1.
        total: **The page size**, called total by the API: the maximum number of threads on a page, from 1 to 2³¹ - 1.
            A consistent listing requests pages of 2 instead of 1.
        workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.
        thread_token: List only the thread with this token. It is a secret: reprs show it shortened.
        type: List only threads of this type: a `ThreadType` or its string.
        sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``, in any letter case, optionally followed by
            ``ASC`` or ``DESC``. The API documents these two only for other lists.

    Raises:
        ConfigurationError: A value has the wrong type or is out of range. The error names the parameter.
    """

    workspace_id: int = field(default=-1, validator=_check_workspace_id)
    thread_token: str | None = field(
        default=None, converter=text_or_none, validator=check_text, repr=show_shortened, metadata=SECRET
    )
    type: ThreadType | str | None = field(default=None, converter=_type_or_none, validator=_check_type)
    sorting: str | None = field(
        default=None,
        converter=text_or_none,
        validator=_one_of("CreatedAt", "ThreadToken", "Type", "WorkspaceId"),
    )


@frozen(kw_only=True)
class WorkspacesQuery(Query[Workspace]):
    """Which workspaces to list. The parameters have the names and defaults of the API.

    An empty ``name`` or ``roles`` means the default. The API does not document how it compares them.

    Attributes:
        start: Index of the first workspace, counted from zero, at most 2³¹ - 1.
        total: **The page size**, called total by the API: the maximum number of workspaces on a page, from 1 to
            2³¹ - 1.
        id: List only the workspace with this id, a 64-bit integer.
        name: List only workspaces with this name.
        roles: List only workspaces in which the owner of the token has this role.

    Raises:
        ConfigurationError: A value has the wrong type or is out of range. The error names the parameter.
    """

    id: int | None = field(default=None, validator=whole_number(-INT64_MAX - 1, INT64_MAX, optional=True))
    name: str | None = field(default=None, converter=text_or_none, validator=check_text)
    roles: str | None = field(default=None, converter=text_or_none, validator=check_text)


@frozen(kw_only=True)
class BrowserInstancesQuery(Query[BrowserInstance]):
    """Which running browsers to list. The parameters have the names and defaults of the API.

    An empty ``profile_id`` or ``sorting`` means the default.

    Attributes:
        start: Index of the first browser, counted from zero, at most 2³¹ - 1.
        total: **The page size**, called total by the API: the maximum number of browsers on a page, from 1 to 2³¹ - 1.
            A consistent listing requests pages of 2 instead of 1.
        workspace_id: The workspace, a 64-bit integer. -1 is the default workspace.
        profile_id: List only browsers with this profile: a `uuid.UUID` or its string.
        process_id: List only the browser of this process, a 32-bit integer.
        sorting: ``ConnectionString``, ``ProcessId`` or ``ProfileId``, in any letter case, optionally followed
            by ``ASC`` or ``DESC``, as for threads.

    Raises:
        ConfigurationError: A value has the wrong type or is out of range. The error names the parameter.
    """

    workspace_id: int = field(default=-1, validator=_check_workspace_id)
    profile_id: UUID | str | None = field(default=None, converter=_uuid_or_none, validator=_check_uuid)
    process_id: int | None = field(default=None, validator=whole_number(-INT32_MAX - 1, INT32_MAX, optional=True))
    sorting: str | None = field(
        default=None,
        converter=text_or_none,
        validator=_one_of("ConnectionString", "ProcessId", "ProfileId"),
    )
