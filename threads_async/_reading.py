"""Read the body of a response, up to a maximum size."""

from typing import Final

import aiohttp

from threads_async._codec import is_cut
from threads_async._exchange import Request, Response, mark_unknown
from threads_async._failures import cut_short
from threads_async.errors import RequestError, ResponseTooLargeError

_MOST_OF_AN_ERROR: Final = 64 * 2**10
"""Reading the body of an error stops after more bytes than this."""


async def read_answer(answer: aiohttp.ClientResponse, request: Request, limit: int) -> Response | RequestError:
    """Return the response with its body, or an error if the body is too large or its end is missing.

    Args:
        answer: A response whose head was received.
        request: The request.
        limit: Maximum size of the body in bytes, after decompression. Of an error, only the beginning is read.
    """
    succeeded = request.accepts(answer.status)
    body = await _read(answer, limit if succeeded else _MOST_OF_AN_ERROR)
    if not succeeded:
        whole = len(body) <= _MOST_OF_AN_ERROR and not _ends_with_connection(answer)
        return Response(answer.status, answer.headers, body, whole)
    # The response to an action may have no body at all.
    if len(body) > limit:
        text = f"the response is larger than max_response_bytes ({limit})"
        hint = "use a smaller total" if request.action is None else ""
        failure: RequestError = ResponseTooLargeError(text, hint=hint, limit=limit)
    elif (body or request.action is None) and _ends_with_connection(answer) and is_cut(body):
        failure = cut_short()
    else:
        return Response(answer.status, answer.headers, body)
    mark_unknown(failure, request)
    return failure


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body. Stop reading after more than `limit` bytes, and return what was read."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await answer.content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            # The rest is not read, so the connection cannot be used again.
            answer.close()
            break
    return b"".join(chunks)


def _ends_with_connection(answer: aiohttp.ClientResponse) -> bool:
    """Return whether the body of `answer` ends where the connection ends: it has no length and no chunks."""
    headers = answer.headers
    return "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", "").lower()
