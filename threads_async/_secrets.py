"""Keep tokens out of sight. Performs no I/O.

Three kinds of secret pass through the client: the API token of its user, the tokens of the threads it lists, and the
connection strings of browsers. All grant access, so none of them may be in a repr, a message, a log, a pickle of ours
or a traceback that prints locals.
"""

import functools
import html
import json
import re
from typing import Final, NoReturn, final

SHOWN_FROM: Final = 24
"""A token shorter than this is hidden whole: its ends would be too much of it."""

_WINDOW: Final = 4096
"""Characters of a foreign text that are looked at; far more than are shown."""

_LONGEST_ESCAPE: Final = 16
"""Characters at most for one character of a secret: ``&#x`` with leading zeros, which HTML allows."""

_EXCERPT_LENGTH: Final = 200
_JSON_ESCAPES: Final = {character: json.dumps(character)[1:-1] for character in '"\\\b\f\n\r\t'} | {"/": "\\/"}
_HTML_NAMES: Final = {character: html.escape(character) for character in '&<>"'} | {"'": "&apos;"}


def _ways_to_write(character: str) -> str:
    """Return a pattern of what `character` can look like: itself, or as JSON, a URL or HTML escape it."""
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
    """Return the patterns of a JWT and of an address of DevTools, whether escaped as JSON, a URL or HTML do it or not.

    Without its group, the first one only begins like a JWT: such a run of letters is matched as well so that it is read
    once, not once for each place in it where a JWT could begin. The group of the second one is all but the last part of
    the address, which opens it. They are made when they are first needed: only errors need them.
    """
    dot, slash = _ways_to_write("."), _ways_to_write("/")
    letter = rf"(?!{dot})(?:[\w-]|\\{{1,4}}u00[2-7][0-9a-fA-F]|%[2-7][0-9a-fA-F]|&#[xX]?[0-9a-fA-F]{{2,6}};)"
    beginning, devtools = ("".join(map(_ways_to_write, text)) for text in ("eyJ", "devtools"))
    return (
        re.compile(rf"{beginning}(?:{letter}){{5,}}+({dot}(?:{letter})++(?:{dot}(?:{letter})*+)?)?"),
        re.compile(rf"({devtools}{slash}\w++{slash})(?:{letter})++", re.IGNORECASE),
    )


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


def show_shortened(token: str | None) -> str:
    """Return what the repr of a value shows of a secret."""
    return repr(shorten(token))


SECRET: Final = {"secret": True}
"""The metadata of an attrs field that holds a secret."""


def _pattern_of(secret: Secret) -> re.Pattern[str]:
    return re.compile("".join(map(_ways_to_write, secret.reveal())), re.IGNORECASE)


def scrub(text: str, *secrets: Secret) -> str:
    """Return `text` without `secrets`, and with everything shortened that looks like a token or an address of DevTools.

    Secrets are found as they are and with any of their characters escaped, as JSON, URLs and HTML do it.
    """
    # The longest first: one may be a part of another.
    for secret in sorted(secrets, key=lambda secret: len(secret.reveal()), reverse=True):
        text = _pattern_of(secret).sub("…", text)
    jwt, devtools = _patterns()
    return jwt.sub(_shorten_match, devtools.sub(r"\1…", text))


def _count(text: str, *secrets: Secret) -> int:
    """Return how many secrets are in `text`."""
    known = sum(len(_pattern_of(secret).findall(text)) for secret in secrets)
    jwt, devtools = _patterns()
    return known + len(devtools.findall(text)) + sum(found[1] is not None for found in jwt.finditer(text))


def _shorten_match(found: re.Match[str]) -> str:
    text = found.group()
    if found[1] is None:
        return text
    return "…" if set("\\%&").intersection(text) else shorten(text) or "…"


def excerpt(text: str, *secrets: Secret, whole: bool = True) -> str | None:
    """Return the beginning of a text of a server's making on one line, without secrets; None if nothing can be shown.

    A server may send back what it was sent. So the text is scrubbed before it is cut, and where its end is missing or
    it is too long to be scrubbed whole, so much of the end is dropped that no part of a secret can be left there.

    Args:
        text: What the server said.
        secrets: What must not be shown of it.
        whole: Whether `text` is known to have its end.
    """
    size = max((len(secret.reveal()) for secret in secrets), default=0)
    if "\0" in text or size > _WINDOW:
        # It is no text, or one in an encoding that was not recognised: no secret would be found in it. And a secret of
        # that length would take long to look for.
        return None
    longest = _LONGEST_ESCAPE * size
    window = text[: _WINDOW + max(_WINDOW, longest)]
    solid = "".join(character for character in window if character.isprintable() and not character.isspace())
    if _count(solid, *secrets) > _count(window, *secrets):
        # A line break, say, has kept a secret from being found.
        return None
    clean = scrub(window, *secrets)
    if len(window) < len(text):
        clean = clean[: -max(_WINDOW, longest)]
    elif not whole:
        clean = clean[: len(clean) - longest]
    line = " ".join("".join(character if character.isprintable() else " " for character in clean).split())
    return (line if len(line) <= _EXCERPT_LENGTH else f"{line[:_EXCERPT_LENGTH]}…") or None
