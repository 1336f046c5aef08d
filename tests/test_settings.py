"""Settings are checked before anything is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async import ConfigurationError
from threads_async._settings import base_url_of, token_of


def test_a_given_token_takes_precedence_over_the_environment() -> None:
    assert "given" == token_of("given", {"ZB_API_TOKEN": "of the environment"}).reveal()


def test_without_a_given_token_the_environment_is_used() -> None:
    assert "of the environment" == token_of(None, {"ZB_API_TOKEN": " of the environment\n"}).reveal()


@pytest.mark.parametrize("environment", [{}, {"ZB_API_TOKEN": ""}, {"ZB_API_TOKEN": " "}])
def test_without_any_token_the_error_says_how_to_set_one(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="token= or set ZB_API_TOKEN"):
        token_of(None, environment)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\x7fb", "control"),
        ("ключ", "ASCII"),
    ],
)
def test_a_token_that_no_header_can_contain_is_an_error_that_does_not_show_it(token: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        token_of(token, {"ZB_API_TOKEN": "not used instead"})

    assert "token" == caught.value.parameter
    assert not token.strip() or token not in str(caught.value)


def test_a_token_that_is_not_text_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="string"):
        token_of(b"bytes", {})


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_any_printable_ascii_is_a_token_and_white_space_around_it_is_removed(token: str) -> None:
    assert token == token_of(f"\n {token}\t", {}).reveal()


def test_a_given_base_url_takes_precedence_over_the_environment() -> None:
    assert "http://a:1" == base_url_of("http://a:1", {"ZB_API_BASE_URL": "http://b:2"})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "http://localhost:8160"),
        ({"ZB_API_BASE_URL": " "}, "http://localhost:8160"),
        ({"ZB_API_BASE_URL": "http://192.0.2.7:8160/"}, "http://192.0.2.7:8160"),
    ],
)
def test_the_base_url_of_the_environment_takes_precedence_over_the_default(
    environment: dict[str, str], expected: str
) -> None:
    assert expected == base_url_of(None, environment)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://zenno.example/proxy/", "https://zenno.example/proxy"),
        ("http://[::1]:8160", "http://[::1]:8160"),
        (" HTTP://localhost//", "http://localhost"),
        ("http://zenno.example.:8160", "http://zenno.example.:8160"),
        ("https://farm-7", "https://farm-7"),
        ("http://хост.example", "http://хост.example"),
    ],
)
def test_a_base_url_may_have_a_path_and_loses_its_trailing_slashes(base_url: str, expected: str) -> None:
    assert expected == base_url_of(base_url, {})


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("", "must look like"),
        ("localhost:8160", "must look like"),
        ("ftp://localhost", "must look like"),
        ("http://", "must look like"),
        ("http://:8160", "must look like"),
        ("http://localhost:0", "must look like"),
        ("http://localhost:65536", "port"),
        ("http://a..b", "host name nor an IP"),
        ("http://.", "host name nor an IP"),
        ("http://127.1:1", "host name nor an IP"),
        ("http://256.1.1.1:1", "host name nor an IP"),
        ("http://8160", "host name nor an IP"),
        (f"http://{'a' * 64}", "host name nor an IP"),
        (f"http://{'a.' * 127}a", "host name nor an IP"),
        ("http://localhost:port", "port"),
        ("http://[::1", "not a URL"),
        ("http://user:hush@localhost:8160", "credentials"),
        ("http://hush@localhost", "credentials"),
        ("http://localhost?hush=1", "query"),
        ("http://localhost/?", "query"),
        ("http://localhost/#hush", "fragment"),
        ("http://local host", "whitespace"),
        ("http://localhost/\x00", "control"),
        ("http:\\\\localhost", "backslashes"),
    ],
)
def test_an_invalid_base_url_is_an_error_that_does_not_show_it(base_url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        base_url_of(base_url, {})

    assert "base_url" == caught.value.parameter
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None


def test_the_error_for_a_base_url_from_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigurationError) as caught:
        base_url_of(None, {"ZB_API_BASE_URL": "ftp://user:password@host"})

    assert caught.value.message.startswith("ZB_API_BASE_URL must look like http://localhost:8160: ")
    assert "base_url" == caught.value.parameter
    assert "password" not in str(caught.value)


def test_a_base_url_that_is_not_text_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="string"):
        base_url_of(8160, {})


def test_the_error_for_a_base_url_says_that_the_port_is_optional() -> None:
    with pytest.raises(ConfigurationError, match="and a host; port and path may follow"):
        base_url_of("farm-7", {})
