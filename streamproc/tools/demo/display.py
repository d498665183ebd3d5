"""Display the running demo: as lines or as a dashboard."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.text import Text

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tools.demo.events import DemoEvent
from streamproc.tools.demo.step_text import describe_step

Describe = Callable[[AlertEvent], Text]
"""Writes an alert for a person, without markup and without what would steer the terminal."""


class Show(Protocol):
    """Receives events, alerts and updates, and shows them in its ``with`` block."""

    def sent(self, demo_event: DemoEvent) -> None:
        """Note an event that was sent."""

    def alert(self, alert: AlertEvent) -> None:
        """Show an alert."""

    def step(self, update: ModelUpdate) -> None:
        """Show a step of the model that learns."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""


class Lines:
    """Prints every alert and every step when it comes, and nothing else.

    Parameters
    ----------
    console
        Where to.
    describe
        How.
    """

    def __init__(self, console: Console, describe: Describe) -> None:
        self._console = console
        self._describe = describe

    def sent(self, demo_event: DemoEvent) -> None:
        """Note an event that was sent: it is not worth a line."""

    def alert(self, alert: AlertEvent) -> None:
        """Print an alert."""
        self._console.print(self._describe(alert), soft_wrap=True)

    def step(self, update: ModelUpdate) -> None:
        """Print a step."""
        self._console.print(describe_step(update), soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass
