"""Commands to running workers: signed, expiring, in sequence. Pure: no Kafka, no clock."""

from streamproc.control.command import Command, Reason, Refusal, sign, verify

__all__ = ["Command", "Reason", "Refusal", "sign", "verify"]
