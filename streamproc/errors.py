"""The errors that a user of streamproc can meet; each message says what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Which extra installs a module that the base distribution does without.
_EXTRA_OF: Final = (
    {
        "apprise": "apprise",
        "confluent_kafka": "bench",
        "matplotlib": "plots",
        "noida_db": "demo",
        "orjson": "bench",
        "pyarrow": "parquet",
        "python_calamine": "xlsx",
        # Ours, but not in the image of the worker.
        "streamproc.tools.bench": "bench",
        "streamproc.tools.demo": "demo",
    }
    | dict.fromkeys(
        ("attrs", "authlib", "cachetools", "certifi", "fastavro", "google", "httpx2"),
        "registry",
    )
    | dict.fromkeys(
        (
            "aiohttp",
            "faust",
            "jinja2",
            "mode",
            "numba",
            "numpy",
            "prometheus_client",
            "river",
            "structlog",
            "uvloop",
            "xxhash",
        ),
        "worker",
    )
)


class StreamprocError(Exception):
    """Base of every error that streamproc raises on purpose.

    Catch it to distinguish a refusal, which the message explains, from a fault of the program.
    """


class ConfigError(StreamprocError):
    """The configuration, or something that it refers to, cannot be used.

    Nothing has been started or touched when it is raised. Correct what the message names and
    start again; ``streamproc check CONFIG`` shows the same message without starting anything.

    Parameters
    ----------
    *problems : str
        One line for each thing that is wrong, naming file, line and field where they are known.

    Examples
    --------
    >>> print(ConfigError("a.yaml:1: group: too long", "a.yaml:2: broker: not a URL"))
    a.yaml:1: group: too long
    a.yaml:2: broker: not a URL
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every problem, one line each, in the order of the file."""
        return self.args

    def __str__(self) -> str:
        return "\n".join(self.problems)


class MissingExtraError(StreamprocError, ImportError):
    """A package is missing that an extra of the distribution installs.

    The message names the package and the pip command.
    """


@contextmanager
def extras_named(extra: str | None = None) -> Iterator[None]:
    """Turn the failed import of an optional package into an error that names the pip command.

    Parameters
    ----------
    extra : str, optional
        What to install. None: the extra that brings the missing package.

    Raises
    ------
    MissingExtraError
        In place of the `ModuleNotFoundError` of a package that an extra installs, or of a part
        of streamproc that was left out of this installation.

    Examples
    --------
    >>> with extras_named():
    ...     raise ModuleNotFoundError("No module named 'faust'", name="faust")
    Traceback (most recent call last):
    streamproc.errors.MissingExtraError: faust is not installed: pip install 'streamproc[worker]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = error.name or ""
        found = _EXTRA_OF.get(name) or _EXTRA_OF.get(name.partition(".")[0])
        if found is None:
            raise
        message = f"{name} is not installed: pip install 'streamproc[{extra or found}]'"
        raise MissingExtraError(message) from None
