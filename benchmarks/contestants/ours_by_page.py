"""This library, by page."""

from benchmarks.contestants._clock import Asked, Take, main
from threads_async import ThreadsClient


async def walk(asked: Asked, take: Take) -> None:
    """List all threads."""
    async with ThreadsClient(asked.api_token, base_url=asked.base_url) as client:
        async for page in client.threads(total=asked.total).pages():
            for thread in page.items:
                take(thread.thread_token or "")


if __name__ == "__main__":
    main(walk)
