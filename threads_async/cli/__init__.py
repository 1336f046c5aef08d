"""The command ``threads-async``, which uses the client from a terminal.

It needs the extra ``cli``. Slow imports wait until a command needs them, so that ``--help`` is fast.
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
        arguments: The arguments after the name of the command. Defaults to those of this process.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - click would write it, but may be what is missing
            f'threads-async: the command needs {" and ".join(missing)}; run: pip install "threads-async[cli]"',
            file=sys.stderr,
        )
        return 2
    from threads_async.cli._commands import run  # noqa: PLC0415 - what it imports may be missing, see above

    return run(sys.argv[1:] if arguments is None else arguments)
