"""Keep secrets out of what other libraries record and send. Performs no I/O."""

from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from attrs import frozen

from threads_async._actions import ACTIONS
from threads_async._endpoints import ENDPOINTS
from threads_async._secrets import shorten

_BEFORE_A_TOKEN: Final = tuple(action.path for action in ACTIONS if action.takes == "a token")
_WITHOUT_A_TOKEN: Final = tuple(action.path for action in ACTIONS if action.takes != "a token")
_SECRETS: Final = frozenset(name for endpoint in ENDPOINTS for name in endpoint.secrets)


def redact_url(url: object) -> str:
    """Return the URL without credentials, and with the thread token in its path or query shortened.

    OpenTelemetry's instrumentation of aiohttp records the URL of each request, including the query. Pass it this
    function::

        AioHttpClientInstrumentor().instrument(url_filter=redact_url)

    Args:
        url: A URL: a string, or an object whose ``str()`` is a URL, such as the ``yarl.URL`` of aiohttp.
    """
    parts = urlsplit(str(url))
    head, slash, last = parts.path.rpartition("/")
    if head.endswith(_BEFORE_A_TOKEN) and not parts.path.endswith(_WITHOUT_A_TOKEN):
        parts = parts._replace(path=f"{head}{slash}{quote(shorten(unquote(last)) or '')}")
    query = [
        (name, shorten(value) or "" if name in _SECRETS and value else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(query)))


@frozen
class ShortenSecrets:
    """An annotation with which pydantic and FastAPI shorten thread tokens and connection strings in their output.

    Without it, the output contains the complete secrets. It annotates a value, a page of values, or a list, tuple or
    dictionary of values::

        @app.get("/threads")
        async def threads() -> Annotated[list[ExecutionThread], ShortenSecrets()]: ...

    It does not change what is accepted as input. For anything else, such as a model that contains a value, pydantic
    raises `TypeError`: annotate the field of the model instead.

    If the data was not validated, for example because of ``model_construct``, and is not a value or a collection of
    values, it cannot be serialized.

    Pydantic itself ignores annotations in three cases, and then the secrets are complete: with ``serialize_as_any``, if
    the object in a field is not of its type, such as a tuple in a field for a list, and before pydantic 2.14 in the
    fields of a named tuple. In the second case it warns. Where that may happen, annotate the collection, as above,
    rather than its items.

    The annotation says nothing about other fields, such as one of type ``Any`` with a value in it. The JSON schema of a
    model contains the default of a field as it is.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from threads_async._pydantic import shortened  # noqa: PLC0415 - only pydantic calls this, so it is there

        return shortened(source, handler)
