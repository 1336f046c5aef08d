"""Time limits that can expire early, and calls into event loops that may have ended."""

import asyncio
from typing import Any

import pytest

from threads_async._ending import TimeLimits, call_in, end


async def test_everything_within_a_limit_ends_when_the_limits_expire() -> None:
    limits = TimeLimits()

    async def wait(seconds: float | None) -> None:
        async with limits.limit(seconds):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(wait(seconds)) for seconds in (None, 60, None)]
    await asyncio.sleep(0)
    limits.expire()
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [TimeoutError] * 3 == [type(outcome) for outcome in outcomes]


@pytest.fixture
async def reported() -> list[dict[str, Any]]:
    """The reports of the event loop, such as an error in a scheduled call."""
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    return reports


async def test_a_limit_that_has_ended_is_not_touched(reported: list[dict[str, Any]]) -> None:
    limits = TimeLimits()
    async with limits.limit(60):
        limits.expire()

    await asyncio.sleep(0.01)

    assert [] == reported


async def test_cleanup_after_an_expired_limit_is_not_interrupted(reported: list[dict[str, Any]]) -> None:
    limits = TimeLimits()
    ended = False
    with pytest.raises(TimeoutError):
        async with limits.limit(0):
            try:
                await asyncio.Event().wait()
            finally:
                limits.expire()
                await asyncio.sleep(0.01)
                ended = True

    assert ended
    assert [] == reported


async def test_a_limit_entered_later_does_not_expire() -> None:
    limits = TimeLimits()
    limits.expire()
    ended = False
    async with limits.limit(60):
        await asyncio.sleep(0.01)
        ended = True

    assert ended


def test_a_call_into_a_loop_that_is_closed_is_dropped() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    called: list[object] = []

    call_in(loop, called.append, 1)

    assert [] == called


async def test_a_task_that_ends_others_does_not_end_itself() -> None:
    other = asyncio.create_task(asyncio.Event().wait())
    me = asyncio.current_task()
    assert me is not None

    await end([me, other])

    assert other.cancelled()
    assert 0 == me.cancelling()
