"""Keep the Russian catalogues in step with the English pages.

``python docs/translations.py update`` adds new messages to the catalogues and marks changed ones as fuzzy.
``python docs/translations.py check`` fails if a message of a translated page has no translation or a fuzzy one, if a
catalogue has a message that its page no longer has, or if a translation lost a name, a link or a piece of code.
"""

import re
import runpy
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

DOCS: Final = Path(__file__).resolve().parent
CATALOGUES: Final = DOCS / "locale" / "ru" / "LC_MESSAGES"

HEADER: Final = b"""msgid ""
msgstr ""
"Language: ru\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""The beginning of each catalogue. A date in it would change with each update."""

ENGLISH_ONLY: Final[set[str]] = runpy.run_path(str(DOCS / "conf.py"))["html_context"]["english_only"]
"""Pages that are not translated."""

THEME: Final = Path("sphinx.po")
"""The catalogue of the theme."""

_MARKUP: Final = re.compile(r"\{[\w:]+\}`[^`]+`|``?[^`]+``?|\]\([^)]+\)|https?://[^\s)>]+|!\[")
"""What a translation must keep: roles, code, targets of links, and pictures."""

_TITLE: Final = re.compile(r"(\{[\w:]+\})`[^`]*<([^`<>]+)>`")
"""A role with a title of its own, such as ``{doc}`the tutorial <tutorial>```. The title is translated."""


def read(path: Path) -> Catalog:
    """Return the catalogue in the file `path`."""
    with path.open("rb") as file:
        return read_po(file, locale="ru")


def templates(folder: Path) -> dict[Path, Catalog]:
    """Extract the messages of the pages to `folder`, and return them by the paths of their catalogues."""
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "gettext", str(DOCS), str(folder)], check=True)
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*.pot"))]
    return {
        path.with_suffix(".po"): read(folder / path)
        for path in paths
        if path.with_suffix("").as_posix() not in ENGLISH_ONLY and path.parts[0] != "_static"
    }


def update(folder: Path) -> None:
    """Add new messages to the catalogues, mark changed ones as fuzzy, and drop those that are no longer needed."""
    for name, template in templates(folder).items():
        path = CATALOGUES / name
        catalogue = read(path) if path.exists() else Catalog(locale="ru")
        catalogue.update(template)
        catalogue.obsolete.clear()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(HEADER)
            write_po(file, catalogue, width=120, no_location=True, omit_header=True)


def markup(text: str) -> Counter[str]:
    """Return the parts of `text` that a translation must keep."""
    return Counter(_MARKUP.findall(_TITLE.sub(r"\1`\2`", text)))


def faults(name: Path, template: Catalog) -> Iterator[str]:
    """Yield what is wrong in the catalogue `name` of a page with the messages of `template`.

    Messages without letters, such as the cells of a table of numbers, need no translation.
    """
    path = CATALOGUES / name
    if not path.exists():
        yield f"{name}: the page has no catalogue"
        return
    catalogue = read(path)
    wanted = {message.id for message in template if re.search(r"[^\W\d_]", str(message.id))}
    there = {message.id: message for message in catalogue if message.id}
    for one in wanted - there.keys():
        yield f"{name}: missing: {one}"
    for one in there.keys() - {message.id for message in template}:
        yield f"{name}: no longer on the page: {one}"
    for one in wanted & there.keys():
        message = there[one]
        if not message.string:
            yield f"{name}: not translated: {one}"
        elif message.fuzzy:
            yield f"{name}: fuzzy, the page has changed: {one}"
        elif (before := markup(str(one))) != (after := markup(str(message.string))):
            lost = (before - after) | (after - before)
            yield f"{name}: other names, links or code ({', '.join(lost)}): {one}"


def check(folder: Path) -> int:
    """Print what is wrong in the catalogues, and return the number of faults."""
    wanted = templates(folder)
    found = [fault for name, template in wanted.items() for fault in faults(name, template)]
    there = {path.relative_to(CATALOGUES) for path in CATALOGUES.rglob("*.po")}
    found += [f"{name}: there is no such page" for name in there - wanted.keys() - {THEME}]
    print("\n".join([*found, f"{len(wanted)} pages, {len(found)} faults"]))
    return len(found)


def main() -> int:
    """Update or check the catalogues."""
    with tempfile.TemporaryDirectory() as folder:
        match sys.argv[1:]:
            case ["update"]:
                update(Path(folder))
                return 0
            case ["check"]:
                return 1 if check(Path(folder)) else 0
            case _:
                print(__doc__)
                return 2


if __name__ == "__main__":
    sys.exit(main())
