"""The tree of errors: one root, data as attributes, safe to pickle."""

import copy
import inspect
import pickle

import pytest

import threads_async
from threads_async import errors

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
FULL = [
    errors.ThreadsError("what"),
    errors.ConfigurationError("what", parameter="total"),
    errors.ClientClosedError("what"),
    errors.NoSnapshotError("what"),
    errors.RequestError("what", request="GET x", attempts=3),
    errors.ConnectionFailedError("what", request="GET x", attempts=3),
    errors.RequestTimeoutError("what", request="GET x", attempts=3),
    errors.ResponseTooLargeError("what", request="GET x", attempts=3, limit=9),
    *(
        kind("what", request="GET x", attempts=3, status=599, server_message="said", retry_after=1.5)
        for kind in (errors.StatusError, errors.UnauthorizedError, errors.TooManyRequestsError, errors.ServerError)
    ),
    errors.ThreadLimitError("what", request="POST x", status=500, server_message="said", active=5, limit=4),
    errors.DecodeError("what", request="GET x", attempts=3, path="items[0]", reason="why", start=5),
    errors.PaginationError("what", start=1, total=2, received=3, total_count=4),
]


def test_this_module_tests_every_error() -> None:
    assert set(ALL) == {type(error) for error in FULL}


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_public_and_has_the_same_root(kind: type[Exception]) -> None:
    assert issubclass(kind, threads_async.ThreadsError)
    assert kind is getattr(threads_async, kind.__name__)


@pytest.mark.parametrize("kind", ALL)
def test_the_tree_in_the_docstring_shows_every_error(kind: type[Exception]) -> None:
    assert f"{kind.__name__} " in f"{errors.__doc__} ".replace("\n", " ")


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying_with_all_its_data(error: errors.ThreadsError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(error) is type(twin)
        assert vars(error) == vars(twin)
        assert str(error) == str(twin)


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_every_attribute_is_documented(error: errors.ThreadsError) -> None:
    documented = " ".join(base.__doc__ or "" for base in type(error).__mro__)

    assert [] == [name for name in vars(error) if f"{name}:" not in documented]


def test_the_text_of_a_failed_request_names_it_and_its_attempts() -> None:
    error = errors.ConnectionFailedError("refused", request="GET http://localhost/v1/threads", attempts=3, hint="look")

    assert "refused (GET http://localhost/v1/threads; 3 attempts); look" == str(error)


def test_a_single_attempt_is_not_mentioned() -> None:
    assert "refused (GET x)" == str(errors.ConnectionFailedError("refused", request="GET x"))


def test_the_text_without_a_request_is_the_message() -> None:
    assert "refused" == str(errors.ConnectionFailedError("refused"))


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_the_repr_of_an_error_has_all_of_its_data(error: errors.ThreadsError) -> None:
    error.add_note("of somebody else")

    assert repr(error).startswith(f"{type(error).__name__}('what'")
    assert [] == [name for name, value in vars(error).items() if name[0] != "_" and repr(value) not in repr(error)]
    assert "somebody" not in repr(error)
