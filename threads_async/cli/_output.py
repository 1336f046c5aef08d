"""Threads as text: one writer for each format. Performs no I/O.

A writer is asked for its header once, before the first page, and then for the lines of each page as it comes.
"""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Final, Protocol

from threads_async.cli._exits import url_of
from threads_async.models import ExecutionThread, ThreadEvent

FIELDS: Final = ("workspaceId", "threadToken", "type", "createdAt")
"""The fields of a thread by the API's own names."""


class Writer(Protocol):
    """Makes text of threads."""

    @property
    def encoding(self) -> str:
        """In what the text is to be written."""
        ...

    def header(self) -> str:
        """Return what stands before the first thread."""
        ...

    def rows(self, threads: Iterable[ExecutionThread]) -> str:
        """Return the lines of `threads`."""
        ...

    def footer(self, summary: str) -> str:
        """Return what stands after the last thread, where `summary` says in a few words how many they are."""
        ...


def _record(thread: ExecutionThread) -> tuple[Any, ...]:
    return (thread.workspace_id, thread.thread_token, str(thread.type), thread.created_at.isoformat())


def json_line(value: dict[str, Any]) -> str:
    """Return `value` as a line of JSON, in ASCII: no character in it breaks a line or moves a cursor."""
    return f"{json.dumps(value)}\n"


def fields_of(thread: ExecutionThread) -> dict[str, Any]:
    """Return `thread` by the API's own names."""
    return dict(zip(FIELDS, _record(thread), strict=True))


def event_line(event: ThreadEvent) -> str:
    """Return `event` as a line of JSON: what and when, then the thread or why the server is unreachable."""
    fields: dict[str, Any] = {"event": str(event.kind), "at": event.at.isoformat()}
    if event.thread is not None:
        fields |= fields_of(event.thread)
    if event.error is not None:
        fields |= {"url": url_of(event.error), "reason": event.error.message}
    return json_line(fields)


class JsonLines:
    """One JSON object a line."""

    encoding = "utf-8"

    def header(self) -> str:
        """Return nothing: each line says all of itself."""
        return ""

    def rows(self, threads: Iterable[ExecutionThread]) -> str:
        """Return the lines of `threads`."""
        return "".join(json_line(fields_of(thread)) for thread in threads)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the signature of a writer
        """Return nothing: each line says all of itself."""
        return ""


class Csv:
    """CSV as RFC 4180 has it, with CR LF and quotes where needed. null is an empty field.

    Text that a spreadsheet would read as a formula is not escaped, since a program that reads the file would get
    another text than the server's.
    """

    encoding = "utf-8"

    def header(self) -> str:
        """Return the names of the fields."""
        return self._lines([FIELDS])

    def rows(self, threads: Iterable[ExecutionThread]) -> str:
        """Return the lines of `threads`."""
        return self._lines(_record(thread) for thread in threads)

    def footer(self, summary: str) -> str:  # noqa: ARG002 - the signature of a writer
        """Return nothing: a program would take it for a row."""
        return ""

    def _lines(self, rows: Iterable[Iterable[Any]]) -> str:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue()
