"""Keep secrets out of what instruments of HTTP record. Performs no I/O."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from threads_async._endpoints import ENDPOINTS
from threads_async._secrets import shorten

_SECRETS: Final = frozenset(name for endpoint in ENDPOINTS for name in endpoint.secrets)


def redact_url(url: object) -> str:
    """Return `url` without credentials and with the thread token in its query shortened.

    The OpenTelemetry instrumentation of aiohttp records the URL of each request, the query included. Give it this
    function::

        AioHttpClientInstrumentor().instrument(url_filter=redact_url)

    Args:
        url: A URL as text, or as anything whose text it is, such as aiohttp's own.
    """
    parts = urlsplit(str(url))
    query = [
        (name, shorten(value) or "" if name in _SECRETS and value else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(query)))
