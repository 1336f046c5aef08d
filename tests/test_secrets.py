"""Tokens stay out of sight."""

import copy
import html
import json
import pickle
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async._secrets import SHOWN_FROM, Secret, excerpt, scrub, shorten

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("open sesame")

    assert "open sesame" == secret.reveal()
    assert "sesame" not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_pickled_or_copied(leak: object) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        leak(Secret("open sesame"))  # type: ignore[operator]


def test_a_long_token_keeps_its_ends() -> None:
    assert "eyJ…sR8U" == shorten(JWT)


def test_no_token_stays_none() -> None:
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
    "escaped", [JWT.replace(".", r"\u002e"), JWT.replace("J", r"\u004A").replace(r"ey\u004A", "eyJ")]
)
def test_a_jwt_with_escapes_is_hidden_whole(escaped: str) -> None:
    assert "no … here" == scrub(f"no {escaped} here")


@given(st.text(alphabet=" ab<&\n", max_size=9000), st.integers(0, 9000), st.sampled_from([1, 30, 500]))
def test_an_excerpt_has_no_part_of_a_secret_wherever_the_text_is_cut(text: str, at: int, times: int) -> None:
    """The beginning of the secret is what a cut would leave; white space, which is folded, brings it into view."""
    secret = "XYZ" * 10 * times
    whole = " " * at + secret + text

    shown = excerpt(whole, Secret(secret)) or ""

    assert "X" not in shown
    assert len(shown) <= 201


def test_an_excerpt_is_one_line_that_tells_when_more_is_left_out() -> None:
    assert "a b" == excerpt("\ta \x00\n b ")
    assert None is excerpt(" \n")
    assert "x" * 200 + "…" == excerpt("x" * 201)


def test_a_text_made_to_be_slow_is_scrubbed_soon() -> None:
    """Every place of it looks like the beginning of a JWT, and none is one."""
    began = time.process_time()
    excerpt("eyJeyJ" * 100_000, Secret("e" * 500))

    assert time.process_time() - began < 1
