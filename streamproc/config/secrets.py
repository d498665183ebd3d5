"""Secrets by reference: the configuration says where one is, never what it is."""

import os
from pathlib import Path as FilePath
from typing import Annotated, Final

from pydantic import Field, SecretStr

from streamproc.errors import ConfigError
from streamproc.schemas.section import Path

# A secret file holds a password; a log or a disk image named by mistake is not read whole.
_MAX_BYTES: Final = 65_536
# Half of what `openssl rand -hex 32` gives: 128 bits, which nobody guesses.
_STRONG: Final = 32

# Upper case only: a password typed here by mistake is then mostly refused rather than looked up.
ENV_PATTERN: Final = r"^[A-Z_][A-Z0-9_]{0,254}$"
EnvName = Annotated[str, Field(pattern=ENV_PATTERN)]
"""The name of an environment variable."""

FileName = Annotated[str, Field(min_length=1, max_length=4096)]
"""The path of a file; a relative one starts from the directory of the process."""


def read_secret(field: str, env: str | None, file: str | None) -> SecretStr:
    """Look up a secret where the configuration says.

    Parameters
    ----------
    field : str
        Path of the field without its ``_env`` or ``_file``, for the message.
    env : str or None
        Name of the environment variable that holds it.
    file : str or None
        File that holds it, when ``env`` is None; one newline at its end is not part of it.

    Returns
    -------
    SecretStr
        Shows stars wherever it is printed.

    Raises
    ------
    ConfigError
        When it is not there or empty. The message repeats neither name nor path, since people
        put the secret itself there by mistake.
    """
    if env is not None:
        value = os.environ.get(env, "")
        if not value:
            raise ConfigError(f"{field}_env: the variable that it names is not set or is empty")
        return SecretStr(value)
    value = _read(f"{field}_file", file or "")
    if not value:
        raise ConfigError(f"{field}_file: the file that it names is empty")
    return SecretStr(value)


def read_strong_secret(field: str, env: str | None, file: str | None) -> SecretStr:
    """Look up a secret that strangers may guess at without end.

    Parameters
    ----------
    field, env, file
        As in `read_secret`.

    Raises
    ------
    ConfigError
        When it is not there, or has less than 32 characters.
    """
    secret = read_secret(field, env, file)
    if len(secret) < _STRONG:
        source = "env: the variable" if env is not None else "file: the file"
        raise ConfigError(
            f"{field}_{source} that it names holds less than {_STRONG} characters; make one with"
            " `openssl rand -hex 32`"
        )
    return secret


def read_optional_secret(field: str, env: str | None, file: str | None) -> SecretStr | None:
    """Look up a secret that may be left out; None: it is not configured.

    Raises
    ------
    ConfigError
        When it is configured and not there.
    """
    return None if env is None and file is None else read_secret(field, env, file)


def check_at_most_one(field: str, env: str | None, file: str | None) -> list[tuple[Path, str]]:
    """Return the problem of a secret that is configured in two places."""
    return [] if env is None or file is None else check_one(field, env, file)


def check_one(field: str, env: str | None, file: str | None) -> list[tuple[Path, str]]:
    """Return the problem unless exactly one source of a secret is configured."""
    if (env is None) == (file is None):
        return [((f"{field}_env",), f"expected this or `{field}_file`, just one")]
    return []


def _read(field: str, file: str) -> str:
    try:
        with FilePath(file).open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        # `from None`: the cause names the path.
        raise ConfigError(f"{field}: cannot read the file that it names: {reason}") from None
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{field}: the file that it names is longer than {_MAX_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{field}: the file that it names is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
