"""The file of a fleet: what it may contain, and errors that name a setting and never show a value."""

import os
import traceback
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis.strategies as st
import pytest
from fleets import ONCE
from hypothesis import given

from threads_async import ConfigurationError, Fleet, UnauthorizedError
from threads_async._fleet_file import machines_in
from threads_async.testing import FakeServer

CANARY = "canary-of-the-fleet"
PLAIN = '[machines.a]\nbase_url = "http://127.0.0.1:1"\ntoken_env = "TOKEN_A"\n'


@pytest.fixture
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_A", f" {CANARY}\n")
    monkeypatch.setenv("TOKEN_EMPTY", "")
    monkeypatch.setenv("TOKEN_ODD", "zwölf")


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "fleet.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.usefixtures("_tokens")
async def test_tokens_come_from_the_environment_and_from_files_beside_the_file(tmp_path: Path) -> None:
    async with FakeServer(threads=2, token=CANARY) as one, FakeServer(threads=3, token="of-a-file") as two:
        (tmp_path / "token.txt").write_bytes("\ufeffof-a-file\r\n".encode("utf-16-le"))
        text = f"""
            [machines.a]
            base_url = "{one.url}/"
            token_env = "TOKEN_A"
            [machines."office 2"]
            base_url = "{two.url}"
            token_file = "token.txt"
        """
        async with Fleet.from_file(written(tmp_path, text), at_once=1, timeout=5.0, retry=ONCE) as fleet:
            assert {"a": 2, "office 2": 3} == await fleet.threads().count()
            assert [one.url, two.url] == [client.base_url for client in fleet.clients.values()]


@pytest.mark.usefixtures("_tokens")
async def test_all_machines_can_share_a_session(tmp_path: Path) -> None:
    async with FakeServer(threads=2) as server, aiohttp.ClientSession() as session:
        file = written(tmp_path, PLAIN.replace("http://127.0.0.1:1", server.url))
        async with Fleet.from_file(str(file), session=session, retry=ONCE) as fleet:
            with pytest.raises(ExceptionGroup) as caught:
                await fleet.limits()

        assert [UnauthorizedError] == [type(error) for error in caught.value.exceptions]
        assert not session.closed


@pytest.mark.usefixtures("_tokens")
@pytest.mark.parametrize(
    ("text", "parameter", "message"),
    [
        ("", "path", "it has no machines: add a table such as [machines.office-1]"),
        ("[machines]", "path", "it has no machines"),
        ("machines = 1", "path", "machines must be tables"),
        (f"{PLAIN}[other]\nx = '{CANARY}'", "path", "it has something beside machines"),
        (f"[machines.a]\ntoken = '{CANARY}' '", "path", "it is not TOML (at line 2, column "),
        (f"[machines.a]\nbase_url = '{CANARY}", "path", "it is not TOML (at "),
        (f"[machines.a\n{CANARY}", "path", "it is not TOML (at "),
        ('[machines.a]\ntoken_file = "C:\\Users"', "path", "column 19); write Windows paths in single quotes"),
        ('[machines.a]\ntoken_file = "\\tokens\\a"', "path", "column 24); write Windows paths in single quotes"),
        (b"\xff\xfe\x00", "path", "it is not UTF-8 text"),
        (b"\x80", "path", "it is not UTF-8 text"),
        ("a = " + "[" * 100_000, "path", "it is nested too deeply"),
        (f"{PLAIN}n = {'1' * 5000} # {CANARY}", "path", "it has an invalid value"),
        (f"[machines.10.0.0.5]\nbase_url = '{CANARY}'", "machines.10", 'needs quotes: [machines."10.0.0.5"]'),
        (f"{PLAIN}{CANARY} = ''", "machines.a", "there is no such setting"),
        (f"machines.a = '{CANARY}'", "machines.a", "it must be a table"),
        (f"{PLAIN}token = '{CANARY}'", "machines.a.token", "must not contain the token: use token_env or token_file"),
        (f"{PLAIN}tokn_env = '{CANARY}'", "machines.a.tokn_env", "no such setting; there are base_url, token_env"),
        (f"{PLAIN}token_file = 5", "machines.a.token_file", "it must be a string"),
        (f"{PLAIN}token_file = '{CANARY}'", "machines.a", "it needs either token_env or token_file"),
        ("[machines.a]\nbase_url = 'http://x'", "machines.a", "it needs either token_env or token_file"),
        ("[machines.a]\ntoken_env = 'TOKEN_A'", "machines.a.base_url", "it is missing"),
        (f"[machines.a]\nbase_url = 'http://u:{CANARY}@x'\ntoken_env='TOKEN_A'", "machines.a.base_url", "credentials"),
        (f"[machines.a]\nbase_url = '{CANARY}'\ntoken_env='TOKEN_A'", "machines.a.base_url", "it must look like"),
        (f"[machines.a]\nbase_url = 'http://x'\ntoken_env='{CANARY}'", "machines.a.token_env", "empty or not set"),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_env='TOKEN_EMPTY'", "machines.a.token_env", "empty or not set"),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_env='TOKEN_ODD'", "machines.a.token_env", "outside ASCII"),
        (f"[machines.a]\nbase_url = 'http://x'\ntoken_file='{CANARY}'", "machines.a.token_file", "cannot be read: No"),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_file='a\\u0000'", "machines.a.token_file", "cannot be read: No"),
        (
            '[machines.a]\nbase_url = "http://x"\ntoken_file="a\\u0000"',
            "machines.a.token_file",
            "has control characters",
        ),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_file='two.txt'", "machines.a.token_file", "contain one token"),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_file='odd.txt'", "machines.a.token_file", "contain one token"),
        ("[machines.a]\nbase_url = 'http://x'\ntoken_file='big.txt'", "machines.a.token_file", "larger than 64 kB"),
        (
            '[machines."a\\n"]\nbase_url = "http://x"\ntoken_env="TOKEN_A"',
            "path",
            "empty or not printable",
        ),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_setting_and_shows_no_value(
    tmp_path: Path, text: str | bytes, parameter: str, message: str
) -> None:
    (tmp_path / "two.txt").write_text(f"{CANARY} {CANARY}")
    (tmp_path / "odd.txt").write_bytes(b"\xff" + CANARY.encode())
    (tmp_path / "big.txt").write_text(CANARY * 10_000)

    with pytest.raises(ConfigurationError) as caught:
        Fleet.from_file(written(tmp_path, text))

    error = caught.value
    assert parameter == error.parameter
    assert message in str(error)
    # Without the frame of this test, which has the text.
    frames = None if error.__traceback__ is None else error.__traceback__.tb_next
    shown = "".join(traceback.TracebackException(type(error), error, frames, capture_locals=True).format())
    assert "machines = " in shown
    assert CANARY not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(ConfigurationError, match="the file of the fleet cannot be read: ") as caught:
            Fleet.from_file(path)
        assert "path" == caught.value.parameter


@given(text=st.text() | st.text().map(lambda text: f"[machines.a]\n{text}"))
def test_no_text_raises_anything_but_a_configuration_error(tmp_path_factory: Any, text: str) -> None:
    file = written(tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass"))

    machines = machines_in(os.fspath(file), {})

    assert isinstance(machines, ConfigurationError)
