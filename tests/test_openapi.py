"""The fake's OpenAPI documents say what it does. The duty `schema` of noxfile.py asks the same with schemathesis."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from threads_async.testing import FakeServer, FakeThread

FORMATS = FormatChecker()


@FORMATS.checks("int32")
def is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer(threads=10) as server:
        server.start_thread(thread_token=None)
        yield server


@pytest.fixture
async def document(server: FakeServer) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/threads.v1.json") as answer:
        document: dict[str, Any] = await answer.json()
    return document


def plain(value: Any) -> Any:
    """Return a part of a document with `nullable` of OpenAPI 3.0 said as JSON Schema says it."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: plain(one) for name, one in value.items() if name != "nullable"}
    return changed | {"type": [value["type"], "null"]} if "nullable" in value else changed


def fits(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    whole = plain({"components": document["components"], **schema})
    return Draft202012Validator(whole, format_checker=FORMATS).is_valid(value)


def operation_of(document: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"]["/v1/threads"]["get"]
    return operation


def schema_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    (schema,) = [one["schema"] for one in operation_of(document)["parameters"] if one["name"] == name]
    assert isinstance(schema, dict)
    return schema


async def ask(server: FakeServer, query: str = "", token: str | None = None) -> tuple[int, str, Any]:
    headers = {"Api-Token": server.token if token is None else token}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.url}/v1/threads{query}") as answer,
    ):
        return answer.status, answer.content_type, await answer.json()


NUMBERS = ["0", "1", "-1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1.5", "x", "null"]
SORTINGS = [
    "CreatedAt", "ThreadToken", "Type", "WorkspaceId", "createdat", "TYPE ASC", "Type  desc", "WorkspaceId Desc",
    "Name", "Type UP", "Type ASC DESC", "Type\tASC", " Type", "Type ", " ", "TypeASC", "ASC", "Wor\u212aspaceId",
]  # fmt: skip
TEXTS = {
    "workspaceId": NUMBERS,
    "start": NUMBERS,
    "total": NUMBERS,
    "thread_token": ["x", " ", "eyJ.a+b"],
    "type": ["Manual", "BrowserInstance", "Robot", " ", "null"],
    "sorting": SORTINGS,
}


@pytest.mark.parametrize("name", TEXTS)
async def test_a_value_is_answered_if_the_document_admits_it_and_refused_if_not(
    server: FakeServer, document: dict[str, Any], name: str
) -> None:
    schema = schema_of(document, name)
    number = schema.get("type") == "integer"

    for text in TEXTS[name]:
        value = json.loads(text) if number and re.fullmatch(r"-?[\d.]+", text) else text
        status, _, _ = await ask(server, f"?{urlencode({name: text})}")
        assert (text, 200 if fits(document, schema, value) else 400) == (text, status)


@pytest.mark.parametrize("name", TEXTS)
async def test_an_empty_value_is_declared_and_means_the_default(
    server: FakeServer, document: dict[str, Any], name: str
) -> None:
    (parameter,) = [one for one in operation_of(document)["parameters"] if one["name"] == name]

    assert parameter["allowEmptyValue"]
    assert not parameter.get("required")
    assert await ask(server) == await ask(server, f"?{name}=")


async def test_null_leaves_a_filter_out_but_is_no_number(document: dict[str, Any]) -> None:
    assert ["thread_token", "type", "sorting"] == [
        name for name in TEXTS if fits(document, schema_of(document, name), None)
    ]


async def test_the_operation_and_the_types_of_threads_have_names(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert "get_threads" == operation_of(document)["operationId"]
    assert {"type": "string", "enum": ["Manual", "BrowserInstance"]} == schemas["ThreadType"]
    assert {"$ref": "#/components/schemas/ThreadType"} == schemas["Thread"]["properties"]["type"]
    assert {"$ref": "#/components/schemas/NullableOfThreadType"} == schema_of(document, "type")


async def test_the_token_and_its_header_are_declared(server: FakeServer, document: dict[str, Any]) -> None:
    ((name, scopes),) = operation_of(document)["security"][0].items()

    assert [] == scopes
    assert {"type": "apiKey", "in": "header", "name": "Api-Token"} == document["components"]["securitySchemes"][name]


@pytest.mark.parametrize(
    ("query", "token", "expected"),
    [("", None, 200), ("?start=99", None, 500), ("?total=0&type=Robot", None, 400), ("", "wrong", 401)],
)
async def test_every_answer_is_of_the_type_and_schema_declared_for_its_status(
    server: FakeServer, document: dict[str, Any], query: str, token: str | None, expected: int
) -> None:
    server.past_end = "error"

    status, content_type, body = await ask(server, query, token)

    assert expected == status
    declared = operation_of(document)["responses"][str(status)]["content"]
    assert [content_type] == list(declared)
    assert fits(document, declared[content_type]["schema"], body)
    assert not fits(document, declared[content_type]["schema"], {})


async def test_the_documented_answer_fits_the_document(document: dict[str, Any]) -> None:
    thread = FakeThread(workspace_id=1, thread_token=None, type="Manual", created_at="2025-07-25T09:34:29.768Z")
    async with FakeServer([thread]) as server:
        _, content_type, body = await ask(server)

    assert fits(document, operation_of(document)["responses"]["200"]["content"][content_type]["schema"], body)


@pytest.mark.parametrize("name", ["workspaces", "proxies", "profiles", "presets", "browser_instances", "product"])
async def test_a_sibling_resource_has_a_valid_document_without_paths(server: FakeServer, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/{name}.v1.json") as answer:
        document = await answer.json()

    assert (200, "application/json") == (answer.status, answer.content_type)
    assert ["openapi", "info", "paths"] == list(document)
    assert re.fullmatch(r"3\.0\.\d", document["openapi"])
    assert {"title": str, "version": str} == {field: type(value) for field, value in document["info"].items()}
    assert {} == document["paths"]


async def test_documents_of_other_names_are_not_there(server: FakeServer) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/openapi/robots.v1.json") as answer:
        assert 404 == answer.status
