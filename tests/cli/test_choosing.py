"""What a command that changed nothing says."""

from typing import Any

import pytest
from update_factory import update

from streamproc.cli.models_promote import advice
from streamproc.client.model_states import ModelState
from streamproc.schemas.model_command import Choice


def life(*steps: tuple[str, int, int]) -> ModelState:
    """Return a model of which these steps were told: what, of which version, which answers."""
    found = ModelState("m", ())
    for step, version, serving in steps:
        found.apply(update(model_id="m", step=step, version=version, serving=serving))
    return found


ROLLED_BACK = life(
    ("learned", 1, 1), ("challenger", 2, 1), ("promoted", 2, 2), ("rolled_back", 1, 1)
)


@pytest.mark.parametrize(
    ("known", "verb", "version", "expected"),
    [
        (ROLLED_BACK, "promote", None, "has no challenger to promote; to restore v2"),
        (ROLLED_BACK, "promote", None, "`streamproc models rollback m --version 2`"),
        (ROLLED_BACK, "promote", 2, "v2 of model 'm' is not a challenger"),
        (ROLLED_BACK, "promote", 1, "v1 of model 'm' is already the champion"),
        (ROLLED_BACK, "rollback", 9, "has no such earlier version; known are v1, v2"),
        (life(("challenger", 2, 1)), "promote", 3, "has v2 to promote"),
        (life(("challenger", 2, 1)), "promote", None, "same `control` secret"),
        (None, "promote", None, "no online model 'm' is known"),
    ],
)
def test_the_advice_fits_what_is_known_of_the_model(
    known: ModelState | None, verb: Any, version: int | None, expected: str
) -> None:
    """It names what can be done instead of sending the operator to look for a secret."""
    assert expected in advice(known, verb, Choice(model_id="m", version=version))
