"""A cattrs converter structures and unstructures values: one way for the client, the command and users."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import cattrs
import pytest
from attrs import evolve, fields, frozen
from cattrs.gen import make_dict_structure_fn, override
from hypothesis import given
from hypothesis import strategies as st
from listings import BROWSERS, THREADS, WORKSPACES, Kind, each_kind

from threads_async import (
    BrowserInstance,
    BrowserInstancesQuery,
    ConfigurationError,
    DecodeError,
    EventKind,
    ExecutionThread,
    FleetBrowserInstance,
    FleetEvent,
    FleetPage,
    FleetThread,
    FleetWorkspace,
    Limits,
    Page,
    RetryPolicy,
    ServerError,
    ServerEvent,
    ThreadEvent,
    ThreadPage,
    ThreadsQuery,
    ThreadType,
    Workspace,
    WorkspacesQuery,
    _codec,
    configure_converter,
    errors,
    make_converter,
)
from threads_async._endpoints import endpoint_of
from threads_async._exchange import Response, encode
from threads_async._records import wire_name

CONVERTER = make_converter()
CREATED = datetime(2026, 3, 17, 16, 38, 40, 385168, UTC)
THREAD = ExecutionThread(1, "eyJ.a.b", ThreadType.MANUAL, CREATED)

# JSON in UTF-8 cannot contain lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
int64 = st.integers(-(2**63), 2**63 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A time near either end of the calendar has no equivalent in UTC.
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets)  # noqa: DTZ001 - see `timezones`
threads = st.builds(ExecutionThread, int64, st.none() | texts, st.sampled_from(ThreadType) | texts, moments)
workspaces = st.builds(Workspace, int64, st.none() | texts, st.none() | texts)
browsers = st.builds(BrowserInstance, st.uuids(), int64, st.none() | texts)
limits = st.builds(Limits, int64, int64, *[st.none() | int64] * 8)
ITEMS: dict[Kind, st.SearchStrategy[Any]] = {THREADS: threads, WORKSPACES: workspaces, BROWSERS: browsers}

request_errors = st.one_of(
    st.builds(errors.ConnectionFailedError, texts, request=texts, attempts=int32, hint=texts, temporary=st.booleans()),
    st.builds(errors.RequestTimeoutError, texts, request=texts),
    st.builds(errors.ResponseTooLargeError, texts, limit=int32),
    st.builds(
        ServerError,
        texts,
        status=int32,
        server_message=st.none() | texts,
        retry_after=st.none() | st.floats(0, 1e9),
    ),
    st.builds(DecodeError, texts, path=texts, reason=texts, start=int32),
)
thread_events = st.builds(ThreadEvent, st.sampled_from(EventKind), threads, moments, st.none() | threads)
server_events = st.builds(ServerEvent, st.sampled_from(EventKind), moments, st.none() | request_errors)
events = thread_events | server_events
machines = st.sampled_from(["office-1", "дом 2"])
fleet_values = st.one_of(
    st.builds(FleetThread, machines, threads),
    st.builds(FleetWorkspace, machines, workspaces),
    st.builds(FleetBrowserInstance, machines, browsers),
)
fleet_events = st.builds(FleetEvent, machines, events)
starts, totals = st.integers(0, 2**31 - 1), st.integers(1, 2**31 - 1)
some_text = st.none() | texts.filter(bool)
queries = st.one_of(
    st.builds(
        ThreadsQuery,
        start=starts,
        total=totals,
        workspace_id=int64,
        thread_token=some_text,
        type=st.none() | st.sampled_from(ThreadType),
        sorting=st.none() | st.sampled_from(["CreatedAt", "type desc"]),
    ),
    st.builds(WorkspacesQuery, start=starts, total=totals, id=st.none() | int64, name=some_text, roles=some_text),
    st.builds(
        BrowserInstancesQuery,
        start=starts,
        total=totals,
        workspace_id=int64,
        profile_id=st.none() | st.uuids(),
        process_id=st.none() | int32,
        sorting=st.none() | st.sampled_from(["ProcessId", "profileid ASC"]),
    ),
)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 99),
    deadline=st.none() | st.floats(0.1, 1e6),
    initial_backoff=st.floats(0.1, 1e6),
    max_backoff=st.floats(0.1, 1e6),
    budget=st.none() | st.integers(0, 99),
)
pages = st.one_of(
    [
        st.builds(Page, st.lists(items, max_size=3).map(tuple), st.integers(0, 2**63 - 1), starts)
        for items in ITEMS.values()
    ]
)


def type_of(value: Any) -> Any:
    """Return the type to structure `value` as."""
    if isinstance(value, Page):
        return Page[type(value.items[0])] if value.items else ThreadPage  # type: ignore[misc]
    return FleetPage[FleetThread] if isinstance(value, FleetPage) else type(value)


fleet_pages = st.builds(
    FleetPage, machines, st.lists(st.builds(FleetThread, machines, threads), max_size=3).map(tuple), totals, starts
)


@given(
    st.one_of(
        threads, workspaces, browsers, limits, pages, events, queries, policies, fleet_values, fleet_events, fleet_pages
    )
)
def test_values_survive_a_round_trip(value: Any) -> None:
    data = CONVERTER.unstructure(value)

    assert value == CONVERTER.structure(data, type_of(value))
    # The data is ready for JSON and survives a round trip through it.
    assert value == CONVERTER.structure(json.loads(json.dumps(data)), type_of(value))


@given(st.one_of(threads, workspaces, browsers, limits, events, fleet_values))
def test_json_bytes_are_structured_like_plain_data(value: Any) -> None:
    body = json.dumps(CONVERTER.unstructure(value)).encode()

    assert value == CONVERTER.structure(body, type(value))


def test_a_thread_is_unstructured_with_the_names_of_the_api() -> None:
    expected = {
        "workspaceId": 1,
        "threadToken": "eyJ.a.b",
        "type": "Manual",
        "createdAt": "2026-03-17T16:38:40.385168+00:00",
    }

    assert expected == CONVERTER.unstructure(THREAD)
    assert str is type(CONVERTER.unstructure(THREAD)["type"])


def test_browsers_queries_and_pages_are_unstructured_with_the_names_of_the_api() -> None:
    browser = BrowserInstance(UUID(int=1), 4, None)
    assert {
        "profileId": "00000000-0000-0000-0000-000000000001",
        "processId": 4,
        "connectionString": None,
    } == CONVERTER.unstructure(browser)
    assert {
        "start": 0,
        "total": 5,
        "workspaceId": -1,
        "thread_token": None,
        "type": "Manual",
        "sorting": None,
    } == CONVERTER.unstructure(ThreadsQuery(total=5, type="Manual"))
    assert {"totalCount": 1, "items": [], "start": 7} == CONVERTER.unstructure(Page((), 1, 7))


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_about_a_thread_is_unstructured_with_it(kind: EventKind) -> None:
    thread = CONVERTER.unstructure(THREAD)
    event = ThreadEvent(kind, THREAD, CREATED)

    assert {
        "kind": str(kind),
        "thread": thread,
        "at": CREATED.isoformat(),
        "previous": None,
    } == CONVERTER.unstructure(event)
    assert thread == CONVERTER.unstructure(evolve(event, previous=THREAD))["previous"]


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_about_the_server_is_unstructured_with_its_error(kind: EventKind) -> None:
    data = CONVERTER.unstructure(ServerEvent(kind, CREATED, ServerError("broken", status=503)))

    assert {"kind": str(kind), "at": CREATED.isoformat()} == {name: data[name] for name in ("kind", "at")}
    assert {"error": "ServerError", "message": "broken", "status": 503, "serverMessage": None} == {
        name: data["error"][name] for name in ("error", "message", "status", "serverMessage")
    }


def test_a_time_without_an_offset_inside_another_value_is_in_utc() -> None:
    event = ThreadEvent(EventKind.STARTED, THREAD, CREATED)
    data = CONVERTER.unstructure(event)
    data["thread"]["createdAt"] = data["thread"]["createdAt"].removesuffix("+00:00")

    assert event == CONVERTER.structure(data, ThreadEvent)


@pytest.mark.parametrize(
    ("error", "path"),
    [({"error": "KeyError", "message": "x"}, "error"), ({"message": "x"}, "error"), ({"error": 5}, "error")],
)
def test_an_event_with_an_unknown_error_is_rejected(error: Any, path: str) -> None:
    data = {"kind": "unreachable", "at": CREATED.isoformat(), "error": error}

    with pytest.raises(DecodeError) as caught:
        CONVERTER.structure(data, ServerEvent)
    assert caught.value.reason


@pytest.mark.parametrize(
    "data", ["\ud800", {"workspaceId": 1, "threadToken": None, "type": "a", "createdAt": "\ud800"}]
)
def test_a_lone_surrogate_is_rejected_where_it_cannot_be_read(data: Any) -> None:
    with pytest.raises(DecodeError, match="a string contains a lone surrogate"):
        CONVERTER.structure(data, ExecutionThread)


def test_the_token_in_a_query_is_shortened_on_request() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.canary-canary-canary.signature"
    unstructure = make_converter(shorten_secrets=True).unstructure

    assert "eyJ…ture" == unstructure(ThreadsQuery(thread_token=token))["thread_token"]
    assert unstructure(ThreadsQuery())["thread_token"] is None


# All ways of decoding. They agree on every body.

Outcome = tuple[Any, ...]


def outcome_of(read: Callable[[], Any]) -> Outcome:
    """Return the value, or the path and the reason of the error."""
    try:
        return ("value", read())
    except DecodeError as error:
        return ("error", error.path, error.reason)


def by_the_client(kind: Kind, body: bytes) -> Outcome:
    query = kind.query()
    endpoint = endpoint_of(query)
    request = encode(endpoint, query, "http://127.0.0.1")
    return outcome_of(lambda: _codec.decode(endpoint, request, Response(200, {}, body)))


def from_bytes(kind: Kind, body: bytes) -> Outcome:
    return outcome_of(lambda: CONVERTER.structure(body, Page[kind.item]))  # type: ignore[name-defined]


def from_data(kind: Kind, body: bytes) -> Outcome:
    return outcome_of(lambda: CONVERTER.structure(json.loads(body), Page[kind.item]))  # type: ignore[name-defined]


def strict(value: Any, wanted: Any) -> Any:
    """Read one field in plain Python."""
    if wanted is int:
        assert type(value) is int
        assert -(2**63) <= value < 2**63
        return value
    if wanted == str | None:
        assert value is None or type(value) is str
        return value
    assert type(value) is str
    if wanted is datetime:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return wanted(value)


def by_generated_functions(kind: Kind, body: bytes) -> Outcome:
    """Decode with the functions that cattrs generates for a class, with renames. Return no details of an error."""
    overrides: dict[str, Any] = {
        one.name: override(rename=wire_name(one.name), struct_hook=strict) for one in fields(kind.item)
    }
    structure = make_dict_structure_fn(kind.item, cattrs.Converter(), _cattrs_detailed_validation=False, **overrides)
    try:
        data = json.loads(body)
        assert type(data["totalCount"]) is int
        assert 0 <= data["totalCount"] < 2**63
        assert type(data["items"]) is list
        assert all(type(item) is dict for item in data["items"])
        items = tuple(structure(item, kind.item) for item in data["items"])
    except (AssertionError, KeyError, TypeError, ValueError):
        return ("error",)
    return ("value", Page(items, data["totalCount"], 0))


def item_by_item(kind: Kind, body: bytes) -> list[Outcome]:
    """Decode the items of a page one after another, as a user would decode a list of items."""
    items = json.loads(body)["items"]
    return [outcome_of(lambda item=item: CONVERTER.structure(item, kind.item)) for item in items]  # type: ignore[misc]


letters = st.text("abcXYZ -_é界", max_size=5)
# The JSON parser treats a number beyond 64 bits as a float. All ways reject it, but the reasons would differ.
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | numbers | letters,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(letters, inner, max_size=2),
    max_leaves=4,
)


def holders_of(value: Any) -> list[tuple[Any, Any]]:
    """Return the places in `value` where something can be broken: each container, with a key in it."""
    places: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        places += [(value, key) for key in value]
    elif isinstance(value, list):
        places += [(value, index) for index in range(len(value))]
    return places + [place for holder, key in places for place in holders_of(holder[key])]


@st.composite
def bodies(draw: st.DrawFn, kind: Kind) -> bytes:
    """Draw the body of a page: valid, or broken in some places. Its times may lack their offset."""
    items = [CONVERTER.unstructure(item) for item in draw(st.lists(ITEMS[kind], max_size=3))]
    for item in items:
        if "createdAt" in item and draw(st.booleans()):
            item["createdAt"] = item["createdAt"][:-6]
    page: dict[str, Any] = {"totalCount": draw(st.integers(0, 2**63 - 1)), "items": items}
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        holder, key = draw(st.sampled_from(holders_of(page)))
        how = draw(st.sampled_from(["change", "remove", "add"]))
        if how == "change":
            holder[key] = draw(anything)
        elif how == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(letters)] = draw(anything)
        if not holders_of(page):
            break
    return json.dumps(page).encode()


@each_kind
@given(data=st.data())
def test_every_way_of_decoding_agrees_on_every_body(kind: Kind, data: st.DataObject) -> None:
    body = data.draw(bodies(kind))

    outcome = by_the_client(kind, body)
    assert outcome == from_bytes(kind, body)
    assert outcome == from_data(kind, body)
    other = by_generated_functions(kind, body)
    assert outcome[: len(other)] == other
    if outcome[0] == "value":
        assert [("value", item) for item in outcome[1].items] == item_by_item(kind, body)


@each_kind
@given(data=st.data())
def test_a_single_item_fails_like_an_item_in_a_page(kind: Kind, data: st.DataObject) -> None:
    record = CONVERTER.unstructure(data.draw(ITEMS[kind]))
    name = data.draw(st.sampled_from(list(record)))
    record[name] = data.draw(anything)
    body = json.dumps({"totalCount": 1, "items": [record]}).encode()

    (alone,) = item_by_item(kind, body)

    in_page = from_data(kind, body)
    if alone[0] == "error":
        assert ("error", f"items[0].{alone[1]}", alone[2]) == in_page
    else:
        assert alone[1] == in_page[1].items[0]


# Users ----------------------------------------------------------------------------------------------------------------


@frozen
class Job:
    """A user's class that contains threads."""

    name: str
    thread: ExecutionThread
    others: tuple[ExecutionThread, ...]
    browsers: list[BrowserInstance]
    home: Workspace | None
    at: datetime


def test_a_user_class_that_contains_our_values_survives_a_round_trip() -> None:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(datetime, datetime.timestamp)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromtimestamp(value, UTC))
    configure_converter(converter)
    job = Job("a", THREAD, (THREAD, THREAD), [BrowserInstance(UUID(int=1), 4, None)], Workspace(1, None, None), CREATED)

    data = converter.unstructure(job)

    assert CONVERTER.unstructure(THREAD) == data["thread"] == data["others"][1]
    # The user's own hook applies to the user's own field.
    assert CREATED.timestamp() == data["at"]
    assert job == converter.structure(json.loads(json.dumps(data)), Job)


def test_an_error_inside_a_user_class_names_its_path() -> None:
    data = {"workspaceId": "x"} | dict.fromkeys(("threadToken", "type", "createdAt"))
    job: dict[str, Any] = {"name": "a", "thread": data, "others": [], "browsers": [], "home": None, "at": None}

    with pytest.raises(cattrs.ClassValidationError) as caught:
        converter_of_dates().structure(job, Job)

    (error,) = [one for one in caught.value.exceptions if isinstance(one, DecodeError)]
    assert ("workspaceId", "expected int, got str") == (error.path, error.reason)
    assert any("$.thread" in line for line in cattrs.transform_error(caught.value))


def converter_of_dates() -> cattrs.Converter:
    converter = make_converter()
    converter.register_structure_hook(datetime, lambda value, _: value)
    return converter


def test_other_types_are_structured_as_before() -> None:
    converter = cattrs.Converter()
    before = converter.structure({"a": "1"}, dict[str, int]), converter.unstructure({"a": CREATED})

    configure_converter(converter)

    assert before == (converter.structure({"a": "1"}, dict[str, int]), converter.unstructure({"a": CREATED}))


@pytest.mark.parametrize("wanted", [tuple[int, ...], tuple[ExecutionThread, ExecutionThread], list[int]])
def test_collections_that_are_not_ours_are_structured_item_by_item(wanted: Any) -> None:
    data = {tuple[int, ...]: [1, 2], list[int]: [1, 2]}.get(wanted, [CONVERTER.unstructure(THREAD)] * 2)

    assert [CONVERTER.structure(one, ExecutionThread) if isinstance(one, dict) else one for one in data] == list(
        CONVERTER.structure(data, wanted)
    )


def test_a_query_with_a_wrong_value_is_rejected_by_the_query() -> None:
    with pytest.raises(ConfigurationError, match="start"):
        CONVERTER.structure({"start": "5"}, ThreadsQuery)


@pytest.mark.parametrize("data", [{}, {"start": 7, "unknown": True}])
def test_a_query_has_defaults_and_ignores_unknown_keys(data: dict[str, Any]) -> None:
    assert ThreadsQuery(**{name: value for name, value in data.items() if name == "start"}) == CONVERTER.structure(
        data, ThreadsQuery
    )


def test_the_client_decodes_responses_with_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a converter without our hooks, decoding fails: the client has no other way."""
    body = json.dumps({"totalCount": 1, "items": [THREADS.record(0)]}).encode()
    assert "value" == by_the_client(THREADS, body)[0]

    # Such a converter treats a page like any other class, so it needs a mapping and gets bytes.
    _codec._page_hook.cache_clear()
    monkeypatch.setattr(_codec, "_converter", cattrs.Converter)
    with pytest.raises(cattrs.ClassValidationError):
        by_the_client(THREADS, body)
    _codec._page_hook.cache_clear()


def test_the_package_needs_cattrs() -> None:
    code = "import sys; sys.modules['cattrs'] = None\nimport threads_async"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "cattrs" in done.stderr


def test_a_page_from_json_bytes_starts_at_zero_whatever_start_it_contains() -> None:
    page = Page((THREAD,), 5, 3)
    body = json.dumps(CONVERTER.unstructure(page)).encode()

    assert Page((THREAD,), 5, 0) == CONVERTER.structure(body, ThreadPage)
    assert page == CONVERTER.structure(json.loads(body), ThreadPage)
