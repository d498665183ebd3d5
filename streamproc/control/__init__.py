"""Sign, verify and dispatch commands to running workers. Pure: no Kafka, no clock."""

from streamproc.control.command import Command, Reason, Refusal, sign, verify

__all__ = ["Command", "Reason", "Refusal", "sign", "verify"]
