"""HTTP, under a function key: the doctor, asked where the app's own identity is."""

import os

import azure.functions as func
import msgspec

health = func.Blueprint()


@health.function_name("examine")
@health.route(route="doctor", methods=["GET", "POST"])
def examine(req: func.HttpRequest) -> func.HttpResponse:
    """Examine the app as it stands. GET looks only; POST sends a page marked as a test over each channel too."""
    from responders.doctor import report_of  # noqa: PLC0415 - asked for rarely, start-up is a feature

    report = report_of(os.environ, pages=req.method == "POST")
    body = msgspec.json.encode(report)
    return func.HttpResponse(body, mimetype="application/json", headers={"Cache-Control": "no-store"})
