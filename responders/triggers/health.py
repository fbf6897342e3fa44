"""HTTP, under a function key: what the app sees, how the tenant stands, and the doctor.

The doctor and the look at the posture are run within the app, which alone has its identity.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

import azure.functions as func
import msgspec

from responders.app import runtime

if TYPE_CHECKING:
    from shared.checks.posture import Posture
    from shared.checks.posture_store import Day

health = func.Blueprint()

_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_TREND: Final = timedelta(days=30)
"""How far back the page of the posture looks for what has changed."""

_AMISS: Final = 503
"""For whatever watches from outside and looks at the status alone."""


@health.function_name("show_health")
@health.route(route="health", methods=["GET"])
def show_health(req: func.HttpRequest) -> func.HttpResponse:
    """Say what is seen and what isn't: a page for a browser, else JSON. The status is 503 where not all is seen."""
    from responders.content import coverage_of  # noqa: PLC0415 - asked for rarely, start-up is a feature

    coverage = coverage_of(runtime().storage, runtime().settings, now=runtime().clock())
    status = _AMISS if coverage.bad else 200
    if "text/html" in req.headers.get("Accept", ""):
        from shared.emergency.blocks import HEADERS  # noqa: PLC0415 - the same
        from shared.ingest.coverage_page import coverage_page  # noqa: PLC0415

        return func.HttpResponse(
            coverage_page(coverage), status_code=status, mimetype="text/html", charset="utf-8", headers=dict(HEADERS)
        )
    body = msgspec.json.encode(coverage)
    return func.HttpResponse(
        body, status_code=status, mimetype="application/json", headers={"Cache-Control": "no-store"}
    )


@health.function_name("examine")
@health.route(route="doctor", methods=["GET", "POST"])
def examine(req: func.HttpRequest) -> func.HttpResponse:
    """Run the doctor on this app. GET changes nothing; POST also sends a page marked as a test over each channel.

    `?since=` an instant (ISO 8601 with its offset) asks whether events were delivered after it.
    """
    from responders.doctor import instant_from, report_of  # noqa: PLC0415 - asked for rarely, start-up is a feature

    asked = req.params.get("since", "")
    since = instant_from(asked)
    if asked and since is None:
        return _problem(_BAD_REQUEST, "since should be a time with its time zone, like 2026-01-31T12:00:00Z")
    report = report_of(os.environ, pages=req.method == "POST", since=since)
    body = msgspec.json.encode(report)
    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})


@health.function_name("show_posture")
@health.route(route="posture", methods=["GET", "POST"])
def show_posture(req: func.HttpRequest) -> func.HttpResponse:
    """Give the last result of the posture checks; POST looks at the tenant first. It reads, and changes nothing.

    `?tenant=b2c` is about the B2C tenant. A browser gets a page, whoever else asks gets JSON.
    """
    from shared.checks.posture_store import PostureStore  # noqa: PLC0415 - asked for rarely, start-up is a feature

    kind = req.params.get("tenant", "workforce")
    tenant = next((each for each in runtime().settings.tenants if each.kind == kind), None)
    if tenant is None:
        return _problem(_NOT_FOUND, "tenant should be workforce, or b2c where that is guarded")
    store = PostureStore(runtime().storage, tenant.id)
    if req.method == "POST":
        from responders.posture.declared import DECLARED  # noqa: PLC0415 - the same
        from shared.checks.posture_daily import look  # noqa: PLC0415

        posture = look(DECLARED, runtime(), tenant)
    else:
        posture = store.latest()
    if posture is None:
        return _problem(_NOT_FOUND, "nobody has looked yet: POST looks now, and a timer does each morning")
    if "text/html" in req.headers.get("Accept", ""):
        asked = cast("str", req.headers.get("Accept-Language", ""))
        return _posture_page(posture, store.days(since=posture.at - _TREND), asked)
    body = msgspec.json.encode(posture)
    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})


def _posture_page(posture: "Posture", days: "list[Day]", accept_language: str) -> func.HttpResponse:
    """Make the page in the browser's language, and in that of messages where it names none."""
    from responders.posture.korean import KOREAN  # noqa: PLC0415 - the same
    from responders.posture.korean_findings import FINDINGS  # noqa: PLC0415
    from shared.checks.posture_page import posture_page  # noqa: PLC0415
    from shared.emergency.blocks import HEADERS  # noqa: PLC0415
    from shared.emergency.labels import language_of  # noqa: PLC0415

    language = language_of(accept_language) if accept_language else runtime().settings.notice_language
    page = posture_page(posture, days, language=language, korean=KOREAN, findings=FINDINGS)
    headers = {**HEADERS, "Vary": "Accept, Accept-Language"}
    return func.HttpResponse(page, mimetype="text/html", charset="utf-8", headers=headers)


def _problem(status: int, detail: str) -> func.HttpResponse:
    body = msgspec.json.encode({"status": status, "detail": detail})
    return func.HttpResponse(body, status_code=status, mimetype="application/problem+json")
