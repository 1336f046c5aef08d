"""How the API reads the parameters of a request, and what stands on a page. Performs no I/O.

Written from the API's page, not from the client's encoder, so that the two do not share a mistake.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from threads_async.testing._population import DEFAULT_WORKSPACE, TYPES, FakeThread, View

_SORT_KEYS: Final = {
    "createdat": "created_at",
    "threadtoken": "thread_token",
    "type": "type",
    "workspaceid": "workspace_id",
}
# Letters of ASCII only, as the document's pattern has them: some others fold to these.
_SORTING: Final = re.compile(rf"({'|'.join(_SORT_KEYS)})(?: +(asc|desc))?", re.IGNORECASE | re.ASCII)
_INT32: Final = (-(2**31), 2**31 - 1)
_INT64: Final = (-(2**63), 2**63 - 1)


PastEnd: TypeAlias = Literal["empty", "last_page", "error"]
"""What a `start` at or past the end gets; which of them the real program gives is not known."""


@frozen
class Asked:
    """A request, understood."""

    view: View
    start: int
    total: int


class BadParametersError(ValueError):
    """A parameter is not of its type. The real program is an ASP.NET Core one, which answers 400 to that.

    Attributes:
        problems: What is wrong, by the parameter's name.
    """

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("bad parameters")
        self.problems = problems


def read(query: Iterable[tuple[str, str]]) -> Asked:
    """Return what `query` asks for. An empty value means the default, and an unknown name means nothing.

    Raises:
        BadParametersError: A value is not of its type or out of its range.
    """
    given = {name: value for name, value in query if value != ""}
    problems: dict[str, list[str]] = {}

    def number(name: str, default: int, bounds: tuple[int, int], least: int | None = None) -> int:
        text = given.get(name)
        if text is None:
            return default
        digits = text[1:] if text[:1] in "+-" else text
        value = int(text) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(2**63)) else None
        if value is None or not bounds[0] <= value <= bounds[1] or (least is not None and value < least):
            problems[name] = [f"The value '{text}' is not valid."]
            return default
        return value

    workspace_id = number("workspaceId", -1, _INT64)
    start = number("start", 0, _INT32, 0)
    total = number("total", 1000, _INT32, 1)
    kind = given.get("type")
    if kind is not None and kind not in TYPES:
        problems["type"] = [f"The value '{kind}' is not valid."]
    sorting = _SORTING.fullmatch(given.get("sorting", ""))
    if sorting is None and "sorting" in given:
        problems["sorting"] = [f"The value '{given['sorting']}' is not valid."]
    key, order = (text and text.lower() for text in sorting.groups()) if sorting is not None else (None, None)
    if problems:
        raise BadParametersError(problems)
    view = View(
        workspace_id=DEFAULT_WORKSPACE if workspace_id == -1 else workspace_id,
        thread_token=given.get("thread_token"),
        type=kind,
        sort_key=None if key is None else _SORT_KEYS[key],
        descending=order == "desc",
    )
    return Asked(view, start, total)


def page_of(
    listed: Sequence[FakeThread], asked: Asked, *, past_end: PastEnd, ignore_start: bool, naive_times: bool
) -> list[dict[str, Any]] | None:
    """Return a slice of `listed` without what `asked` filters out, by its names on the wire, or None for status 500."""
    start = 0 if ignore_start else asked.start
    if start >= len(listed) and start > 0 and past_end != "empty":
        if past_end == "error":
            return None
        start = max(0, (len(listed) - 1) // asked.total * asked.total)
    return [
        {
            "workspaceId": thread.workspace_id,
            "threadToken": thread.thread_token,
            "type": thread.type,
            "createdAt": thread.created_at.removesuffix("Z").removesuffix("+00:00")
            if naive_times
            else thread.created_at,
        }
        for thread in listed[start : start + asked.total]
        if asked.view.shows(thread)
    ]
