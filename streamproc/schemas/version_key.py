"""Versions of models: of outcomes each version of a model is watched by itself.

A new version is another program. Measured by its predecessor's error it would be called a drift,
or hide one; so it learns its own level, as a new model does.
"""

import msgspec

MAX_VERSIONS = 8
"""Versions of one model that are watched at once: canaries run side by side, one or two of them.
The one whose labels stopped first gives way to a ninth: a version a minute costs no memory."""

_key = msgspec.json.Decoder(tuple[str, str | None])


def version_key(model_id: str, version: str | None) -> str:
    """Make the id that tells a version of a model from all others.

    Examples
    --------
    >>> version_key("fraud", "7")
    '["fraud","7"]'
    """
    return msgspec.json.encode((model_id, version)).decode()


def model_of(key: str) -> str:
    """Give the model of such an id.

    Raises
    ------
    ValueError
        If it is none.
    """
    return _key.decode(key)[0]


def version_of(key: str) -> str | None:
    """Give the version of such an id; None for events that name none."""
    return _key.decode(key)[1]
