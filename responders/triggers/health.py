"""HTTP, under a function key: the doctor, run within the app, which alone has its identity."""

import os

import azure.functions as func
import msgspec

health = func.Blueprint()


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
