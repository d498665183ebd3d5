"""Track the error rates of the online model and of the production model."""

from streamproc.schemas.model_updates import OnlinePrediction
from streamproc.tools.demo.events import DemoEvent, Scenario


class Course:
    """Compares answers with labels once both have come, as any reader of the topics could.

    Parameters
    ----------
    story
        What the labels are.

    Attributes
    ----------
    rows : list of int
        Events whose label has come, in that order.
    """

    def __init__(self, story: Scenario) -> None:
        self._story = story
        self._answers: dict[int, tuple[int, bool]] = {}
        self.rows: list[int] = []

    @property
    def answered(self) -> int:
        """How many events the online model has answered."""
        return len(self._answers)

    def take(self, demo_event: DemoEvent) -> None:
        """Note what was published."""
        if demo_event.is_label:
            self.rows.append(demo_event.row)

    def answer(self, answer: OnlinePrediction) -> None:
        """Record a prediction of the online model."""
        if answer.model_id == self._story.learner and answer.event_id is not None:
            predicted = bool(answer.prediction)
            self._answers[int(answer.event_id)] = (answer.version, predicted)

    def wrong(self, row: int) -> bool | None:
        """Whether the online model was wrong; None while it has not answered."""
        answer = self._answers.get(row)
        return None if answer is None else answer[1] != self._story.labels.came[row]

    def error(self, rows: range, version: int) -> float | None:
        """Give the share of some events that a version got wrong; None: it answered none."""
        came = self._story.labels.came
        answers = ((row, self._answers.get(row)) for row in rows if came[row] is not None)
        found = [
            answer[1] != came[row]
            for row, answer in answers
            if answer is not None and answer[0] == version
        ]
        return sum(found) / len(found) if found else None

    def production(self, rows: range) -> float | None:
        """Give the share of some events that the published predictions got wrong."""
        labels = self._story.labels
        found = [labels.wrong(row) for row in rows if labels.came[row] is not None]
        return sum(found) / len(found) if found else None
