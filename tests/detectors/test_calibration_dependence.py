"""How incidents of dependent series are counted."""

from streamproc.detectors.evaluation.calibration.dependence import QUIET, VALUES, incidents


def test_alarms_close_to_each_other_are_one_incident() -> None:
    """An incident ends a thousand values behind its last alarm; the last ends with the series."""
    assert incidents([]) == (0, 0)
    assert incidents([100, 600, 5000]) == (2, 500 + 2 * QUIET)
    assert incidents([VALUES - 10]) == (1, 10)
