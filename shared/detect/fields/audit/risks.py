"""What Identity Protection says of the user that a record is about."""

from shared.detect.fields.audit.changes import changes_of
from shared.model.conditions import Text
from shared.model.events import AuditEvent, fold


def _first(event: AuditEvent, name: str) -> str:
    return next((fold(change.new or "") for change in changes_of(event, name)), "")


class RiskFields:
    """Fields of users' risks.

    `risk_level` is "low", "medium", "high", "hidden" or "none", `risk_state` "atrisk" and so on.
    Only the audit stream brings them. In a workspace they are in tables of their own, so they have no Kusto.
    """

    risk_level: Text[AuditEvent] = Text("risk_level", lambda event: _first(event, "risklevel"))
    risk_state: Text[AuditEvent] = Text("risk_state", lambda event: _first(event, "riskstate"))
