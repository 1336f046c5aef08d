"""Values are fields of pydantic models and results of FastAPI endpoints, with the names and the rules of the API."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from test_converters import CONVERTER, browsers, events, fleet_values, limits, threads, workspaces

from threads_async import (
    BrowserInstance,
    DecodeError,
    EventKind,
    ExecutionThread,
    FleetThread,
    Page,
    ServerEvent,
    ShortenSecrets,
    ThreadEvent,
    ThreadType,
    WatchEvent,
    Workspace,
    make_converter,
)

TOKEN = "eyJhbGciOiJIUzI1NiJ9.canary-canary-canary.signature"
SHORT = "eyJ…ture"
MOMENT = datetime(2026, 3, 17, 16, 38, 40, tzinfo=UTC)
THREAD = ExecutionThread(1, TOKEN, ThreadType.MANUAL, MOMENT)
DATA = {"workspaceId": 1, "threadToken": TOKEN, "type": "Manual", "createdAt": "2026-03-17T16:38:40+00:00"}

values = threads | workspaces | browsers | limits | fleet_values | events


class Job(BaseModel):
    """A model of a user."""

    name: str
    thread: ExecutionThread
    previous: ExecutionThread | None = None


class Report(BaseModel):
    """A model for other people."""

    thread: Annotated[ExecutionThread, ShortenSecrets()]
    page: Annotated[Page[ExecutionThread], ShortenSecrets()]
    last: Annotated[FleetThread, ShortenSecrets()] | None = None
    events: Annotated[list[WatchEvent], ShortenSecrets()] = []
    by_name: Annotated[dict[str, tuple[ExecutionThread, ...] | None], ShortenSecrets()] = {}


def test_a_model_accepts_a_value_and_the_data_of_the_api() -> None:
    assert Job(name="a", thread=THREAD).thread is THREAD
    assert Job.model_validate({"name": "a", "thread": DATA}) == Job(name="a", thread=THREAD)


def test_the_data_of_a_model_has_the_names_of_the_api() -> None:
    text = Job(name="a", thread=THREAD).model_dump_json()

    assert {"name": "a", "thread": DATA, "previous": None} == json.loads(text)
    assert Job(name="a", thread=THREAD) == Job.model_validate_json(text)


def test_in_python_mode_a_value_stays_as_it_is() -> None:
    assert {"name": "a", "thread": THREAD, "previous": THREAD} == Job(
        name="a", thread=THREAD, previous=THREAD
    ).model_dump()


def test_the_repr_of_a_model_shows_no_token() -> None:
    job = Job(name="a", thread=THREAD)

    assert "canary" not in f"{job!r} {job} {job.model_dump()}"


def test_a_model_can_be_copied_and_pickled() -> None:
    job = Job(name="a", thread=THREAD)

    assert job == copy.deepcopy(job) == job.model_copy(deep=True) == pickle.loads(pickle.dumps(job))


@given(values)
def test_pydantic_writes_and_reads_what_the_converter_writes_and_reads(value: Any) -> None:
    adapter = TypeAdapter(type(value))
    data = adapter.dump_python(value, mode="json")

    assert CONVERTER.unstructure(value) == data == json.loads(adapter.dump_json(value))
    assert value == adapter.validate_python(data) == adapter.validate_json(adapter.dump_json(value))


junk = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "Manual", "2026"])


@given(st.fixed_dictionaries({}, optional={name: junk | st.just(cell) for name, cell in DATA.items()}))
def test_pydantic_accepts_exactly_what_the_converter_accepts(data: dict[str, Any]) -> None:
    adapter = TypeAdapter(ExecutionThread)
    wanted: Any
    found: Any
    try:
        wanted = CONVERTER.structure(data, ExecutionThread)
    except DecodeError as error:
        wanted = (error.path, error.reason)
    try:
        found = adapter.validate_python(data)
    except ValidationError as error:
        found = (".".join(map(str, error.errors()[0]["loc"])), error.errors()[0]["msg"])

    assert wanted == found


@pytest.mark.parametrize("more", [{"unknown": 1}, {"type": "Robot"}, {"createdAt": "2026-03-17T16:38:40"}])
def test_what_the_api_may_add_is_accepted(more: dict[str, Any]) -> None:
    thread = TypeAdapter(ExecutionThread).validate_python(DATA | more)

    assert MOMENT == thread.created_at
    assert more.get("type", "Manual") == thread.type


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (DATA | {"workspaceId": TOKEN}, ("thread", "workspaceId")),
        (DATA | {"threadToken": [TOKEN]}, ("thread", "threadToken")),
        ({"threadToken": TOKEN}, ("thread",)),
        (TOKEN, ("thread",)),
        (f"\ud800{TOKEN}", ("thread",)),
        (DATA | {"createdAt": f"\ud800{TOKEN}"}, ("thread",)),
    ],
)
def test_an_error_names_the_place_and_shows_no_secret(data: Any, place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        Job.model_validate({"name": "a", "thread": data})

    (found,) = caught.value.errors()
    assert (place, "threads_async", "…") == (found["loc"], found["type"], found["input"])
    assert "canary" not in f"{caught.value} {caught.value.errors()} {caught.value.json()}"


def test_an_error_in_a_page_names_the_item() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Page[ExecutionThread]).validate_python({"totalCount": 2, "items": [DATA, DATA | {"type": 5}]})

    assert ("items", 1, "type") == caught.value.errors()[0]["loc"]


def test_a_page_is_read_with_and_without_its_start() -> None:
    adapter = TypeAdapter(Page[ExecutionThread])
    page = Page((THREAD,), 5, 4)

    assert page == adapter.validate_json(adapter.dump_json(page))
    assert 0 == adapter.validate_python({"totalCount": 5, "items": [DATA]}).start


def test_a_page_of_another_class_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected object"):
        TypeAdapter(Page[ExecutionThread]).validate_python(Page((Workspace(1, None, None),), 1, 0))


def test_a_page_needs_the_class_of_its_items() -> None:
    with pytest.raises(TypeError, match=r"write Page\[ExecutionThread\]"):
        TypeAdapter(Page)


def test_an_event_is_read_as_the_kind_of_event_that_it_is() -> None:
    adapter: TypeAdapter[WatchEvent] = TypeAdapter(WatchEvent)
    for event in (ThreadEvent(EventKind.STARTED, THREAD, MOMENT), ServerEvent(EventKind.REACHABLE, MOMENT)):
        assert event == adapter.validate_json(adapter.dump_json(event))


def test_secrets_are_shortened_on_request() -> None:
    event = ThreadEvent(EventKind.CHANGED, THREAD, MOMENT, THREAD)
    report = Report(
        thread=THREAD,
        page=Page((THREAD,), 1, 0),
        last=FleetThread("a", THREAD),
        events=[event],
        by_name={"a": (THREAD,), "b": None},
    )
    shortened = make_converter(shorten_secrets=True).unstructure

    assert "canary" not in f"{report.model_dump_json()} {report.model_dump()}"
    assert json.loads(report.model_dump_json()) == {
        "thread": DATA | {"threadToken": SHORT},
        "page": shortened(report.page),
        "last": shortened(report.last),
        "events": [shortened(event)],
        "by_name": {"a": [DATA | {"threadToken": SHORT}], "b": None},
    }


def test_fields_of_a_value_can_be_left_out() -> None:
    class Listing(BaseModel):
        thread: ExecutionThread
        threads: list[ExecutionThread]
        short: Annotated[list[ExecutionThread], ShortenSecrets()]

    listing = Listing(thread=THREAD, threads=[THREAD], short=[THREAD])
    token = {"threadToken"}
    rest = {name: cell for name, cell in DATA.items() if name not in token}
    leave_out: Any = {"thread": token, "threads": {"__all__": token}, "short": {0: token}}

    assert {"thread": rest, "threads": [rest], "short": [rest]} == json.loads(
        listing.model_dump_json(exclude=leave_out)
    )
    assert {"thread": {"type": "Manual"}} == listing.model_dump(mode="json", include={"thread": {"type"}})


def test_secrets_in_an_annotated_collection_are_short_in_another_collection_too() -> None:
    adapter = TypeAdapter(Annotated[list[ExecutionThread], ShortenSecrets()])

    assert [DATA | {"threadToken": SHORT}] == json.loads(adapter.dump_json((THREAD,)))  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("data", [DATA, [DATA], iter([THREAD]), [Job(name="a", thread=THREAD)], Page((DATA,), 1, 0)])
@pytest.mark.parametrize("mode", ["json", "python"])
def test_secrets_in_data_that_was_not_validated_are_not_written(data: Any, mode: Any) -> None:
    class Listing(BaseModel):
        threads: Annotated[list[ExecutionThread], ShortenSecrets()]

    with pytest.raises((TypeError, PydanticSerializationError), match="not validated") as caught:
        Listing.model_construct(threads=data).model_dump(mode=mode)

    assert "canary" not in str(caught.value)


def test_an_error_names_the_class() -> None:
    with pytest.raises(ValidationError, match=r"1 validation error for list.*ExecutionThread"):
        TypeAdapter(list[ExecutionThread]).validate_python([5])


def test_the_request_for_short_secrets_does_not_change_other_fields() -> None:
    class Both(Report):
        complete: ExecutionThread

    both = Both(thread=THREAD, page=Page((), 0, 0), complete=THREAD)

    assert (SHORT, TOKEN) == tuple(both.model_dump(mode="json")[name]["threadToken"] for name in ("thread", "complete"))


def test_short_secrets_of_anything_else_are_refused() -> None:
    shorten = ShortenSecrets()
    annotated: Any
    for annotated in (
        Annotated[Job, shorten],
        Annotated[list[Job], shorten],
        Annotated[str, shorten],
        Annotated[str | ExecutionThread, shorten],
        Annotated[dict[ExecutionThread, ExecutionThread], shorten],
    ):
        with pytest.raises(TypeError, match=r"ShortenSecrets\(\) annotates values of threads_async"):
            TypeAdapter(annotated)


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/threads")
    async def threads() -> list[ExecutionThread]:
        return [THREAD]

    @app.get("/short")
    async def short() -> list[Annotated[ExecutionThread, ShortenSecrets()]]:
        return [THREAD]

    @app.get("/browser")
    async def browser() -> BrowserInstance:
        return BrowserInstance(uuid4(), 5, None)

    @app.get("/page")
    async def page() -> Page[Workspace]:
        return Page((Workspace(1, None, "Owner"),), 1, 0)

    @app.get("/event")
    async def event() -> ThreadEvent:
        return ThreadEvent(EventKind.CHANGED, THREAD, MOMENT, THREAD)

    @app.post("/stop")
    async def stop(threads: list[ExecutionThread]) -> int:
        return len(threads)

    return app


async def send(app: FastAPI, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """Send a request to `app` without a server, and return the status and the JSON of the response."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "app": app,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def respond(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, respond)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


async def test_an_endpoint_returns_and_accepts_values() -> None:
    app = make_app()

    assert (200, [DATA]) == await send(app, "GET", "/threads")
    assert (200, [DATA | {"threadToken": SHORT}]) == await send(app, "GET", "/short")
    assert (200, 2) == await send(app, "POST", "/stop", json.dumps([DATA, DATA]).encode())


async def test_the_response_to_an_invalid_body_does_not_repeat_the_token() -> None:
    status, answer = await send(make_app(), "POST", "/stop", json.dumps([DATA | {"workspaceId": TOKEN}]).encode())

    assert 422 == status
    assert ["body", 0, "workspaceId"] == answer["detail"][0]["loc"]
    assert "canary" not in json.dumps(answer)


@pytest.mark.parametrize("path", ["/threads", "/short", "/browser", "/page", "/event"])
async def test_a_response_is_as_the_openapi_document_says(path: str) -> None:
    app = make_app()
    document = get_openapi(title="t", version="1", routes=app.routes)
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    status, answer = await send(app, "GET", path)

    assert 200 == status
    jsonschema.validate(answer, schema | {"components": document["components"]})


def test_the_openapi_document_has_each_class_once_with_the_names_of_the_api() -> None:
    schemas = get_openapi(title="t", version="1", routes=make_app().routes)["components"]["schemas"]

    assert {"BrowserInstance", "ExecutionThread", "Page_Workspace", "ThreadEvent", "Workspace"} == {
        name for name in schemas if "ValidationError" not in name
    }
    thread = schemas["ExecutionThread"]
    assert list(DATA) == list(thread["properties"]) == thread["required"]
    assert ("integer", "int64") == tuple(thread["properties"]["workspaceId"][key] for key in ("type", "format"))
    assert [{"type": "string"}, {"type": "null"}] == thread["properties"]["threadToken"]["anyOf"]
    assert "enum" not in thread["properties"]["type"]
    assert "date-time" == thread["properties"]["createdAt"]["format"]
    assert ["items", "totalCount"] == sorted(schemas["Page_Workspace"]["required"])
    assert "uuid" == schemas["BrowserInstance"]["properties"]["profileId"]["format"]


def test_a_schema_is_the_same_for_reading_and_for_writing() -> None:
    adapter = TypeAdapter(list[ExecutionThread])

    assert adapter.json_schema(mode="validation") == adapter.json_schema(mode="serialization")


def test_a_value_in_a_field_of_any_type_is_written_with_the_names_of_the_api() -> None:
    class Message(BaseModel):
        arguments: list[Any]

    page = Page((THREAD,), 5, 4)
    message = Message(arguments=[THREAD, 5, page])

    assert (
        {"arguments": [DATA, 5, CONVERTER.unstructure(page)]}
        == message.model_dump(mode="json")
        == json.loads(message.model_dump_json())
    )


def test_tools_that_look_at_all_attributes_work_without_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hasattr(THREAD, "__pydantic_serializer__")

    monkeypatch.delitem(sys.modules, "threads_async._pydantic")
    monkeypatch.setitem(sys.modules, "pydantic", None)

    assert not hasattr(THREAD, "__pydantic_serializer__")
    assert ("workspace_id", ExecutionThread.workspace_id) in inspect.getmembers(ExecutionThread)


def test_importing_the_package_does_not_import_pydantic() -> None:
    program = "import sys, threads_async; print([name for name in sys.modules if 'pydantic' in name])"

    assert "[]\n" == subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
