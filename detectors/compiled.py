"""The one way in which this package compiles its loops."""

import hashlib
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

P = ParamSpec("P")
R = TypeVar("R")
_HERE = __name__.partition(".")[0]
_IMPORTS = re.compile(r"^(?:from|import) +([\w.]+)(?: +import +(\([^)]*\)|.*))?", re.MULTILINE)
_NAMES = re.compile(r"\w+")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop at its first call and keep it on disk.

    Never with fastmath: alarms must equal the reference's to the last bit, so
    the order of the operations is part of the contract. Division by zero gives
    inf or NaN, as in numpy and in Rust, instead of raising.

    What is kept is used as long as the loop's module, and every module of this
    package and of the loop's own that it imports, directly or not, are as they
    were: code of other modules becomes part of the loop.
    """
    loop: Any = numba.njit(error_model="numpy")(function)
    # As its enable_caching does.
    loop._cache = _Cache(function)  # type: ignore[no-untyped-call]  # noqa: SLF001
    return cast("Callable[P, R]", loop)


class _Cache(FunctionCache):
    """Knows loops by all the sources that they are made of; numba's own by one of them."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: tuple[Any, ...] = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return *key, _sources(self._py_func.__module__)


@cache
def _sources(module: str) -> str:
    """Return a digest of a module and of all that it imports of its package and of this one."""
    packages = {_HERE, module.partition(".")[0]}
    found, waiting = dict[str, str](), [module]
    while waiting:
        name = waiting.pop()
        if name not in found and name.partition(".")[0] in packages:
            found[name], imported = _source(name)
            waiting += imported
    return hashlib.sha256("".join(found[name] for name in sorted(found)).encode()).hexdigest()


@cache
def _source(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a digest of a module's source, and what it imports: modules, and what may be one."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:  # no module but a name in one, or typed by hand
        return "", ()
    source = Path(file).read_bytes()
    imported: list[str] = []
    for said, names in _IMPORTS.findall(source.decode()):
        base = resolve_name(said, getattr(module, "__package__", None))
        imported += [base, *(f"{base}.{each}" for each in _NAMES.findall(names))]
    return hashlib.sha256(source).hexdigest(), tuple(imported)
