"""What was done, and how it ended."""

from typing import Final

from shared.detect.fields.profile import consumer_tenant
from shared.model.conditions import Text, in_sigma, spelt
from shared.model.events import AuditEvent, fold

_OUTCOMES: Final = frozenset({"success", "failure", "timeout", "unknownfuturevalue"})


def _without_full_stop(text: str) -> frozenset[str]:
    """Give an activity also without the full stop that the unified audit log ends its names with."""
    return frozenset({text, text.removesuffix(".")})


class ActivityFields:
    """Fields about what was done. `tenant` is "consumer" where the tenant may hold consumer accounts, else "other"."""

    activity: Text[AuditEvent] = Text(
        "activity",
        lambda event: fold(event.activity),
        kusto="Fold(coalesce(ActivityDisplayName, OperationName))",
        sigma=in_sigma(
            *("activityDisplayName", "operationName", "activityType", "activity", "message"),
            spellings=_without_full_stop,
        ),
    )
    category: Text[AuditEvent] = Text(
        "category", lambda event: fold(event.category), kusto="Fold(Category)", sigma=in_sigma("category")
    )
    service: Text[AuditEvent] = Text(
        "service",
        lambda event: fold(event.service),
        kusto="Fold(LoggedByService)",
        sigma=in_sigma("loggedByService", "service"),
    )
    outcome: Text[AuditEvent] = Text(
        "outcome",
        lambda event: fold(event.outcome),
        kusto="Fold(Result)",
        sigma=in_sigma(
            *("result", "status"),
            spellings=spelt({"succeeded": ("success",), "failed": ("failure",)}),
            is_right=_OUTCOMES.__contains__,
            right="success, failure or timeout",
        ),
    )
    reason: Text[AuditEvent] = Text(
        "reason",
        lambda event: fold(event.reason),
        kusto="Fold(ResultReason)",
        sigma=in_sigma("resultReason", "resultDescription", "statusReason"),
    )
    tenant: Text[AuditEvent] = consumer_tenant()
