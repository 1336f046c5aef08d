"""The command ``threads-async``: list, count and serve threads from a terminal.

It needs the extra ``cli``. Nothing heavy is imported before a command needs it, so that ``--help`` is there at once.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

__all__ = ["main"]

_NEEDED: Final = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands after the name of the command; by default what this process was started with.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - click, which would write it, may be what is missing
            f'threads-async: the command needs {" and ".join(missing)}: pip install "threads-async[cli]"',
            file=sys.stderr,
        )
        return 2
    from threads_async.cli._commands import run  # noqa: PLC0415 - it may not be there, see above

    return run(sys.argv[1:] if arguments is None else arguments)
