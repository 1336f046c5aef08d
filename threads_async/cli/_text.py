"""Text that comes from elsewhere. Performs no I/O."""


def plain(text: str) -> str:
    """Return `text` with every character that is not printable replaced by U+FFFD.

    This keeps escape sequences, line breaks and changes of writing direction from reaching a terminal.
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
