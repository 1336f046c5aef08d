"""Keep secrets out of everything that is shown. Performs no I/O.

Three kinds of secret pass through the client: the API token, the thread tokens, and the connection strings of browsers.
All of them grant access, so none may appear in a repr, a message, a log, a pickled error, or a traceback that prints
local variables.
"""

import functools
import html
import json
import re
from typing import Final, NoReturn, final

SHOWN_FROM: Final = 24
"""Shorter tokens are hidden completely, because their first and last characters would show too much of them."""

_WINDOW: Final = 4096
"""If a server's text is long, at least this many of its characters are processed; far more than are shown."""

_LONGEST_ESCAPE: Final = 18
"""Maximum number of characters that encode one character of a secret: two escapes such as ``\\ud83d`` with four
backslashes each."""

_EXCERPT_LENGTH: Final = 200
_JSON_ESCAPES: Final = {character: json.dumps(character)[1:-1] for character in '"\\\b\f\n\r\t'} | {"/": "\\/"}
_HTML_NAMES: Final = {character: html.escape(character) for character in '&<>"'} | {"'": "&apos;"}


def _ways_to_write(character: str) -> str:
    """Return a pattern that matches `character`, also in the escapes of JSON, URLs and HTML."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escapes = [
        "".join(rf"\\{{1,4}}u{units[at : at + 4]}" for at in range(0, len(units), 4)),
        "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")),
        f"&#(?:0{{0,4}}{ord(character)}|x0{{0,4}}{ord(character):x});",
    ]
    if character in _JSON_ESCAPES:
        escapes.append(rf"\\{{1,4}}{re.escape(_JSON_ESCAPES[character][1:])}")
    if character in _HTML_NAMES:
        escapes.append(re.escape(_HTML_NAMES[character]))
    if character == " ":
        escapes.append(r"\+")
    return f"(?:{re.escape(character)}|(?i:{'|'.join(escapes)}))"


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a JWT and of a DevTools address, also in the escapes of JSON, URLs and HTML.

    The first pattern also matches text that only begins like a JWT; its group does not. Otherwise a long run of letters
    would be read again from each position at which a JWT could begin. The group of the second pattern is the address
    without its last part, which is the secret. The patterns are compiled when they are first needed: only errors need
    them.
    """
    dot, slash = _ways_to_write("."), _ways_to_write("/")
    letter = rf"(?!{dot})(?:[\w-]|\\{{1,4}}u00[2-7][0-9a-fA-F]|%[2-7][0-9a-fA-F]|&#[xX]?[0-9a-fA-F]{{2,6}};)"
    beginning, devtools = ("".join(map(_ways_to_write, text)) for text in ("eyJ", "devtools"))
    return (
        # Atomic groups, because possessive quantifiers match too much in early releases of Python 3.11 (gh-100061).
        re.compile(rf"{beginning}(?>(?:{letter}){{5,}})({dot}(?>(?:{letter})+)(?:{dot}(?>(?:{letter})*))?)?"),
        re.compile(rf"({devtools}{slash}(?>\w+){slash})(?>(?:{letter})+)", re.IGNORECASE),
    )


@final
class Secret:
    """A text that only `reveal` returns.

    Secrets are wrapped early, so that few frames have them as local variables, which tracebacks may print.
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
        msg = "a secret cannot be pickled or copied"
        raise TypeError(msg)


def shorten(token: str | None) -> str | None:
    """Return a short form of `token` that distinguishes tokens but grants no access: `eyJ…x3fQ`."""
    if token is None:
        return None
    if len(token) < SHOWN_FROM or not token.isprintable():
        return "…"
    return f"{token[:3]}…{token[-4:]}"


def show_shortened(token: str | None) -> str:
    """Return what the repr of a value shows instead of a secret."""
    return repr(shorten(token))


SECRET: Final = {"secret": True}
"""The metadata of an attrs field that contains a secret."""


def _pattern_of(secret: Secret) -> re.Pattern[str]:
    return re.compile("".join(map(_ways_to_write, secret.reveal())), re.IGNORECASE)


def _searched(text: str, secrets: tuple[Secret, ...]) -> list[Secret]:
    """Return those of `secrets` that can be in `text`, the longest first, because one may be a part of another.

    Compiling a pattern takes about 25 ms for a thread token, and a request may have 100 of them. A text that is shorter
    than a secret does not contain it, because escapes make it only longer.
    """
    fitting = [secret for secret in secrets if len(secret.reveal()) <= len(text)]
    return sorted(fitting, key=lambda secret: len(secret.reveal()), reverse=True)


def scrub(text: str, *secrets: Secret) -> str:
    """Return `text` without `secrets`. Everything that looks like a token or a DevTools address is shortened too.

    Secrets are also found if some of their characters are escaped as in JSON, URLs or HTML.
    """
    for secret in _searched(text, secrets):
        text = _pattern_of(secret).sub("…", text)
    jwt, devtools = _patterns()
    return jwt.sub(_shorten_match, devtools.sub(r"\1…", text))


def _count(text: str, *secrets: Secret) -> int:
    """Return the number of secrets in `text`."""
    known = sum(len(_pattern_of(secret).findall(text)) for secret in _searched(text, secrets))
    jwt, devtools = _patterns()
    return known + len(devtools.findall(text)) + sum(found[1] is not None for found in jwt.finditer(text))


def _shorten_match(found: re.Match[str]) -> str:
    text = found.group()
    if found[1] is None:
        return text
    return "…" if set("\\%&").intersection(text) else shorten(text) or "…"


def excerpt(text: str, *secrets: Secret, whole: bool = True) -> str | None:
    """Return the beginning of a server's text on one line, without secrets; None if nothing can be shown.

    A server may send back what it received, so the text is scrubbed before it is cut. If the end of the text is
    missing, or if the text is too long to be scrubbed completely, enough of the end is dropped that no part of a secret
    can remain there.

    Args:
        text: The text of the server.
        secrets: The secrets that must not be shown.
        whole: Whether `text` is known to be complete.
    """
    size = max((len(secret.reveal()) for secret in secrets), default=0)
    if "\0" in text or size > _WINDOW:
        # NUL means that this is not text, or text in an unknown encoding, in which no secret would be found. Searching
        # for a very long secret would take too long.
        return None
    longest = _LONGEST_ESCAPE * size
    window = text[: _WINDOW + max(_WINDOW, longest)]
    solid = "".join(character for character in window if character.isprintable() and not character.isspace())
    if _count(solid, *secrets) > _count(window, *secrets):
        # A character between the letters of a secret, such as a line break, kept it from being found.
        return None
    clean = scrub(window, *secrets)
    if len(window) < len(text):
        clean = clean[: -max(_WINDOW, longest)]
    elif not whole:
        clean = clean[: len(clean) - longest]
    line = " ".join("".join(character if character.isprintable() else " " for character in clean).split())
    return (line if len(line) <= _EXCERPT_LENGTH else f"{line[:_EXCERPT_LENGTH]}…") or None
