"""Hold the fake against the OpenAPI document that it serves, with every check of schemathesis.

This is the duty `schema` of noxfile.py. Arguments are passed on: ``nox -s schema -- --seed 2 --max-examples 2000``.
"""

import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from threads_async.testing import FakeServer

# The seed fixes the requests; no example of an earlier run is kept; how fast the machine is makes no difference.
_OPTIONS: Final = """
    --checks all --mode all --max-examples 300 --seed 1 --workers 1
    --generation-database none --suppress-health-check all --request-timeout 60
"""


async def check(arguments: list[str]) -> int:
    """Return the exit code of schemathesis: 0 if the document and the server agree."""
    # Before its cases it tries what the server's parser survives, which that logs with a traceback.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # In a folder of its own, since it writes a file of what it found there.
    with tempfile.TemporaryDirectory() as folder:
        async with FakeServer(threads=40) as server:
            process = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{server.url}/openapi/threads.v1.json",
                "--header",
                f"Api-Token: {server.token}",
                *_OPTIONS.split(),
                *arguments,
                cwd=folder,
                env=os.environ | {"no_proxy": "127.0.0.1"},
            )
            return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(check(sys.argv[1:])))
