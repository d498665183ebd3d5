"""Build a River model from its specification."""

import importlib
from typing import Any

from streamproc.config.river_classes import ALLOWED_CLASSES
from streamproc.config.river_spec import ModelSpec, Step


def build(spec: ModelSpec) -> Any:
    """Make a new model: what the specification allows is all that is imported.

    Examples
    --------
    >>> type(build(ModelSpec.model_validate("naive_bayes.GaussianNB"))).__name__
    'GaussianNB'
    """
    return _pipeline(spec.steps)


def _pipeline(steps: list[Step]) -> Any:
    parts = [_instance(name, params) for step in steps for name, params in step.items()]
    if len(parts) == 1:
        return parts[0]
    return importlib.import_module("river.compose").Pipeline(*parts)


def _instance(name: str, params: dict[str, Any]) -> Any:
    schema = ALLOWED_CLASSES[name].params
    module, _, kind = name.rpartition(".")
    given = {
        key: _pipeline(value) if schema[key].roles and isinstance(value, list) else value
        for key, value in params.items()
    }
    return getattr(importlib.import_module(f"river.{module}"), kind)(**given)
