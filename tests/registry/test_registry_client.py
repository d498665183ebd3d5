"""Schemas come from a registry; what it does not say is never taken for an answer."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from apicurio.serialised import AVRO, score_file, serialised
from apicurio.server import Apicurio

from streamproc.config.registry import Registry
from streamproc.errors import ConfigError
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Schema, SchemaRef, frame_of
from streamproc.registry.client import RegistryClient, registry_client
from streamproc.registry.errors import RegistryUnavailableError
from streamproc.schemas.records import Reason

GUID = "89791762-2336-4186-9674-299b90a802e2"
ONE = SchemaRef("id", "1")


@asynccontextmanager
async def registry_with(
    answers: dict[str, Any], base: str = "", **settings: Any
) -> AsyncIterator[tuple[RegistryClient, list[web.Request]]]:
    """Give a client of a registry that answers some paths: with a status, or with JSON."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        found = answers.get(request.path_qs, answers.get(request.path, (404, {"error_code": 404})))
        status, body = found if isinstance(found, tuple) else (200, found)
        if isinstance(body, str):
            return web.Response(text=body, status=status)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{base}"
        async with registry_client(Registry(url=url, **settings)) as client:
            yield client, seen
    finally:
        await runner.cleanup()


async def test_guids_are_looked_up() -> None:
    """The id of a header is asked for as it is."""
    answers = {f"/schemas/guids/{GUID}": {"schema": '"string"', "schemaType": "AVRO"}}
    async with registry_with(answers) as (client, _):
        found = await client.schema(SchemaRef("guid", GUID))
    assert isinstance(found, Schema)
    assert found.kind == "AVRO"


async def test_protobuf_is_asked_for_as_a_descriptor() -> None:
    """Source text, which a registry gives by default, could not be used."""
    text = base64.b64encode(score_file().SerializeToString()).decode()
    answers = {
        "/schemas/ids/1": {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"},
        "/schemas/ids/1?format=serialized": {"schema": text, "schemaType": "PROTOBUF"},
    }
    async with registry_with(answers) as (client, _):
        found = await client.schema(ONE)
    assert isinstance(found, Schema)
    frame = frame_of(b"\0\0\0\0\x01\x02\x02\x0a\x01a", (), "value")
    assert frame is not None
    assert found.decode(frame)["id"] == "a"


async def test_references_are_fetched_too() -> None:
    """Also those of references, each before what needs it."""
    inner = {"type": "enum", "name": "In", "symbols": ["x", "y"]}
    middle = {"type": "record", "name": "Mid", "fields": [{"name": "i", "type": "In"}]}
    outer = {"type": "record", "name": "Out", "fields": [{"name": "m", "type": "Mid"}]}

    def refer(name: str) -> list[dict[str, Any]]:
        return [{"name": name, "subject": name.lower(), "version": 3}]

    answers = {
        "/schemas/ids/1": {"schema": json.dumps(outer), "references": refer("Mid")},
        "/subjects/mid/versions/3": {
            "schema": json.dumps(middle),
            "references": refer("In"),
            "subject": "mid",
            "version": 3,
            "id": 2,
        },
        "/subjects/in/versions/3": {
            "schema": json.dumps(inner),
            "subject": "in",
            "version": 3,
            "id": 3,
        },
    }
    async with registry_with(answers) as (client, _):
        found = await client.schema(ONE)
    assert isinstance(found, Schema), found
    frame = frame_of(b"\0\0\0\0\x01\x02", (), "value")
    assert frame is not None
    assert found.decode(frame) == {"m": {"i": "y"}}


async def test_an_unknown_schema_is_an_answer() -> None:
    """Whatever names it, is a dead letter."""
    answers = {"/schemas/ids/1": (404, {"error_code": 40403, "message": "Schema not found"})}
    async with registry_with(answers) as (client, _):
        found = await client.schema(ONE)
    assert isinstance(found, IntakeError)
    assert found.reason == Reason.UNKNOWN_SCHEMA


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {"error_code": 404, "message": "HTTP 404 Not Found"}), "answered status 404"),
        ((404, "<html>"), "answered status 404"),
        ((500, {"error_code": 50001, "message": "store"}), "answered status 500: store"),
        ((503, ""), "answered status 503"),
        ((401, {"error_code": 401, "message": "x"}), r"refused the credentials \(status 401\)"),
        ((403, ""), r"refused the credentials \(status 403\)"),
        ((200, "not json"), "does not answer"),
    ],
    ids=["wrong path", "HTML", "error", "starting", "credentials", "forbidden", "no JSON"],
)
async def test_what_is_no_answer_is_waited_for(answer: Any, reason: str) -> None:
    """A wrong address, password or state of the registry costs no record."""
    async with registry_with({"/schemas/ids/1": answer}) as (client, _):
        with pytest.raises(RegistryUnavailableError, match=reason):
            await client.schema(ONE)


async def test_a_registry_that_is_not_there_is_waited_for() -> None:
    """The reason names its address."""
    async with registry_client(Registry(url="http://127.0.0.1:1")) as client:
        with pytest.raises(
            RegistryUnavailableError, match=r"http://127\.0\.0\.1:1 does not answer"
        ):
            await client.schema(ONE)


@pytest.mark.parametrize(
    ("schema", "detail"),
    [
        ({"schema": "{"}, "schema id 1 cannot be used"),
        ({"schema": '"strin"'}, "schema id 1 cannot be used: strin"),
        ({"schema": "x", "schemaType": "XML"}, "of type XML; expected AVRO, PROTOBUF or JSON"),
    ],
    ids=["broken", "unknown type", "XML"],
)
async def test_a_schema_that_cannot_be_used_is_an_answer(schema: Any, detail: str) -> None:
    """What it says of the schema is in the dead letter."""
    async with registry_with({"/schemas/ids/1": schema}) as (client, _):
        found = await client.schema(ONE)
    assert isinstance(found, IntakeError)
    assert detail in found.detail


async def test_credentials_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with a password, or a token."""
    monkeypatch.setenv("REGISTRY_SECRET", "s3cret")
    answers = {"/schemas/ids/1": {"schema": '"string"'}}
    user: dict[str, Any] = {"username": "ada", "password_env": "REGISTRY_SECRET"}
    for settings, expected in (
        (user, f"Basic {base64.b64encode(b'ada:s3cret').decode()}"),
        ({"token_env": "REGISTRY_SECRET"}, "Bearer s3cret"),
    ):
        async with registry_with(answers, **settings) as (client, seen):
            await client.schema(ONE)
        assert seen[0].headers["Authorization"] == expected


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    """The error names the key of the configuration."""
    file = tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match=r"registry\.ca_file: cannot be used: No such file"):
        RegistryClient(Registry(url="https://registry", ca_file=str(file)))
    file.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"registry\.ca_file: cannot be used: "):
        RegistryClient(Registry(url="https://registry", ca_file=str(file)))


async def test_frames_of_apicurio(apicurio: Apicurio) -> None:
    """Global ids of 8 bytes, in a prefix or a header, and content ids, by the real registry."""
    [value] = serialised(apicurio.url, "avro", "apicurio-frames", [_row()])
    payload = value[5:]
    content_id = int.from_bytes(value[1:5], "big")
    async with registry_client(Registry(url=apicurio.url)) as client:
        frames = [
            frame_of(b"\0" + (1).to_bytes(8, "big") + payload, (), "value"),
            frame_of(payload, (("apicurio.value.globalId", (1).to_bytes(8, "big")),), "value"),
            frame_of(
                payload, (("apicurio.value.contentId", content_id.to_bytes(8, "big")),), "value"
            ),
        ]
        for frame in frames:
            assert frame is not None
            found = await client.schema(frame.ref)
            assert isinstance(found, Schema)
            assert found.decode(frame) == _row()
        unknown = await client.schema(SchemaRef("global id", "999"))
    assert isinstance(unknown, IntakeError)
    assert unknown.reason == Reason.UNKNOWN_SCHEMA


def _row() -> dict[str, Any]:
    return {"id": "a", "model": "m", "at": 5, "amount": 2.5, "score": 0.5}


async def test_global_ids_need_apicurio() -> None:
    """Another registry has none: the reason says what the URL would have to be."""
    async with registry_with({"/schemas/ids/1": {"schema": AVRO}}) as (client, _):
        found = await client.schema(SchemaRef("global id", "1"))
    assert isinstance(found, IntakeError)
    assert "registry.url is not Apicurio's /apis/ccompat/" in found.detail


async def test_an_apicurio_in_trouble_is_waited_for() -> None:
    """An error of Apicurio's API is not an answer."""
    path = "/apis/registry/v2/search/artifacts"
    async with registry_with({path: (500, {})}, base="/apis/ccompat/v7") as (client, _):
        with pytest.raises(RegistryUnavailableError, match="answered status 500"):
            await client.schema(SchemaRef("global id", "1"))
