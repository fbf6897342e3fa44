"""The running app: its modes, the kill switch, who can call it, and its clock."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from shared.checks.check import Check, Finding, failed, ok, unknown, warning
from shared.doctor.context import DoctorContext, positions_of, settings_of
from shared.model.errors import EdgeError
from shared.model.kinds import Mode

_PAGES: Final = ("/api/console/i/", "/api/open/")
"""Where an incident's page is; the latter in settings made earlier."""
_SIGN_IN: Final = "/.auth/login/"
"""Where App Service authentication sends whoever hasn't signed in, when it doesn't refuse."""

_MOST_NAMED: Final = 10
"""As many detections of a mode are named; of more it is said how many, and `responder mode` lists them."""

_MOST_SKEW: Final = timedelta(seconds=60)


def _modes(context: DoctorContext) -> list[Finding]:
    control_state = context.control_state
    known = [each.id for each in context.content.detections]
    without_detection = sorted(control_state.modes.keys() - {*known, "*"})
    by_mode = "; ".join(f"{mode}: {_listed(one for one in known if control_state.mode(one) is mode)}" for mode in Mode)
    return [warning(f"a mode is set for {name}, which is no detection") for name in without_detection] or [ok(by_mode)]


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    if len(found) > _MOST_NAMED:
        return f"{len(found)} detections"
    return ", ".join(found) or "none"


def _kill_switch(context: DoctorContext) -> list[Finding]:
    if context.control_state.stopped:
        return [warning("the kill switch is on: nothing is put back, everything is paged")]
    return [ok("the kill switch is off")]


def _anonymous(context: DoctorContext) -> list[Finding]:
    address = _address(context)
    if not address:
        return [unknown("CASE_LINK isn't set, so the app's address isn't known")]
    try:
        answer = context.web.ask("GET", f"{address}/api/cases")
    except EdgeError as error:
        return [failed(str(error), cure=_NO_ANSWER)]
    if answer.status == HTTPStatus.FOUND and _SIGN_IN in answer.headers.get("location", ""):
        return [ok(f"{address} sends a call without a key to the sign-in page")]
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return [ok(f"{address} answers {answer.status} to a call without a key")]
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.NOT_FOUND:
        return [failed(f"{address}/api/cases answers {answer.status}", cure=_NO_ANSWER)]
    return [failed(f"{address}/api/cases answers {answer.status} to a call without a key")]


def _sign_in_page(context: DoctorContext) -> list[Finding]:
    """Open a case as somebody who isn't signed in: App Service authentication has to answer, and not the app."""
    page = next((one for one in _PAGES if one in context.settings.case_link), "")
    if not page:
        return [ok("CASE_LINK leads to no page of this app, so nobody signs in to it")]
    address = _address(context)
    answer = context.web.ask("GET", f"{address}{page}nobody")
    if answer.status == HTTPStatus.FOUND and _SIGN_IN in answer.headers.get("location", ""):
        return [ok(f"{address} sends people to the sign-in page")]
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return [ok(f"{address} answers 401 to people who aren't signed in")]
    return [failed(f"{address}{page}… answers {answer.status} to people who aren't signed in, not the sign-in page")]


def _address(context: DoctorContext) -> str:
    """Give the app's address, by CASE_LINK or, within the app, by App Service; "" where neither says it."""
    if link := context.settings.case_link:
        parts = urlsplit(link)
        return f"{parts.scheme}://{parts.netloc}"
    host = context.environment.get("WEBSITE_HOSTNAME", "")
    return f"https://{host}" if host else ""


def _clock(context: DoctorContext) -> list[Finding]:
    before = context.clock()
    answer = context.web.ask("GET", f"{context.settings.graph_url}/v1.0/")
    at = _date(answer.headers.get("date", ""))
    if at is None:
        return [unknown("Graph's answer has no date")]
    skew = abs(before + (context.clock() - before) / 2 - at)
    text = f"the clock is {skew.total_seconds():.0f} s off Graph's"
    return [warning(text) if skew > _MOST_SKEW else ok(text)]


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


_NO_ANSWER: Final = (
    "Deploy the code (infra/scripts/deploy-code.sh); an app that doesn't start says in its log which setting is wrong."
)

CHECKS: Final = (
    Check(
        id="modes-known",
        title="Each mode that is set is of a detection",
        cure="`responder mode` lists the detections; delete the row of the other one from the table Switches.",
        reads=(positions_of,),
        run=_modes,
    ),
    Check(
        id="kill-switch-off",
        title="The kill switch is off",
        cure="responder start takes it off.",
        reads=(positions_of,),
        run=_kill_switch,
    ),
    Check(
        id="anonymous-refused",
        title="The app refuses a call without a key",
        cure="Stop the app (az functionapp stop) until it does: anybody can read the cases. Deploy infra/main.bicep and"
        " the code again.",
        reads=(settings_of,),
        run=_anonymous,
    ),
    Check(
        id="case-opens",
        title="People can sign in and open a case",
        cure="App Service authentication has to stand in front of the app: deploy infra/main.bicep again. Without it a"
        " case is shown to nobody, since the app can't know who asks.",
        reads=(settings_of,),
        run=_sign_in_page,
    ),
    Check(
        id="clock-right",
        title="The clock agrees with Graph's",
        cure="Set this machine's clock by a time server: approvals, leases and tokens go by it.",
        reads=(settings_of,),
        run=_clock,
    ),
)
