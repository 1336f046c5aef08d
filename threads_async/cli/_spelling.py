"""Suggest an existing option for a misspelled one. Performs no I/O."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

_OTHER_NAMES: Final = {
    "--attempts": "retries retry max-attempts max-retries",
    "--base-url": "url host server endpoint api-url",
    "--format": "output output-format json jsonl csv table o",
    "--interval": "every period",
    "--max-items": "limit max count number max-count max-results max-threads head n",
    "--prefetch": "parallel concurrency",
    "--sorting": "sort sort-by order order-by",
    "--start": "offset skip from",
    "--thread-token-file": "thread-token",
    "--thread-tokens": "thread-token tokens thread-token-file",
    "--token-file": "token api-token api-key",
    "--total": "page-size per-page size",
    "--workspace-id": "workspace ws",
}
"""The names that other commands use for the options of this one."""

_OPTIONS: Final = [(other, option) for option, others in _OTHER_NAMES.items() for other in others.split()]


def option_meant(given: str, known: Collection[str]) -> str | None:
    """Return the option in `known` that was most likely meant by `given`, or None."""
    spelled = given.lower().replace("_", "-")
    options = [option for other, option in _OPTIONS if other == spelled.lstrip("-")]
    if options:
        # A known name of one option must not be treated as a misspelling of another option.
        return next((option for option in options if option in known), None)
    # If several options have another name in common, the known one comes last and remains.
    others = sorted(_OPTIONS, key=lambda one: one[1] in known)
    names = {f"--{other}": option for other, option in others} | {option: option for option in known}
    meant = [names[name] for name in get_close_matches(spelled, names, n=1)]
    return meant[0] if meant and meant[0] in known else None
