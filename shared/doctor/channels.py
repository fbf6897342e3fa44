"""The channels by which people are paged. Nothing is posted, unless a test page is asked for."""

from typing import Final
from urllib.parse import urlsplit

from shared.checks.check import Check, Finding, failed, ok, warning
from shared.doctor.context import DoctorContext, settings_of
from shared.model.errors import EdgeError
from shared.model.notices import SystemNotice
from shared.notify.channels import PagerDutySender, TeamsSender

_BROKEN: Final = 500

TEST: Final = SystemNotice(
    key="entra-responder-test",
    title="TEST: Entra Responder can page you",
    text="Somebody asked for this with `responder doctor --page`. Nothing has happened.",
    what_to_do="Nothing. In PagerDuty, resolve the incident.",
)


def _teams(context: DoctorContext) -> list[Finding]:
    settings = context.settings
    if unresolved := settings.unresolved_of("TEAMS_WEBHOOK_URL"):
        return [failed(f"Teams gets no page: {unresolved.message}", cure=unresolved.cure)]
    if not settings.teams_webhook_url:
        return [warning("TEAMS_WEBHOOK_URL isn't set", cure="Set it, so that owners see cards in their channel.")]
    return _channel(context, settings.teams_webhook_url, TeamsSender(settings))


def _pagerduty(context: DoctorContext) -> list[Finding]:
    settings = context.settings
    if unresolved := settings.unresolved_of("PAGERDUTY_ROUTING_KEY"):
        return [failed(f"PagerDuty gets no page: {unresolved.message}", cure=unresolved.cure)]
    if not settings.pagerduty_routing_key:
        cure = "Set it: Teams needs the very tenant that may be under attack, PagerDuty doesn't."
        return [warning("PAGERDUTY_ROUTING_KEY isn't set: there is no second channel", cure=cure)]
    return _channel(context, settings.pagerduty_url, PagerDutySender(settings))


def _channel(context: DoctorContext, url: str, sender: TeamsSender | PagerDutySender) -> list[Finding]:
    """Ask the host alone, since the rest of the address is a secret. An answer of 4xx shows that it is there."""
    parts = urlsplit(url)
    try:
        answer = context.web.ask("OPTIONS", f"{parts.scheme}://{parts.netloc}/")
    except EdgeError as error:
        return [failed(str(error))]
    if answer.status >= _BROKEN:
        return [failed(f"{parts.netloc} answers {answer.status}")]
    if not context.asked.pages:
        return [ok(f"{parts.netloc} answers; nothing was posted (--page posts a test)")]
    try:
        sender.send_system_notice(TEST)
    except EdgeError as error:
        return [failed(f"a test page was refused: {error}")]
    return [ok(f"{parts.netloc} took a test page: look whether it is there")]


CHECKS: Final = (
    Check(
        id="teams-reachable",
        title="Teams' webhook can be reached",
        cure="Check TEAMS_WEBHOOK_URL and the way out of the app's network. Where the flow was deleted, make it again.",
        reads=(settings_of,),
        run=_teams,
    ),
    Check(
        id="pagerduty-reachable",
        title="PagerDuty can be reached",
        cure="Check PAGERDUTY_URL, PAGERDUTY_ROUTING_KEY and the way out of the app's network.",
        reads=(settings_of,),
        run=_pagerduty,
    ),
)
