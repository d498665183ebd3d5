"""Values as they should be, which a model's series are compared with from their first event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Cell", "ReferenceSample"]

Cell = float | str


@dataclass(frozen=True, slots=True)
class ReferenceSample:
    """A sample of the rows of a reference file.

    Attributes
    ----------
    digest
        Sixteen hex digits that are equal for equal samples.
    columns
        Values by the name of the column, a feature's or ``prediction``, without those that are
        missing; truth values are 0 and 1.
    """

    digest: str
    columns: Mapping[str, Sequence[Cell]]

    def values(self, series: str) -> Sequence[Cell]:
        """Give the values of a series; none for one that is not there.

        Examples
        --------
        >>> baseline = ReferenceSample("", {"amount": [1.0, 2.0], "prediction": ["yes", "no"]})
        >>> baseline.values("feature:amount"), baseline.values("prediction:yes")
        ([1.0, 2.0], [1.0, 0.0])
        """
        kind, _, name = series.partition(":")
        if kind == "feature":
            return self.columns.get(name, ())
        classes = self.columns.get("prediction", ()) if kind == "prediction" else ()
        return [float(value == name) for value in classes] if name else classes
