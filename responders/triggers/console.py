"""HTTP for the web console, without a key: App Service authentication says who it is, and code decides who gets in."""

from typing import TYPE_CHECKING

import azure.functions as func

from responders.app import front_door, runtime
from responders.triggers.callers import request_of
from shared.model.once import Once

if TYPE_CHECKING:
    from shared.console.routes import Console

console = func.Blueprint()


@console.function_name("console")
@console.route(route="console", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def show_console(req: func.HttpRequest) -> func.HttpResponse:
    """List incidents."""
    return _answered(req)


@console.function_name("console_page")
@console.route(route="console/{*rest}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def show_console_page(req: func.HttpRequest) -> func.HttpResponse:
    """Show an incident, an object, or what an act would do; POST, from the button on that page, does it."""
    return _answered(req)


@console.function_name("open_case")
@console.route(route="open/{case}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def open_case(req: func.HttpRequest) -> func.HttpResponse:
    """Lead from the address that older cards have to the incident's page."""
    from shared.console.frame import ROOT  # noqa: PLC0415 - the console isn't needed at start-up

    case = req.route_params["case"]
    known = case if case.isascii() and case.replace("-", "").isalnum() else ""
    return func.HttpResponse(status_code=303, headers={"Location": f"{ROOT}/i/{known}", "Cache-Control": "no-store"})


def _answered(req: func.HttpRequest) -> func.HttpResponse:
    reply = _console().answer(request_of(req))
    return func.HttpResponse(
        reply.body, status_code=reply.status, mimetype=reply.content_type, charset="utf-8", headers=dict(reply.headers)
    )


@Once
def _console() -> "Console":
    """The console of this process. It reads nothing until asked."""
    from responders.content import coverage_of  # noqa: PLC0415 - the console isn't needed at start-up
    from responders.posture.pages import pages_of  # noqa: PLC0415 - the same
    from shared.console.routes import Console  # noqa: PLC0415 - the same
    from shared.console.tokens import Tokens  # noqa: PLC0415 - the same

    made = runtime()
    return Console(
        runtime=made,
        door=front_door(),
        tokens=Tokens(made.storage),
        coverage=lambda: coverage_of(made.storage, made.settings, now=made.clock()),
        posture=pages_of(made.storage, made.settings).page,
    )
