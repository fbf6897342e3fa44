"""HTTP for owners in a browser: say that the weekly test reached them.

No key: whoever comes is signed in by App Service authentication in front of the app, and let in by assignment to the
operators' registration. Without that in front, nothing is shown.
"""

import os
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import azure.functions as func

from responders.app import runtime
from shared.authority.signed_in import NotSignedIn, person_from

pages = func.Blueprint()
_OWN: Final = frozenset({"", "same-origin"})
"""What a browser says of where a request comes from, when it says it: our own page."""


@pages.function_name("show_reach")
@pages.route(route="reach/{test}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def show_reach(req: func.HttpRequest) -> func.HttpResponse:
    """Ask who is signed in to say that the weekly test reached them; POST, from the button on that page, notes it."""
    from shared.notify.reach_page import reach_page  # noqa: PLC0415 - opened once a week
    from shared.notify.reachability import Reachability  # noqa: PLC0415

    try:
        person = person_from(req.headers, os.environ, tenant_id=runtime().settings.workforce.id)
    except NotSignedIn as reason:
        return _said(HTTPStatus.FORBIDDEN, "This page is for owners only", str(reason))
    if req.method != "POST":
        return _html(HTTPStatus.OK, reach_page(reader=person.name))
    if not _is_from_own_page(req):
        return _said(HTTPStatus.FORBIDDEN, "Nothing was noted", "Open the page from the card, and press the button.")
    made = runtime()
    reachability = Reachability(
        made.storage, made.notifier, case_link=made.settings.case_link, clock=made.clock, acts=made.acts
    )
    owner = reachability.answer(person.name)
    if owner is None:
        text = f"Nobody is named as an owner under {person.name}. responder owners lists who is paged."
        return _said(HTTPStatus.FORBIDDEN, "Nothing was noted", text)
    return _said(HTTPStatus.OK, "Noted", f"Teams reaches you, {owner.name}. You can close this page.")


def _is_from_own_page(req: func.HttpRequest) -> bool:
    """Whether the browser says that our own page sent it; every browser names the origin of a POST."""
    if req.headers.get("Sec-Fetch-Site", "") not in _OWN:
        return False
    return req.headers.get("Origin", "").lower() in _own_origins()


def _own_origins() -> frozenset[str]:
    """Where this app is opened: as cards link to it, and as the platform names it."""
    link = urlsplit(runtime().settings.case_link)
    host = os.environ.get("WEBSITE_HOSTNAME", "")
    origins = (f"{link.scheme}://{link.netloc}" if link.netloc else "", f"https://{host}" if host else "")
    return frozenset(origin.lower() for origin in origins if origin)


def _said(status: HTTPStatus, title: str, text: str) -> func.HttpResponse:
    from shared.notify.reach_page import message_page  # noqa: PLC0415 - pages aren't needed at start-up

    return _html(status, message_page(title, text))


def _html(status: HTTPStatus, page: str) -> func.HttpResponse:
    return func.HttpResponse(page, status_code=status, mimetype="text/html", charset="utf-8", headers=_headers())


def _headers() -> dict[str, str]:
    from shared.notify.reach_page import HEADERS  # noqa: PLC0415 - pages aren't needed at start-up

    return dict(HEADERS)
