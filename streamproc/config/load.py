"""Reading a configuration from wherever it is, with errors that name file, line and field."""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from streamproc.config.config import Config
from streamproc.config.validation_errors import explain
from streamproc.config.yaml_lines import (
    MAX_DEPTH,
    MAX_TEXT_LENGTH,
    MAX_VALUES,
    Document,
    DocumentError,
    Problem,
    parse_document,
)
from streamproc.errors import ConfigError
from streamproc.schemas.section import Path

Source = None | str | os.PathLike[str] | Mapping[str, Any] | Config
"""Where a configuration can come from."""

_MAX_BITS: Final = 1000  # fits a float
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_*.:-]{1,60}")


def load(source: Source = None, *, ignore: Collection[str] = ()) -> Config:
    """Read and validate a whole configuration.

    Parameters
    ----------
    source : None, str, PathLike, Mapping or Config
        Nothing: the defaults. A path: a YAML file, where an empty one means the defaults too. A
        mapping: what such a file would hold. A `Config` is given back as it is.
    ignore : collection of str
        Sections at the top that are not read; they have their defaults.

    Returns
    -------
    Config
        Frozen, and valid as a whole.

    Raises
    ------
    ConfigError
        With one line for each problem: file, line, field, what was expected and what was found.

    Examples
    --------
    >>> load({"policy": {"update_interval": "5m"}}).policy.update_interval.total_seconds()
    300.0
    >>> try:
    ...     load({"modles": []})
    ... except ConfigError as error:
    ...     print(str(error)[:55])
    config: modles: unknown key; did you mean `models`? Exp
    """
    if source is None:
        return Config()
    if isinstance(source, Config):
        return source
    if isinstance(source, Mapping):
        return _from_mapping(source, ignore)
    if isinstance(source, str | os.PathLike):
        return _from_file(source, ignore)
    raise ConfigError(f"config: expected a path or a mapping, found {type(source).__name__}")


def located(file: FilePath, problems: Iterable[str]) -> list[str]:
    """Put file and line before problems that name a field of a config.

    Parameters
    ----------
    file : Path
        The file that was loaded without an error.
    problems : iterable of str
        Such as ``webhooks[0].url_env: the variable is not set``.

    Returns
    -------
    list of str
        ``FILE:LINE: field: problem``; the line of the section where the field is not written,
        and no line where the section is not written either.
    """
    name = _printable(os.fspath(file))
    lines = parse_document(_read(file, name)).lines
    found: list[str] = []
    for problem in problems:
        field, _, message = problem.removeprefix("config: ").partition(": ")
        parts = re.findall(r"[^.\[\]]+", field)
        path: Path = tuple(int(part) if part.isdigit() else part for part in parts)
        written = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in lines), ())
        place = f"{name}:{lines[written]}" if written else name
        found.append(f"{place}: {field}: {message}")
    return found


def _from_file(source: str | os.PathLike[str], ignore: Collection[str]) -> Config:
    name = _printable(os.fspath(source))
    text = _read(source, name)
    try:
        document = parse_document(text)
    except DocumentError as error:
        raise ConfigError(_line(name, error.problem)) from None
    return _validate(document, name, ignore)


def _read(source: str | os.PathLike[str], name: str) -> str:
    path = FilePath(source)
    try:
        if path.is_dir():
            raise ConfigError(f"{name}: is a directory; expected a YAML file")
        with path.open("rb") as stream:
            content = stream.read(4 * MAX_TEXT_LENGTH + 1)  # no character has more than 4 bytes
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a null character, or one that the file system cannot write
        raise ConfigError(f"{name}: is not the path of a file") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: is not UTF-8 text") from error


def _from_mapping(source: Mapping[Any, Any], ignore: Collection[str]) -> Config:
    name = "config"
    try:
        value = _plain(source, ())
    except DocumentError as error:
        raise ConfigError(_line(name, error.problem)) from None
    return _validate(Document(value), name, ignore)


def _plain(value: Any, path: Path, budget: list[int] | None = None) -> Any:
    """Copy mappings and sequences as dict and list, which strict validation asks for."""
    budget = [MAX_VALUES] if budget is None else budget
    budget[0] -= 1
    if budget[0] < 0 or len(path) > MAX_DEPTH:
        problem = f"has more than {MAX_VALUES} values, or is deeper than {MAX_DEPTH} levels"
        raise DocumentError(Problem(0, (), problem))
    if isinstance(value, Mapping):
        return {key: _plain(item, (*path, 0), budget) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, 0), budget) for item in value]
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise DocumentError(Problem(0, (), f"has a number of more than {_MAX_BITS} bits"))
    return value


def _validate(document: Document, name: str, ignore: Collection[str]) -> Config:
    value = {} if document.value is None and not document.lines else document.value
    problems = list(document.problems)
    if not isinstance(value, dict):
        message = "expected a mapping of keys to values at the top"
        raise ConfigError(_line(name, Problem(document.lines.get((), 0), (), message)))
    read = {key: section for key, section in value.items() if key not in ignore}
    try:
        config = Config.model_validate(read)
    except ValidationError as error:
        problems += explain(error, Config, document.lines)
    if problems:
        first: dict[Path, Problem] = {}
        for problem in problems:  # a value that could not be read is null: not wrong twice
            first.setdefault(problem.path, problem)
        ordered = sorted(first.values(), key=lambda problem: problem.line)
        raise ConfigError(*(_line(name, problem) for problem in ordered))
    return config


def _line(name: str, problem: Problem) -> str:
    place = f"{name}:{problem.line}" if problem.line else name
    field = _field(problem.path)
    return f"{place}: {field}: {problem.message}" if field else f"{place}: {problem.message}"


def _field(path: Path) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _PLAIN_KEY.fullmatch(part) else repr(part[:60])
            text += f".{key}" if text else key
    return text


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in name)
