"""The OpenAPI documents of `FakeServer`, at the paths where ZennoBrowser publishes its own. Performs no I/O.

The vendor's own client, an MCP server, reads all seven documents at startup, exits if one is missing, and creates a
tool for each operation. Only the threads, the workspaces, the browsers and the limits have operations here. The
documents of the other resources are valid but have no paths.
"""

from typing import Any, Final

from threads_async.testing import _limits
from threads_async.testing._openapi_parts import FAILURES, WORKSPACE, action_paths, parameter, ref, response
from threads_async.testing._resources import BROWSER_INSTANCES, THREADS, WORKSPACES, Resource
from threads_async.testing._rows import TYPES

_OTHER_RESOURCES: Final = {
    "proxies": "Proxies",
    "profiles": "Profiles",
    "presets": "Presets",
}


def _any_case(text: str) -> str:
    # JSON Schema patterns have no flag for this.
    return "".join(f"[{letter.upper()}{letter.lower()}]" for letter in text)


def _one_of(*texts: str) -> str:
    return f"({'|'.join(map(_any_case, texts))})"


def _parameters_of(resource: Resource[Any], noun: str) -> list[dict[str, Any]]:
    slicing = [
        parameter(
            "start",
            {"type": "integer", "format": "int32", "default": 0, "minimum": 0},
            "Index of the first item to return, counted from zero.",
        ),
        parameter(
            "total",
            {"type": "integer", "format": "int32", "default": 1000, "minimum": 1},
            f"Maximum number of {noun} to return.",
        ),
    ]
    # A client that supports null passes it to leave out a filter.
    filters = [parameter(one.name, one.kind, one.text) for one in resource.filters]
    names = [name for name, _ in resource.sortings]
    pattern = f"^{_one_of(*names)}( +{_one_of('ASC', 'DESC')})?$"
    sorting = parameter(
        "sorting",
        {"type": "string", "nullable": True, "pattern": pattern},
        f"Sort by {' or '.join([', '.join(names[:-1]), *names[-1:]])}, optionally followed by ASC or DESC (any case).",
    )
    return [*[WORKSPACE] * resource.in_workspaces, *slicing, *filters, *[sorting] * bool(names)]


def _operation(name: str, summary: str, parameters: list[dict[str, Any]], schema: str) -> dict[str, Any]:
    return {
        # Named like the tools of the vendor's client.
        "operationId": f"get_{name}",
        "summary": summary,
        "security": [{"ApiToken": []}],
        "parameters": parameters,
        "responses": {
            "200": response("OK", ref(schema)),
            **FAILURES,
        },
    }


def _page_schema(item: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["totalCount", "items"],
        "properties": {
            "totalCount": {
                "type": "integer",
                "format": "int64",
                "description": "Number of matching items on all pages.",
            },
            "items": {"type": "array", "items": ref(item)},
        },
    }


def _item_schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_NULLABLE_TEXT: Final = {"type": "string", "nullable": True}
_ITEMS: Final = {
    "Thread": _item_schema(
        workspaceId={"type": "integer", "format": "int64"},
        threadToken=_NULLABLE_TEXT,
        type=ref("ThreadType"),
        createdAt={"type": "string", "format": "date-time"},
    ),
    "Workspace": _item_schema(
        workspaceId={"type": "integer", "format": "int64"}, name=_NULLABLE_TEXT, role=_NULLABLE_TEXT
    ),
    "BrowserInstance": _item_schema(
        profileId={"type": "string", "format": "uuid"},
        processId={"type": "integer", "format": "int32"},
        connectionString=_NULLABLE_TEXT,
    ),
}

_SCHEMAS: Final[dict[str, Any]] = {
    "ThreadType": {"type": "string", "enum": [*TYPES]},
    # In OpenAPI 3.0, an enum allows null only if it contains null, and nothing may stand beside a $ref.
    "NullableOfThreadType": {"type": "string", "nullable": True, "enum": [*TYPES, None]},
    "ValidationProblem": {
        "type": "object",
        "required": ["title", "status", "errors"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer", "format": "int32"},
            "errors": {
                "type": "object",
                "description": "What is wrong, by parameter name.",
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


def _api_document(title: str, paths: dict[str, dict[str, Any]], **schemas: Any) -> dict[str, Any]:
    return _document(
        title,
        paths=paths,
        components={
            "securitySchemes": {"ApiToken": {"type": "apiKey", "in": "header", "name": "Api-Token"}},
            "schemas": _SCHEMAS | schemas,
        },
    )


def _listing(resource: Resource[Any], title: str, item: str) -> dict[str, dict[str, Any]]:
    name = resource.path.rpartition("/")[2]
    noun = title.lower()
    operation = _operation(name, f"List the {noun}.", _parameters_of(resource, noun), "Page")
    schemas = {"Page": _page_schema(item), item: _ITEMS[item]}
    paths = {resource.path: {"get": operation}} | (action_paths() if resource is THREADS else {})
    return {f"/openapi/{name}.v1.json": _api_document(title, paths, **schemas)}


_LIMITS: Final = _item_schema(**{name: {"type": "integer", "format": "int64"} for name in _limits.NAMES})
_PRODUCT: Final = _api_document(
    "Product",
    {
        _limits.PATH: {
            "get": _operation(
                "product_limits",
                "Return the limits of the licence and how much of them is in use.",
                [WORKSPACE],
                "Limits",
            )
        }
    },
    Limits=_LIMITS,
)

DOCUMENTS: Final = {
    **_listing(THREADS, "Execution threads", "Thread"),
    **_listing(WORKSPACES, "Workspaces", "Workspace"),
    **_listing(BROWSER_INSTANCES, "Browser instances", "BrowserInstance"),
    "/openapi/product.v1.json": _PRODUCT,
    **{f"/openapi/{name}.v1.json": _document(title) for name, title in _OTHER_RESOURCES.items()},
}
"""The documents by path. As with ZennoBrowser, no token is needed to read them."""
