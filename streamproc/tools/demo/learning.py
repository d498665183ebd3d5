"""Configure the demo's worker: one online model with challengers."""

from pathlib import Path
from typing import Any, Final

from streamproc.config.config import Config
from streamproc.config.load import load

_LOGISTIC: Final = {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": {"lr": 0.05}}}}
_REGRESSION: Final = ["preprocessing.StandardScaler", _LOGISTIC]

ONLINE: Final[dict[str, Any]] = {
    "model": _REGRESSION,
    # Trained once and then left as it is, as most models are.
    "train_for": 400,
    "detectors": ["hddm_a"],
    "on_drift": "challenge",
    "challengers": [_REGRESSION, ["naive_bayes.GaussianNB"]],
    # Over before the next thing happens in the shortest story.
    "probation": 400,
}


def worker_config(model_id: str, broker: str | None = None, store: Path | None = None) -> Config:
    """Return the configuration of the demo's worker.

    Parameters
    ----------
    model_id
        The one model that learns; all others need nothing.
    broker
        URL of the broker; None: the default.
    store
        Folder for events that wait for their label; None: the default.
    """
    return load(
        {
            **({"broker": broker} if broker else {}),
            "http": {"port": 0},
            "labels": {"store": None if store is None else str(store)},
            "models": [{"id": model_id, "task": "binary", "online": ONLINE}],
        }
    )
