"""How an answer is read: to its end, within a bound on its size."""

from http import HTTPStatus
from typing import Final

import aiohttp

from threads_async._codec import is_cut
from threads_async._exchange import Response
from threads_async._failures import cut_short
from threads_async.errors import RequestError, ResponseTooLargeError

_MOST_OF_AN_ERROR: Final = 64 * 2**10
"""Bytes read of an answer that is an error anyway."""


async def read_answer(answer: aiohttp.ClientResponse, limit: int) -> Response | RequestError:
    """Return `answer` with its body, or the error of a body that is too large or lacks its end.

    Args:
        answer: An answer whose head has come.
        limit: Maximum size of the body of a page, in bytes, counted after decompression. Of an error, only the
            beginning is read.
    """
    page = answer.status == HTTPStatus.OK
    body = await _read(answer, limit if page else _MOST_OF_AN_ERROR)
    if not page:
        whole = len(body) <= _MOST_OF_AN_ERROR and not _ends_with_connection(answer)
        return Response(answer.status, answer.headers, body, whole)
    if len(body) > limit:
        return ResponseTooLargeError(
            f"the answer is larger than max_response_bytes ({limit})",
            hint="ask for less at once with total",
            limit=limit,
        )
    if _ends_with_connection(answer) and is_cut(body):
        return cut_short()
    return Response(answer.status, answer.headers, body)


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body, or its beginning, which is larger than `limit`."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await answer.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            # The rest is not wanted, so the connection cannot serve again.
            answer.close()
            break
    return b"".join(chunks)


def _ends_with_connection(answer: aiohttp.ClientResponse) -> bool:
    """Tell whether only the end of the connection says where the body of `answer` ends."""
    headers = answer.headers
    return "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", "").lower()
