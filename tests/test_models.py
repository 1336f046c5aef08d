"""Values are checked once, when they are created."""

import copy
import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import (
    BrowserInstancesQuery,
    ConfigurationError,
    ExecutionThread,
    Query,
    ThreadPage,
    ThreadsQuery,
    ThreadType,
    WorkspacesQuery,
)

TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
CREATED = datetime(2025, 7, 25, 9, 34, 29, tzinfo=UTC)
THREAD = ExecutionThread(workspace_id=1, thread_token=TOKEN, type=ThreadType.MANUAL, created_at=CREATED)


def test_a_thread_type_equals_its_text() -> None:
    text: str = ThreadType.BROWSER_INSTANCE

    assert "BrowserInstance" == text
    assert "Manual" == f"{ThreadType.MANUAL}"


def test_a_thread_shows_its_token_shortened() -> None:
    assert (
        "ExecutionThread(workspace_id=1, thread_token='eyJ…sR8U', type='Manual', "
        "created_at=datetime.datetime(2025, 7, 25, 9, 34, 29, tzinfo=datetime.timezone.utc))"
    ) == repr(THREAD)


def test_a_thread_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        THREAD.workspace_id = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("start", "items", "total_count", "next_start"),
    [(0, 0, 0, None), (0, 2, 2, None), (0, 2, 3, 2), (5, 2, 8, 7), (9, 0, 8, None)],
)
def test_next_start_follows_the_page_until_the_end(
    start: int, items: int, total_count: int, next_start: int | None
) -> None:
    page = ThreadPage(items=(THREAD,) * items, total_count=total_count, start=start)

    assert next_start == page.next_start


def test_a_page_shows_the_number_of_its_items_and_not_the_items() -> None:
    assert "Page(items=<2 items>, total_count=9, start=4)" == repr(ThreadPage((THREAD,) * 2, 9, 4))


def test_the_defaults_are_those_of_the_api() -> None:
    assert (
        ThreadsQuery(workspace_id=-1, start=0, total=1000, thread_token=None, type=None, sorting=None) == ThreadsQuery()
    )


def test_empty_texts_mean_the_defaults() -> None:
    assert ThreadsQuery() == ThreadsQuery(thread_token="", type="", sorting="")


@pytest.mark.parametrize("given_type", [ThreadType.MANUAL, "Manual"])
def test_type_accepts_the_enum_or_its_text(given_type: ThreadType | str) -> None:
    assert ThreadType.MANUAL is ThreadsQuery(type=given_type).type


@pytest.mark.parametrize("sorting", ["CreatedAt", "createdat", "Type DESC", "workspaceid asc", "ThreadToken  Asc"])
def test_sorting_accepts_a_field_and_an_order_in_any_letter_case(sorting: str) -> None:
    assert sorting == ThreadsQuery(sorting=sorting).sorting


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("workspace_id", 2**63),
        ("workspace_id", -(2**63) - 1),
        ("workspace_id", "1"),
        ("workspace_id", None),
        ("start", -1),
        ("start", 2**31),
        ("start", True),
        ("start", 1.0),
        ("total", 0),
        ("total", -5),
        ("total", 2**31),
        ("total", "1000"),
        ("thread_token", 5),
        ("thread_token", b"bytes"),
        ("thread_token", "lone \ud800 surrogate"),
        ("type", "manual"),
        ("type", "Robot"),
        ("type", 1),
        ("type", []),
        ("sorting", "Name"),
        ("sorting", "CreatedAt,Type"),
        ("sorting", "CreatedAt UP"),
        ("sorting", "CreatedAt\n"),
        ("sorting", "Wor\u212aspaceId"),
        ("sorting", 3),
    ],
)
def test_a_wrong_query_parameter_is_an_error_that_names_it(parameter: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"\b{parameter}\b") as caught:
        ThreadsQuery(**{parameter: value})

    assert parameter == caught.value.parameter
    assert isinstance(caught.value, ValueError)


def test_a_wrong_thread_token_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        ThreadsQuery(thread_token="hush-hush-\udfff")

    assert "hush" not in repr(caught.value)


def test_the_minimum_and_the_maximum_are_allowed() -> None:
    query = ThreadsQuery(workspace_id=-(2**63), start=2**31 - 1, total=1)

    assert (-(2**63), 2**31 - 1, 1) == (query.workspace_id, query.start, query.total)


def test_a_query_shows_its_token_shortened() -> None:
    assert "thread_token='eyJ…sR8U'" in repr(ThreadsQuery(thread_token=TOKEN))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_that_can_be_encoded_is_accepted_as_a_thread_token(token: str) -> None:
    assert token == ThreadsQuery(thread_token=token).thread_token


def test_an_unknown_thread_type_becomes_a_member_that_equals_its_text() -> None:
    cloud = ThreadType("Cloud")

    assert isinstance(cloud, ThreadType)
    assert "Cloud" == cloud == cloud.value == cloud.name == str(cloud)
    assert hash("Cloud") == hash(cloud)
    assert cloud == pickle.loads(pickle.dumps(cloud)) == copy.deepcopy(cloud)
    assert [ThreadType.MANUAL, ThreadType.BROWSER_INSTANCE] == list(ThreadType)
    assert type(ExecutionThread(1, None, "Cloud", THREAD.created_at).type) is ThreadType


@pytest.mark.parametrize("value", [5, None, b"Manual"])
def test_a_thread_type_must_be_text(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid ThreadType"):
        ThreadType(value)


@pytest.mark.parametrize("profile_id", ["123e4567-e89b-12d3-a456-426614174000", UUID(int=5), "", None])
def test_a_profile_id_is_a_uuid_or_its_text(profile_id: Any) -> None:
    found = BrowserInstancesQuery(profile_id=profile_id).profile_id

    assert (None if not profile_id else UUID(str(profile_id))) == found


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (BrowserInstancesQuery, {"profile_id": "x"}),
        (BrowserInstancesQuery, {"profile_id": 5}),
        (BrowserInstancesQuery, {"process_id": 2**31}),
        (BrowserInstancesQuery, {"process_id": "4"}),
        (BrowserInstancesQuery, {"sorting": "CreatedAt"}),
        (BrowserInstancesQuery, {"workspace_id": None}),
        (WorkspacesQuery, {"id": "1"}),
        (WorkspacesQuery, {"id": 2**63}),
        (WorkspacesQuery, {"name": 5}),
        (WorkspacesQuery, {"roles": "\ud800"}),
    ],
)
def test_the_error_for_a_wrong_parameter_of_any_listing_names_it(
    query: type[Query[Any]], given: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        query(**given)

    (parameter,) = given
    assert parameter == caught.value.parameter
    assert str(caught.value).startswith(parameter)


def test_an_unknown_type_is_pickled_by_its_value() -> None:
    """Python 3.11.2 would look its name up among the members that the class defines."""
    assert (ThreadType, ("Cloud",)) == ThreadType("Cloud").__reduce_ex__(4)
