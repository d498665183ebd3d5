"""Model updates for tests that read them."""

from typing import Any

from streamproc.schemas.model_updates import ModelUpdate


def update(update_id: str = "u1", **fields: Any) -> ModelUpdate:
    """Return an update; only what a test is about needs to be said."""
    usual = {
        "model_id": "fraud",
        "step": "learned",
        "version": 1,
        "serving": 1,
        "ts": "2026-01-05T10:00:00Z",
        "learned": 1000,
        "metrics": {"accuracy": 0.91, "production_accuracy": 0.88, "floor_accuracy": 0.6},
        "source": {"topic": "outcomes", "partition": 0, "offset": 12345},
    }
    return ModelUpdate.model_validate({"update_id": update_id, **usual, **fields})


def story() -> list[ModelUpdate]:
    """Return a life: it learns, drifts, a challenger is promoted, and rolled back."""
    return [
        update("u1", learned=100),
        update("u2", step="challenger", version=2, learned=0, cause="a7", metrics={}),
        update("u3", step="challenger", version=3, learned=0, cause="a7", metrics={}),
        update("u4", step="promoted", version=2, serving=2, learned=900, metrics={"accuracy": 0.8}),
        update("u5", step="retired", version=3, serving=2, learned=900),
        update("u6", version=2, serving=2, learned=1200),
        update("u7", step="rolled_back", version=1, serving=1, learned=100, cause="ops#4"),
    ]
