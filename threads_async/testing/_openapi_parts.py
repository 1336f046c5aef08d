"""Parts of the OpenAPI documents of `FakeServer`, and the operations on threads. Performs no I/O."""

from typing import Any, Final

from threads_async.testing._operations import MOST_STARTED, OPERATIONS, Operation


def parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """Return a parameter in the query."""
    # The examples in the API's documentation send parameters without a value, which means the default.
    return {"name": name, "in": "query", "description": description, "allowEmptyValue": True, "schema": schema}


def ref(schema: str) -> dict[str, Any]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{schema}"}


def response(description: str, schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """Return a response with a body."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


WORKSPACE: Final = parameter(
    "workspaceId",
    {"type": "integer", "format": "int64", "default": -1},
    "ID of the workspace; -1 is the default workspace.",
)

FAILURES: Final = {
    "400": response(
        "A parameter has the wrong type or is out of range.", ref("ValidationProblem"), "application/problem+json"
    ),
    "401": response("The API token is missing or wrong.", ref("Error")),
    "403": response("The API token does not allow this.", ref("Error")),
    "500": response("Internal server error.", ref("Error")),
}

_COUNT: Final = {
    "name": "count",
    "in": "query",
    "required": True,
    "description": "Number of threads to start. The maximum is that of the fake server.",
    "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": MOST_STARTED},
}
_TOKEN: Final = {
    "name": "threadToken",
    "in": "path",
    "required": True,
    "description": "Token of the thread.",
    "schema": {"type": "string", "minLength": 1},
}
_TOKENS: Final = {
    "required": True,
    "description": "Tokens of the threads.",
    "content": {"application/json": {"schema": {"type": "array", "minItems": 1, "items": {"type": "string"}}}},
}
_THREAD: Final = response("OK", ref("Thread"))
_THREADS: Final = response("OK", {"type": "array", "items": ref("Thread")})
_NO_CONTENT: Final = {"description": "No content."}
_NO_THREAD_FREE: Final = response("Internal server error, or fewer threads are free than requested.", ref("Error"))
_NO_WORKSPACE: Final = response("There is no such workspace.", ref("Error"))
_NOT_RUNNING: Final = response("A thread is not running.", ref("Error"))

# The operation IDs and the summaries, by kind and by whether the operation is for several threads.
_NAMES: Final = {
    ("start", False): ("create_thread", "Start a thread."),
    ("start", True): ("create_threads", "Start several threads."),
    ("continue", False): ("use_thread", "Continue the work of a thread."),
    ("continue", True): ("use_threads", "Continue the work of several threads."),
    ("stop", False): ("delete_thread", "Stop a thread and the browser that runs in it."),
    ("stop", True): ("delete_threads", "Stop several threads and the browsers that run in them."),
}


def _success_of(operation: Operation) -> dict[str, Any]:
    match operation.kind, operation.bulk:
        case "start", bulk:
            return {"200": _THREADS if bulk else _THREAD, "404": _NO_WORKSPACE, "500": _NO_THREAD_FREE}
        case "continue", False:
            return {"200": _THREAD, "204": _NO_CONTENT, "404": _NOT_RUNNING}
        case _:
            return {"204": _NO_CONTENT, "404": _NOT_RUNNING}


def _of(operation: Operation) -> dict[str, Any]:
    name, summary = _NAMES[operation.kind, operation.bulk]
    in_path = operation.path.endswith("}")
    counted = operation.kind == "start" and operation.bulk
    described: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "security": [{"ApiToken": []}],
        "parameters": [*[_TOKEN] * in_path, *[_COUNT] * counted, WORKSPACE],
        "responses": FAILURES | _success_of(operation),
    }
    return described | {"requestBody": _TOKENS} if operation.kind != "start" and operation.bulk else described


def action_paths() -> dict[str, dict[str, Any]]:
    """Return the operations that start, continue and stop threads, by path and method."""
    return {operation.path: {operation.method.lower(): _of(operation)} for operation in OPERATIONS}
