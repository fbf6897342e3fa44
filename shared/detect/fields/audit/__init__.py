"""The fields of an `AuditEvent`: a record of the directory's audit log, by concept."""

from shared.detect.fields.audit.activity import ActivityFields, ActorFields
from shared.detect.fields.audit.applications import ApplicationFields, RedirectFields
from shared.detect.fields.audit.grants import GrantFields
from shared.detect.fields.audit.lists import ListFields
from shared.detect.fields.audit.partners import PartnerFields
from shared.detect.fields.audit.policies import PolicyFields
from shared.detect.fields.audit.risks import RiskFields
from shared.detect.fields.audit.targets import AccountFields, TargetFields


class Audit(
    ActivityFields,
    ActorFields,
    TargetFields,
    AccountFields,
    GrantFields,
    ApplicationFields,
    RedirectFields,
    PartnerFields,
    PolicyFields,
    ListFields,
    RiskFields,
):
    """The fields of an `AuditEvent` that a condition may read."""
