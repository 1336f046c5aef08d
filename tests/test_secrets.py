"""Tokens are never shown."""

import copy
import html
import json
import pickle
import re
import time
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async._secrets import SHOWN_FROM, Secret, _patterns, excerpt, scrub, shorten

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def test_a_secret_is_shown_only_on_request() -> None:
    secret = Secret("open sesame")

    assert "open sesame" == secret.reveal()
    assert "sesame" not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_pickled_or_copied(leak: object) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        leak(Secret("open sesame"))  # type: ignore[operator]


def test_a_long_token_is_shortened_to_its_ends() -> None:
    assert "eyJ…sR8U" == shorten(JWT)


def test_a_missing_token_stays_none() -> None:
    assert None is shorten(None)


@given(st.text(min_size=4))
def test_at_most_seven_characters_of_a_token_are_shown(token: str) -> None:
    shown = (shorten(token) or "").replace("…", "")

    assert len(shown) <= 7
    assert len(token) >= SHOWN_FROM or not shown


def test_scrubbing_removes_known_secrets_and_shortens_jwts() -> None:
    text = scrub(f"token 'open sesame' may not stop {JWT}, sorry", Secret("open sesame"))

    assert "token '…' may not stop eyJ…sR8U, sorry" == text


def test_scrubbing_hides_a_jwt_too_short_to_shorten() -> None:
    assert "… and …" == scrub("eyJhbGciOi.eyJ1 and eyJhbGciOi.abc.")


secrets = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    "escape",
    [
        str,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(text).replace("/", r"\/"),
        lambda text: json.dumps("".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else one for one in text)).replace(
            r"\\u", r"\u"
        ),
        urllib.parse.quote,
        urllib.parse.quote_plus,
        lambda text: urllib.parse.quote(text, safe=""),
        html.escape,
        lambda text: "".join(f"&#{ord(one)};" for one in text),
        lambda text: "".join(f"&#x{ord(one):04X};" for one in text),
    ],
    ids=lambda _: "",
)
@given(secret=secrets)
def test_a_secret_is_found_however_it_is_escaped(escape: object, secret: str) -> None:
    written = escape(secret)  # type: ignore[operator]

    assert written not in scrub(f"<<{written}>>", Secret(secret)) or written in "<<…>>"


@pytest.mark.parametrize(
    "escaped",
    [
        JWT.replace(".", r"\u002e"),
        JWT.replace(".", r"\\u002E"),
        JWT.replace(".", "%2e"),
        JWT.replace(".", "&#46;"),
        JWT.replace(".", "&#x2E;"),
        JWT.replace("J", r"\u004A"),
        JWT.replace("e", "%65"),
        JWT.replace("y", "&#121;").replace("_", "&#x5f;"),
        "".join(rf"\u{ord(one):04x}" for one in JWT),
    ],
)
def test_a_jwt_with_escapes_is_hidden_completely(escaped: str) -> None:
    assert "no … here" == scrub(f"no {escaped} here")


@given(st.text(alphabet=" ab<&\n", max_size=9000), st.integers(0, 9000), st.sampled_from([1, 30, 500]))
def test_an_excerpt_has_no_part_of_a_secret_wherever_the_text_is_cut(text: str, at: int, times: int) -> None:
    """A cut would leave the beginning of the secret, and collapsing the white space would bring it into view."""
    secret = "XYZ" * 10 * times
    whole = " " * at + secret + text

    shown = excerpt(whole, Secret(secret)) or ""

    assert "X" not in shown
    assert len(shown) <= 201


@pytest.mark.parametrize("at", [*range(8150, 8200), *range(4060, 4100), *range(60)])
def test_an_excerpt_has_no_part_of_a_secret_at_a_border_of_the_scrubbed_text(at: int) -> None:
    assert "X" not in (excerpt(" " * at + "XYZ" * 10 + "y" * 9000, Secret("XYZ" * 10)) or "")


@pytest.mark.parametrize("length", range(1, 31))
@pytest.mark.parametrize("escape", [str, lambda text: "".join(f"&#x0000{ord(one):x};" for one in text)])
def test_an_excerpt_of_a_truncated_text_has_no_part_of_a_secret(length: int, escape: Callable[[str], str]) -> None:
    secret = ("XYZ" * 10)[:30]
    said = f"{'no room; ' * 70}no {escape(secret[:length])}"

    shown = excerpt(said, Secret(secret), whole=False)

    assert shown is not None
    assert shown.startswith("no room;")
    assert "X" not in shown
    assert "&#" not in shown


@given(secret=st.text("XYZ", min_size=12), at=st.integers(1, 11), between=st.sampled_from("\n\t \u200b\r\x1b\u00ad"))
def test_an_excerpt_does_not_show_a_secret_in_two_pieces(secret: str, at: int, between: str) -> None:
    assert None is excerpt(f"no {secret[:at]}{between}{secret[at:]} here", Secret(secret))


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (f"no {JWT[:30]}\r\n{JWT[30:]} here", [JWT]),
        ("no Sesame-abc\ndefghijklmnop here", ["Sesame-abcdefghijklmnop", "Sesame-abc"]),
        ("no " + "".join(f"&#x{ord(one):x};" for one in "Sesame-abcd").replace("d;", "d\n;", 1), ["Sesame-abcd"]),
    ],
)
def test_an_excerpt_does_not_show_a_long_secret_on_two_lines(text: str, secrets: list[str]) -> None:
    assert None is excerpt(text, *map(Secret, secrets))


def test_nothing_is_shown_if_a_secret_is_too_long_to_search_for() -> None:
    began = time.process_time()

    assert None is excerpt("no room", Secret("x" * 30_000))
    assert "no room" == excerpt("no room", Secret("x" * 4096))
    # Measuring coverage makes it several times slower.
    assert time.process_time() - began < 10


def test_a_secret_whose_slashes_are_escaped_more_than_once_is_found() -> None:
    assert r"{\"…\"}" == scrub(r"{\"ab\/cdefghij\\/klmn\"}", Secret("ab/cdefghij/klmn"))


def test_an_excerpt_does_not_show_text_that_may_be_in_an_unknown_encoding() -> None:
    assert None is excerpt("no open sesame".encode("utf-16-le").decode(), Secret("open sesame"))


def test_secrets_that_contain_each_other_are_hidden_completely() -> None:
    assert "no … and …" == scrub("no abcdef and abc", Secret("abc"), Secret("abcdef"))


def test_the_longest_escapes_of_a_secret_are_dropped_completely_if_the_text_is_cut() -> None:
    escaped = (r"\\\\ud83d\\\\ude00" * 30)[:-1]

    assert "said:" == excerpt(f"said: {escaped}", Secret("\U0001f600" * 30), whole=False)


def test_an_excerpt_is_one_line_that_shows_if_it_was_cut() -> None:
    assert "a b" == excerpt("\ta \x1b\n b ")
    assert None is excerpt(" \n")
    assert "x" * 200 + "…" == excerpt("x" * 201)


def test_a_text_designed_to_be_slow_is_scrubbed_quickly() -> None:
    """Every part of the text looks like the beginning of a JWT, but none is one."""
    began = time.process_time()
    excerpt("eyJeyJ" * 100_000, Secret("e" * 500))

    assert time.process_time() - began < 1


def test_no_pattern_has_a_possessive_quantifier() -> None:
    """They match too much in early releases of Python 3.11 (gh-100061), which would show a secret."""
    possessive = re.compile(r"[+*?}]\+")

    assert possessive.search(r"a++b")
    assert [None, None] == [possessive.search(pattern.pattern) for pattern in _patterns()]


def test_secrets_that_are_longer_than_the_text_cost_nothing() -> None:
    secrets = [Secret(f"{number:03}".join("ab-" * 150)) for number in range(100)]
    began = time.process_time()

    assert "Unauthenticated" == excerpt("Unauthenticated", *secrets)
    assert time.process_time() - began < 1
