"""The options that commands share."""

import functools
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click
from attrs import frozen
from click.shell_completion import CompletionItem

from threads_async._secrets import Secret
from threads_async.cli._ages import created_before
from threads_async.cli._streams import write
from threads_async.cli._tokens import TokenFile, token_file_option
from threads_async.models import ExecutionThread

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    # It is generic since click 8.2.
    _Choice = click.Choice

Command: TypeAlias = Callable[..., None]


@frozen
class Filters:
    """The filters that select threads.

    Attributes:
        workspace_id: The workspace of the threads.
        thread_token: The token of the only thread to select; None for all threads.
        type: The type of the threads; None for all types.
        before: The threads were created before this time; None for any time. The API has no such filter.
    """

    workspace_id: int
    thread_token: Secret | None
    type: str | None
    before: datetime | None = None

    def has(self, thread: ExecutionThread) -> bool:
        """Return whether `thread`, which the API returned, was created early enough."""
        return self.before is None or thread.created_at < self.before

    def parameters(self) -> dict[str, Any]:
        """Return the filters as keyword arguments of the client."""
        token = self.thread_token
        return {
            "workspace_id": self.workspace_id,
            "thread_token": None if token is None else token.reveal(),
            "type": self.type,
        }


class Number(click.FloatRange):
    """A range that rejects nan, which click accepts in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


class _AnyCase(_Choice):
    """A case-insensitive choice whose error message, unlike click's own, keeps the case of the choices."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the choice that `value` means."""
        written = {choice.lower(): choice for choice in self.choices}
        return super().convert(written.get(str(value).lower(), value), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        """Return the choices that begin with `incomplete`."""
        return [CompletionItem(choice) for choice in self.choices if choice.lower().startswith(incomplete.lower())]


THREAD_TYPE: Final = _AnyCase(["Manual", "BrowserInstance"])


def workspace_option(action: str) -> Callable[[Command], Command]:
    """Return the option that selects a workspace; its help starts with `action`, such as "List only threads"."""
    return click.option(
        "--workspace-id",
        metavar="ID",
        type=int,
        default=-1,
        help=f"{action} in this workspace. Default: -1, the default workspace.",
    )


def filter_options(verb: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the filters of threads; the command receives them as `filters`.

    Args:
        verb: What the command does with the threads, such as "List".
    """
    return functools.partial(_with_filters, verb)


def _with_filters(verb: str, command: Command) -> Command:
    @workspace_option(f"{verb} only threads")
    @click.option(
        "--type",
        type=THREAD_TYPE,
        help=f"{verb} only threads of this type, ignoring case.",
    )
    @token_file_option(
        "--thread-token-file",
        f"{verb} only the thread whose token is in FILE (- for standard input). Tokens are secrets, so they are not "
        "passed as arguments.",
    )
    @functools.wraps(command)
    def with_filters(
        *,
        workspace_id: int,
        type: str | None,  # noqa: A002 - the name of the option
        thread_token_file: TokenFile | None,
        older_than: timedelta | None = None,
        **others: Any,
    ) -> None:
        token = None if thread_token_file is None else thread_token_file.token
        command(filters=Filters(workspace_id, token, type, created_before(older_than)), **others)

    return with_filters


def _show_help(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        write(f"{context.get_help()}\n")
        context.exit()


def help_option(command: Command) -> Command:
    """Add ``--help``. Unlike click's own, it survives a closed pipe and a full disk."""
    return click.option(
        "-h",
        "--help",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this message and exit.",
    )(command)
