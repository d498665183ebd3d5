"""Serialise a River model without pickle, with allowed classes only."""

import functools
import importlib
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final

import msgspec
import numpy as np

from streamproc.errors import StreamprocError
from streamproc.online.allowed_classes import CLASSES, FUNCTIONS, NATIVE, UNUSED

_PRIMITIVES: Final = (bool, float, str, bytes, type(None))
_MAX_INTEGER: Final = 2**63
_DTYPES: Final = frozenset({"<f8", "<i8", "<f4", "<i4", "|b1", "<u4", "<u8", "<U1"})
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[list[Any]])


class GraphError(StreamprocError):
    """A model cannot be written down, or what was written is none.

    Nothing was loaded. The message names the class; leave it out of the configuration.
    """


def dump(thing: Any) -> bytes:
    """Write an object and all that it holds.

    Returns
    -------
    bytes
        MessagePack; numbers come back to the last bit, and what was shared is shared again.

    Raises
    ------
    GraphError
        When something in it is not on the list.
    """
    writer = _Writer()
    writer.value(thing)
    return _ENCODER.encode(writer.nodes)


def load(data: bytes) -> Any:
    """Make the object that `dump` wrote.

    Raises
    ------
    GraphError
        When `data` is not of that form, or names what is not on the list; nothing is imported
        for a name that is not.
    """
    try:
        return _Reader(_DECODER.decode(data)).node(0)
    except (
        msgspec.MsgspecError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise GraphError(f"state of a model cannot be read: {error!r}") from error


class _Writer:
    """Turns objects into nodes; one that was met before is its number."""

    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []  # an id is only one's own while its object lives

    def value(self, thing: Any) -> Any:
        """Give a primitive as it is, and the number of the node of anything else."""
        if isinstance(thing, _PRIMITIVES) and type(thing) in _PRIMITIVES:
            return thing
        if type(thing) is int and -_MAX_INTEGER <= thing < _MAX_INTEGER:
            return thing
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._numbers[id(thing)] = len(self.nodes)
            self._alive.append(thing)
            node: list[Any] = []
            self.nodes.append(node)
            node += self._node(thing)
        return [number]

    def _node(self, thing: Any) -> list[Any]:
        write = _WRITE.get(type(thing))
        return self._named(thing, type(thing)) if write is None else write(self, thing)

    def mapping(self, thing: Any) -> list[Any]:
        """Write a mapping in its order."""
        return [type(thing).__name__, *self._items(thing)]

    def series(self, thing: Any) -> list[Any]:
        """Write a list or tuple."""
        return [type(thing).__name__, *map(self.value, thing)]

    def set(self, thing: Any) -> list[Any]:
        """Write a set; equal ones are written alike."""
        return [type(thing).__name__, *map(self.value, sorted(thing, key=repr))]

    def default(self, thing: Any) -> list[Any]:
        """Write a mapping with defaults."""
        return ["defaultdict", self.value(thing.default_factory), *self._items(thing)]

    def partial(self, thing: Any) -> list[Any]:
        """Write a function with some of its arguments."""
        keywords = self.value(dict(thing.keywords))
        return ["partial", self.value(thing.func), self.value(thing.args), keywords]

    def _named(self, thing: Any, kind: type) -> list[Any]:
        if isinstance(thing, np.ndarray | np.generic):
            return self._numbers_of(thing)
        if isinstance(thing, type | FunctionType | BuiltinFunctionType):
            name = _name(thing)
            if name in FUNCTIONS or name in CLASSES:
                return ["name", name]
        name = _name(kind)
        if name == "random:Random":
            version, words, gauss = thing.getstate()
            return ["random", version, _ENCODER.encode(words), gauss]
        if name == "numpy.random.mtrand:RandomState":
            _, words, place, has_gauss, gauss = thing.get_state()
            return ["randomstate", words.tobytes(), place, has_gauss, gauss]
        if name in NATIVE:
            return ["native", name, *self._native(thing)]
        if name in CLASSES:
            return ["object", name, *self._attributes(thing)]
        msg = f"{name} ({thing!r:.80}) is not on the list of what a model may hold"
        raise GraphError(msg)

    def _items(self, mapping: dict[Any, Any]) -> Iterable[Any]:
        return [self.value(part) for item in mapping.items() for part in item]

    def _attributes(self, thing: Any) -> list[Any]:
        held = dict(getattr(thing, "__dict__", {}))
        for name in UNUSED.get(_name(type(thing)), ()):
            held[name] = None
        for kind in type(thing).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                if slot not in {"__dict__", "__weakref__"} and hasattr(thing, slot):
                    held[slot] = getattr(thing, slot)
        return [part for name, value in held.items() for part in (name, self.value(value))]

    def _native(self, thing: Any) -> list[Any]:
        arguments = thing.__reduce__()[1] if NATIVE[_name(type(thing))] else None
        if arguments is not None:
            return [self.value(tuple(arguments)), None]
        return [self.value(tuple(thing.__getnewargs__())), bytes(thing.__getstate__())]

    def _numbers_of(self, thing: Any) -> list[Any]:
        array = np.asarray(thing)
        if array.dtype.str not in _DTYPES:
            raise GraphError(f"an array of {array.dtype} is not on the list")
        kind = "array" if isinstance(thing, np.ndarray) else "scalar"
        return [kind, array.dtype.str, list(array.shape), array.tobytes()]


_WRITE: Final[dict[type, Callable[[_Writer, Any], list[Any]]]] = {
    int: lambda _, thing: ["int", str(thing)],
    dict: _Writer.mapping,
    Counter: _Writer.mapping,
    OrderedDict: _Writer.mapping,
    defaultdict: _Writer.default,
    list: _Writer.series,
    tuple: _Writer.series,
    set: _Writer.set,
    frozenset: _Writer.set,
    deque: lambda writer, thing: ["deque", thing.maxlen, *map(writer.value, thing)],
    functools.partial: _Writer.partial,
    MethodType: lambda writer, thing: ["method", writer.value(thing.__self__), thing.__name__],
}


class _Reader:
    """Turns nodes back into objects, each once."""

    def __init__(self, nodes: list[list[Any]]) -> None:
        self._nodes = nodes
        self._made: dict[int, Any] = {}

    def value(self, written: Any) -> Any:
        """Give a primitive as it is, and the object that a number stands for."""
        return self.node(written[0]) if isinstance(written, list) else written

    def node(self, number: int) -> Any:
        """Give the object of a node; it is known before what it holds is read."""
        if number not in self._made:
            kind, *args = self._nodes[number]
            _READ[kind](self, number, args)
        return self._made[number]

    def values(self, written: Iterable[Any]) -> list[Any]:
        """Give several."""
        return [self.value(item) for item in written]

    def put(self, number: int, thing: Any) -> Any:
        """Remember what a node stands for."""
        self._made[number] = thing
        return thing

    def fill(self, mapping: Any, written: list[Any]) -> None:
        """Fill a mapping with keys and values."""
        for place in range(0, len(written), 2):
            mapping[self.value(written[place])] = self.value(written[place + 1])


def _mapping(kind: Callable[[], Any]) -> Callable[[_Reader, int, list[Any]], None]:
    return lambda reader, number, args: reader.fill(reader.put(number, kind()), args)


def _list(reader: _Reader, number: int, args: list[Any]) -> None:
    reader.put(number, []).extend(reader.values(args))


def _deque(reader: _Reader, number: int, args: list[Any]) -> None:
    reader.put(number, deque(maxlen=args[0])).extend(reader.values(args[1:]))


def _immutable(kind: Callable[[list[Any]], Any]) -> Callable[[_Reader, int, list[Any]], None]:
    return lambda reader, number, args: reader.put(number, kind(reader.values(args)))


def _defaultdict(reader: _Reader, number: int, args: list[Any]) -> None:
    made = reader.put(number, defaultdict(None))
    made.default_factory = reader.value(args[0])
    reader.fill(made, args[1:])


def _partial(reader: _Reader, number: int, args: list[Any]) -> None:
    function, arguments, keywords = reader.values(args)
    reader.put(number, functools.partial(function, *arguments, **keywords))


def _method(reader: _Reader, number: int, args: list[Any]) -> None:
    owner, name = reader.value(args[0]), args[1]
    if _name(type(owner)) not in CLASSES or name.startswith("__"):
        raise ValueError(name)
    reader.put(number, getattr(owner, name))


def _array(reader: _Reader, number: int, args: list[Any]) -> None:
    dtype, shape, data = args
    if dtype not in _DTYPES:
        raise ValueError(dtype)
    reader.put(number, np.frombuffer(data, dtype).reshape(shape).copy())


def _scalar(reader: _Reader, number: int, args: list[Any]) -> None:
    _array(reader, number, args)
    reader.put(number, reader.node(number)[()])


def _random(reader: _Reader, number: int, args: list[Any]) -> None:
    version, words, gauss = args
    # River's seeded generator, in River's hands: nothing here draws from it.
    made = importlib.import_module("random").Random()
    made.setstate((version, tuple(msgspec.msgpack.decode(words)), gauss))
    reader.put(number, made)


def _random_state(reader: _Reader, number: int, args: list[Any]) -> None:
    words, place, has_gauss, gauss = args
    made = np.random.RandomState(0)
    made.set_state(("MT19937", np.frombuffer(words, np.uint32), place, has_gauss, gauss))
    reader.put(number, made)


def _named(reader: _Reader, number: int, args: list[Any]) -> None:
    if args[0] not in CLASSES and args[0] not in FUNCTIONS:
        raise ValueError(args[0])
    reader.put(number, _find(args[0]))


def _native(reader: _Reader, number: int, args: list[Any]) -> None:
    name, arguments, state = args
    if name not in NATIVE:
        raise ValueError(name)
    made = reader.put(number, _find(name)(*reader.value(arguments)))
    if state is not None:
        made.__setstate__(state)


def _object(reader: _Reader, number: int, args: list[Any]) -> None:
    if args[0] not in CLASSES:
        raise ValueError(args[0])
    kind = _find(args[0])
    made = reader.put(number, kind.__new__(kind))
    for place in range(1, len(args), 2):
        object.__setattr__(made, args[place], reader.value(args[place + 1]))


def _name(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _find(name: str) -> Any:
    module, _, path = name.partition(":")
    return functools.reduce(getattr, path.split("."), importlib.import_module(module))


_READ: Final[dict[str, Callable[[_Reader, int, list[Any]], Any]]] = {
    "int": lambda reader, number, args: reader.put(number, int(args[0])),
    "dict": _mapping(dict),
    "Counter": _mapping(Counter),
    "OrderedDict": _mapping(OrderedDict),
    "defaultdict": _defaultdict,
    "list": _list,
    "deque": _deque,
    "tuple": _immutable(tuple),
    "set": _immutable(set),
    "frozenset": _immutable(frozenset),
    "partial": _partial,
    "method": _method,
    "array": _array,
    "scalar": _scalar,
    "random": _random,
    "randomstate": _random_state,
    "name": _named,
    "native": _native,
    "object": _object,
}
