"""Tokens stay out of sight."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threads_async._secrets import SHOWN_FROM, Secret, scrub, shorten

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
    text = scrub(f"token 'open sesame' may not stop {JWT}, sorry", Secret("open sesame"), None)

    assert "token '…' may not stop eyJ…sR8U, sorry" == text


def test_scrubbing_hides_a_jwt_too_short_to_shorten() -> None:
    assert "… and …" == scrub("eyJhbGciOi.eyJ1 and eyJhbGciOi.abc.")
