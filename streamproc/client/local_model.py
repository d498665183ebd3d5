"""Predict with an online model from its plain parameters, without loading code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from streamproc.client.predictors import FormError, predictor
from streamproc.errors import StreamprocError
from streamproc.online.features import inputs
from streamproc.online.predictors import Predictor
from streamproc.schemas.model_updates import ModelUpdate

_BOOLEANS: Final = {"true": True, "false": False}


class NoModelError(StreamprocError):
    """No update of an online model was received; the message names what to check."""


class NoParametersError(StreamprocError):
    """An online model has no plain parameters, or in a form that this version does not support.

    Read its predictions from `online-predictions`, or use a linear model, naive Bayes or a tree.
    """


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """A prediction, with the fields of an `OnlinePrediction`.

    Attributes
    ----------
    prediction
        A number, or a class; None if no class was learned yet.
    probabilities
        Class → probability in [0, 1]; None for a regression.
    version, learned
        Version of the model, and number of labels that it had learned from.
    """

    prediction: float | bool | str | None
    probabilities: dict[str, float] | None
    version: int
    learned: int


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One version of an online model, as of an update.

    Attributes
    ----------
    model_id
        Id of the model.
    version
        Number of the version.
    learned
        Number of labels that it had learned from.
    """

    model_id: str
    version: int
    learned: int
    _predictor: Predictor

    @classmethod
    def of(cls, update: ModelUpdate) -> Self:
        """Build the model of an update.

        Raises
        ------
        NoParametersError
            If the update has no parameters, or in a form that is not supported.
        """
        name = f"version {update.version} of model {update.model_id!r}"
        if update.parameters is None:
            raise NoParametersError(f"{name} has no plain parameters: read `online-predictions`")
        try:
            found = predictor(update.parameters)
        except FormError as error:
            raise NoParametersError(f"{name}: {error}; update this client") from error
        return cls(update.model_id, update.version, update.learned, found)

    def predict(self, features: Mapping[str, Any]) -> LocalAnswer:
        """Predict for an event's features; null or absent means missing."""
        number, shares = self._predictor(inputs(features, texts=True))
        if shares is None:
            return LocalAnswer(number, None, self.version, self.learned)
        best = max(shares, key=lambda name: shares[name], default=None)
        predicted = (
            _BOOLEANS.get(best, best) if shares.keys() <= _BOOLEANS.keys() and best else best
        )
        probabilities = {name: min(max(share, 0.0), 1.0) for name, share in shares.items()}
        return LocalAnswer(predicted, probabilities, self.version, self.learned)
