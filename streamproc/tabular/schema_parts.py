"""Read what a JSON Schema asks of one value: references, parts that all hold, and null."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

Refuse = Callable[[str, str], None]
"""Notes a place of the schema that has no rule, and why."""
_MISSING: Final = object()


class Part(NamedTuple):
    """A schema of a value.

    Attributes
    ----------
    schema
        Its keywords.
    path
        Where it is in the document, as a JSON pointer.
    allows_null
        Whether it, or the schema that it is an alternative of, names null.
    references
        Those that lead to it.
    """

    schema: Any
    path: str
    allows_null: bool = False
    references: tuple[str, ...] = ()


def parts_of(part: Part, document: Any, refuse: Refuse) -> Iterator[Part]:
    """Yield the schemas that all hold for a value: itself, what it refers to, and of `allOf`.

    An alternative between one schema and null is that schema. Others are refused.

    Examples
    --------
    >>> schema = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    >>> [(each.path, each.allows_null) for each in parts_of(Part(schema, "#"), {}, print)]
    [('#', True), ('#/anyOf/0', True)]
    """
    schema, path, allows_null, seen = part
    if schema is True:
        return
    if not isinstance(schema, Mapping):
        refuse(path, "allows no value" if schema is False else "expected a schema, an object")
        return
    allows_null |= "null" in types_of(schema) or _is_null(schema)
    alternatives = [
        (key, schema[key]) for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)
    ]
    allows_null |= any(_is_null(each) for _, options in alternatives for each in options)
    yield Part(schema, path, allows_null, seen)
    for key, options in alternatives:
        others = [(at, each) for at, each in enumerate(options) if not _is_null(each)]
        if len(others) == 1:
            at, only = others[0]
            inner = Part(only, f"{path}/{key}/{at}", allows_null, seen)
            yield from parts_of(inner, document, refuse)
        elif others:
            refuse(f"{path}/{key}", "a rule has no alternatives; `expression` may say it")
    for at, each in enumerate(schema.get("allOf") or ()):
        inner = Part(each, f"{path}/allOf/{at}", allows_null, seen)
        yield from parts_of(inner, document, refuse)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in seen:
            refuse(f"{path}/$ref", f"{reference} refers to itself")
            return
        target = _find(document, reference)
        if target is _MISSING:
            refuse(f"{path}/$ref", f"{reference!r} is not in this document: no other one is read")
            return
        inner = Part(target, reference, allows_null, (*seen, reference))
        yield from parts_of(inner, document, refuse)


def types_of(schema: Any) -> set[str]:
    """Return the types that a schema names.

    Examples
    --------
    >>> sorted(types_of({"type": ["number", "null"]})), types_of({"minimum": 0})
    (['null', 'number'], set())
    """
    named = schema.get("type", []) if isinstance(schema, Mapping) else []
    return {each for each in ([named] if isinstance(named, str) else named) if each}


def _is_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    if "const" in schema or "enum" in schema:
        chosen = schema.get("enum", [schema.get("const")])
        return isinstance(chosen, list) and None in chosen
    return types_of(schema) == {"null"}


def _find(document: Any, reference: str) -> Any:
    """Return what a JSON pointer leads to; `_MISSING`: nothing."""
    if not reference.startswith("#"):
        return _MISSING
    found = document
    for step in reference[1:].split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return _MISSING
    return found
