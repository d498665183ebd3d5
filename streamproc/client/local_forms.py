"""The plain forms of model parameters, and how each answers."""

from collections.abc import Callable, Mapping
from typing import Any

Inputs = Mapping[str, float | str]
Answer = tuple[float | None, dict[str, float] | None]
"""A number, or class → probability."""
Predictor = Callable[[Inputs], Answer]


class FormError(Exception):
    """Parameters are in no form that is known here; the text says which."""


def predictor(parameters: Mapping[str, Any]) -> Predictor:
    """Make what answers as the model with these parameters does.

    Raises
    ------
    FormError
        When the form is not known.
    """
    raise FormError(f"its parameters are in the form {parameters.get('form')!r}")
