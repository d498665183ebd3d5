"""An online model from its plain parameters: it answers where it is needed, and loads no code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from streamproc.client.predictors import FormError, predictor
from streamproc.errors import StreamprocError
from streamproc.online.features import inputs
from streamproc.online.predictors import Predictor
from streamproc.schemas.model_updates import ModelUpdate

_TRUE: Final = "true"
_BOOLEANS: Final = {"true": True, "false": False}


class NoModelError(StreamprocError):
    """No update of an online model has come; the message says what to check."""


class NoParametersError(StreamprocError):
    """An online model has no plain form, or one that this version does not know.

    Read its answers from `online-predictions`, or choose a linear model, naive Bayes or a tree.
    """


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """What a model answers, as an `OnlinePrediction` has it.

    Attributes
    ----------
    prediction
        A number, or a class; None: it knows no class yet.
    probabilities
        Class → probability; None for a regression.
    version, learned
        Of the model that answered.
    """

    prediction: float | bool | str | None
    probabilities: dict[str, float] | None
    version: int
    learned: int


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One version of an online model, as it was when an update told of it.

    Attributes
    ----------
    model_id
        Whose it is.
    version
        Its version.
    learned
        Labels that it had learned from.
    """

    model_id: str
    version: int
    learned: int
    _predictor: Predictor

    @classmethod
    def of(cls, update: ModelUpdate) -> Self:
        """Make the model that an update tells of.

        Raises
        ------
        NoParametersError
            When it tells no parameters, or not in a form that is known here.
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
        """Answer an event with these features, as events have them: null or absent is missing."""
        number, shares = self._predictor(inputs(features, texts=True))
        if shares is None:
            return LocalAnswer(number, None, self.version, self.learned)
        best = max(shares, key=lambda name: shares[name], default=None)
        said = _BOOLEANS.get(best, best) if shares.keys() <= _BOOLEANS.keys() and best else best
        probabilities = {name: min(max(share, 0.0), 1.0) for name, share in shares.items()}
        return LocalAnswer(said, probabilities, self.version, self.learned)
