"""Load the reference files that a configuration names."""

import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np

from streamproc.config.config import Config
from streamproc.config.model import ModelConfig
from streamproc.config.reference_sample import Cell, ReferenceSample
from streamproc.errors import ConfigError
from streamproc.tabular.errors import RowError
from streamproc.tabular.source import open_table
from streamproc.tabular.table import Row, Table

ROWS: Final = 2000
"""Rows of a file that are taken, drawn at random: all detectors have learned enough by then."""


def with_references(config: Config) -> Config:
    """Read the files that models are compared with.

    Parameters
    ----------
    config
        Not changed.

    Returns
    -------
    Config
        Equal to `config` where no model names a file.

    Raises
    ------
    ConfigError
        With a line for each file that cannot be read or has no rows.
    """
    models: list[ModelConfig] = []
    problems: list[str] = []
    for place, model in enumerate(config.models):
        try:
            models.append(model if model.reference is None else _read(model, model.reference))
        except RowError as error:
            problems.append(f"config: models[{place}].reference: {error}")
    if problems:
        raise ConfigError(*problems)
    return config.model_copy(update={"models": tuple(models)}) if config.models else config


def _read(model: ModelConfig, file: str) -> ModelConfig:
    with open_table(Path(file)) as table:
        rows = _sample(table)
        if not rows:
            raise RowError(f"{table.name} has no rows: there is nothing to compare with")
    columns: dict[str, list[Cell]] = {}
    for row in rows:
        for name, value in row.values.items():
            if isinstance(value, str | bool | int | float):  # lists and objects are not compared
                columns.setdefault(name, []).append(
                    value if isinstance(value, str) else float(value)
                )
    mapping = json.dumps(columns, sort_keys=True, allow_nan=False)
    return model.compared_with(
        ReferenceSample(hashlib.sha256(mapping.encode()).hexdigest()[:16], columns)
    )


def _sample(table: Table) -> list[Row]:
    """Draw rows, each as likely as any other, in an order that says nothing: Vitter's R."""
    draw = np.random.default_rng(0)
    selected: list[Row] = []
    for count, row in enumerate(table.rows()):
        if count < ROWS:
            selected.append(row)
        elif (place := int(draw.integers(count + 1))) < ROWS:
            selected[place] = row
    return [selected[place] for place in draw.permutation(len(selected)).tolist()]
