"""Records as diagnostic settings stream them, in events of every form."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from shared.model.kinds import Image
from tests.fakes.clock import NOW
from tests.fakes.runtime import TENANT


def wrapped(record: Image, tenant_id: str = TENANT, **differences: object) -> Image:
    """Wrap a record of Graph's as diagnostic settings stream it: their own time, another spelling of UTC."""
    is_audit = "activityDisplayName" in record
    time = "activityDateTime" if is_audit else "createdDateTime"
    return {
        "time": NOW.isoformat(),
        "resourceId": f"/tenants/{tenant_id}/providers/Microsoft.aadiam",
        "operationName": record.get("activityDisplayName", "Sign-in activity"),
        "category": "AuditLogs" if is_audit else "NonInteractiveUserSignInLogs",
        "tenantId": tenant_id,
        "correlationId": record["correlationId"],
        "properties": record | {time: record[time].replace("Z", "+00:00")},
    } | differences


def batch_of(*records: object) -> bytes:
    return json.dumps({"records": records}).encode()


FORMS: Final[dict[str, Callable[[list[Image]], list[bytes]]]] = {
    "an envelope": lambda records: [batch_of(*records)],
    "an envelope each": lambda records: [batch_of(record) for record in records],
    "a list": lambda records: [json.dumps(records).encode()],
    "one each": lambda records: [json.dumps(record).encode() for record in records],
    "lines": lambda records: [b"\n".join(json.dumps(record).encode() for record in records)],
    "one after another": lambda records: [b"".join(json.dumps(record).encode() for record in records)],
    "an envelope that is cut short": lambda records: [batch_of(*records)[:-2]],
}


def events_of(chance: Random, records: list[Image]) -> Iterator[bytes]:
    """Put records into events of any size and form, as they come."""
    forms = [*FORMS.values()]
    while records:
        size = chance.randint(1, 40)
        yield from chance.choice(forms)(records[:size])
        records = records[size:]
