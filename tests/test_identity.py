"""What distinguishes one item from another."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from threads_async import BrowserInstance, ExecutionThread, ThreadType, Workspace
from threads_async._endpoints import ENDPOINTS, THREADS, Endpoint
from threads_async._keys import keys_of

identity_of = THREADS.identity
CREATED = datetime(2026, 3, 17, tzinfo=UTC)


def test_threads_are_identified_by_their_token_or_else_by_all_other_attributes() -> None:
    one = ExecutionThread(1, None, ThreadType.MANUAL, CREATED)
    others = [
        ExecutionThread(2, None, ThreadType.MANUAL, CREATED),
        ExecutionThread(1, None, "Cloud", CREATED),
        ExecutionThread(1, None, ThreadType.MANUAL, CREATED + timedelta(microseconds=1)),
        ExecutionThread(1, "", ThreadType.MANUAL, CREATED),
    ]

    assert identity_of(one) == identity_of(ExecutionThread(1, None, "Manual", CREATED))
    assert identity_of(ExecutionThread(1, "t", "Manual", CREATED)) == identity_of(ExecutionThread(9, "t", "x", CREATED))
    assert 5 == len({identity_of(one), *map(identity_of, others)})


@pytest.mark.parametrize("token", ["token", None])
def test_a_walk_remembers_a_hash_or_the_complete_identity_if_hashes_are_short(token: str | None) -> None:
    thread = ExecutionThread(1, token, ThreadType.MANUAL, CREATED)

    assert [hash(identity_of(thread)) >> 4] == keys_of([thread], identity_of, 64)
    assert [identity_of(thread)] == keys_of([thread], identity_of, 32)


def test_consecutive_numbers_have_different_keys() -> None:
    numbers = range(-50_000, 50_000)

    keys = keys_of(numbers, lambda number: number)

    assert len(numbers) == len(set(keys))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.noun)
def test_the_items_of_every_listing_can_be_distinguished(endpoint: Endpoint[Any]) -> None:
    """An item is also recognized if only its attributes that may change have changed."""
    profile = UUID(int=7)
    items: dict[type[Any], list[Any]] = {
        ExecutionThread: [ExecutionThread(1, "a", "Manual", CREATED), ExecutionThread(1, "b", "Manual", CREATED)],
        Workspace: [Workspace(1, None, "Owner"), Workspace(2, None, "Owner")],
        BrowserInstance: [BrowserInstance(profile, 4, None), BrowserInstance(profile, 8, None)],
    }
    again: dict[type[Any], Any] = {
        ExecutionThread: ExecutionThread(1, "a", "Manual", CREATED),
        Workspace: Workspace(1, "renamed", "Member"),
        BrowserInstance: BrowserInstance(profile, 4, "ws://127.0.0.1/devtools/browser/x"),
    }

    first, second = items[endpoint.item]
    assert endpoint.identity(first) != endpoint.identity(second)
    assert endpoint.identity(first) == endpoint.identity(again[endpoint.item])
