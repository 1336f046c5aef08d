"""The command `serve`."""

import asyncio
import contextlib
import errno
import math
import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from threads_async._settings import TOKEN_VARIABLE, token_of
from threads_async.cli._exits import NOT_LISTENING, CommandError
from threads_async.cli._options import TokenFile, help_option, secret_of, token_file_option
from threads_async.cli._pasted import (
    InEnvironment,
    InFile,
    Shown,
    Token,
    Typed,
    condition_of,
    list_line,
    request_line,
    shell_of,
)
from threads_async.cli._streams import tell

if TYPE_CHECKING:
    from threads_async.testing import FakeServer

_PORT: Final = 8160
_LARGEST_PORT: Final = 65535


@frozen
class Switches:
    """What the server does beyond what it is made with."""

    gzip: bool
    naive_times: bool
    churn: float


class _Number(click.FloatRange):
    """A range without nan, which click takes for a part of any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that `value` is."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


def announcement(server: "FakeServer", token: Token) -> str:
    """Return what to tell about `server`, which has started and takes `token`, with commands to paste."""
    shell = shell_of(os.name, os.environ)
    return f"""\
Fake ZennoBrowser: {len(server.threads)} threads on {server.url} (Ctrl-C stops it)

To try it, paste one of these into another terminal{condition_of(token)}:

  {request_line(shell, server.url, token)}

  {list_line(shell, server.url, token)}
"""


async def _serve(switches: Switches, token_file: TokenFile | None, parameters: dict[str, Any]) -> None:
    from threads_async.testing import FakeServer  # noqa: PLC0415 - only this command needs it

    secret = secret_of(os.environ, TOKEN_VARIABLE) if token_file is None else token_file.token
    if secret is None:
        server = FakeServer(**parameters)
        token: Token = Shown(server.token)
    else:
        server = FakeServer(token=token_of(secret.reveal(), {}).reveal(), **parameters)
        path = None if token_file is None else token_file.path
        token = InEnvironment() if token_file is None else Typed() if path is None else InFile(path)
    server.gzip = switches.gzip
    server.naive_times = switches.naive_times
    # It keeps the requests for the list so that tests can look at them; here nobody does, and it may run for weeks.
    server.on_request = lambda _: server.requests.clear()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(_: int, __: FrameType | None) -> None:
        # Not by way of SIGINT: a shell starts what it puts in the background with that ignored.
        loop.call_soon_threadsafe(stop.set)

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                raise _not_listening(server.port, error) from None
            if switches.churn:
                await stack.enter_async_context(server.churn(switches.churn))
            tell(announcement(server, token))
            await stop.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def _not_listening(port: int, error: OSError) -> CommandError:
    reason = (
        "is taken, perhaps by a ZennoBrowser" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
    )
    return CommandError(NOT_LISTENING, f"port {port} {reason}; choose another with --port, or 0 for any free one")


@click.command("serve", add_help_option=False)
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=0), default=2500, help="The number of threads. Default: 2500."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, _LARGEST_PORT),
    default=_PORT,
    help=f"The port to listen on, on this machine only; 0 means any free port. Default: {_PORT}, as ZennoBrowser.",
)
@click.option("--seed", metavar="N", type=int, default=0, help="The same number makes the same threads. Default: 0.")
@token_file_option(
    "--token-file",
    f"Accept only the API token in FILE (- for standard input). By default the one in {TOKEN_VARIABLE}, else a "
    "built-in one that is shown at the start.",
)
@click.option(
    "--page-cap",
    metavar="N",
    type=click.IntRange(min=1),
    help="Maximum number of threads on a page, whatever is asked for.",
)
@click.option(
    "--past-end",
    type=click.Choice(["empty", "last_page", "error"]),
    default="empty",
    help="The answer to a start past the end: an empty page (the default), the last page again, or status 500.",
)
@click.option(
    "--latency",
    metavar="SECONDS",
    type=_Number(min=0, max=86_400),
    default=0.0,
    help="Time to wait before each answer. Default: 0.",
)
@click.option(
    "--churn",
    metavar="RATE",
    type=_Number(min=0, max=1000),
    default=0.0,
    help="The number of threads that start or stop per second. Default: 0.",
)
@click.option("--gzip", is_flag=True, help="Compress answers for clients that accept gzip.")
@click.option("--naive-times", is_flag=True, help="Write times without their offset.")
@help_option
def serve(*, token_file: TokenFile | None, gzip: bool, naive_times: bool, churn: float, **parameters: Any) -> None:
    """Serve a fake ZennoBrowser for other programs.

    It answers on this machine as the API is documented to, with threads of its
    own. Ctrl-C or SIGTERM stops it, and the exit code is then 0.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Switches(gzip, naive_times, churn), token_file, parameters))
