"""The client for Teams: a Power Automate flow with the trigger "When a Teams webhook request is received"."""

from collections.abc import Mapping
from typing import Any, Final

from shared.clients.answers import Limits
from shared.clients.channels import LIMITS, post_json, secrets_in
from shared.model.clock import Clock, utc_now

_SERVICE: Final = "the Teams flow"
_COPY_AGAIN: Final = "copy the flow's whole address, with its sig=, into TEAMS_WEBHOOK_URL again"
_ADVICE: Final[Mapping[int, str]] = {
    400: "its trigger should be “When a Teams webhook request is received”",
    401: f"the address is cut short, its signature was renewed, or the flow asks for a sign-in: {_COPY_AGAIN}",
    403: f"the flow doesn't let anyone start it: set “Who can trigger” to Anyone, or {_COPY_AGAIN}",
    404: "the flow was deleted or switched off: make it again and put its address into TEAMS_WEBHOOK_URL",
    410: "the flow was deleted: make it again and put its address into TEAMS_WEBHOOK_URL",
    413: "the message is larger than Teams takes",
}


class Teams:
    """The owners' channel. `url` is the flow's address, whose `sig` is the only secret."""

    def __init__(self, *, url: str, clock: Clock = utc_now, limits: Limits = LIMITS) -> None:
        self._url = url
        self._clock = clock
        self._limits = limits

    def post(self, message: Mapping[str, Any]) -> None:
        """Send a message, as `shared.notify.cards.card_of` builds it, to the flow.

        Returning means that the flow accepted it (202), not that a card was posted. A flow also accepts messages when
        its owner's connection has expired or a data policy blocks it. Only an acknowledgement proves that a page came.

        Raises:
            Refused, Rejected: the flow is gone or the address is wrong; the text says what to do.
            Throttled, Unreachable: worth another try.
        """
        post_json(
            self._url,
            message,
            secrets=secrets_in(self._url),
            service=_SERVICE,
            advice=_ADVICE,
            clock=self._clock,
            limits=self._limits,
        )
