import asyncio
import signal

import click
import pytest

from threads_async.cli._walk import run_to_end

SECONDS = 30


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_but_interrupts_no_callback_of_the_event_loop(
    number: signal.Signals, code: int
) -> None:
    finished: list[bool] = []

    def callback() -> None:
        signal.raise_signal(number)
        # Whatever waits for this would wait for ever if the handler raised an exception.
        finished.append(True)

    async def work() -> None:
        asyncio.get_running_loop().call_soon(callback)
        await asyncio.sleep(SECONDS)

    with pytest.raises(click.exceptions.Exit) as caught:
        run_to_end(work())

    assert code == caught.value.exit_code
    assert [True] == finished


def test_a_second_sigterm_is_not_handled() -> None:
    handlers: list[object] = []

    async def work() -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))
        signal.raise_signal(signal.SIGTERM)
        handlers.append(signal.getsignal(signal.SIGTERM))
        await asyncio.sleep(SECONDS)

    with pytest.raises(click.exceptions.Exit):
        run_to_end(work())

    assert signal.SIG_DFL != handlers[0]
    assert signal.SIG_DFL == handlers[1] == signal.getsignal(signal.SIGTERM)


def test_the_handler_of_the_caller_stays() -> None:
    numbers: list[int] = []

    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)

    def handler(number: int, _: object) -> None:
        numbers.append(number)

    signal.signal(signal.SIGTERM, handler)
    try:
        run_to_end(work())
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    assert [signal.SIGTERM] == numbers
