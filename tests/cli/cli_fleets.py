"""Two machines, a third that does not respond, and the file of their fleet."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen
from cli_support import running

from threads_async.testing import FakeServer

DEAD = "http://127.0.0.1:9"


@frozen
class Machines:
    """Two machines, and a third that does not respond; and the options for them."""

    servers: dict[str, FakeServer]
    file: Path

    @property
    def options(self) -> list[str]:
        return ["--fleet", str(self.file), "--attempts", "1"]


@contextlib.contextmanager
def two_and_a_dead_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """Start the machines, and write the file of their fleet into `tmp_path`."""
    servers = {"office 1": FakeServer(25, seed=1, token="one"), "office 2": FakeServer(7, seed=2, token="two")}
    with contextlib.ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(running(server))
        monkeypatch.setenv("TOKEN_ONE", "one")
        (tmp_path / "two.txt").write_text("two")
        file = tmp_path / "fleet.toml"
        file.write_text(
            f"""
            [machines."office 1"]
            base_url = "{servers["office 1"].url}"
            token_env = "TOKEN_ONE"
            [machines."office 2"]
            base_url = "{servers["office 2"].url}"
            token_file = "two.txt"
            [machines.dead]
            base_url = "{DEAD}"
            token_file = "two.txt"
            """
        )
        yield Machines(servers, file)


def tokens(machines: Machines, *names: str) -> list[tuple[str, str | None]]:
    return sorted(
        (name, thread.thread_token) for name in names or machines.servers for thread in machines.servers[name].threads
    )
