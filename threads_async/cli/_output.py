"""Values as text: one writer for each format. Performs no I/O.

A writer is asked for its header once, before the first page, and then for the lines of each page as it comes.
"""

import csv
import functools
import io
import json
from collections.abc import Iterable
from typing import Any, Protocol

from attrs import fields, frozen
from cattrs import Converter

from threads_async._records import wire_name
from threads_async.cli._exits import url_of
from threads_async.converters import make_converter
from threads_async.models import ThreadEvent, Value


@frozen
class Noun:
    """What the items of a list are called.

    Attributes:
        one: One of them.
        many: Several of them.
    """

    one: str
    many: str

    def of(self, count: int) -> str:
        """Return what `count` of them are called."""
        return self.one if count == 1 else self.many


class Writer(Protocol):
    """Makes text of values."""

    @property
    def encoding(self) -> str:
        """In what the text is to be written."""
        ...

    def header(self) -> str:
        """Return what stands before the first value."""
        ...

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        ...

    def footer(self, summary: str) -> str:
        """Return what stands after the last value, where `summary` says in a few words how many they are."""
        ...


@functools.cache
def _converter() -> Converter:
    return make_converter()


def data_of(value: Value) -> dict[str, Any]:
    """Return `value` by the API's own names."""
    data: dict[str, Any] = _converter().unstructure(value)
    return data


def json_line(value: dict[str, Any]) -> str:
    """Return `value` as a line of JSON, in ASCII: no character in it breaks a line or moves a cursor."""
    return f"{json.dumps(value)}\n"


def event_line(event: ThreadEvent) -> str:
    """Return `event` as a line of JSON: what and when, then the thread or why the server is unreachable."""
    shown: dict[str, Any] = {"event": str(event.kind), "at": event.at.isoformat()}
    if event.thread is not None:
        shown |= data_of(event.thread)
    if event.error is not None:
        shown |= {"url": url_of(event.error), "reason": event.error.message}
    return json_line(shown)


class JsonLines:
    """One JSON object a line."""

    encoding = "utf-8"

    def header(self) -> str:
        """Return nothing: each line says all of itself."""
        return ""

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        return "".join(json_line(data_of(value)) for value in values)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the signature of a writer
        """Return nothing: each line says all of itself."""
        return ""


class Csv:
    """CSV as RFC 4180 has it, with CR LF and quotes where needed. null is an empty field.

    Text that a spreadsheet would read as a formula is not escaped, since a program that reads the file would get
    another text than the server's.

    Args:
        model: The class of the values.

    Attributes:
        names: The names of the fields.
    """

    encoding = "utf-8"

    def __init__(self, model: type[Value]) -> None:
        self.names = [wire_name(attribute.name) for attribute in fields(model)]

    def header(self) -> str:
        """Return the names of the fields."""
        return self._lines([self.names])

    def rows(self, values: Iterable[Any]) -> str:
        """Return the lines of `values`."""
        return self._lines(data_of(value).values() for value in values)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the signature of a writer
        """Return nothing: a program would take it for a row."""
        return ""

    def _lines(self, rows: Iterable[Iterable[Any]]) -> str:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue()
