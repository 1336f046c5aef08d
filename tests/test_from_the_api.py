"""The page `docs/how-to/from-the-api.md`: its four forms of a request are the same request.

Each section has the request as curl, C#, a cube of ZennoPoster, and a line of Python. Each form is sent to a
`FakeServer`. The parsers accept only what the page uses, so a typing mistake in a form is an error, not a part that is
left out. C# is not compiled.
"""

import argparse
import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from attrs import frozen
from reading import REQUESTS

from threads_async import ThreadsClient
from threads_async.testing import FakeServer, FakeThread, SeenRequest

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "from-the-api.md"

BASE: Final = "http://localhost:8160"
"""The address on the page. The address of the server replaces it."""

TOKEN: Final = "YOUR_SECRET_TOKEN"
"""The placeholder of the API token on the page."""

DEFAULTS: Final = {("workspaceId", "-1"), ("start", "0"), ("total", "1000")}

HEADERS: Final = {"api-token", "content-type"}
"""The headers that matter, in lower case."""


@frozen
class Request:
    """A request as a form of the page describes it.

    Attributes:
        method: The HTTP method.
        target: The path and the query.
        headers: The headers that matter, with their names in lower case.
        body: The body.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: str | None


def request(method: str, url: str, headers: list[tuple[str, str]], body: str | None) -> Request:
    assert url.startswith(BASE), f"another address: {url}"
    named = {name.lower(): value for name, value in headers}
    return Request(method, url.removeprefix(BASE), {name: named[name] for name in HEADERS & set(named)}, body)


def arguments(text: str) -> list[str]:
    """Return the command of a POSIX shell as a list of arguments."""
    return shlex.split(text.replace("\\\n", ""))


def of_curl(text: str) -> Request:
    """Read a curl command."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("program", choices=["curl"])
    parser.add_argument("url")
    parser.add_argument("--request", default="GET")
    parser.add_argument("--header", action="append")
    parser.add_argument("--data")
    given = parser.parse_args(arguments(text))
    headers = [(name, value.strip()) for name, _, value in (one.partition(":") for one in given.header)]
    return request(given.request, given.url, headers, given.data)


_STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_CSHARP: Final = re.compile(
    rf"""(?:using System\.Text;

)?using var client = new HttpClient\(\);
using var request = new HttpRequestMessage\(
    HttpMethod\.(Get|Post|Put|Delete),
    {_STRING}\);
request\.Headers\.Add\("Api-Token", {_STRING}\);
(?:request\.Content = new StringContent\(
    {_STRING}, Encoding\.UTF8, "(application/json)"\);
)?using var response = await client\.SendAsync\(request\);
response\.EnsureSuccessStatusCode\(\);
Console\.WriteLine\(await response\.Content\.ReadAsStringAsync\(\)\);
"""
)


def of_csharp(text: str) -> Request:
    """Read a C# program for `HttpClient`."""
    found = _CSHARP.fullmatch(text)
    assert found is not None, f"not the C# of this page: {text}"
    method, url, token, body, content_type = found.groups()
    assert (body is None) == ("using System.Text;" not in text), "System.Text has the Encoding of the body"
    headers = [("Api-Token", token)]
    if body is None:
        return request(method.upper(), url, headers, None)
    # The strings of the page have no other escapes than JSON.
    return request(method.upper(), url, [*headers, ("Content-Type", content_type)], json.loads(f'"{body}"'))


_CUBE: Final = re.compile(
    r"""Method: (GET|POST|PUT|DELETE)
URL: (\S+)
(?:Data: (.+)
)?Additionally:
((?:[\w-]+: .+
)+)"""
)


def of_cube(text: str) -> Request:
    """Read a cube. ZennoLab's cubes leave the content type of the body to the settings of the action."""
    found = _CUBE.fullmatch(text)
    assert found is not None, f"not a cube of this page: {text}"
    method, url, body, lines = found.groups()
    headers = re.findall(r"^([\w-]+): (.+)$", lines, re.MULTILINE)
    assert [("User-Agent", "{-Profile.UserAgent-}"), ("Api-Token", TOKEN)] == headers
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    return request(method, url, headers, body)


PARSERS: Final[dict[str, Callable[[str], Request]]] = {"bash": of_curl, "csharp": of_csharp, "properties": of_cube}


def sections(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return the requests of each section, as pairs of a language and a text, by title."""
    languages = "|".join(REQUESTS)
    return {
        part.partition("\n")[0]: found
        for part in re.split(r"^##+ ", page, flags=re.MULTILINE)
        if (found := re.findall(rf"^```({languages})\n(.*?)^```$", part, re.MULTILINE | re.DOTALL))
    }


SECTIONS: Final = sections(PAGE.read_text(encoding="utf-8"))

each_section = pytest.mark.parametrize("blocks", [pytest.param(dict(SECTIONS[title]), id=title) for title in SECTIONS])


def server() -> FakeServer:
    """Return a server that knows the tokens of the page, and responds as documented: 200, also without content."""
    time = "2025-07-25T09:34:29.768Z"
    threads = [FakeThread(1, f"THREAD_TOKEN_{number}", "Manual", time) for number in (1, 2)]
    server = FakeServer(threads, token=TOKEN)
    server.action_body = "empty"
    return server


def meaning(seen: SeenRequest) -> tuple[Any, ...]:
    """Return what a request means: without parameters that are empty, and without those that have their default."""
    query = {(name, value) for name, value in seen.query if value} - DEFAULTS
    content_type = seen.headers.get("Content-Type") if seen.body else None
    body = json.loads(seen.body) if seen.body else None
    return seen.method, seen.path, query, seen.headers.get("Api-Token"), content_type, body


def sent(one: Request) -> tuple[Any, ...]:
    """Send a request byte for byte, and return what it means to the server."""
    with server() as fake:
        connection = HTTPConnection("127.0.0.1", fake.port, timeout=10)
        try:
            connection.request(one.method, one.target, None if one.body is None else one.body.encode(), one.headers)
            answer = connection.getresponse()
            assert 200 == answer.status, answer.read()
        finally:
            connection.close()
        (seen,) = fake.requests
        return meaning(seen)


def sent_by_client(line: str) -> tuple[Any, ...]:
    """Run a line of Python, and return what its request means to the server."""
    names: dict[str, Any] = {}
    exec(f"async def run(client):\n{textwrap.indent(line, '    ')}", names)  # noqa: S102 - our own page

    async def run(fake: FakeServer) -> None:
        async with ThreadsClient(fake.token, base_url=fake.url) as client:
            await names["run"](client)

    with server() as fake:
        asyncio.run(run(fake))
        (seen,) = fake.requests
        return meaning(seen)


def test_every_section_has_the_four_forms() -> None:
    assert 11 == len(SECTIONS)
    assert {REQUESTS} == {tuple(language for language, _ in blocks) for blocks in SECTIONS.values()}


@each_section
@pytest.mark.parametrize("language", PARSERS)
def test_a_form_is_the_request_of_the_line_of_python(blocks: dict[str, str], language: str) -> None:
    assert sent_by_client(blocks["py"]) == sent(PARSERS[language](blocks[language]))


@pytest.fixture(scope="module")
def curl() -> list[str]:
    """Return the command curl, without the settings of this machine: its file of options, and its proxy."""
    program = shutil.which("curl")
    if program is None:  # pragma: no cover - most machines have it
        pytest.skip("curl is not installed")
    return [program, "--disable", "--noproxy", "*", "--silent", "--output", os.devnull, "--write-out", "%{http_code}"]


def sent_by_curl(curl: list[str], text: str) -> tuple[Any, ...]:
    """Run a curl command, and return what its request means to the server."""
    with server() as fake:
        given = arguments(text.replace(BASE, fake.url))[1:]
        done = subprocess.run([*curl, *given], capture_output=True, text=True, timeout=30, check=True)
        assert "200" == done.stdout
        (seen,) = fake.requests
        return meaning(seen)


@each_section
def test_curl_sends_what_its_command_says(curl: list[str], blocks: dict[str, str]) -> None:
    assert sent(of_curl(blocks["bash"])) == sent_by_curl(curl, blocks["bash"])


def test_curl_removes_braces_from_a_url(curl: list[str]) -> None:
    text = dict(SECTIONS["Continue a thread: PUT /v1/threads/use/{threadToken}"])["bash"]

    assert sent(of_curl(text)) == sent_by_curl(curl, text.replace("THREAD_TOKEN_1", "{THREAD_TOKEN_1}"))


def test_the_page_has_every_request_of_the_client() -> None:
    from threads_async._actions import ACTIONS
    from threads_async._endpoints import ENDPOINTS, LIMITS

    paths = {"a token": "/THREAD_TOKEN_1", "tokens": "", "nothing": ""}
    expected = {(action.method, action.path + paths[action.takes]) for action in ACTIONS}
    expected |= {("GET", one.path) for one in (*ENDPOINTS, LIMITS)}
    requests = [of_curl(dict(blocks)["bash"]) for blocks in SECTIONS.values()]

    assert expected == {(one.method, urlsplit(one.target).path) for one in requests}


BLOCKS: Final = dict(SECTIONS["Continue several: PUT /v1/threads/use_bulk"])


@pytest.mark.parametrize("language", PARSERS)
@pytest.mark.parametrize(
    ("written", "mistaken"), [("workspaceId=-1", "workspaceId=1"), ("THREAD_TOKEN_2", "THREAD_TOKEN_1")]
)
def test_a_form_of_another_request_is_detected(language: str, written: str, mistaken: str) -> None:
    assert sent_by_client(BLOCKS["py"]) != sent(PARSERS[language](BLOCKS[language].replace(written, mistaken)))


@pytest.mark.parametrize(
    ("language", "written", "mistaken"),
    [
        ("bash", "--data", "--date"),
        ("bash", BASE, "http://localhost:8161"),
        ("csharp", "SendAsync(request)", "SendAsync()"),
        ("csharp", "using System.Text;\n\n", ""),
        ("properties", "Data", "Date"),
        ("properties", "User-Agent", "User"),
    ],
)
def test_a_form_with_a_mistake_is_detected(language: str, written: str, mistaken: str) -> None:
    assert written in BLOCKS[language]

    with pytest.raises((AssertionError, argparse.ArgumentError, SystemExit)):
        PARSERS[language](BLOCKS[language].replace(written, mistaken))
