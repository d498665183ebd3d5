"""The one way in which this package compiles its loops."""

import hashlib
import logging
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

from streamproc.detectors.runtime.jit_loading import (
    is_known,
    load_code,
    needs_compiler,
    provide_memory_functions,
)

P = ParamSpec("P")
R = TypeVar("R")
_HERE = __name__.partition(".")[0]
_IMPORTS = re.compile(r"^(?:from|import) +([\w.]+)(?: +import +(\([^)]*\)|.*))?", re.MULTILINE)
_NAMES = re.compile(r"\w+")
_DIGEST_BYTES: Final = hashlib.sha256().digest_size
_log = logging.getLogger(__name__)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop at its first call and cache the machine code on disk.

    Never with fastmath: alarms must equal the reference's to the last bit, so
    the order of the operations is part of the contract. Division by zero gives
    inf or NaN, as in numpy and in Rust, instead of raising.

    A cached loop is valid as long as its module, and every module of this
    package and of the loop's own package that it imports, directly or not, are
    unchanged: code of other modules becomes part of the loop. Where the sources
    are installed does not matter, so several checkouts share one
    ``NUMBA_CACHE_DIR``. A damaged cache file is compiled again and replaced.
    """
    loop: Any = numba.njit(error_model="numpy")(function)
    # As its enable_caching does.
    loop._cache = _Cache(function)  # noqa: SLF001
    return cast("Callable[P, R]", loop)


class _Cache(FunctionCache):
    """Looks loops up by all the sources they are made of; numba's own by one of them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        module = function.__module__
        shared = str(getattr(config, "CACHE_DIR", ""))  # numba sets it while it is imported
        if shared:
            self._cache_path = str(Path(shared) / module.partition(".")[0])
        name = f"{module}.{function.__qualname__}".replace("<", "").replace(">", "")
        self._cache_file: Any = _Files(Path(self._cache_path), name, shared=bool(shared))

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: tuple[Any, ...] = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return *key, _sources(self._py_func.__module__)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        # Numba's own sets up the compiler first, which compiling does in any case.
        if not is_known(numba.__version__):
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        provide_memory_functions()
        return self._load_overload(sig, target_context)

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super()._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001  numba fails in many ways on what it cannot use
            _log.warning("cannot load %s from %s, compiling: %r", sig, self._cache_path, error)
            return None

    def _save_overload(self, sig: Any, data: Any) -> None:
        try:
            super()._save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError as error:  # a full or read-only disk costs the next start, not this one
            _log.warning("cannot cache compiled code in %s: %s", self._cache_path, error)


class _Files:
    """The cached specialisations of one function, one file each.

    Numba's own cache has an index file with numbered data files: two processes
    that save at once can make it point to the wrong machine code, and a
    truncated file ends the process. Here a file's name is a digest of its key,
    and its end a digest of its content.

    Parameters
    ----------
    folder
        Where the files are.
    name
        Of the function, with its module.
    shared
        Whether other checkouts use the folder: then files of other sources are
        kept, else they are removed.
    """

    def __init__(self, folder: Path, name: str, *, shared: bool) -> None:
        self._folder = folder
        self._name = name
        self._shared = shared

    def load(self, key: tuple[Any, ...]) -> Any:
        """Return what was saved under a key; None if there is nothing that can be used."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            _log.warning("cached code in %s is damaged: compiling it again", self._path(key))
            return None
        if needs_compiler(body):
            cpu_target.target_context.refresh()
        saved_key, data = load_code(body)
        return data if saved_key == key else None

    def save(self, key: tuple[Any, ...], data: Any) -> None:
        """Write the compiled code of a key; readers see the whole file or none."""
        path = self._path(key)
        self._folder.mkdir(parents=True, exist_ok=True)
        body: bytes = dumps((key, data))  # type: ignore[no-untyped-call]
        with NamedTemporaryFile(dir=self._folder, suffix=".tmp", delete=False) as file:
            try:
                file.write(body + hashlib.sha256(body).digest())
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        if not self._shared:
            self._prune(key)

    def flush(self) -> None:
        """Remove all of the function's files."""
        for path in self._folder.glob(f"{self._name}-*.nbc"):
            path.unlink(missing_ok=True)

    def _path(self, key: tuple[Any, ...]) -> Path:
        numba_key = repr((numba.__version__, sys.version_info[:2], *key))
        digest = hashlib.sha256(numba_key.encode()).hexdigest()[:16]
        return self._folder / f"{self._name}-{key[-1][:8]}-{digest}.nbc"

    def _prune(self, key: tuple[Any, ...]) -> None:
        for path in self._folder.glob(f"{self._name}-*.nbc"):
            if not path.name.startswith(f"{self._name}-{key[-1][:8]}-"):
                with suppress(OSError):  # another process was quicker
                    path.unlink()


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
    for relative, names in _IMPORTS.findall(source.decode()):
        base = resolve_name(relative, getattr(module, "__package__", None))
        imported += [base, *(f"{base}.{each}" for each in _NAMES.findall(names))]
    return hashlib.sha256(source).hexdigest(), tuple(imported)
