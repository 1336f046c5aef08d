"""How the API parses a request for a list, and which items are on a page. Performs no I/O."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeAlias

from attrs import frozen

from threads_async.testing._population import View
from threads_async.testing._resources import INT64, BadValueError, Resource, number_in
from threads_async.testing._rows import DEFAULT_WORKSPACE, Row

PastEnd: TypeAlias = Literal["empty", "last_page", "error"]
"""The response to a ``start`` at or past the end of the list. It is not known which one ZennoBrowser sends."""


@frozen
class Asked:
    """A parsed request for a list."""

    view: View
    start: int
    total: int


class BadParametersError(ValueError):
    """A parameter has the wrong type or is out of range. ASP.NET Core, which ZennoBrowser uses, responds with 400.

    Attributes:
        problems: What is wrong, by parameter name.
    """

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("bad parameters")
        self.problems = problems


def _order_of(text: str, sortings: Iterable[tuple[str, str]]) -> tuple[str, bool]:
    """Return the attribute to sort by, and whether to sort in descending order, from `text` in any letter case."""
    attributes = {name.lower(): attribute for name, attribute in sortings}
    # ASCII letters only, as in the pattern of the OpenAPI document: some other letters fold to these.
    found = re.fullmatch(r"([a-z]+)(?: +(asc|desc))?", text, re.IGNORECASE | re.ASCII)
    if found is None or found[1].lower() not in attributes:
        raise BadValueError
    return attributes[found[1].lower()], (found[2] or "").lower() == "desc"


def read(query: Iterable[tuple[str, str]], resource: Resource[Any]) -> Asked:
    """Parse `query`, which was sent to `resource`. An empty value means the default; an unknown name is ignored.

    Raises:
        BadParametersError: A value has the wrong type or is out of range.
    """
    given = {name: value for name, value in query if value != ""}
    problems: dict[str, list[str]] = {}

    def value_of(name: str, read_value: Callable[[str], Any], default: Any = None) -> Any:
        try:
            return read_value(given[name]) if name in given else default
        except BadValueError:
            problems[name] = [f"The value '{given[name]}' is not valid."]
            return default

    workspace_id = value_of("workspaceId", number_in(INT64), -1) if resource.in_workspaces else None
    start = value_of("start", number_in(range(2**31)), 0)
    total = value_of("total", number_in(range(1, 2**31)), 1000)
    wanted = [(one.attribute, value_of(one.name, one.read)) for one in resource.filters]
    key, descending = None, False
    if resource.sortings:
        key, descending = value_of("sorting", lambda text: _order_of(text, resource.sortings), (None, False))
    if problems:
        raise BadParametersError(problems)
    view = View(
        workspace_id=DEFAULT_WORKSPACE if workspace_id == -1 else workspace_id,
        filters=tuple(one for one in wanted if one[1] is not None),
        sort_key=key,
        descending=descending,
    )
    return Asked(view, start, total)


def page_of(  # noqa: PLR0913 - the switches, all by keyword
    resource: Resource[Row],
    listed: Sequence[Row],
    asked: Asked,
    *,
    past_end: PastEnd,
    ignore_start: bool,
    naive_times: bool,
) -> list[dict[str, Any]] | None:
    """Return the slice of `listed` that `asked` requests, filtered, as records to send; None means status 500."""
    start = 0 if ignore_start else asked.start
    if start >= len(listed) and start > 0 and past_end != "empty":
        if past_end == "error":
            return None
        start = max(0, (len(listed) - 1) // asked.total * asked.total)
    records = [resource.record(row) for row in listed[start : start + asked.total] if asked.view.shows(row)]
    return [without_offset(record) for record in records] if naive_times else records


def without_offset(record: dict[str, Any]) -> dict[str, Any]:
    """Return `record` with its time without a UTC offset, if it has a time."""
    if "createdAt" not in record:
        return record
    return record | {"createdAt": record["createdAt"].removesuffix("Z").removesuffix("+00:00")}
