"""When to retry, and how long to wait first: pure arithmetic."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import (
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    StatusError,
    TooManyRequestsError,
    UnauthorizedError,
)

REFUSED = ConnectionFailedError("refused")


@pytest.mark.parametrize(
    "error",
    [
        REFUSED,
        RequestTimeoutError("late"),
        StatusError("408", status=408),
        TooManyRequestsError("429", status=429),
        ServerError("500", status=500),
        ServerError("599", status=599),
    ],
)
def test_a_temporary_failure_is_retried(error: RequestError) -> None:
    assert RetryPolicy().wait(error, elapsed=0, fraction=0) is not None


@pytest.mark.parametrize(
    "error",
    [
        DecodeError("shape"),
        ResponseTooLargeError("size"),
        UnauthorizedError("401", status=401),
        StatusError("302", status=302),
        StatusError("404", status=404),
        StatusError("418", status=418, retry_after=1.0),
    ],
)
def test_a_permanent_failure_is_not_retried(error: RequestError) -> None:
    assert RetryPolicy().wait(error, elapsed=0, fraction=0) is None


def test_after_the_last_attempt_there_is_no_retry() -> None:
    policy = RetryPolicy(attempts=2)

    assert policy.wait(ConnectionFailedError("refused", attempts=1), elapsed=0, fraction=0) is not None
    assert policy.wait(ConnectionFailedError("refused", attempts=2), elapsed=0, fraction=0) is None


@pytest.mark.parametrize(("attempts", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (5000, 3.0)])
def test_the_longest_wait_doubles_up_to_the_maximum(attempts: int, most: float) -> None:
    policy = RetryPolicy(attempts=10_000, initial_backoff=0.5, max_backoff=3.0, deadline=None)
    error = ConnectionFailedError("refused", attempts=attempts)

    assert most == policy.wait(error, elapsed=0, fraction=1.0)


@given(fraction=st.floats(0, 1), attempts=st.integers(1, 100))
def test_the_wait_is_spread_evenly_from_zero(fraction: float, attempts: int) -> None:
    policy = RetryPolicy(attempts=101, deadline=None)
    error = ConnectionFailedError("refused", attempts=attempts)

    longest = policy.wait(error, elapsed=0, fraction=1.0)

    assert longest is not None
    assert math.isclose(longest * fraction, policy.wait(error, elapsed=0, fraction=fraction) or 0.0)


def test_the_wait_is_at_least_as_long_as_the_server_requests() -> None:
    assert 7.5 == RetryPolicy().wait(ServerError("503", status=503, retry_after=7.5), elapsed=0, fraction=1)


def test_a_server_that_requests_less_does_not_shorten_the_wait() -> None:
    assert 0.2 == RetryPolicy().wait(ServerError("503", status=503, retry_after=0.0), elapsed=0, fraction=1)


@given(elapsed=st.floats(0, 100), retry_after=st.none() | st.floats(0, 1e12), fraction=st.floats(0, 1))
def test_no_wait_ends_past_the_deadline(elapsed: float, retry_after: float | None, fraction: float) -> None:
    error = TooManyRequestsError("429", status=429, retry_after=retry_after)

    seconds = RetryPolicy(deadline=60).wait(error, elapsed=elapsed, fraction=fraction)

    assert seconds is None or elapsed + seconds < 60


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("attempts", 0),
        ("attempts", True),
        ("attempts", 1.5),
        ("deadline", 0),
        ("deadline", math.nan),
        ("deadline", "60"),
        ("initial_backoff", -1.0),
        ("initial_backoff", None),
        ("max_backoff", math.inf),
        ("max_backoff", True),
    ],
)
def test_a_wrong_retry_setting_is_an_error_that_names_it(parameter: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=parameter):
        RetryPolicy(**{parameter: value})
