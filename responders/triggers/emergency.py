"""HTTP for emergencies, anonymous to the host: who calls is proven to the app itself, by what needs no sign-in."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import azure.functions as func

if TYPE_CHECKING:
    from shared.emergency.engine import Engine
    from shared.emergency.routes import Identified, NotIdentified

type IdentifyRequest = Callable[[func.HttpRequest, bytes], Identified | NotIdentified]
"""Says who makes a request, given it and its first line: what is signed."""


def emergency_blueprint(engine: "Callable[[], Engine]", identify: IdentifyRequest) -> func.Blueprint:
    """Make the functions below /api/emergency. `engine` gives the one of this process when it is first asked for."""
    blueprint = func.Blueprint()

    def answered(req: func.HttpRequest) -> func.HttpResponse:
        from shared.emergency.presenting import page_of  # noqa: PLC0415 - most processes never see an emergency
        from shared.emergency.routes import Asked, respond  # noqa: PLC0415 - the same

        headers: Mapping[str, str] = req.headers
        asked = Asked(method=req.method, path=urlsplit(req.url).path, headers=dict(headers), body=req.get_body())
        made = engine()
        reply = respond(made, asked, lambda first: identify(req, first), page=page_of(made))
        return func.HttpResponse(
            reply.body, status_code=reply.status, mimetype=reply.content_type, headers=dict(reply.headers)
        )

    @blueprint.function_name("emergencies")
    @blueprint.route(route="emergency", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def emergencies(req: func.HttpRequest) -> func.HttpResponse:  # pyright: ignore[reportUnusedFunction] - it registers
        """List emergencies, or declare one."""
        return answered(req)

    @blueprint.function_name("emergency")
    @blueprint.route(route="emergency/{*rest}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def emergency(req: func.HttpRequest) -> func.HttpResponse:  # pyright: ignore[reportUnusedFunction] - it registers
        """Show one, or go on with it."""
        return answered(req)

    return blueprint
