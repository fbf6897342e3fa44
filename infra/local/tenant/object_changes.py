"""What handlers of changeable Graph objects share: finding one, refusing, and telling the log."""

import uuid
from collections.abc import Callable

from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.audit_records import ChangeKind, ObjectChange, Outcome, Verb
from infra.local.tenant.graph import Call
from infra.local.world import Json


def checked_guid(call: Call) -> str:
    """Read the id in the path; raises ApiError 400 when it is no GUID."""
    try:
        return str(uuid.UUID(call.id))
    except ValueError as error:
        raise bad_request(f"Invalid object identifier '{call.id}'.") from error


def found(value: Json | None, object_id: str) -> Json:
    """Give `value`; raises ApiError 404 when there is none."""
    if value is None:
        raise not_found(f"{object_id} could not be found.")
    return value


def record(call: Call, kind: ChangeKind, verb: Verb, *, before: Json | None, after: Json | None) -> None:
    """Log a change, with the object as GET shows it before and after."""
    change = ObjectChange(kind=kind, verb=verb, correlation_id=call.correlation_id, before=before, after=after)
    for each in change.records(call.caller):
        call.directory.audit.add(each)


def refusal(kind: ChangeKind, verb: Verb) -> Callable[[Call, Outcome], list[Json]]:
    """Make what builds the records of a refused change."""

    def records(call: Call, outcome: Outcome) -> list[Json]:
        object_id = call.request.match_info.get("id", "")
        change = ObjectChange(
            kind=kind, verb=verb, correlation_id=call.correlation_id, outcome=outcome, object_id=object_id
        )
        return change.records(call.caller)

    return records
