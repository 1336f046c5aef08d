"""The part of PowerShell that the documents use: syntax checks, and translation for a POSIX shell.

This needs no PowerShell. A grammar of the language parses each block, and each statement is translated. So a page can
show the same commands twice, and the tests run one of the two.
"""

import re
import shlex
from typing import Final

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_PARSER: Final = Parser(Language(tree_sitter_powershell.language()))

_SAME: Final = {
    "py -m venv .venv": "python3 -m venv .venv",
    ".venv\\Scripts\\Activate.ps1": ". .venv/bin/activate",
    # A POSIX shell has no such policy.
    "Set-ExecutionPolicy -Scope Process RemoteSigned -Force": "",
}
_ASSIGNMENT: Final = re.compile(r'\$env:(\w+) = "([^"`$]*)"')
_REMOVAL: Final = re.compile(r"Remove-Item Env:(\w+)")
_ENDINGS: Final = {"; echo $LASTEXITCODE": "; echo $?", " | Select-Object -First 2": " | head -2"}
_COMMANDS: Final = {"py", "python", "threads-async", "uvicorn"}
"""The programs that the documents start."""


def faults(source: str) -> list[str]:
    """Return the parts of `source` that PowerShell 5.1 does not accept."""

    def within(node: Node) -> list[str]:
        if node.type == "ERROR" or node.is_missing or node.type in {"&&", "||"}:
            return [source.encode()[node.start_byte : node.end_byte].decode() or f"no {node.type}"]
        return [fault for child in node.children for fault in within(child)]

    return within(_PARSER.parse(source.encode()).root_node)


def in_posix(source: str) -> list[str]:
    """Return the commands of `source`, which has one statement per line, translated for a POSIX shell.

    Raises:
        AssertionError: There is no translation for a statement.
    """
    return [command for line in source.strip().splitlines() if (command := _in_posix(line))]


def _in_posix(line: str) -> str:
    if line in _SAME:
        return _SAME[line]
    if match := _ASSIGNMENT.fullmatch(line):
        return f"export {match[1]}={shlex.quote(match[2])}"
    if match := _REMOVAL.fullmatch(line):
        return f"unset {match[1]}"
    ending = next((one for one in _ENDINGS if line.endswith(one)), "")
    command = line.removesuffix(ending)
    # Both shells take text in double quotes as it is, unless it has one of these characters.
    plain = re.sub(r'"[^"$`\\!]*"', "", command)
    known = command.split()[0] in _COMMANDS and not re.search(r"[$`'|;&<>]", plain)
    assert known, f"no translation: {line}"
    return re.sub(r"^py\b", "python", command) + _ENDINGS.get(ending, "")


def statements(commands: str) -> list[str]:
    """Split `commands` for a POSIX shell into single commands, in the form that `in_posix` returns."""
    found = []
    for line in re.split(r"\n| && ", commands.strip()):
        words = line.removesuffix(" &")
        if words.startswith("export "):
            found += [f"export {one}" for one in words.removeprefix("export ").split()]
        else:
            found.append(words)
    return found
