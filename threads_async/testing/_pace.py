"""Doing a thing again and again at a rate."""

import asyncio
from collections.abc import Callable
from typing import NoReturn


async def repeat(step: Callable[[], object], rate: float) -> NoReturn:
    """Call `step` so many times a second, by the loop's clock, until cancelled."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        due += 1 / rate
        # By the clock, so that sleeps, which are longer than asked for, do not lower the rate.
        await asyncio.sleep(max(0.0, due - clock()))
        step()
