"""What the commands show to people about the machines of a fleet. Performs no I/O."""

from collections.abc import Mapping

from threads_async.cli._text import plain


def counts_text(counts: Mapping[str, int]) -> str:
    """Return one line for each machine, the number before the name, and a last line with the sum."""
    total = sum(counts.values())
    width = len(str(total))
    lines = [f"{count:>{width}} {plain(name)}" for name, count in counts.items()]
    return "\n".join([*lines, f"{total:>{width}} in total", ""])
