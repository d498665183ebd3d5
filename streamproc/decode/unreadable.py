"""Why a record cannot be split into events."""

from streamproc.schemas.records import Reason


class UnreadableError(Exception):
    """The record cannot be split into events; `args` are the reason and the detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail
