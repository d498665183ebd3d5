"""What can go wrong in this package, each with its name."""


class DetectorError(Exception):
    """Base of every error that this package raises on purpose."""


class NotFiniteError(DetectorError, ValueError):
    """A value is NaN or infinite; the detector is as it was before the call.

    Leave missing values out, or hand them to a bank, which skips NaN.
    """


class UnknownDetectorError(DetectorError, LookupError):
    """No detector has this name; the message lists those that exist."""


class ParameterError(DetectorError, ValueError):
    """A parameter is unknown, of the wrong type or out of its range.

    The message names the parameter, what was given and what is allowed.
    """


class StateError(DetectorError, ValueError):
    """A saved state does not fit: a name, type or shape differs.

    Nothing was loaded. The state comes from another version or from other
    parameters: load it there, or start afresh.
    """


class ShapeError(DetectorError, ValueError):
    """An array has another shape, type or memory order than the call needs."""


class OutOfRangeError(DetectorError, ValueError):
    """A value is finite, but not one that the detector is about; it is unchanged.

    Detectors of errors take 1 (error) and 0 (correct), some of them anything
    in between: hand them those, or watch the series with another detector.
    """
