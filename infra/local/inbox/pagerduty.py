"""PagerDuty Events v2 as the sender sees it: what is refused, in PagerDuty's words, and how events fold into alerts.

Words and shapes are from PagerDuty's Events API v2 description and from refusals quoted in public issue trackers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from secrets import token_hex

from infra.local.inbox.wire import Json, json_from, text_at

SUMMARY_LIMIT = 1024
DEDUP_KEY_LIMIT = 255
EVENT_LIMIT_BYTES = 512 * 1024
ROUTING_KEY_LENGTH = 32
ALERTS_KEPT = 200
SEVERITIES = ("critical", "warning", "error", "info")
ACTIONS = ("trigger", "acknowledge", "resolve")


class AlertState(StrEnum):
    """Where an alert stands, in PagerDuty's words."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Events with one dedup_key, folded. `id` is the post that opened it; `event` is that first event, as sent."""

    id: int
    dedup_key: str
    state: AlertState
    severity: str
    summary: str
    source: str
    count: int
    opened_at: datetime
    last_at: datetime
    event: dict[str, Json]


def event_from(body: bytes) -> dict[str, Json] | None:
    """Read the body of an enqueue call; None when it isn't a JSON object, which PagerDuty refuses in its own words."""
    try:
        event = json_from(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def errors_in(event: dict[str, Json], *, routing_key: str) -> tuple[str, ...]:
    """List what PagerDuty would refuse in `event`; empty when it would be taken."""
    return (*_routing_errors(event, routing_key), *_action_errors(event))


def _routing_errors(event: dict[str, Json], routing_key: str) -> Iterator[str]:
    sent = text_at(event, "routing_key")
    if not sent.strip():
        yield "'routing_key' is missing or blank"
        return
    if sent == routing_key:
        return
    if len(sent) == ROUTING_KEY_LENGTH and sent.isalnum():
        yield "Invalid routing key"
        return
    if len(sent) != ROUTING_KEY_LENGTH:
        yield f"Length of 'routing_key' is incorrect (should be {ROUTING_KEY_LENGTH} characters)"
    if not sent.isalnum():
        yield "'routing_key' cannot contain non-alphanumeric characters."


def _action_errors(event: dict[str, Json]) -> Iterator[str]:
    action = text_at(event, "event_action")
    dedup_key = text_at(event, "dedup_key")
    if not action.strip():
        yield "'event_action' is missing or blank"
    elif action not in ACTIONS:
        yield "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
    elif action == "trigger":
        yield from _payload_errors(event.get("payload"))
    elif not dedup_key.strip():
        yield "'dedup_key' is missing or blank"
    if len(dedup_key) > DEDUP_KEY_LIMIT:
        yield f"'dedup_key' is too long (maximum is {DEDUP_KEY_LIMIT} characters)"


def _payload_errors(payload: Json) -> Iterator[str]:
    for field in ("summary", "source", "severity"):
        if not text_at(payload, field).strip():
            yield f"'payload.{field}' is missing or blank"
    severity = text_at(payload, "severity")
    if severity.strip() and severity not in SEVERITIES:
        yield "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"


class Alerts:
    """The service's alerts. An open alert takes each further trigger with its key; a resolved one never opens again."""

    def __init__(self) -> None:
        self._alerts: dict[int, Alert] = {}
        self._open: dict[str, int] = {}

    def take(self, event: dict[str, Json], *, post_id: int, at: datetime) -> tuple[str, str]:
        """Fold in an event that has no errors; give its dedup_key and, when PagerDuty drops it, why ("" when not)."""
        dedup_key = text_at(event, "dedup_key") or token_hex(16)
        action = text_at(event, "event_action")
        current = self._alerts.get(self._open.get(dedup_key, -1))
        if action == "trigger":
            self._trigger(current, _opening(event, dedup_key=dedup_key, post_id=post_id, at=at))
            return dedup_key, ""
        if current is None:
            return dedup_key, "No open alert has this dedup_key: PagerDuty takes the event and drops it."
        self._move(current, action)
        return dedup_key, ""

    def act(self, alert_id: int, action: str) -> Alert | None:
        """Let a person acknowledge or resolve an alert; None when there is no open alert of that number."""
        alert = self._alerts.get(alert_id)
        if alert is None or self._open.get(alert.dedup_key) != alert_id:
            return None
        self._move(alert, action)
        return self._alerts[alert_id]

    def of_key(self, dedup_key: str) -> Alert | None:
        """Give the alert that a key opened last; None when there is none."""
        found = [alert for alert in self._alerts.values() if alert.dedup_key == dedup_key]
        return max(found, key=lambda alert: alert.id, default=None)

    def _move(self, alert: Alert, action: str) -> None:
        state = AlertState.ACKNOWLEDGED if action == "acknowledge" else AlertState.RESOLVED
        self._alerts[alert.id] = replace(alert, state=state)
        if state is AlertState.RESOLVED:
            del self._open[alert.dedup_key]

    def _trigger(self, current: Alert | None, opening: Alert) -> None:
        """Add to the open alert, which keeps its first summary and severity, or open one."""
        if current is not None:
            self._alerts[current.id] = replace(current, count=current.count + 1, last_at=opening.last_at)
            return
        self._alerts[opening.id] = opening
        self._open[opening.dedup_key] = opening.id
        if len(self._alerts) > ALERTS_KEPT:
            oldest = self._alerts.pop(min(self._alerts))
            if self._open.get(oldest.dedup_key) == oldest.id:
                del self._open[oldest.dedup_key]

    def newest_first(self) -> tuple[Alert, ...]:
        """Give all alerts, the one triggered last first."""
        return tuple(sorted(self._alerts.values(), key=lambda alert: (alert.last_at, alert.id), reverse=True))

    def clear(self) -> None:
        """Forget everything, open alerts included."""
        self._alerts.clear()
        self._open.clear()


def _opening(event: dict[str, Json], *, dedup_key: str, post_id: int, at: datetime) -> Alert:
    payload = event.get("payload")
    return Alert(
        id=post_id,
        dedup_key=dedup_key,
        state=AlertState.TRIGGERED,
        severity=text_at(payload, "severity"),
        summary=text_at(payload, "summary")[:SUMMARY_LIMIT],
        source=text_at(payload, "source"),
        count=1,
        opened_at=at,
        last_at=at,
        event=event,
    )
