"""Applications that somebody stopped or let go on, which the guide's table "Applications" doesn't have."""

from responders.detections import attack, references
from responders.detections.activities import succeeded
from responders.detections.directory_samples import application_record, change
from responders.detections.samples import BY_APP, diagnostic_record
from responders.remediations import SWITCH_SERVICE_PRINCIPAL
from shared.detect.fields import Audit
from shared.model.conditions import Not
from shared.model.detections import Answer, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Risk

APPLICATION_SWITCHED: Detection[AuditEvent] = Detection(
    id="application-switched",
    seed_row="privileged-access/application-switched",
    title="Application switched on or off by an unapproved actor",
    why=(
        "Switched on, an application that was stopped can sign in again with all that it holds. Switched off, what "
        "watches the tenant may see nothing any more."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Update service principal",
        also=(
            Audit.account_change.is_("sign-in"),
            Audit.added_credential.is_(""),
            Not(Audit.own_object.is_("identity")),
        ),
    ),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=SWITCH_SERVICE_PRINCIPAL,
    deviates=(
        "Not in the guide. Switched on, it is switched off again; switched off, it is paged: whoever did it may have "
        "stopped an attacker. The app's own service principals are left to responder-identity-changed."
    ),
    techniques=(attack.DISABLE_TOOLS, attack.ACCOUNT_MANIPULATION),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        application_record(
            "Update service principal", change("AccountEnabled", [True], [False]), kind="ServicePrincipal"
        ),
        diagnostic_record(
            application_record(
                "Update service principal",
                change("AccountEnabled", [False], [True]),
                kind="ServicePrincipal",
                initiatedBy=BY_APP,
            )
        ),
    ),
    misses=(
        application_record(
            "Update service principal",
            change("AccountEnabled", [True], [False]),
            kind="ServicePrincipal",
            result="failure",
        ),
        application_record("Update service principal", change("Homepage", [], ["x"]), kind="ServicePrincipal"),
        application_record("Add service principal", change("AccountEnabled", [], [True]), kind="ServicePrincipal"),
    ),
)
