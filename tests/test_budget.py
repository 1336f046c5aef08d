"""The retry budget: after some failures, a dead machine costs no more retries."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from threads_async import ConfigurationError, ConnectionFailedError, RetryPolicy, ServerError, ThreadsClient
from threads_async.retry import RetryBudget
from threads_async.testing import FakeServer, Fault


class BudgetMachine(RuleBasedStateMachine):
    """Calls that fail or succeed after any number of attempts. A model counts along."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.budget = RetryBudget(0)
        self.fruitless = 0
        self.successes = 0

    @initialize(size=st.integers(0, 20))
    def begin(self, size: int) -> None:
        self.size = size
        self.budget = RetryBudget(size)

    @rule(attempts=st.integers(1, 6))
    def call_fails(self, attempts: int) -> None:
        for _ in range(attempts - 1):
            if not self.budget.spend():
                break
            self.fruitless += 1

    @rule(attempts=st.integers(1, 6))
    def call_succeeds(self, attempts: int) -> None:
        retries = 0
        while retries < attempts - 1 and self.budget.spend():
            retries += 1
        self.budget.succeeded(attempts=retries + 1)
        self.successes += retries == 0
        self.fruitless += max(0, retries - 1)

    @invariant()
    def it_is_never_below_empty_or_above_full(self) -> None:
        assert self.budget.left is not None
        assert 0 <= self.budget.left <= self.size

    @invariant()
    def retries_that_did_not_help_are_bounded(self) -> None:
        assert self.fruitless <= self.size + self.successes / 10


TestBudget = BudgetMachine.TestCase
TestBudget.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def test_a_budget_without_a_size_never_runs_out() -> None:
    budget = RetryBudget(None)
    budget.succeeded(attempts=1)

    assert all(budget.spend() for _ in range(1000))
    assert budget.left is None


@pytest.mark.parametrize("value", [-1, 1.5, True, "1"])
def test_a_budget_must_be_a_whole_number_from_zero(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="budget"):
        RetryPolicy(budget=value)


async def test_a_dead_server_costs_ten_retries_and_then_none() -> None:
    async with FakeServer() as server, ThreadsClient(server.token, base_url=server.url) as client:
        server.fault_for = lambda _: Fault()
        attempts = []
        for _ in range(8):
            with pytest.raises(ServerError) as caught:
                await client.threads().first()
            attempts.append(caught.value.attempts)

    assert [3, 3, 3, 3, 3, 1, 1, 1] == attempts
    assert sum(attempts) == len(server.requests)


async def test_successful_calls_refill_the_budget() -> None:
    policy = RetryPolicy(budget=1)
    async with FakeServer() as server, ThreadsClient(server.token, base_url=server.url, retry=policy) as client:
        server.fail_next(2)
        with pytest.raises(ServerError):
            await client.threads().first()
        for _ in range(10):
            await client.threads().first()
        server.fail_next(1)
        assert await client.threads().first() is not None


async def test_each_client_has_its_own_budget() -> None:
    async with FakeServer() as server:
        await server.stop()
        for _ in range(12):
            async with ThreadsClient(server.token, base_url=server.url) as client:
                with pytest.raises(ConnectionFailedError) as caught:
                    await client.threads().first()
                assert 3 == caught.value.attempts
