"""The decoder against broken bodies: it returns a page or raises a `DecodeError`, and takes little time.

The profile `slow` (``HYPOTHESIS_PROFILE=slow``) tries 20,000 of each kind.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from threads_async import DecodeError, ExecutionThread, Page, ThreadsQuery
from threads_async._codec import decode
from threads_async._endpoints import THREADS
from threads_async._exchange import Response, encode
from threads_async._status import status_error

ASKED = encode(THREADS, ThreadsQuery(), "http://localhost:8160")
MOST_SECONDS = 1.0

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["Manual", "2026-03-17T16:38:40.3851682+00:00", "9999-12-31T23:59:59.9999999", "0001-01-01T00:00:00"]
    )
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
threads = st.fixed_dictionaries(
    {
        "workspaceId": st.integers(-(2**63), 2**63 - 1),
        "threadToken": st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        "type": st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        "createdAt": st.datetimes().map(lambda moment: moment.isoformat() + "1Z" * bool(moment.microsecond)),
    },
    optional={"later": anything},
)
pages = st.fixed_dictionaries({"totalCount": st.integers(0, 2**63 - 1), "items": st.lists(threads, max_size=4)})


def check(body: bytes) -> None:
    began = time.perf_counter()
    try:
        page = decode(THREADS, ASKED, Response(200, {}, body))
    except DecodeError as error:
        broken: DecodeError | None = error
    else:
        broken = None
        assert isinstance(page, Page)
        assert all(type(one) is ExecutionThread and one.created_at.tzinfo is not None for one in page.items)
    assert broken is None or (broken.reason and broken.__context__ is None)
    assert time.perf_counter() - began < MOST_SECONDS


@given(pages)
def test_a_valid_page_is_read_completely(value: dict[str, Any]) -> None:
    page = decode(THREADS, ASKED, Response(200, {}, json.dumps(value).encode()))

    assert value["totalCount"] == page.total_count
    assert [one["threadToken"] for one in value["items"]] == [one.thread_token for one in page.items]


@given(pages, st.data())
def test_a_broken_structure_becomes_a_page_or_a_decode_error(value: dict[str, Any], data: st.DataObject) -> None:
    """Replace any value by anything, or remove any key, up to three times."""
    for _ in range(data.draw(st.integers(1, 3))):
        places: list[tuple[Any, Any]] = [(value, key) for key in value]
        if isinstance(items := value.get("items"), list):
            places += [(items, index) for index in range(len(items))]
            places += [(item, key) for item in items if isinstance(item, dict) for key in item]
        assume(places)
        holder, key = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()):
            holder[key] = data.draw(anything)
        else:
            del holder[key]
    check(json.dumps(value).encode("utf-8", "surrogatepass"))


@given(pages, st.data())
def test_broken_bytes_become_a_page_or_a_decode_error(value: dict[str, Any], data: st.DataObject) -> None:
    """Cut the body, replace some bytes, or insert others."""
    body = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(body)))
        body[begin : begin + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    check(bytes(body))


@given(st.binary(max_size=200))
def test_any_bytes_become_a_page_or_a_decode_error(body: bytes) -> None:
    check(body)


@given(st.integers(100, 999).filter(lambda status: status != 200), st.binary(max_size=300), st.text(max_size=20))
@example(204, b"", "")
@example(503, b"", "Mon, 01 Jan 2999999999 00:00:00 GMT")
@example(503, b"", "Fri, 31 Dec 9999 23:59:59 -2359")
@example(503, b"", "9" * 400)
def test_any_status_with_any_body_and_retry_after_becomes_a_clean_error(
    status: int, body: bytes, retry_after: str
) -> None:
    error = status_error(Response(status, {"Retry-After": retry_after}, body), now=datetime.now(UTC))

    assert len(error.server_message or "") <= 201
    assert str(error).isprintable()
    assert error.retry_after is None or 0 <= error.retry_after < float("inf")
