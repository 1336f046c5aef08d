"""Where tokens come from: the environment, and the contents of files. Performs no I/O."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from typing import Final

from threads_async._secrets import Secret

MOST_OF_A_FILE: Final = 64 * 2**10
"""Maximum number of bytes in a token file. The file may be /dev/zero."""

NOT_ONE_TOKEN: Final = "must contain one token as UTF-8 text, or as UTF-16 with a byte order mark, and nothing else"  # noqa: S105 - a message


def text_of(content: bytes) -> str:
    """Return the text in `content`.

    Raises:
        UnicodeDecodeError: It is not UTF-8, nor UTF-16 with a byte order mark.
    """
    # Editors on Windows put a byte order mark before UTF-8. In Windows PowerShell 5.1, `>` writes UTF-16.
    utf_16 = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return content.decode("utf-16" if utf_16 else "utf-8-sig")


def token_in(text: str | None) -> Secret | None:
    """Return the single word in `text`, or None if it has no words, several, or unprintable ones."""
    words = (text or "").split()
    return Secret(words[0]) if len(words) == 1 and words[0].isprintable() else None


def secret_of(environment: Mapping[str, str], variable: str) -> Secret | None:
    """Return the secret in `variable`, or None if the variable is empty or not set."""
    value = environment.get(variable, "").strip()
    return Secret(value) if value else None
