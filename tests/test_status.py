"""Every status except 200 is an error of its kind, which quotes the server briefly and without secrets."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from threads_async import ServerError, StatusError, TooManyRequestsError, UnauthorizedError
from threads_async._exchange import Response
from threads_async._secrets import Secret
from threads_async._status import status_error

DATA = Path(__file__).parent / "data"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
NOW = datetime(2026, 3, 17, 16, 38, 40, tzinfo=UTC)


def error_of(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> StatusError:
    return status_error(Response(status, headers or {}, body), Secret("open sesame"), now=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (429, TooManyRequestsError),
        (500, ServerError),
        (599, ServerError),
        (204, StatusError),
        (302, StatusError),
        (404, StatusError),
        (408, StatusError),
        (600, StatusError),
    ],
)
def test_every_status_except_200_is_an_error_of_its_kind(status: int, kind: type[StatusError]) -> None:
    error = error_of(status)

    assert kind is type(error)
    assert status == error.status
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ((DATA / "real-error.500.json").read_bytes(), "Failed to create execution thread"),
        ((DATA / "documented-error.500.json").read_bytes(), None),
        (b"", None),
        (b"  <html>\n<h1>Bad\tGateway</h1>", None),
        (b"upstream\ttimed\nout", "upstream timed out"),
        (b'{"message": 5}', None),
        (b'"no room"', "no room"),
        (b'["no room", 5, {"why": "full"}]', "no room; full"),
        (b'{"title": "Not valid.", "status": 400, "errors": {"start": ["Value x."]}}', "Not valid.; Value x."),
        (b"\x1b[31mred", "[31mred"),
        (b"red\x00", None),
        (b"x" * 300, "x" * 200 + "…"),
        ("ошибка".encode("cp1251"), "������"),
        (b"[" * 100_000, "[" * 200 + "…"),
        (b'{"message": "\xff"}', '{"message": "\ufffd"}'),
    ],
)
def test_the_message_of_the_server_is_quoted_short_and_clean(body: bytes, said: str | None) -> None:
    error = error_of(500, body)

    assert said == error.server_message
    assert (said or "the server failed") in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf<html>Bad Gateway</html>",
        b"\xc2\xa0<h1>Bad Gateway</h1>",
        b"Sorry! <!DOCTYPE html><p>Bad Gateway",
        "<html>Bad Gateway</html>".encode("utf-16"),
        b'{"message": "<html>Bad Gateway</html>"}',
        b'"at the gate: <BR>Bad Gateway"',
        b"<?xml version='1.0'?><error>Bad Gateway</error>",
    ],
)
def test_markup_is_recognised_without_its_content_type(body: bytes) -> None:
    error = error_of(502, body)

    assert "the server failed (502); the response may come from a proxy in front of the API" == str(error)


def test_text_with_an_angle_bracket_is_not_markup() -> None:
    assert "start < 0 and total <b>" == error_of(500, b"start < 0 and total <b>").server_message


def test_a_page_of_html_is_not_quoted_and_a_proxy_is_suspected() -> None:
    error = error_of(502, b"Bad Gateway", {"Content-Type": "text/html; charset=utf-8"})

    assert "the server failed (502); the response may come from a proxy in front of the API" == str(error)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "check the API token"),
        (429, "send fewer requests"),
        (500, ""),
        (302, "set base_url to the address of the API"),
        (404, "check that base_url is the address of a ZennoBrowser API"),
        (400, ""),
    ],
)
def test_a_hint_is_given_only_for_a_status_that_it_fits(status: int, hint: str) -> None:
    assert hint == error_of(status).hint


def test_secrets_in_the_message_of_the_server_are_not_shown() -> None:
    error = error_of(401, json.dumps({"message": f"open sesame may not use {JWT}"}).encode())

    assert "… may not use eyJ…sR8U" == error.server_message
    assert "sesame" not in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("1000000000", 1e9),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Tue, 17 Mar 2026 16:38:50 -0000", 10.0),
        ("Tue, 99 Mar 2026 16:38:50 GMT", None),
        ("Mon, 01 Jan 2999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251628621619.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert seconds == error_of(503, headers={"Retry-After": value}).retry_after


def test_without_the_header_retry_after_is_none() -> None:
    assert error_of(503).retry_after is None
