"""The OpenAPI documents that the fake serves, at the paths where the real program publishes its own. Performs no I/O.

The vendor's own client, an MCP server, reads all seven at its start, ends if one is missing, and makes a tool of each
operation. Only the threads have operations here; the documents of the other resources are valid and have no paths.
"""

from typing import Any, Final

from threads_async.testing._population import TYPES

_OTHER_RESOURCES: Final = {
    "workspaces": "Workspaces",
    "proxies": "Proxies",
    "profiles": "Profiles",
    "presets": "Presets",
    "browser_instances": "Browser instances",
    "product": "Product",
}


def _any_case(text: str) -> str:
    # A pattern of JSON Schema has no flag for it.
    return "".join(f"[{letter.upper()}{letter.lower()}]" for letter in text)


def _one_of(*texts: str) -> str:
    return f"({'|'.join(map(_any_case, texts))})"


_SORTING: Final = f"^{_one_of('CreatedAt', 'ThreadToken', 'Type', 'WorkspaceId')}( +{_one_of('ASC', 'DESC')})?$"


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    # The page's own examples send parameters without a value, which means the default.
    return {"name": name, "in": "query", "description": description, "allowEmptyValue": True, "schema": schema}


def _ref(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _answer(description: str, schema: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": _ref(schema)}}}


_LIST_THREADS: Final[dict[str, Any]] = {
    # The name that the vendor's client gives it.
    "operationId": "get_threads",
    "summary": "List the execution threads of a workspace.",
    "security": [{"ApiToken": []}],
    "parameters": [
        _parameter(
            "workspaceId",
            {"type": "integer", "format": "int64", "default": -1},
            "Id of the workspace; -1 is the default workspace.",
        ),
        _parameter(
            "start",
            {"type": "integer", "format": "int32", "default": 0, "minimum": 0},
            "Index of the first thread, from zero.",
        ),
        _parameter(
            "total",
            {"type": "integer", "format": "int32", "default": 1000, "minimum": 1},
            "Maximum number of threads to return.",
        ),
        # Null, in a client that knows the word, leaves a filter out.
        _parameter("thread_token", {"type": "string", "nullable": True}, "Only the thread with this token."),
        _parameter("type", _ref("NullableOfThreadType"), "Only threads of this type."),
        _parameter(
            "sorting",
            {"type": "string", "nullable": True, "pattern": _SORTING},
            "CreatedAt, ThreadToken, Type or WorkspaceId, with ASC or DESC, in any letter case.",
        ),
    ],
    "responses": {
        "200": _answer("OK", "ThreadPage"),
        "400": _answer("A parameter is not of its type.", "ValidationProblem", "application/problem+json"),
        "401": _answer("The API token is missing or wrong.", "Error"),
        "500": _answer("Internal server error.", "Error"),
    },
}

_SCHEMAS: Final[dict[str, Any]] = {
    "ThreadPage": {
        "type": "object",
        "required": ["totalCount", "items"],
        "properties": {
            "totalCount": {
                "type": "integer",
                "format": "int64",
                "description": "The number of threads that match, on all pages.",
            },
            "items": {"type": "array", "items": _ref("Thread")},
        },
    },
    "Thread": {
        "type": "object",
        "required": ["workspaceId", "threadToken", "type", "createdAt"],
        "properties": {
            "workspaceId": {"type": "integer", "format": "int64"},
            "threadToken": {"type": "string", "nullable": True},
            "type": _ref("ThreadType"),
            "createdAt": {"type": "string", "format": "date-time"},
        },
    },
    "ThreadType": {"type": "string", "enum": [*TYPES]},
    # OpenAPI 3.0 takes null from an enum only where the enum has it, and nothing beside a $ref.
    "NullableOfThreadType": {"type": "string", "nullable": True, "enum": [*TYPES, None]},
    "ValidationProblem": {
        "type": "object",
        "required": ["title", "status", "errors"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer", "format": "int32"},
            "errors": {
                "type": "object",
                "description": "What is wrong, by the name of the parameter.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
    "Error": {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string", "nullable": True}},
    },
}


def _document(title: str, **parts: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": title, "version": "v1"}, "paths": {}} | parts


DOCUMENTS: Final = {
    "/openapi/threads.v1.json": _document(
        "Execution threads",
        paths={"/v1/threads": {"get": _LIST_THREADS}},
        components={
            "securitySchemes": {"ApiToken": {"type": "apiKey", "in": "header", "name": "Api-Token"}},
            "schemas": _SCHEMAS,
        },
    )
} | {f"/openapi/{name}.v1.json": _document(title) for name, title in _OTHER_RESOURCES.items()}
"""The documents by path. No token is needed to read them, as with the real program."""
