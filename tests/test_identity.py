"""What tells one thread from another."""

from datetime import UTC, datetime, timedelta

import pytest

from threads_async import ExecutionThread, ThreadType
from threads_async._identity import identity_of, key_of

CREATED = datetime(2026, 3, 17, tzinfo=UTC)


def test_threads_are_told_apart_by_token_or_else_by_all_the_rest() -> None:
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
def test_a_walk_remembers_a_hash_or_all_of_it_where_hashes_are_short(token: str | None) -> None:
    thread = ExecutionThread(1, token, ThreadType.MANUAL, CREATED)

    assert hash(identity_of(thread)) >> 4 == key_of(thread, 64)
    assert identity_of(thread) == key_of(thread, 32)
