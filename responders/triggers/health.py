"""HTTP, under a function key: what the app sees, and the doctor, run within the app, which alone has its identity."""

import os
from typing import Final

import azure.functions as func
import msgspec

from responders.app import runtime

health = func.Blueprint()

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
        detail = "since should be a time with its time zone, like 2026-01-31T12:00:00Z"
        body = msgspec.json.encode({"status": 400, "detail": detail})
        return func.HttpResponse(body, status_code=400, mimetype="application/problem+json")
    report = report_of(os.environ, pages=req.method == "POST", since=since)
    body = msgspec.json.encode(report)
    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})
