"""Fetch schemas from a registry with Confluent's API, and those that only Apicurio names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from streamproc.config.registry import Registry
from streamproc.decode.lenient import parse
from streamproc.errors import ConfigError, extras_named
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame, Schema, SchemaKind, SchemaRef
from streamproc.registry.errors import RegistryUnavailableError
from streamproc.schemas.records import Reason

with extras_named("registry"):
    from confluent_kafka.schema_registry import (
        AsyncSchemaRegistryClient,
        SchemaReference,
        SchemaRegistryError,
    )
    from confluent_kafka.schema_registry import Schema as RegisteredSchema

    from streamproc.registry.avro import avro_decoder
    from streamproc.registry.protobuf import protobuf_decoder

TIMEOUT_SECONDS: Final = 10.0
MAX_REFERENCES: Final = 200
# The codes with which a registry says that it has no such subject, version or schema. A 404 with
# another code is of a wrong address.
_UNKNOWN: Final = frozenset({40401, 40402, 40403})
_KINDS: Final[dict[str, SchemaKind]] = {"AVRO": "AVRO", "PROTOBUF": "PROTOBUF", "JSON": "JSON"}


class _UnusableError(Exception):
    """A schema cannot be used, whatever record names it."""


class RegistryClient:
    """Fetch schemas.

    Parameters
    ----------
    config
        Address and credentials.

    Raises
    ------
    ConfigError
        If a secret or the file of authorities is not where the configuration says.
    """

    def __init__(self, config: Registry) -> None:
        self._config = config
        settings: dict[str, Any] = {
            "url": config.url,
            "timeout": TIMEOUT_SECONDS,
            "max.retries": 0,  # whoever waits for a schema tries again
        }
        if (password := config.password()) is not None:
            user = f"{config.username}:{password.get_secret_value()}"
            settings["basic.auth.user.info"] = user
        if (token := config.token()) is not None:
            settings["bearer.auth.credentials.source"] = "STATIC_TOKEN"
            settings["bearer.auth.token"] = token.get_secret_value()
            settings["bearer.auth.logical.cluster"] = ""  # only Confluent's cloud has several
        if config.ca_file is not None:
            settings["ssl.ca.location"] = config.ca_file
        try:
            self._client: Any = AsyncSchemaRegistryClient(settings)
        except OSError as error:  # SSLError is one
            reason = error.strerror or str(error)
            raise ConfigError(f"registry.ca_file: cannot be used: {reason}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def schema(self, ref: SchemaRef) -> Schema | IntakeError:
        """Return a schema, or why no record that names it can be read.

        Raises
        ------
        RegistryUnavailableError
            If the registry does not say either.
        """
        try:
            found = await self._registered(ref)
            if found is None:
                detail = f"the registry does not know {ref}, or one that it refers to"
                return IntakeError(Reason.UNKNOWN_SCHEMA, detail)
            return await self._compiled(found)
        except _UnusableError as error:
            detail = f"{ref} cannot be used: {error}"
            return IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)

    async def _registered(self, ref: SchemaRef) -> RegisteredSchema | None:
        if ref.kind == "global id":
            return await self._of_apicurio(ref)
        found = await self._by_name(ref, None)
        if found is None or found.schema_type != "PROTOBUF":
            return found
        # Descriptors instead of source text. The client's cache does not tell the two apart.
        await self._client.clear_caches()
        return await self._by_name(ref, "serialized")

    async def _by_name(self, ref: SchemaRef, form: str | None) -> RegisteredSchema | None:
        found: RegisteredSchema | None
        if ref.kind == "guid":
            found = await self._asked(self._client.get_schema_by_guid(ref.name, fmt=form))
        else:
            found = await self._asked(self._client.get_schema(int(ref.name), fmt=form))
        return found

    async def _of_apicurio(self, ref: SchemaRef) -> RegisteredSchema | None:
        """Fetch by a global id, which Confluent's API does not have."""
        base = self._config.apicurio_url
        if base is None:
            raise _UnusableError(
                "it is in a frame of Apicurio, and registry.url is not Apicurio's /apis/ccompat/…"
            )
        session = self._client._rest_client.session  # noqa: SLF001  its address is another one
        found = await self._asked(session.get(f"{base}/search/artifacts?globalId={ref.name}"))
        artifacts = self._json(found).get("artifacts") or ()
        if not artifacts:
            return None
        content = await self._asked(session.get(f"{base}/ids/globalIds/{ref.name}"))
        if content is None or content.status_code == 404:
            return None
        self._json(content, check_only=True)
        named = await self._asked(session.get(f"{base}/ids/globalIds/{ref.name}/references"))
        references = [
            SchemaReference(each.get("name"), each.get("artifactId"), int(each.get("version")))
            for each in self._json(named)
        ]
        return RegisteredSchema(content.text, artifacts[0].get("type"), references)

    def _json(self, response: Any, *, check_only: bool = False) -> Any:
        if response is None or response.status_code != 200:
            status = "nothing" if response is None else f"status {response.status_code}"
            raise RegistryUnavailableError(f"registry {self._config.url} answered {status}")
        return None if check_only else response.json()

    async def _compiled(self, found: RegisteredSchema) -> Schema:
        kind = _KINDS.get((found.schema_type or "AVRO").upper())
        if kind is None:
            raise _UnusableError(
                f"it is of type {found.schema_type}; expected AVRO, PROTOBUF or JSON"
            )
        if kind == "JSON":
            return Schema(kind, _parsed)
        references: dict[str, str] = {}
        await self._refer(found, references, kind)
        text = found.schema_str or ""
        try:
            if kind == "AVRO":
                return Schema(kind, avro_decoder(text, list(references.values())))
            return Schema(kind, protobuf_decoder(text, references))
        except Exception as error:  # libraries raise what they like about another's schema
            raise _UnusableError(str(error) or type(error).__name__) from error

    async def _refer(
        self, schema: RegisteredSchema, found: dict[str, str], kind: SchemaKind
    ) -> None:
        """Add the texts of all schemas that one refers to, each after those that it refers to."""
        for each in schema.references or ():
            if each.name is None or each.name in found:
                continue
            if len(found) >= MAX_REFERENCES:
                raise _UnusableError(f"it refers to more than {MAX_REFERENCES} others")
            form = "serialized" if kind == "PROTOBUF" else None
            asked = self._client.get_version(each.subject, each.version, deleted=True, fmt=form)
            there = await self._asked(asked)
            if there is None:
                raise _UnusableError(f"it refers to {each.subject} version {each.version}")
            found[each.name] = ""  # a circle ends here
            await self._refer(there.schema, found, kind)
            del found[each.name]  # behind those that it refers to
            found[each.name] = there.schema.schema_str or ""

    async def _asked(self, asking: Any) -> Any:
        """Await an answer; None if the registry does not have what was asked for."""
        try:
            return await asking
        except SchemaRegistryError as error:
            if error.error_code in _UNKNOWN:
                return None
            reason = f"answered status {error.http_status_code}: {error.error_message}"
            if error.http_status_code in {401, 403}:
                reason = f"refused the credentials (status {error.http_status_code})"
            raise RegistryUnavailableError(f"registry {self._config.url} {reason}") from error
        except Exception as error:  # what its HTTP library raises, or an answer that is not JSON
            reason = str(error) or type(error).__name__
            raise RegistryUnavailableError(
                f"registry {self._config.url} does not answer: {reason}"
            ) from error


def _parsed(frame: Frame) -> Any:
    return parse(frame.payload)


@asynccontextmanager
async def registry_client(config: Registry) -> AsyncIterator[RegistryClient]:
    """Give a client that is closed at the end of the block."""
    client = RegistryClient(config)
    try:
        yield client
    finally:
        await client.close()
