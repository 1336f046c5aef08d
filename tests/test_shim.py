"""The shim for aioresponses must be removed when it is no longer needed."""

import aiohttp
import pytest
from aioresponses import aioresponses


async def test_aioresponses_still_needs_its_shim() -> None:
    """When this fails, remove `aioresponses_shim` from conftest.py and raise the minimum version in pyproject.toml."""
    with aioresponses() as mocked:
        mocked.get("http://zenno.example/", payload={})
        async with aiohttp.ClientSession() as session:
            with pytest.raises(TypeError, match="stream_writer"):
                await session.get("http://zenno.example/")
