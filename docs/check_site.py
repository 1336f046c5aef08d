"""Check the built site: ``python docs/check_site.py docs/_build/html`` fails if a link within it has no target.

It also fails if a page has no counterpart in the other language, or if the Russian search does not find «потоки».
"""

import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import snowballstemmer

WORD: Final = "потоки"
"""A word that readers look for, in a form that differs from its stem."""


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.update(one for name in ("id", "name") if (one := found.get(name)))
        if one := found.get("href" if tag in {"a", "link"} else "src"):
            self.links.append(one)


def broken_links(site: Path) -> Iterator[str]:
    """Yield each link of the site to a file or an anchor that is not there.

    The pages with source code are left out: for a module with names from two public modules, Sphinx writes wrong links.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in [] if "_modules" in path.parts else page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                yield f"{path.relative_to(site)}: broken link: {link}"


def lonely_pages(site: Path) -> Iterator[str]:
    """Yield each page that exists in one language only."""
    russian = site / "ru"
    there = {path.relative_to(russian) for path in russian.rglob("*.html")}
    english = {path.relative_to(site) for path in site.rglob("*.html") if russian not in path.parents}
    for path in sorted(there ^ english):
        yield f"{path}: only in {'Russian' if path in there else 'English'}"


def search_faults(site: Path) -> Iterator[str]:
    """Yield a fault if the search of the Russian pages does not find `WORD`."""
    script = (site / "ru" / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))
    if snowballstemmer.stemmer("russian").stemWord(WORD) not in index["terms"]:
        yield f"searchindex.js: the Russian search does not find «{WORD}»"


def main() -> int:
    """Print what is wrong, and return 1 if something is."""
    site = Path(sys.argv[1]).resolve()
    found = [*broken_links(site), *lonely_pages(site), *search_faults(site)]
    print("\n".join([*found, f"{len(list(site.rglob('*.html')))} pages, {len(found)} faults"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
