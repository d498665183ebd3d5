"""Sections of the sinks with the format of their receiver; `kind` selects the section."""

from typing import Annotated, Final, get_args

from pydantic import Field

from streamproc.config.sink import SinkSection
from streamproc.config.sinks.alertmanager import AlertmanagerSection
from streamproc.config.sinks.apprise import AppriseSection
from streamproc.config.sinks.email import EmailSection
from streamproc.config.sinks.pagerduty import PagerDutySection
from streamproc.config.sinks.retrain import RetrainSection
from streamproc.config.sinks.slack import SlackSection
from streamproc.config.sinks.teams import TeamsSection
from streamproc.config.sinks.template import TemplateSection

_Section = (
    AlertmanagerSection
    | AppriseSection
    | EmailSection
    | PagerDutySection
    | RetrainSection
    | SlackSection
    | TeamsSection
    | TemplateSection
)

AnySink = Annotated[_Section, Field(discriminator="kind")]
"""One entry of the list `sinks`."""

SECTIONS: Final[dict[str, type[SinkSection]]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section for section in get_args(_Section)
}
"""The sections by their `kind`."""
