import pytest
from alert_factory import alert

from streamproc.alerting.joint_messages import with_pair
from streamproc.detect.detector_input import JointChange

ALERT = alert(message="it changed")
NAMED = (
    "it changed; of its 12 features 'a' and 'b' changed most: their correlation was 0.90 and is"
    " -0.90 over the last 32 events"
)
NONE = "it changed; of its 12 features no two stand out"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (JointChange(12, ("a", "b"), 0.9, -0.9), NAMED),
        (JointChange(12, ("a", "b"), 0.0, 0.35), NONE),
        (JointChange(12), NONE),
    ],
)
def test_two_features_are_named_only_if_they_stand_out(change: JointChange, message: str) -> None:
    """Of 66 pairs one changes by 0.35 by chance; naming it would send people the wrong way."""
    assert with_pair(ALERT, change).message == message


def test_of_two_features_a_smaller_change_stands_out() -> None:
    """Chance has one pair only."""
    assert "changed most" in with_pair(ALERT, JointChange(2, ("a", "b"), 0.0, 0.35)).message
