"""Values as text: one writer for each format. Performs no I/O.

A writer returns its header once, before the first page, and then the lines of each page.
"""

import csv
import functools
import io
import json
from collections.abc import Iterable
from typing import Any, Protocol

from attrs import fields, frozen
from cattrs import Converter

from threads_async._fleet_values import FleetEvent, FleetThread
from threads_async._records import wire_name
from threads_async.cli._exits import url_of
from threads_async.converters import make_converter
from threads_async.errors import RequestError
from threads_async.models import ExecutionThread, ServerEvent, ThreadEvent, Value, WatchEvent


@frozen
class Noun:
    """The noun for the items of a list.

    Attributes:
        one: The singular.
        many: The plural.
    """

    one: str
    many: str

    def of(self, count: int) -> str:
        """Return the singular or the plural, whichever fits `count`."""
        return self.one if count == 1 else self.many


class Writer(Protocol):
    """Converts values to text."""

    @property
    def encoding(self) -> str:
        """The encoding to write the text in."""
        ...

    def header(self) -> str:
        """Return the text before the first value."""
        ...

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        ...

    def footer(self, summary: str) -> str:
        """Return the text after the last value; `summary` says how many values there are."""
        ...


@functools.cache
def _converter() -> Converter:
    return make_converter()


def data_of(value: Value) -> dict[str, Any]:
    """Return the fields of `value` by their names in the API, after the name of its machine if it has one."""
    if isinstance(value, FleetThread):
        return {"machine": value.machine} | data_of(value.thread)
    data: dict[str, Any] = _converter().unstructure(value)
    return data


def _names_of(model: type[Value]) -> list[str]:
    """Return the keys of what `data_of` returns for a value of `model`."""
    if model is FleetThread:
        return ["machine", *_names_of(ExecutionThread)]
    return [wire_name(attribute.name) for attribute in fields(model)]


def json_line(value: dict[str, Any]) -> str:
    """Return `value` as one line of ASCII JSON, in which no character breaks the line or moves the cursor."""
    return f"{json.dumps(value)}\n"


def event_line(happened: WatchEvent | FleetEvent) -> str:
    """Return an event as one line of JSON: its kind and time, then the thread or why the server is unreachable.

    For a fleet, the name of the machine comes first.
    """
    event = happened.event if isinstance(happened, FleetEvent) else happened
    shown: dict[str, Any] = {"machine": happened.machine} if isinstance(happened, FleetEvent) else {}
    shown |= {"event": str(event.kind), "at": event.at.isoformat()}
    match event:
        case ThreadEvent(thread=thread, previous=ExecutionThread() as previous):
            shown |= data_of(thread) | {"previous": data_of(previous)}
        case ThreadEvent(thread=thread):
            shown |= data_of(thread)
        case ServerEvent(error=RequestError() as error):
            shown |= {"url": url_of(error), "error": type(error).__name__, "reason": error.message}
        case _:
            # The server is reachable again.
            pass
    return json_line(shown)


class JsonLines:
    """One JSON object per line."""

    encoding = "utf-8"

    def header(self) -> str:
        """Return an empty text: each line is self-contained."""
        return ""

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        return "".join(json_line(data_of(value)) for value in values)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the protocol's signature
        """Return an empty text: each line is self-contained."""
        return ""


class Csv:
    """CSV as defined by RFC 4180, with CR LF line ends and quotes where needed. null is an empty field.

    Text that a spreadsheet would treat as a formula is not escaped: a program that reads the file must get the text of
    the server unchanged.

    Args:
        model: The class of the values.

    Attributes:
        names: The names of the fields.
    """

    encoding = "utf-8"

    def __init__(self, model: type[Value]) -> None:
        self.names = _names_of(model)

    def header(self) -> str:
        """Return the names of the fields."""
        return self._lines([self.names])

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        return self._lines(data_of(value).values() for value in values)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the protocol's signature
        """Return an empty text: a program would read anything else as a row."""
        return ""

    def _lines(self, rows: Iterable[Iterable[Any]]) -> str:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue()
