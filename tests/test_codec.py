"""The codec: queries become parameters, and bodies become pages or errors that name the wrong place."""

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import (
    DecodeError,
    ExecutionThread,
    Page,
    ThreadPage,
    ThreadsQuery,
    ThreadType,
)
from threads_async._codec import decode, is_cut
from threads_async._endpoints import THREADS
from threads_async._exchange import Response, encode

DATA = Path(__file__).parent / "data"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
BASE = "http://zenno.example:8160"
ASKED = encode(THREADS, ThreadsQuery(start=40), BASE)
GOOD: dict[str, Any] = {
    "workspaceId": 1,
    "threadToken": None,
    "type": "Manual",
    "createdAt": "2025-07-25T09:34:29.768Z",
}


def page_of(body: bytes | str) -> ThreadPage:
    return decode(THREADS, ASKED, Response(200, {}, body.encode() if isinstance(body, str) else body))


def thread_of(**changes: Any) -> ExecutionThread:
    (thread,) = page_of(json.dumps({"totalCount": 41, "items": [GOOD | changes]})).items
    return thread


def fault_of(body: bytes | str) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        page_of(body)
    return caught.value


def test_defaults_are_sent_and_unset_filters_are_not() -> None:
    request = encode(THREADS, ThreadsQuery(), BASE)

    assert "http://zenno.example:8160/v1/threads" == request.url
    assert (("workspaceId", "-1"), ("start", "0"), ("total", "1000")) == request.params


def test_every_parameter_is_sent_by_its_name_on_the_wire() -> None:
    query = ThreadsQuery(
        workspace_id=7, start=5, total=10, thread_token="a+b", type=ThreadType.MANUAL, sorting="Type DESC"
    )

    assert {
        "workspaceId": "7",
        "start": "5",
        "total": "10",
        "thread_token": "a+b",
        "type": "Manual",
        "sorting": "Type DESC",
    } == dict(encode(THREADS, query, BASE).params)


def test_the_label_describes_the_request_without_secrets() -> None:
    query = ThreadsQuery(workspace_id=7, thread_token=JWT, type="Manual", sorting="Type DESC")

    request = encode(THREADS, query, BASE)

    assert (
        "GET http://zenno.example:8160/v1/threads"
        "?workspaceId=7&start=0&total=1000&thread_token=eyJ…sR8U&type=Manual&sorting=Type%20DESC"
    ) == request.label
    assert JWT not in repr(request)


def test_the_documented_page_is_read() -> None:
    body = (DATA / "documented-threads.200.json").read_bytes()

    thread = ExecutionThread(1, None, ThreadType.MANUAL, datetime(2025, 7, 25, 9, 34, 29, 768000, UTC))
    assert ThreadPage((thread,), 1, 40) == page_of(body)


def test_the_real_empty_page_is_read() -> None:
    assert ThreadPage((), 0, 40) == page_of((DATA / "real-threads-empty.200.json").read_bytes())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-17T16:38:40.3851682+00:00", datetime(2026, 3, 17, 16, 38, 40, 385168, UTC)),
        ("2026-03-17T16:38:40.3851687Z", datetime(2026, 3, 17, 16, 38, 40, 385169, UTC)),
        ("2026-03-17T16:38:40.9999999Z", datetime(2026, 3, 17, 16, 38, 41, 0, UTC)),
        ("2026-03-17T19:38:40+03:00", datetime(2026, 3, 17, 16, 38, 40, 0, UTC)),
        ("2026-03-17T16:38:40.385", datetime(2026, 3, 17, 16, 38, 40, 385000, UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_utc_if_they_have_no_offset(text: str, expected: datetime) -> None:
    created_at = thread_of(createdAt=text).created_at

    assert expected == created_at
    assert created_at.tzinfo is not None


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001 - the offset is added below
    st.integers(-14 * 60, 14 * 60),
)
def test_any_time_with_an_offset_is_read_exactly(moment: datetime, minutes: int) -> None:
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))

    assert moment == thread_of(createdAt=moment.isoformat()).created_at


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_becomes_a_type_that_equals_it(text: str) -> None:
    assert text == thread_of(type=text).type


def test_a_known_type_becomes_its_member() -> None:
    assert ThreadType.BROWSER_INSTANCE is thread_of(type="BrowserInstance").type


@given(st.integers(-(2**63), 2**63 - 1), st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_ids_and_tokens_are_not_changed(workspace_id: int, token: str | None) -> None:
    thread = thread_of(workspaceId=workspace_id, threadToken=token)

    assert (workspace_id, token) == (thread.workspace_id, thread.thread_token)


def test_unknown_keys_are_ignored() -> None:
    body = json.dumps({"items": [GOOD | {"tags": [{"a": 1}]}], "totalCount": 41, "hasMore": False})

    assert 1 == len(page_of(body).items)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("workspaceId", "5", "expected int, got str"),
        ("workspaceId", None, "expected int, got null"),
        ("workspaceId", 5.0, "expected int, got float"),
        ("workspaceId", True, "expected int, got bool"),
        ("workspaceId", 2**63, "expected int <= 9223372036854775807"),
        ("workspaceId", -(2**63) - 1, "expected int >= -9223372036854775808"),
        ("threadToken", 5, "expected str | null, got int"),
        ("type", None, "expected str, got null"),
        ("type", 0, "expected str, got int"),
        ("createdAt", None, "expected datetime, got null"),
        ("createdAt", 1753436069, "expected datetime, got int"),
        ("createdAt", "yesterday", "invalid RFC3339 encoded datetime"),
        ("createdAt", "2025-07-25", "invalid RFC3339 encoded datetime"),
        ("createdAt", "2025-02-30T00:00:00Z", "invalid RFC3339 encoded datetime"),
    ],
)
def test_the_error_for_a_wrong_value_names_its_path_and_page(key: str, value: Any, reason: str) -> None:
    error = fault_of(json.dumps({"totalCount": 44, "items": [GOOD, GOOD, GOOD, GOOD | {key: value}]}))

    assert (f"items[3].{key}", reason, 40) == (error.path, error.reason, error.start)
    assert f"items[3].{key}: {reason}" in str(error)
    assert error.__context__ is None


@pytest.mark.parametrize("key", sorted(GOOD))
def test_the_error_for_a_missing_key_names_its_thread(key: str) -> None:
    error = fault_of(json.dumps({"totalCount": 41, "items": [{k: v for k, v in GOOD.items() if k != key}]}))

    assert ("items[0]", f"object missing required field {key}") == (error.path, error.reason)


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        (b'{"items":[]}', "", "object missing required field totalCount"),
        (b'{"totalCount":0}', "", "object missing required field items"),
        (b'{"totalCount":null,"items":[]}', "totalCount", "expected int, got null"),
        (b'{"totalCount":"1","items":[]}', "totalCount", "expected int, got str"),
        (b'{"totalCount":1.0,"items":[]}', "totalCount", "expected int, got float"),
        (b'{"totalCount":-1,"items":[]}', "totalCount", "expected int >= 0"),
        (b'{"totalCount":9223372036854775808,"items":[]}', "totalCount", "expected int <= 9223372036854775807"),
        (b'{"totalCount":1,"items":null}', "items", "expected array, got null"),
        (b'{"totalCount":1,"items":{}}', "items", "expected array, got object"),
        (b'{"totalCount":1,"items":[null]}', "items[0]", "expected object, got null"),
        (b"[]", "", "expected object, got array"),
        (b"null", "", "expected object, got null"),
        (b"", "", "input data was truncated"),
        (b'{"totalCount":0,"items":[]', "", "input data was truncated"),
        (b"[" * 100_000, "", "expected object, got array"),
        (b'{"totalCount":0,"items":[],"x":' + b"[" * 100_000, "", "it is nested too deeply"),
        (b'{"totalCount":0,"items":[{"type":"\xff"}]}', "", "it is not UTF-8"),
    ],
)
def test_the_error_for_a_body_that_is_not_a_page_says_why(body: bytes, path: str, reason: str) -> None:
    error = fault_of(body)

    assert (path, reason) == (error.path, error.reason)


@pytest.mark.parametrize("body", [b"<html></html>", b"\xef\xbb\xbf{}", b'{"totalCount":NaN,"items":[]}', b"\xff\xfe{"])
def test_the_error_for_a_body_that_is_not_json_says_so(body: bytes) -> None:
    assert fault_of(body).reason.startswith("JSON is malformed")


def test_a_decode_error_shows_no_value_of_the_body() -> None:
    error = fault_of(json.dumps({"totalCount": 41, "items": [GOOD | {"threadToken": JWT, "createdAt": JWT}]}))

    assert JWT[:12] not in f"{error!r}{error}{vars(error)}"


@given(st.binary())
def test_random_bytes_become_a_page_or_a_decode_error(body: bytes) -> None:
    with contextlib.suppress(DecodeError):
        assert isinstance(page_of(body), Page)


@pytest.mark.parametrize(
    ("body", "hinted"), [(b"<html>", True), (b"[]", True), (b'{"totalCount":"1","items":[]}', False)]
)
def test_only_a_body_that_is_not_a_page_at_all_leads_to_a_hint_about_base_url(body: bytes, hinted: bool) -> None:
    assert hinted is ("base_url" in str(fault_of(body)))


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}x", b"null", b"12", b'{"a": tru!', b'{"a": -x', b'{"a":"\xff"}', b'{"x":' + b"[" * 100_000],
)
def test_a_body_that_is_wrong_in_another_way_does_not_count_as_cut(body: bytes) -> None:
    assert not is_cut(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(value=st.dictionaries(st.text(max_size=8), _JSON, max_size=3), ascii_only=st.booleans(), data=st.data())
def test_the_beginning_of_a_json_text_counts_as_cut_and_the_complete_text_does_not(
    value: dict[str, Any], ascii_only: bool, data: st.DataObject
) -> None:
    whole = json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    at = data.draw(st.integers(0, len(whole) - 1))

    assert is_cut(whole[:at])
    assert not is_cut(whole)
