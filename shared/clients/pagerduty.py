"""The client for PagerDuty's Events API v2: the second channel, which doesn't depend on the tenant."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from shared.clients.answers import Limits
from shared.clients.channels import LIMITS, post_json, secrets_in
from shared.model.clock import Clock, utc_now

_SERVICE: Final = "PagerDuty"
_ADVICE: Final[Mapping[int, str]] = {
    400: "PAGERDUTY_ROUTING_KEY should be the integration key of an Events API v2 integration",
    404: "PAGERDUTY_URL should be https://events.pagerduty.com/v2/enqueue",
    413: "the event is larger than the 512 KB that PagerDuty takes",
}


class PagerDuty:
    """One service of PagerDuty. `routing_key` is the integration's key, a secret."""

    def __init__(self, *, url: str, routing_key: str, clock: Clock = utc_now, limits: Limits = LIMITS) -> None:
        self._url = url
        self._clock = clock
        self._limits = limits
        self._routing_key = routing_key

    def trigger(self, event: Mapping[str, Any]) -> None:
        """Send an event, as `shared.notify.cards.alert_of` builds it. Returning means that PagerDuty has accepted it.

        Raises:
            Refused, Rejected: the key or the event is wrong; the text says what PagerDuty found.
            Throttled, Unreachable: worth another try.
        """
        self._enqueue(event)

    def signal(self, action: Literal["acknowledge", "resolve"], dedup_key: str) -> None:
        """Acknowledge or resolve the alert with this key. PagerDuty takes one that isn't open too, and drops it.

        Raises as `trigger` does.
        """
        self._enqueue({"event_action": action, "dedup_key": dedup_key})

    def _enqueue(self, event: Mapping[str, Any]) -> None:
        body = {**event, "routing_key": self._routing_key}
        secrets = (self._routing_key, *secrets_in(self._url))
        post_json(
            self._url,
            body,
            secrets=secrets,
            service=_SERVICE,
            advice=_ADVICE,
            clock=self._clock,
            limits=self._limits,
        )
