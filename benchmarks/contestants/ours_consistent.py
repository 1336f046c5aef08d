"""This library, by item, with a consistent listing."""

from benchmarks.contestants._clock import Asked, Take, main
from threads_async import ThreadsClient


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    async with ThreadsClient(asked.api_token, base_url=asked.base_url) as client:
        async for thread in client.threads(total=asked.total, consistent=True):
            take(thread.thread_token or "")


if __name__ == "__main__":
    main(walk)
