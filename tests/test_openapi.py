"""`FakeServer` does what its OpenAPI documents say. Session `schema` of noxfile.py tests the same with schemathesis."""

import json
import re
import string
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from jsonschema import Draft4Validator, FormatChecker

from threads_async.testing import FakeBrowser, FakeServer, FakeThread, FakeWorkspace

FORMATS = FormatChecker()


@FORMATS.checks("int32")
def is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@FORMATS.checks("uuid")
def is_uuid(value: object) -> bool:
    """Return whether `value` is a UUID as in RFC 9562. jsonschema's own check also accepts digits outside ASCII."""
    if not isinstance(value, str):
        return True
    groups = value.split("-")
    return [8, 4, 4, 4, 12] == [len(group) for group in groups] and set("".join(groups)) <= set(string.hexdigits)


RESOURCES = ["threads", "workspaces", "browser_instances"]
PRODUCT = "product"
PATHS = {resource: f"/v1/{resource}" for resource in RESOURCES} | {PRODUCT: "/v1/product/limits"}
each_resource = pytest.mark.parametrize("resource", RESOURCES)
each_document = pytest.mark.parametrize("resource", PATHS)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=10, workspaces=10, browsers=10) as server:
        server.start_thread(thread_token=None)
        server.add_workspace(name=None, role=None)
        server.start_browser(connection_string=None)
        yield server


@pytest.fixture
async def document(server: FakeServer, resource: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/{resource}.v1.json") as answer:
        document: dict[str, Any] = await answer.json()
    return document


def plain(value: Any) -> Any:
    """Return a part of a document with `nullable` of OpenAPI 3.0 translated to JSON Schema."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: plain(one) for name, one in value.items() if name != "nullable"}
    return changed | {"type": [value["type"], "null"]} if "nullable" in value else changed


def fits(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    whole = plain({"components": document["components"], **schema})
    # OpenAPI 3.0 is based on a draft in which 1.0 is not an integer.
    return Draft4Validator(whole, format_checker=FORMATS).is_valid(value)


def operation_of(document: dict[str, Any]) -> dict[str, Any]:
    (operation,) = [operations["get"] for operations in document["paths"].values() if "get" in operations]
    assert isinstance(operation, dict)
    return operation


def parameter_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (parameter,) = [one for one in operation_of(document)["parameters"] if one["name"] == name]
    assert isinstance(parameter, dict)
    return parameter


async def ask(server: FakeServer, resource: str, query: str = "", token: str | None = None) -> tuple[int, str, Any]:
    headers = {"Api-Token": server.token if token is None else token}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.url}{PATHS[resource]}{query}") as answer,
    ):
        return answer.status, answer.content_type, await answer.json()


JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMBERS = [
    "0", "1", "-1", "-0", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9" * 5000, "1.5", "1.0", "1e1", "+1", "01",
    "-", "--1", " 1", "1 ", "1_0", "0x1", "x", " ", "null", "٣",
]  # fmt: skip
UUIDS = [
    "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "123e4567e89b12d3a456426614174000", "123e4567-e89b12d3a456426614174000", "123e4567e89b-12d3-a456-426614174000",
    "123e4567-e89b12d3-a456-426614174000", "123e4567-e89b-12d3a456-426614174000", "123e4567-e89b-12d3-a456426614174000",
    "{123e4567-e89b-12d3-a456-426614174000}", "(123e4567-e89b-12d3-a456-426614174000)",
    "urn:uuid:123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400",
    "123e4567-e89b-12d3-a456-4266141740000", "123e456-7e89b-12d3-a456-426614174000",
    "g23e4567-e89b-12d3-a456-426614174000", "1+3e4567-e89b-12d3-a456-426614174000",
    " 123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000\n",
    "١23e4567-e89b-12d3-a456-426614174000", "1", "x", " ", "null",
]  # fmt: skip
WORDS = ["x", " ", "null", "eyJ.a+b", "Имя", "0"]
SORTINGS = [
    "CreatedAt", "ThreadToken", "Type", "WorkspaceId", "ConnectionString", "ProcessId", "ProfileId", "createdat",
    "PROFILEID", "TYPE ASC", "processid asc", "Type  desc", "ProcessId  DESC", "WorkspaceId Desc", "ProfileId Desc",
    "Name", "Type UP", "ProcessId UP", "Type ASC DESC", "ProcessId ASC DESC", "Type\tASC", "ProcessId\tASC", " Type",
    " ProcessId", "Type ", "ProcessId ", " ", "TypeASC", "ProcessIdASC", "ASC", "null", "Wor\u212aspaceId",
    "Proce\u017f\u017fId", "Connect\u0131onString",
]  # fmt: skip
TEXTS = {
    "threads": {
        "workspaceId": NUMBERS,
        "start": NUMBERS,
        "total": NUMBERS,
        "thread_token": WORDS,
        "type": ["Manual", "BrowserInstance", "manual", "Robot", " ", "null"],
        "sorting": SORTINGS,
    },
    "workspaces": {
        "start": NUMBERS,
        "total": NUMBERS,
        "id": NUMBERS,
        "name": WORDS,
        "roles": WORDS,
    },
    "browser_instances": {
        "workspaceId": NUMBERS,
        "start": NUMBERS,
        "total": NUMBERS,
        "profileId": UUIDS,
        "processId": NUMBERS,
        "sorting": SORTINGS,
    },
    PRODUCT: {"workspaceId": NUMBERS},
}
each_parameter = pytest.mark.parametrize(
    ("resource", "name"), [(resource, name) for resource, texts in TEXTS.items() for name in texts]
)


@each_document
async def test_every_parameter_of_the_document_is_tested_here(document: dict[str, Any], resource: str) -> None:
    assert list(TEXTS[resource]) == [one["name"] for one in operation_of(document)["parameters"]]


@each_parameter
async def test_a_value_is_accepted_exactly_if_the_document_allows_it(
    server: FakeServer, document: dict[str, Any], resource: str, name: str
) -> None:
    schema = parameter_of(document, name)["schema"]
    number = schema.get("type") == "integer"

    for text in TEXTS[resource][name]:
        value = json.loads(text) if number and len(text) < 100 and JSON_NUMBER.fullmatch(text) else text
        status, _, _ = await ask(server, resource, f"?{urlencode({name: text})}")
        assert (text, 200 if fits(document, schema, value) else 400) == (text, status)


INT32 = ["0", "1", "-1", "-0", "2147483647", "-2147483648"]
INT64 = [
    "0", "1", "-1", "-0", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
    "-9223372036854775808",
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "name", "expected"),
    [
        *[(resource, "start", ["0", "1", "-0", "2147483647"]) for resource in RESOURCES],
        *[(resource, "total", ["1", "2147483647"]) for resource in RESOURCES],
        ("threads", "workspaceId", INT64),
        ("browser_instances", "workspaceId", INT64),
        (PRODUCT, "workspaceId", INT64),
        ("workspaces", "id", INT64),
        ("browser_instances", "processId", INT32),
        ("browser_instances", "profileId", UUIDS[:4]),
    ],
)
async def test_numbers_have_the_documented_bounds_and_uuids_one_form(
    server: FakeServer, resource: str, name: str, expected: list[str]
) -> None:
    """The bounds are repeated here, because the document and the server take theirs from the same place."""
    accepted = []
    for text in TEXTS[resource][name]:
        status, _, _ = await ask(server, resource, f"?{urlencode({name: text})}")
        accepted += [text] * (status == 200)

    assert expected == accepted


@each_parameter
async def test_an_empty_value_is_declared_and_means_the_default(
    server: FakeServer, document: dict[str, Any], resource: str, name: str
) -> None:
    parameter = parameter_of(document, name)

    assert parameter["allowEmptyValue"]
    assert not parameter.get("required")
    assert await ask(server, resource) == await ask(server, resource, f"?{name}=")


@pytest.mark.parametrize(
    ("resource", "filters"),
    [
        ("threads", ["thread_token", "type", "sorting"]),
        ("workspaces", ["id", "name", "roles"]),
        ("browser_instances", ["profileId", "processId", "sorting"]),
        (PRODUCT, []),
    ],
)
async def test_null_is_allowed_for_a_filter_but_not_for_a_number_with_a_default(
    document: dict[str, Any], resource: str, filters: list[str]
) -> None:
    assert filters == [name for name in TEXTS[resource] if fits(document, parameter_of(document, name)["schema"], None)]


ACTIONS = {
    "/v1/threads/create": "post",
    "/v1/threads/create_bulk": "post",
    "/v1/threads/use_bulk": "put",
    "/v1/threads/use/{threadToken}": "put",
    "/v1/threads/delete_bulk": "delete",
    "/v1/threads/{threadToken}": "delete",
}


@pytest.mark.parametrize(
    ("resource", "item"), [("threads", "Thread"), ("workspaces", "Workspace"), ("browser_instances", "BrowserInstance")]
)
async def test_the_operation_and_the_items_have_names(document: dict[str, Any], resource: str, item: str) -> None:
    schemas = document["components"]["schemas"]

    others = ACTIONS if resource == "threads" else {}
    assert {f"/v1/{resource}": "get"} | others == {path: "".join(one) for path, one in document["paths"].items()}
    assert f"get_{resource}" == operation_of(document)["operationId"]
    assert {"$ref": f"#/components/schemas/{item}"} == schemas["Page"]["properties"]["items"]["items"]


@pytest.mark.parametrize("resource", ["threads"])
async def test_the_types_of_threads_have_names(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert {"type": "string", "enum": ["Manual", "BrowserInstance"]} == schemas["ThreadType"]
    assert {"$ref": "#/components/schemas/ThreadType"} == schemas["Thread"]["properties"]["type"]
    assert {"$ref": "#/components/schemas/NullableOfThreadType"} == parameter_of(document, "type")["schema"]


@each_document
async def test_the_token_and_its_header_are_declared(document: dict[str, Any]) -> None:
    ((name, scopes),) = operation_of(document)["security"][0].items()

    assert [] == scopes
    assert {"type": "apiKey", "in": "header", "name": "Api-Token"} == document["components"]["securitySchemes"][name]


@each_resource
@pytest.mark.parametrize(
    ("query", "token", "expected"),
    [("", None, 200), ("?start=99", None, 500), ("?total=0&start=x", None, 400), ("", "wrong", 401)],
)
async def test_every_response_has_the_type_and_schema_declared_for_its_status(
    server: FakeServer, document: dict[str, Any], resource: str, query: str, token: str | None, expected: int
) -> None:
    server.past_end = "error"

    status, content_type, body = await ask(server, resource, query, token)

    assert expected == status
    declared = operation_of(document)["responses"][str(status)]["content"]
    assert [content_type] == list(declared)
    assert fits(document, declared[content_type]["schema"], body)
    assert not fits(document, declared[content_type]["schema"], {})


@each_resource
async def test_an_item_has_exactly_the_declared_properties(
    server: FakeServer, document: dict[str, Any], resource: str
) -> None:
    schemas = document["components"]["schemas"]
    item = schemas[schemas["Page"]["properties"]["items"]["items"]["$ref"].rpartition("/")[2]]

    _, _, body = await ask(server, resource)

    assert 11 == len(body["items"])
    assert [(item["required"], list(item["properties"]))] * 11 == [(list(one), list(one)) for one in body["items"]]


@each_resource
async def test_the_documented_response_fits_the_document(document: dict[str, Any], resource: str) -> None:
    thread = FakeThread(workspace_id=1, thread_token=None, type="Manual", created_at="2025-07-25T09:34:29.768Z")
    browser = FakeBrowser(
        workspace_id=1, profile_id="123e4567-e89b-12d3-a456-426614174000", process_id=1, connection_string=None
    )
    async with FakeServer([thread], workspaces=[FakeWorkspace(1)], browsers=[browser]) as server:
        _, content_type, body = await ask(server, resource)

    assert 1 == len(body["items"])
    assert fits(document, operation_of(document)["responses"]["200"]["content"][content_type]["schema"], body)


@pytest.mark.parametrize("resource", [PRODUCT])
@pytest.mark.parametrize(
    ("query", "token", "expected"), [("", None, 200), ("?workspaceId=x", None, 400), ("", "wrong", 401)]
)
async def test_a_limits_response_has_the_schema_declared_for_its_status(
    server: FakeServer, document: dict[str, Any], resource: str, query: str, token: str | None, expected: int
) -> None:
    status, content_type, body = await ask(server, resource, query, token)

    assert expected == status
    declared = operation_of(document)["responses"][str(status)]["content"]
    assert [content_type] == list(declared)
    assert fits(document, declared[content_type]["schema"], body)
    assert not fits(document, declared[content_type]["schema"], {})


@pytest.mark.parametrize("resource", [PRODUCT])
async def test_limits_have_just_the_declared_properties(
    server: FakeServer, document: dict[str, Any], resource: str
) -> None:
    schema = document["components"]["schemas"]["Limits"]

    _, _, body = await ask(server, resource)

    assert [PATHS[resource]] == list(document["paths"])
    assert "get_product_limits" == operation_of(document)["operationId"]
    assert 10 == len(body)
    assert list(body) == schema["required"] == list(schema["properties"])


@pytest.mark.parametrize("name", ["proxies", "profiles", "presets"])
async def test_a_sibling_resource_has_a_valid_document_without_paths(server: FakeServer, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/{name}.v1.json") as answer:
        document = await answer.json()

    assert (200, "application/json") == (answer.status, answer.content_type)
    assert ["openapi", "info", "paths"] == list(document)
    assert re.fullmatch(r"3\.0\.\d", document["openapi"])
    assert {"title": str, "version": str} == {field: type(value) for field, value in document["info"].items()}
    assert {} == document["paths"]


async def test_documents_with_other_names_do_not_exist(server: FakeServer) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/robots.v1.json") as answer:
        assert 404 == answer.status
