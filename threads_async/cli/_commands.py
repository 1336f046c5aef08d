"""The command with its sub-commands, and the exit code of each run."""

from collections.abc import Sequence

import click

from threads_async._version import __version__
from threads_async.cli._doctor import doctor
from threads_async.cli._exits import DONE, EXIT_CODES, INTERRUPTED, CommandError, failure_of, lines_of
from threads_async.cli._list import count_threads, list_threads
from threads_async.cli._options import help_option
from threads_async.cli._others import list_browsers, list_workspaces
from threads_async.cli._serve import serve
from threads_async.cli._start import show_limits, start_threads
from threads_async.cli._stop import stop_threads
from threads_async.cli._streams import ReaderGoneError, tell, write
from threads_async.cli._wait import wait
from threads_async.cli._watch import watch
from threads_async.errors import ThreadsError


class _Command(click.Group):
    """A group whose help lists the commands in the order in which they were added, and the exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        write(f"threads-async {__version__}\n")
        context.exit()


@click.group(
    cls=_Command,
    add_help_option=False,
    subcommand_metavar="COMMAND [OPTION]...",
    options_metavar="",
    context_settings={"max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@help_option
def command() -> None:
    """List, start and stop the execution threads of a ZennoBrowser.

    The API token is read from ZB_API_TOKEN or from a file (--token-file). To try
    it without a ZennoBrowser, run: threads-async list --demo
    """


command.add_command(list_threads)
command.add_command(count_threads)
command.add_command(watch)
command.add_command(wait)
command.add_command(list_workspaces)
command.add_command(list_browsers)
command.add_command(show_limits)
command.add_command(start_threads)
command.add_command(stop_threads)
command.add_command(serve)
command.add_command(doctor)


def run(arguments: Sequence[str]) -> int:
    """Run the command with `arguments` and return its exit code."""
    try:
        code = command.main(list(arguments) or ["--help"], prog_name="threads-async", standalone_mode=False)
    except ReaderGoneError:
        return DONE
    except click.Abort:
        # Ctrl-C outside `run_to_end`: click turns it into this.
        return INTERRUPTED
    except (click.ClickException, ThreadsError) as error:
        failure = failure_of(error)
    except CommandError as error:
        failure = error
    else:
        return code or DONE
    for line in lines_of(failure):
        tell(line)
    return failure.exit_code
