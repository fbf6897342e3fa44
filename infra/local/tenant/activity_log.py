"""The Activity Log of the subscription, over Azure Resource Manager: who did what to a resource."""

import re
from typing import Final

from infra.local.tenant.api_error import bad_request
from infra.local.tenant.instants import parse_instant
from infra.local.world import Json

_CLAUSE: Final = re.compile(r"(eventTimestamp (?:ge|le)|resourceUri eq) '((?:[^']|'')*)'")


class ActivityLog:
    """Append-only; a listing needs a beginning, and may have an end and a resource."""

    def __init__(self) -> None:
        self._records: list[Json] = []

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()

    def add(self, event: Json) -> None:
        """Keep what an event tells, as the log prints it."""
        data = event["data"]
        kept = ("authorization", "claims", "correlationId", "subscriptionId", "tenantId")
        self._records.append(
            {name: data[name] for name in kept}
            | {
                "eventDataId": event["id"],
                "eventTimestamp": event["eventTime"],
                "operationName": {"value": data["operationName"], "localizedValue": data["operationName"]},
                "status": {"value": data["status"], "localizedValue": data["status"]},
                "resourceId": data["resourceUri"],
                "category": {"value": "Administrative", "localizedValue": "Administrative"},
            }
        )

    def listed(self, text: str) -> list[Json]:
        """Print the records that a `$filter` asks for; raises ApiError 400."""
        asked = {found[1]: found[2].replace("''", "'") for found in _CLAUSE.finditer(text)}
        if "eventTimestamp ge" not in asked or _CLAUSE.sub("", text).replace(" and ", "").strip():
            raise bad_request(f"The $filter '{text}' must begin with an eventTimestamp.", "BadRequest")
        since, resource = parse_instant(asked["eventTimestamp ge"]), asked.get("resourceUri eq", "").lower()
        until = parse_instant(asked["eventTimestamp le"]) if "eventTimestamp le" in asked else None
        return [
            record
            for record in self._records
            if since <= parse_instant(record["eventTimestamp"])
            and (until is None or parse_instant(record["eventTimestamp"]) <= until)
            and resource in {"", record["resourceId"].lower()}
        ]
