"""Texts of other people's making. Performs no I/O."""


def plain(text: str) -> str:
    """Return `text` with every character that does not stand for itself replaced by U+FFFD.

    So no escape sequence, line break or change of writing direction in it gets to a terminal.
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
