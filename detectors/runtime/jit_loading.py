"""Load compiled code from a cache without what only numba's compiler needs.

Before numba looks into a cache, it sets up its compiler: it compiles its memory functions and
imports the implementations of all functions that a loop may call, SciPy's linear algebra among
them. Cached code has in it what it calls. Without the set-up a worker takes a fifth less memory.
"""

import io
import pickle
import sys
from functools import cache
from importlib import import_module
from typing import Any, Final

from llvmlite import binding  # type: ignore[import-untyped]
from numba.core.environment import Environment, lookup_environment
from numba.core.runtime import _nrt_python  # type: ignore[attr-defined]

__all__ = ["is_known", "load_code", "needs_compiler", "provide_memory_functions"]

# Minor versions of numba for which the set-up was compared with this module. LLVM ends the process
# when it loads code with a symbol that is not defined: other versions do their complete set-up.
_KNOWN: Final = ("0.68",)
# Symbols that machine code may refer to and that only the compiler's set-up defines.
_OF_COMPILER: Final = (b"_numba_hashsecret", b"numba_parallel_for", b"do_scheduling_")
_LIBRARY: Final = "numba."


def is_known(version: str) -> bool:
    """Whether cached code of a version of numba can be loaded without its compiler.

    Examples
    --------
    >>> is_known("0.68.1"), is_known("0.69.0")
    (True, False)
    """
    return version.rpartition(".")[0] in _KNOWN


def needs_compiler(code: bytes) -> bool:
    """Whether cached code can only be loaded after the compiler was set up.

    Parameters
    ----------
    code
        A pickled overload, which contains its object code.
    """
    return any(symbol in code for symbol in _OF_COMPILER)


@cache
def provide_memory_functions() -> None:
    """Define the symbols of numba's memory functions, as the compiler's set-up does."""
    for name, address in _nrt_python.c_helpers.items():
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def load_code(code: bytes) -> Any:
    """Unpickle an overload.

    Environments of functions in numba, which are needed to compile them, do not import them.
    """
    return _Unpickler(io.BytesIO(code)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numba.core.environment", "_rebuild_env"):
            return _environment
        return super().find_class(module, name)


def _environment(module: str, constants: list[Any], name: str) -> Any:
    """Return the environment of a compiled function: its constants, and its module's globals.

    Compiled code uses the constants only.
    """
    known = lookup_environment(name)  # type: ignore[no-untyped-call]
    if known is not None:
        return known
    if module.startswith(_LIBRARY) and module not in sys.modules:
        environment = Environment({"__name__": module})
    else:
        environment = Environment(import_module(module).__dict__)
    environment.consts[:] = constants
    environment.env_name = name
    Environment._memo[name] = environment  # noqa: SLF001  as numba does
    return environment
