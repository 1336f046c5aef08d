"""The OpenAPI document of the resource, as the real program publishes one at the same path."""

from typing import Any, Final

DOCUMENT_PATH: Final = "/openapi/threads.v1.json"


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _json_of(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


_THREAD_TYPES: Final = ["Manual", "BrowserInstance"]

DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.0.3",
    "info": {"title": "Execution threads", "version": "v1"},
    "paths": {
        "/v1/threads": {
            "get": {
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
                        "Most threads to return.",
                    ),
                    _parameter("thread_token", {"type": "string"}, "Only the thread with this token."),
                    _parameter("type", {"type": "string", "enum": _THREAD_TYPES}, "Only threads of this type."),
                    _parameter(
                        "sorting", {"type": "string"}, "CreatedAt, ThreadToken, Type or WorkspaceId, with ASC or DESC."
                    ),
                ],
                "responses": {
                    "200": {"description": "OK", "content": _json_of("ThreadPage")},
                    "400": {"description": "A parameter is not of its type."},
                    "401": {"description": "The API token is missing or wrong.", "content": _json_of("Error")},
                    "500": {"description": "Internal server error.", "content": _json_of("Error")},
                },
            }
        }
    },
    "components": {
        "securitySchemes": {"ApiToken": {"type": "apiKey", "in": "header", "name": "Api-Token"}},
        "schemas": {
            "ThreadPage": {
                "type": "object",
                "required": ["totalCount", "items"],
                "properties": {
                    "totalCount": {"type": "integer", "format": "int64", "description": "All threads that match."},
                    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Thread"}},
                },
            },
            "Thread": {
                "type": "object",
                "required": ["workspaceId", "threadToken", "type", "createdAt"],
                "properties": {
                    "workspaceId": {"type": "integer", "format": "int64"},
                    "threadToken": {"type": "string", "nullable": True},
                    "type": {"type": "string", "enum": _THREAD_TYPES},
                    "createdAt": {"type": "string", "format": "date-time"},
                },
            },
            "Error": {"type": "object", "properties": {"message": {"type": "string", "nullable": True}}},
        },
    },
}
