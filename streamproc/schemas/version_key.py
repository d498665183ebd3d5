"""Encode model id and version as one key: losses of each version are watched separately.

A new version has another level of error. Compared with its predecessor it would look like a drift,
or hide one, so its series are new ones.
"""

import msgspec

MAX_VERSIONS = 8
"""Maximum versions of one model that are watched at once. Another one replaces the least recently
labelled version, so frequent releases do not accumulate memory."""

_key = msgspec.json.Decoder(tuple[str, str | None])


def version_key(model_id: str, version: str | None) -> str:
    """Return the key of a version of a model.

    Examples
    --------
    >>> version_key("fraud", "7")
    '["fraud","7"]'
    """
    return msgspec.json.encode((model_id, version)).decode()


def model_of(key: str) -> str:
    """Return the model id of a key.

    Raises
    ------
    ValueError
        If it is not a version key.
    """
    return _key.decode(key)[0]


def version_of(key: str) -> str | None:
    """Return the version of a key; None for events without one."""
    return _key.decode(key)[1]
