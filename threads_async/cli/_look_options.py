"""The options of the commands that look at a list again and again."""

from typing import Final

import click

from threads_async.cli._options import Command

DEMO_THREADS: Final = 10
DEMO_CHURN: Final = 2.0
ATTEMPT_TIMEOUT: Final = 10.0
"""Default maximum time for one attempt, in seconds. It is short, so that a stalled server is noticed soon."""


def look_options(command: Command) -> Command:
    """Add the options of looks; the command receives them under the names of the parameters of the client."""
    command = click.option(
        "--prefetch",
        metavar="N",
        type=int,
        default=0,
        help="Maximum number of pages to request in advance. Default: 0.",
    )(command)
    command = click.option(
        "--total", metavar="N", type=int, default=1000, help="Page size, as for list. Default: 1000."
    )(command)
    return click.option(
        "--interval",
        metavar="SECONDS",
        type=float,
        default=1.0,
        help="Time from the end of one look at the list to the start of the next, in seconds, up to 10 % shorter or "
        "longer. After looks that failed, it grows up to 30 seconds. Default: 1.",
    )(command)
