"""Print deployments, and announce one."""

import sys
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import typer

from streamproc.cli.incidents_act import send_and_wait
from streamproc.cli.tables import new_table, print_table
from streamproc.client.incidents import open_incidents
from streamproc.config.config import Config
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.deployments import Deployment
from streamproc.terminal import count, printable


async def print_deployments(
    config: Config, model: str | None, since: datetime | None, *, as_json: bool
) -> None:
    """Print the deployments of models that match, the last one last."""
    with quiet_client():
        async with open_incidents(config) as topic:
            known = list(topic.values.deployments.values())
            found = [
                each
                for each in known
                if (model is None or fnmatchcase(each.model_id, model))
                and (since is None or each.began >= since)
            ]
    found.sort(key=lambda each: (each.began, each.deployment_id))
    if as_json:
        for deployment in found:
            sys.stdout.write(deployment.to_json().decode() + "\n")
        return
    table = new_table("model", "version", "before", "began", "known from", "released with", "note")
    for deployment in found:
        table.add_row(*describe_deployment(deployment, together(deployment, known)))
    print_table(table, f"no deployment matches, of {len(known)}" if known else "no deployment yet")


def describe_deployment(deployment: Deployment, others: int) -> tuple[str, ...]:
    """Return the cells of a deployment.

    Parameters
    ----------
    deployment
        The deployment.
    others
        How many other models were released with it.
    """
    origins = [] if deployment.announced is None else [f"announced by {deployment.by}"]
    origins += [] if deployment.seen is None else ["events"]
    return (
        printable(deployment.model_id),
        printable(deployment.model_version),
        printable(deployment.previous or ""),
        f"{deployment.began:%Y-%m-%d %H:%M:%SZ}",
        printable(", ".join(origins)),
        count(others, "other") if others else "",
        printable(deployment.note),
    )


def together(deployment: Deployment, known: list[Deployment]) -> int:
    """Return how many other models were released together with a deployment."""
    models = {each.model_id for each in known if each.release == deployment.release}
    return len(models - {deployment.model_id})


async def print_announced(config: Config, payload: Mapping[str, Any]) -> None:
    """Announce a deployment, and print it once a worker knows it.

    Raises
    ------
    NotAppliedError
        If no worker applies the command.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            sent = await send_and_wait(
                *(config, topic, "deployment_announce", payload),
                lambda values, sent: any(
                    sent.id in each.commands for each in values.deployments.values()
                ),
            )
            [found] = [
                each for each in topic.values.deployments.values() if sent.id in each.commands
            ]
            others = together(found, list(topic.values.deployments.values()))
    known = "" if found.seen is None else f", seen from {found.seen:%Y-%m-%d %H:%M:%SZ} on"
    with_others = f", released with {count(others, 'other model')}" if others else ""
    typer.echo(
        f"deployment {found.deployment_id}: {printable(found.model_id)}"
        f" {printable(found.model_version)}{known}{with_others}"
    )
