"""Deliver alerts to a receiver that refuses what a workflow of Microsoft Teams refuses."""

import json
from pathlib import Path

import pytest
from alert_factory import alert
from sinks.strict import Posted, deliver, strict_receiver, target_of

MAX_BYTES = 28 * 1024
CARD = "application/vnd.microsoft.card.adaptive"


def check(posted: Posted) -> tuple[int, str]:
    """Answer as a workflow does."""
    if len(json.dumps(posted.body, ensure_ascii=False).encode()) > MAX_BYTES:
        return 413, json.dumps({"error": {"code": "RequestEntityTooLarge", "message": "too large"}})
    attachments = posted.body.get("attachments", [])
    content = attachments[0]["content"] if attachments else {}
    is_card = posted.body.get("type") == "message" and attachments[0]["contentType"] == CARD
    if not is_card or content.get("type") != "AdaptiveCard" or not content.get("version"):
        error = {"code": "TriggerInputSchemaMismatch", "message": "The input body did not match"}
        return 400, json.dumps({"error": error})
    return 202, ""


async def test_a_card_has_what_a_person_looks_for(loopback_certificate: tuple[Path, Path]) -> None:
    """Title, message, facts and a link to the runbook are on the card."""
    async with strict_receiver(loopback_certificate, check) as teams:
        url = f"{teams.url}/workflows/0123456789?sig=T0KEN-T0KEN"
        target = target_of(teams.settings("teams", url=url, allow=[f"127.0.0.1:{teams.port}"]))
        runbook = "https://wiki.example.org/fraud"
        await deliver(target, alert("a", runbook=runbook, segment={"region": "eu"}))
    [posted] = teams.accepted
    card = posted.body["attachments"][0]["content"]
    text = json.dumps(card)
    assert "FIRING fraud feature:amount" in text
    assert "amount rose from 41.2 to 4120" in text
    assert {"title": "segment", "value": "region=eu"} in card["body"][2]["facts"]
    assert card["actions"][0]["url"] == runbook


@pytest.mark.parametrize("character", ["x", "*", "漢", "😀"])
async def test_the_largest_card_fits(
    character: str, loopback_certificate: tuple[Path, Path]
) -> None:
    """The longest alert is below 28 KB, whatever its characters are."""
    async with strict_receiver(loopback_certificate, check) as teams:
        target = target_of(
            teams.settings("teams", url=teams.url, allow=[f"127.0.0.1:{teams.port}"])
        )
        text = character * 2000
        long = {"message": character * 8000, "series": text, "owner": text, "model_version": text}
        parts = [{"series": text, "share": 0.05}] * 20
        await deliver(target, alert("a", segment={text: text}, contributors=parts, **long))
    assert teams.refused == []
    assert len(teams.accepted) == 1


async def test_a_refusal_has_its_reason(
    loopback_certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """The workflow's error is in the log, its URL is not. A 200 with an error is a refusal."""
    answers = [
        (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned 413"),
        (400, json.dumps({"error": {"code": "InvalidBotOperation", "message": "at T0KEN-T0KEN"}})),
    ]
    async with strict_receiver(loopback_certificate, lambda _: answers.pop()) as teams:
        url = f"{teams.url}/workflows/0123456789?sig=T0KEN-T0KEN"
        target = target_of(teams.settings("teams", url=url, allow=[f"127.0.0.1:{teams.port}"]))
        delivered = await deliver(target, alert("a"), alert("b"))
    assert "alert 'a' dropped: refused: answered 400: InvalidBotOperation; at ***" in caplog.text
    assert "alert 'b' dropped: refused: answered 200: Webhook message delivery" in caplog.text
    assert delivered.count("dropped", reason="refused") == 2
