"""The monitoring, and the app itself: its resource groups, its identity, and who may call it."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import APP_ROLE_TAKEN, ended, succeeded
from responders.detections.directory_samples import APPLICATION, COLLEAGUE, OWN_SITE, change, target
from responders.detections.samples import (
    APP_CLAIMS,
    BY_APP,
    OPERATORS_APP,
    OWN_GROUP,
    OWN_IDENTITY,
    SUBSCRIPTION,
    activity_log_record,
    audit_record,
    cloud_event_record,
    diagnostic_record,
    event_grid_record,
    exported_activity_record,
)
from responders.remediations import PUT_BACK_LOG_DESTINATION
from shared.detect.fields import Audit, Resource
from shared.model.conditions import Condition, Not, all_of, any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log, ResourceEvent
from shared.model.kinds import ApprovalList, Image, Risk

_SITE: Final = f"{OWN_GROUP}/providers/Microsoft.Web/sites/{OWN_SITE}"
_ELSEWHERE: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"
_DELETE_SETTING: Final = "Microsoft.Insights/diagnosticSettings/delete"
_WRITE_SETTING: Final = "Microsoft.Insights/diagnosticSettings/write"
_STOP: Final = "Microsoft.Web/sites/stop/action"
_CONFIGURE: Final = "Microsoft.Web/sites/config/write"
_SUBSCRIBE: Final = "Microsoft.EventGrid/systemTopics/eventSubscriptions/write"

_EXPORT: Final = f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.insights/diagnosticSettings/entra-responder"
_TOPIC: Final = f"{OWN_GROUP}/providers/Microsoft.EventGrid/systemTopics/evgt-responder"

_OF_ANYBODY: Final = (
    _DELETE_SETTING,
    _WRITE_SETTING,
    "Microsoft.AADIAM/diagnosticSettings/delete",
    "Microsoft.AADIAM/diagnosticSettings/write",
    "Microsoft.AlertsManagement/actionRules/write",
    "Microsoft.Authorization/locks/delete",
    "Microsoft.EventGrid/domains/delete",
    "Microsoft.EventGrid/eventSubscriptions/delete",
    "Microsoft.EventGrid/eventSubscriptions/write",
    "Microsoft.EventGrid/systemTopics/delete",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/delete",
    _SUBSCRIBE,
    "Microsoft.EventGrid/topics/delete",
    "Microsoft.EventGrid/topics/eventSubscriptions/delete",
    "Microsoft.EventGrid/topics/eventSubscriptions/write",
    "Microsoft.EventHub/namespaces/delete",
    "Microsoft.EventHub/namespaces/eventhubs/delete",
    "Microsoft.Insights/actionGroups/delete",
    "Microsoft.Insights/actionGroups/write",
    "Microsoft.Insights/activityLogAlerts/delete",
    "Microsoft.Insights/logProfiles/delete",
    "Microsoft.Insights/scheduledQueryRules/delete",
    "Microsoft.KeyVault/vaults/delete",
    "Microsoft.OperationalInsights/workspaces/delete",
)
"""What ends or bends somebody's monitoring, wherever in a subscription it is."""

_OF_THE_APP: Final = (
    "Microsoft.Web/sites/write",
    "Microsoft.Web/sites/delete",
    _STOP,
    _CONFIGURE,
    "Microsoft.Web/sites/config/delete",
    "Microsoft.Web/sites/functions/write",
    "Microsoft.Web/sites/functions/delete",
    "Microsoft.Web/sites/functions/properties/write",
    "Microsoft.Web/sites/functions/keys/write",
    "Microsoft.Web/sites/host/functionkeys/write",
    "Microsoft.Web/sites/host/systemkeys/write",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies/write",
    "Microsoft.Web/sites/sourcecontrols/write",
    "Microsoft.Web/sites/extensions/write",
    "Microsoft.Web/sites/slots/write",
    "Microsoft.Web/sites/slotsswap/action",
    "Microsoft.Web/sites/applySlotConfig/action",
)

_WEAKENED: Final[Condition[ResourceEvent]] = any_of(
    ended(*_OF_ANYBODY), ended(*_OF_THE_APP, also=(Resource.site.is_("own"),))
)

MONITORING_WEAKENED: Detection[ResourceEvent] = Detection(
    id="monitoring-weakened",
    seed_row="privileged-access/monitoring-weakened",
    title="Monitoring of the tenant weakened by an unapproved actor",
    why="An attacker may turn off logs, or this app, before doing what nobody should see.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=_WEAKENED,
    unless_actor_in=ApprovalList.MONITORING,
    answer=Answer.PAGE,
    remediation=PUT_BACK_LOG_DESTINATION,
    deviates=(
        "A diagnostic setting or an event subscription can be emptied by writing it, so writing counts as deleting "
        "does. Where Azure Policy writes diagnostic settings, approve the identity of its assignment. Keys of storage "
        "accounts and access to vaults count where they are the app's own: see responder-changed. What is put back are "
        "diagnostic settings and event subscriptions that the app guards; all else is paged."
    ),
    techniques=(attack.DISABLE_CLOUD_LOG, attack.DISABLE_TOOLS),
    reference=references.DIAGNOSTIC_SETTINGS,
    hits=(
        event_grid_record(_DELETE_SETTING),
        activity_log_record(_DELETE_SETTING.lower()),
        event_grid_record(_WRITE_SETTING),
        event_grid_record(_DELETE_SETTING, resourceUri=_EXPORT),
        activity_log_record(_WRITE_SETTING, resourceId=_EXPORT.upper()),
        event_grid_record(_SUBSCRIBE, resourceUri=f"{_TOPIC}/eventSubscriptions/entra-responder-0"),
        cloud_event_record("Microsoft.EventGrid/eventSubscriptions/delete", claims=dict(APP_CLAIMS)),
        event_grid_record(_SUBSCRIBE, resourceUri=f"{OWN_GROUP}/providers/{_SUBSCRIBE.removesuffix('/write')}"),
        exported_activity_record("Microsoft.Authorization/locks/delete"),
        event_grid_record("Microsoft.OperationalInsights/workspaces/delete", resourceUri=f"{_ELSEWHERE}/x/y/z"),
        event_grid_record(_STOP, resourceUri=_SITE.upper()),
        activity_log_record(_CONFIGURE, resourceId=f"{_SITE}/config/appsettings"),
    ),
    misses=(
        event_grid_record(_STOP, resourceUri=f"{_ELSEWHERE}/Microsoft.Web/sites/{OWN_SITE}-test"),
        event_grid_record(_STOP, resourceUri=_SITE, status="Failed"),
        activity_log_record(_DELETE_SETTING, status="Started"),
        event_grid_record("Microsoft.OperationalInsights/workspaces/write"),
        event_grid_record("Microsoft.Web/sites/restart/action", resourceUri=_SITE),
    ),
)

_VAULT: Final = f"{OWN_GROUP}/providers/Microsoft.KeyVault/vaults/responderkv"
_STORAGE: Final = f"{OWN_GROUP}/providers/Microsoft.Storage/storageAccounts/responderst"
_LIST_KEYS: Final = "Microsoft.Storage/storageAccounts/listKeys/action"
_DELETE_GROUP: Final = "Microsoft.Resources/subscriptions/resourceGroups/delete"

RESPONDER_CHANGED: Detection[ResourceEvent] = Detection(
    id="responder-changed",
    seed_row="privileged-access/responder-changed",
    title="Something in the app's own resource group changed by an unapproved actor",
    why=(
        "Whoever changes the app's storage, vault, identity or alerts can read its keys, act in its name, or keep it "
        "from telling anybody."
    ),
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=all_of(
        Resource.group.is_("own"),
        Resource.outcome.is_("success"),
        Not(Resource.provider.is_("microsoft.authorization")),
        Not(Resource.operation.starts_with("microsoft.resources/deployments/")),
        Not(_WEAKENED),
    ),
    unless_actor_in=ApprovalList.MONITORING,
    answer=Answer.PAGE,
    deviates=(
        "Each write, deletion and action counts. Role assignments and locks there are left to the rows on Azure roles "
        "and to monitoring-weakened; a deployment counts by what it changes. Approve who deploys the app."
    ),
    techniques=(attack.DISABLE_TOOLS, attack.ADDITIONAL_CLOUD_CREDENTIALS),
    reference=references.AZURE_RESOURCE_CHANGES,
    hits=(
        event_grid_record("Microsoft.KeyVault/vaults/write", resourceUri=_VAULT),
        event_grid_record(_LIST_KEYS, resourceUri=_STORAGE.upper()),
        cloud_event_record("Microsoft.Compute/virtualMachines/write", resourceUri=f"{OWN_GROUP}/providers/x/y/vm"),
        activity_log_record("Microsoft.Web/sites/host/listkeys/action", resourceId=f"{_SITE}/host/default"),
        event_grid_record(_DELETE_GROUP, resourceUri=OWN_GROUP),
    ),
    misses=(
        event_grid_record("Microsoft.KeyVault/vaults/write", resourceUri=_VAULT, status="Failed"),
        event_grid_record("Microsoft.KeyVault/vaults/write", resourceUri=f"{_ELSEWHERE}/Microsoft.KeyVault/vaults/kv"),
        event_grid_record(_DELETE_GROUP, resourceUri=f"{OWN_GROUP}-test"),
        event_grid_record("Microsoft.Resources/deployments/write", resourceUri=f"{OWN_GROUP}/providers/x/y/main"),
        event_grid_record("Microsoft.Authorization/roleAssignments/write", resourceUri=f"{_VAULT}/providers/x/y/z"),
        event_grid_record(_DELETE_SETTING, resourceUri=_VAULT),
    ),
)


def _identity(activity: str, *changes: Image, **differences: object) -> Image:
    changed = target(OWN_IDENTITY, "ServicePrincipal", *changes, name="entra-responder")
    return audit_record(activity, **{"category": "ApplicationManagement", "targetResources": [changed]} | differences)


def _taken(holder: str, **differences: object) -> Image:
    """Make the record of an app role that is taken away: the API first, then whom it is taken from."""
    api = target(
        "ce7199b4-8f52-46f3-b54b-4fd81de961e2",
        "ServicePrincipal",
        change("AppRole.Value", "AuditLog.Read.All"),
        change("ServicePrincipal.ObjectID", holder),
        name="Microsoft Graph",
    )
    fields = {"category": "ApplicationManagement", "targetResources": [api, target(None, "Other")]}
    return audit_record(APP_ROLE_TAKEN, **fields | differences)


RESPONDER_IDENTITY_CHANGED: Detection[AuditEvent] = Detection(
    id="responder-identity-changed",
    seed_row="privileged-access/responder-identity-changed",
    title="The app's own service principal changed, or a permission taken from it, by an unapproved actor",
    why="Disabled or without its permissions, the app sees nothing and puts nothing back.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Update service principal",
        "Remove service principal",
        "Hard delete service principal",
        "Disable account",
        APP_ROLE_TAKEN,
        "Remove delegated permission grant",
        "Add policy to service principal",
        also=(Audit.own_object.is_("identity"), Audit.added_credential.is_("")),
    ),
    unless_actor_in=ApprovalList.MONITORING,
    answer=Answer.PAGE,
    deviates="A credential that is added to it is left to app-credential-added.",
    techniques=(attack.DISABLE_TOOLS, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        _identity("Update service principal", change("AccountEnabled", [True], [False])),
        _identity("Remove service principal", initiatedBy=BY_APP),
        _taken(OWN_IDENTITY),
        diagnostic_record(_taken(OWN_IDENTITY.upper())),
    ),
    misses=(
        _identity("Update service principal", change("AccountEnabled", [True], [False]), result="failure"),
        _taken(APPLICATION),
        _identity("Add service principal"),
    ),
)


def _assigned(names: str, kind: str = "User", **differences: object) -> Image:
    api = target(
        "3b60d9f7-4e82-4c15-a9d6-71f0c5e8b234",
        "ServicePrincipal",
        change("AppRole.Id", None, "00000000-0000-0000-0000-000000000000"),
        change("User.ObjectID", None, COLLEAGUE),
        change("TargetId.ServicePrincipalNames", None, names),
        name="Entra Responder",
    )
    activity = f"Add app role assignment {'grant to user' if kind == 'User' else 'to group'}"
    fields = {"category": "UserManagement", "targetResources": [api, target(COLLEAGUE, kind)]}
    return audit_record(activity, **fields | differences)


OPERATOR_ASSIGNED: Detection[AuditEvent] = Detection(
    id="operator-assigned",
    seed_row="privileged-access/operator-assigned",
    title="Somebody allowed to call the app by an unapproved actor",
    why="Whoever is assigned to the app's registration sees its cases, and may acknowledge and settle them.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Add app role assignment grant to user",
        "Add app role assignment to group",
        also=(Audit.own_object.is_("operators"),),
    ),
    unless_actor_in=ApprovalList.MONITORING,
    answer=Answer.PAGE,
    deviates="An application that is assigned is left to app-role-granted and sensitive-api-granted.",
    techniques=(attack.ACCOUNT_MANIPULATION,),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        _assigned(f"api://{OPERATORS_APP};{OPERATORS_APP}"),
        _assigned(OPERATORS_APP.upper(), "Group", initiatedBy=BY_APP),
        diagnostic_record(_assigned(OPERATORS_APP)),
    ),
    misses=(
        _assigned(OPERATORS_APP, result="failure"),
        _assigned("api://orders.fabrikam.example;7a40c5d9-2e81-4b6f-93d7-f58e0c1a64b2"),
    ),
)

OWN_INSTALLATION: Final[tuple[AnyDetection, ...]] = (
    MONITORING_WEAKENED,
    RESPONDER_CHANGED,
    RESPONDER_IDENTITY_CHANGED,
    OPERATOR_ASSIGNED,
)
