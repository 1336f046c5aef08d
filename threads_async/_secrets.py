"""Keep tokens out of sight. Performs no I/O.

Two kinds of secret pass through the client: the API token of its user, and the tokens of the threads it lists. Both
open doors, so neither may stand in a repr, a message, a log, a pickle of ours or a traceback that prints locals.
"""

import re
from typing import Final, NoReturn, final

SHOWN_FROM: Final = 24
"""A token shorter than this is hidden whole: its ends would be too much of it."""

_JWT: Final = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")


@final
class Secret:
    """A text that is shown to nobody but by `reveal`.

    It is wrapped where it enters, so that no frame of the client has it as a local: tracebacks may print those.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled or copied"
        raise TypeError(msg)


def shorten(token: str | None) -> str | None:
    """Return a form of `token` that tells tokens apart but opens nothing: `eyJ…x3fQ`."""
    if token is None:
        return None
    if len(token) < SHOWN_FROM or not token.isprintable():
        return "…"
    return f"{token[:3]}…{token[-4:]}"


def scrub(text: str, *secrets: Secret | None) -> str:
    """Return `text` without `secrets` and with everything that looks like a thread token shortened.

    For texts of a server's making: it may send back what it was sent.
    """
    for secret in secrets:
        if secret is not None:
            text = text.replace(secret.reveal(), "…")
    return _JWT.sub(lambda found: shorten(found.group()) or "…", text)
