"""What can be asked for: the parameters of the API's listings, checked once. Performs no I/O."""

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
    """Return a validator of what to sort by."""
    pattern = re.compile(rf"(?:{'|'.join(names)})(?: +(?:ASC|DESC))?", re.IGNORECASE | re.ASCII)
    *most, last = map(repr, names)
    allowed = f"{', '.join(most)} or {last}, with ' ASC' or ' DESC' if you like"

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
        # The validator says what is wrong with it.
        return value


def _check_uuid(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None and not isinstance(value, UUID):
        raise ConfigurationError(f"{attribute.name} must be a UUID or None", parameter=attribute.name)


@frozen(kw_only=True)
class Query(Generic[T_co]):
    """What is asked for: the parameters that all listings of the API take.

    Attributes:
        start: Index of the first item, from zero. At most 2³¹ - 1.
        total: **The page size**, though the API calls it total: the most items of one page, from 1 to 2³¹ - 1.

    Raises:
        ConfigurationError: A value is not of the documented type or out of its range; it names the parameter.
    """

    start: int = field(default=0, validator=whole_number(0, INT32_MAX))
    total: int = field(default=1000, validator=whole_number(1, INT32_MAX))

    @property
    def filtered(self) -> bool:
        """Whether a parameter is given that leaves items out."""
        optional = [attribute.name for attribute in fields(type(self)) if attribute.default is None]
        return any(getattr(self, name) is not None for name in optional if name != "sorting")


@frozen(kw_only=True)
class ThreadsQuery(Query[ExecutionThread]):
    """What is asked for of the execution threads: the parameters of the API, by the API's own names and defaults.

    An empty text means the default, as on the API's page.

    Attributes:
        start: Index of the first thread, from zero. At most 2³¹ - 1.
        total: **The page size**, though the API calls it total: the most threads of one page, from 1 to 2³¹ - 1.
        workspace_id: A workspace; -1 is the default workspace. A 64-bit integer.
        thread_token: Only the thread with this token. A secret: reprs show a shortened form.
        type: Only threads of this type, as `ThreadType` or its text.
        sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``, in any letter case. A following ``ASC``
            or ``DESC`` is documented for sibling listings of the same API only.

    Raises:
        ConfigurationError: A value is not of the documented type or out of its range; it names the parameter.
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
    """What is asked for of the workspaces: the parameters of the API, by the API's own names and defaults.

    An empty text means the default. The API does not say how `name` and `roles` are compared.

    Attributes:
        start: Index of the first workspace, from zero. At most 2³¹ - 1.
        total: **The page size**, though the API calls it total: the most workspaces of one page, from 1 to 2³¹ - 1.
        id: Only the workspace with this id, a 64-bit integer.
        name: Only workspaces with this name.
        roles: Only workspaces in which the token's owner has such a role.

    Raises:
        ConfigurationError: A value is not of the documented type or out of its range; it names the parameter.
    """

    id: int | None = field(default=None, validator=whole_number(-INT64_MAX - 1, INT64_MAX, optional=True))
    name: str | None = field(default=None, converter=text_or_none, validator=check_text)
    roles: str | None = field(default=None, converter=text_or_none, validator=check_text)


@frozen(kw_only=True)
class BrowserInstancesQuery(Query[BrowserInstance]):
    """What is asked for of the running browsers: the parameters of the API, by the API's own names and defaults.

    An empty text means the default.

    Attributes:
        start: Index of the first browser, from zero. At most 2³¹ - 1.
        total: **The page size**, though the API calls it total: the most browsers of one page, from 1 to 2³¹ - 1.
        workspace_id: A workspace; -1 is the default workspace. A 64-bit integer.
        profile_id: Only browsers with this profile, as a `UUID` or its text.
        process_id: Only the browser of this process, a 32-bit integer.
        sorting: ``ConnectionString``, ``ProcessId`` or ``ProfileId``, in any letter case, and perhaps ``ASC`` or
            ``DESC``, as with threads.

    Raises:
        ConfigurationError: A value is not of the documented type or out of its range; it names the parameter.
    """

    workspace_id: int = field(default=-1, validator=_check_workspace_id)
    profile_id: UUID | str | None = field(default=None, converter=_uuid_or_none, validator=_check_uuid)
    process_id: int | None = field(default=None, validator=whole_number(-INT32_MAX - 1, INT32_MAX, optional=True))
    sorting: str | None = field(
        default=None,
        converter=text_or_none,
        validator=_one_of("ConnectionString", "ProcessId", "ProfileId"),
    )
