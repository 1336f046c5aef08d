"""Test `FakeServer` against the OpenAPI documents that it serves, with every check of schemathesis.

This is the session `schema` of noxfile.py. Arguments are passed on: ``nox -s schema -- --seed 2 --max-examples 2000``.
"""

import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from threads_async.testing import FakeServer

# The seed fixes the requests, no example of an earlier run is kept, and a slow machine makes no difference.
_OPTIONS: Final = """
    --checks all --mode all --max-examples 300 --seed 1 --workers 1
    --generation-database none --suppress-health-check all --request-timeout 60
"""
_RESOURCES: Final = ("threads", "workspaces", "browser_instances", "product")


async def check(server: FakeServer, resource: str, arguments: list[str]) -> int:
    """Return the exit code of schemathesis: 0 if the document of `resource` and the server agree."""
    # In a separate folder, because schemathesis writes a file there.
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{server.url}/openapi/{resource}.v1.json",
            "--header",
            f"Api-Token: {server.token}",
            *_OPTIONS.split(),
            *arguments,
            cwd=folder,
            env=os.environ | {"no_proxy": "127.0.0.1"},
        )
        return await process.wait()


async def check_all(arguments: list[str]) -> int:
    """Check one document after another, and return the first exit code that is not 0, or 0."""
    # Before its cases, schemathesis sends requests that are not valid HTTP. The server logs a traceback for each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    async with FakeServer(threads=40, workspaces=40, browsers=40, limit_threads=10**9) as server:
        codes = [await check(server, resource, arguments) for resource in _RESOURCES]
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(check_all(sys.argv[1:])))
