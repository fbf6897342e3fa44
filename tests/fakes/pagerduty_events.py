"""Events as PagerDuty's webhook of version 3 sends them, and their signatures."""

import json
from datetime import datetime
from typing import Any, Final

from tests.fakes.clock import NOW

SECRET: Final = "a-secret-of-the-subscription-0001"
OLD_SECRET: Final = "a-secret-of-the-subscription-0000"
BOB_ID: Final = "PLH1HKV"


def webhook_event(
    incident: str,
    *,
    kind: str = "incident.acknowledged",
    id: str = "01CHD2J4QPF3K1OL3Y1A3ZDQ5V",  # noqa: A002 - its name in the event
    at: datetime = NOW,
    user: str = BOB_ID,
    agent_type: str = "user_reference",
    **more: Any,  # noqa: ANN401 - further fields of the event
) -> bytes:
    """Give the body of a webhook about an incident with this key."""
    agent = {"id": user, "type": agent_type, "summary": "Bob in PagerDuty", "self": f"https://api.example/users/{user}"}
    event = {
        "id": id,
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": at.isoformat().replace("+00:00", "Z"),
        "agent": agent,
        "client": None,
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "number": 2,
            "status": "acknowledged",
            "incident_key": incident,
            "title": "A policy was changed",
            "assignees": [agent],
            "resolve_reason": None,
        },
        **more,
    }
    return json.dumps({"event": event}).encode()
