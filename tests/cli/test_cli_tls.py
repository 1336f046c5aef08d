"""The command over HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_support import SECONDS, running, settings, start
from tls import TlsFront

from threads_async.testing import FakeServer


@pytest.fixture
def front() -> Iterator[TlsFront]:
    server = FakeServer(3)
    front = TlsFront(server)
    with running(server), running(front):
        yield front


def count(front: TlsFront, **variables: str) -> tuple[int, str, str]:
    return run(front, "count", "--base-url", front.url, **variables)


def run(front: TlsFront, *arguments: str, **variables: str) -> tuple[int, str, str]:
    # The developer may have set authorities to trust.
    env = {name: value for name, value in settings(front.server).items() if not name.startswith("SSL_CERT_")}
    with start(*arguments, env=env | variables) as process:
        out, error = process.communicate(timeout=SECONDS)
    return process.returncode, out, error


def test_an_untrusted_certificate_is_a_failed_connection_with_a_hint(
    front: TlsFront,
) -> None:
    code, out, error = count(front)

    assert (3, "") == (code, out)
    assert error.startswith("threads-async: the server's certificate is not trusted")
    assert error.endswith("; set SSL_CERT_FILE to a file that contains its CA certificate\n")
    assert 1 == error.count("\n")
    assert [] == front.server.requests


def test_ssl_cert_file_makes_the_command_trust_a_certificate(front: TlsFront, tmp_path: Path) -> None:
    path = front.write_authority(tmp_path / "ca.pem")

    assert (0, "3\n", "") == count(front, SSL_CERT_FILE=str(path))


def test_ssl_cert_file_of_another_authority_does_not_help(front: TlsFront, tmp_path: Path) -> None:
    path = TlsFront(front.server).write_authority(tmp_path / "ca.pem")

    code, out, _ = count(front, SSL_CERT_FILE=str(path))

    assert (3, "") == (code, out)


def test_doctor_says_which_name_a_certificate_wants(front: TlsFront, tmp_path: Path) -> None:
    path = front.write_authority(tmp_path / "ca.pem")

    code, out, _ = run(front, "doctor", "--base-url", f"https://localhost:{front.port}", SSL_CERT_FILE=str(path))

    assert 3 == code
    assert "Use the name in the certificate as the host of ZB_API_BASE_URL or --base-url." in " ".join(out.split())
    assert "set SSL_CERT_FILE" not in out


def test_doctor_says_that_ssl_cert_file_does_not_exist(front: TlsFront, tmp_path: Path) -> None:
    code, out, _ = run(front, "doctor", "--base-url", front.url, SSL_CERT_FILE=str(tmp_path / "nowhere.pem"))

    assert 3 == code
    assert "SSL_CERT_FILE is set to a file that does not exist" in " ".join(out.split())
    assert "nowhere" not in out
