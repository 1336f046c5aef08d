"""A converter for rows turns each value into one flat row, and shortens its secrets if asked."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st
from test_converters import browsers, events, fleet_values, limits, threads, workspaces

from threads_async import (
    BrowserInstance,
    EventKind,
    ExecutionThread,
    FleetThread,
    ServerError,
    ServerEvent,
    ThreadEvent,
    ThreadPage,
    ThreadType,
    make_converter,
)
from threads_async._secrets import shorten

ROWS = make_converter(rows=True)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.canary-canary-canary.signature"
MOMENT = datetime(2026, 3, 17, 16, 38, 40, tzinfo=UTC)
THREAD = ExecutionThread(1, TOKEN, ThreadType.MANUAL, MOMENT)
ROW = {"workspace_id": 1, "thread_token": TOKEN, "type": "Manual", "created_at": MOMENT}

values = threads | workspaces | browsers | limits | fleet_values | events


def test_a_row_has_the_names_and_the_types_of_python() -> None:
    assert ROWS.unstructure(THREAD) == ROW
    assert type(ROWS.unstructure(THREAD)["type"]) is str


def test_several_values_become_rows_in_one_call() -> None:
    assert list(ROWS.unstructure((THREAD, THREAD))) == [ROW, ROW]
    assert ROWS.unstructure([THREAD]) == [ROW]
    assert ROWS.unstructure(ThreadPage((THREAD,), 5, 4)) == {"total_count": 5, "items": [ROW], "start": 4}


def test_a_row_of_a_fleet_names_the_machine_beside_the_fields() -> None:
    assert ROWS.unstructure(FleetThread("office-1", THREAD)) == {"machine": "office-1", **ROW}


def test_rows_of_events_have_the_same_columns_with_and_without_a_previous_thread() -> None:
    started = ROWS.unstructure(ThreadEvent(EventKind.STARTED, THREAD, MOMENT))
    changed = ROWS.unstructure(ThreadEvent(EventKind.CHANGED, THREAD, MOMENT, THREAD))

    assert list(started) == list(changed)
    assert started == {"kind": "started", **ROW, "at": MOMENT} | {f"previous_{name}": None for name in ROW}
    assert changed == {"kind": "changed", **ROW, "at": MOMENT} | {
        f"previous_{name}": cell for name, cell in ROW.items()
    }


def test_the_error_of_an_event_becomes_its_message() -> None:
    error = ServerError("the server failed", status=500)

    assert ROWS.unstructure(ServerEvent(EventKind.UNREACHABLE, MOMENT, error)) == {
        "kind": "unreachable",
        "at": MOMENT,
        "error": str(error),
    }
    assert ROWS.unstructure(ServerEvent(EventKind.REACHABLE, MOMENT))["error"] is None


@given(values)
def test_every_row_is_flat_and_has_the_cells_of_the_value(value: Any) -> None:
    row = ROWS.unstructure(value)

    assert all(type(cell) in (int, str, datetime, type(None)) for cell in row.values())
    assert len(row) >= len(fields(type(value)))
    assert {cell for cell in row.values() if isinstance(cell, datetime)} <= set(moments_in(value))


def moments_in(value: Any) -> list[datetime]:
    """Return all times in `value`."""
    inside = [getattr(value, one.name) for one in fields(type(value))]
    nested = [one for one in inside if hasattr(one, "created_at")]
    return [one for one in inside if isinstance(one, datetime)] + [one.created_at for one in nested]


@given(st.lists(threads, min_size=1))
def test_rows_of_one_class_have_the_same_columns(found: list[ExecutionThread]) -> None:
    assert {("workspace_id", "thread_token", "type", "created_at")} == {tuple(row) for row in ROWS.unstructure(found)}


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        THREAD,
        FleetThread("office-1", THREAD),
        ThreadEvent(EventKind.CHANGED, THREAD, MOMENT, THREAD),
        ThreadPage((THREAD,), 1, 0),
    ],
)
def test_secrets_are_shortened_on_request(rows: bool, value: Any) -> None:
    complete, short = [make_converter(rows=rows, shorten_secrets=short).unstructure(value) for short in (False, True)]

    assert TOKEN in str(complete)
    assert str(complete).replace(TOKEN, str(shorten(TOKEN))) == str(short)


def test_a_connection_string_is_shortened_on_request() -> None:
    profile = uuid4()
    browser = BrowserInstance(profile, 7, "ws://127.0.0.1:1/devtools/browser/canary")

    assert make_converter(shorten_secrets=True).unstructure(browser) == {
        "profileId": str(profile),
        "processId": 7,
        "connectionString": "ws:…nary",
    }


def test_shortened_json_can_be_structured_again() -> None:
    converter = make_converter(shorten_secrets=True)
    text = json.dumps(converter.unstructure(THREAD))

    assert "canary" not in text
    assert converter.structure(json.loads(text), ExecutionThread).thread_token == shorten(TOKEN)
