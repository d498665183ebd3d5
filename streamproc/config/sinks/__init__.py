"""Sinks with a format of their receiver, told apart by `kind`."""

from typing import Annotated, Final, get_args

from pydantic import Field

from streamproc.config.sink import SinkSection
from streamproc.config.sinks.alertmanager import AlertmanagerSection
from streamproc.config.sinks.pagerduty import PagerDutySection

_Section = AlertmanagerSection | PagerDutySection

AnySink = Annotated[_Section, Field(discriminator="kind")]
"""One entry of the list `sinks`."""

SECTIONS: Final[dict[str, type[SinkSection]]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section for section in get_args(_Section)
}
"""The sections by their `kind`."""
