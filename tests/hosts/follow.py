"""Follow the pages about other programs, each on a machine that has what the page installs, and nothing else.

This is the session `hosts` of noxfile.py. Without arguments it follows all pages on other programs; with arguments,
only the pages with these names: ``nox -s hosts -- scrapy frames``. With ``--write`` it writes the table of the programs
and their versions, docs/hosts/versions.md. It fails if that table does not have exactly the pages that were followed.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import requires, version
from pathlib import Path
from typing import Final

from attrs import frozen
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from reading import Machine, Reader  # noqa: E402 - it is in the folder that was just added

PAGES: Final = ROOT / "docs" / "hosts"
TABLE: Final = PAGES / "versions.md"

ALSO: Final = [ROOT / "docs" / "how-to" / f"{name}.md" for name in ("services", "logging", "many-machines")]
"""Pages on aiohttp.web, structlog, Prometheus and Dask. The other tests follow them too."""

LIMIT: Final = 60.0
"""Maximum time for a page, in seconds."""

BINARIES: Final = {
    "nginx": ["nginx", "-v"],
    "haproxy": ["haproxy", "-v"],
    "chromium": ["chromium", "--version"],
}
"""Programs that pip does not install, and the command that prints the version of each."""


@frozen
class Outcome:
    """What happened to a page.

    Attributes:
        page: The page.
        seconds: How long it took.
        versions: The programs that the page uses, with their versions.
        error: What is wrong, or None.
    """

    page: Path
    seconds: float
    versions: dict[str, str]
    error: str | None

    @property
    def row(self) -> str:
        """The row of the table."""
        title = self.page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        programs = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        target = os.path.relpath(self.page, PAGES).replace(os.sep, "/")
        return f"| [{title}]({target}) | {programs} |"


def names_of(wanted: Requirement) -> list[str]:
    """Return the name of the package, or those of the packages that an extra of it adds."""
    extras = [
        one.name
        for one in map(Requirement, requires(wanted.name) or ())
        for extra in wanted.extras
        if one.marker is not None and one.marker.evaluate({"extra": extra})
    ]
    return extras or [wanted.name]


def versions_of(page: Path) -> dict[str, str]:
    """Return the programs that `page` uses, with their versions: what it installs, and what its commands start."""
    text = page.read_text(encoding="utf-8")
    wanted = " ".join(re.findall(r"^python -m pip install (.+)$", text, re.MULTILINE))
    installed = shlex.split(wanted.replace('-e ".', '"threads-async'))
    names = [name for one in installed for name in names_of(Requirement(one))]
    found = {name: version(name) for name in names or ["aiohttp"]}
    for name, command in BINARIES.items():
        if re.search(rf'^(?:\$ |.*")(?:/usr/sbin/)?{name}\b', text, re.MULTILINE):
            printed = subprocess.run(command, check=True, capture_output=True, text=True)
            (found[name],) = re.findall(r"\d+(?:\.\d+)+", printed.stdout + printed.stderr)[:1]
    return found


def follow(page: Path) -> Outcome:
    """Follow `page` on a machine of its own."""
    began = time.monotonic()
    error = None
    versions = {}
    try:
        versions = versions_of(page)
        with tempfile.TemporaryDirectory() as folder, Machine(Path(folder)) as machine:
            Reader(machine).read(page)
    except Exception as caught:  # noqa: BLE001 - whatever it is, the other pages are followed too
        error = f"{type(caught).__name__}: {caught}"
    seconds = time.monotonic() - began
    if error is None and seconds > LIMIT:
        error = f"it took longer than {LIMIT:.0f} s"
    outcome = Outcome(page, seconds, versions, error)
    print(f"{'ok' if error is None else 'FAILED':6} {page.name:20} {seconds:5.1f} s", flush=True)
    return outcome


def table_of(outcomes: list[Outcome]) -> str:
    """Return the page with the table of the programs."""
    python = ".".join(map(str, sys.version_info[:3]))
    head = [
        "# Versions",
        "",
        "The versions with which the programs of these pages were last run when this table was written, with Python",
        f"{python} on {sys.platform}. `nox -s hosts -- --write` writes it.",
        "",
        "| page | run with |",
        "|---|---|",
    ]
    return "\n".join([*head, *(outcome.row for outcome in outcomes), ""])


def titles(table: str) -> list[str]:
    """Return the first cells of `table`."""
    return re.findall(r"^\| (\[.+?\)) \|", table, re.MULTILINE)


def main() -> int:
    """Return 0 if all is as the pages say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of pages, such as scrapy")
    parser.add_argument("--write", action="store_true", help="write the table of the programs and their versions")
    options = parser.parse_args()
    pages = [*ALSO, *sorted(path for path in PAGES.glob("*.md") if path.stem not in {"index", "versions"})]
    chosen = [path for path in pages if not options.names or path.stem in options.names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(follow, chosen))
    errors = {outcome.page.name: outcome.error for outcome in outcomes if outcome.error is not None}
    table = table_of(outcomes)
    if options.write:
        TABLE.write_text(table, encoding="utf-8")
    elif not options.names and titles(table) != titles(TABLE.read_text(encoding="utf-8")):
        errors[TABLE.name] = "it does not have exactly these pages; run: nox -s hosts -- --write"
    for name, error in errors.items():
        print(f"\n==== {name}\n{error}")
    print(f"\n{len(chosen)} pages followed, {len(errors)} errors")
    return 1 if errors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
