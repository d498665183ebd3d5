"""Why a record of another system cannot become events."""

from streamproc.schemas.records import Reason


class IntakeError(Exception):
    """A record cannot become events; `args` are the reason and the detail of its dead letter."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail
