"""Diagnostic settings of Entra ID: where the audit log and the sign-ins go, the audit stream among them.

They belong to the tenant and to no subscription (`/providers/microsoft.aadiam`), so no event tells of them: the sweep
finds that one is otherwise, and after an hour people are asked, since nobody is known to have done it: `responder
deny` or `responder accept`. The tenant's own activity log could be read only with a role at the root of all
subscriptions, which is too much for that.

Azure's role for them is given at the scope `/providers/Microsoft.aadiam`, by somebody with elevated access: Monitoring
Reader to see them, Contributor to write them (Microsoft's page of AzureDiagnosticSettings of Microsoft365DSC). No tier
has either. Where nobody gave it, the settings are unread, which the coverage says.
"""

from collections.abc import Mapping
from typing import Final

from responders.kinds.diagnostic_setting_leaves import RULES, body, is_named_as_ours, leaves, words, writing
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.events import Event, Log
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import Kind, Write
from shared.model.objects import Op, Recorded
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_VERSION: Final = "2017-04-01"
_SETTINGS: Final = "/providers/microsoft.aadiam/diagnosticSettings"
_ONE: Final = f"{_SETTINGS}/{{entra_diagnostic_setting}}"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.ARM, path=path, needs=(needs,), api_version=_VERSION, repeatable=False)


LIST_ENTRA_SETTINGS: Final = _call("GET", _SETTINGS, Permission.ENTRA_DIAGNOSTIC_SETTING_READ)
GET_ENTRA_SETTING: Final = _call("GET", _ONE, Permission.ENTRA_DIAGNOSTIC_SETTING_READ)
WRITE_ENTRA_SETTING: Final = _call("PUT", _ONE, Permission.ENTRA_DIAGNOSTIC_SETTING_WRITE)
DELETE_ENTRA_SETTING: Final = _call("DELETE", _ONE, Permission.ENTRA_DIAGNOSTIC_SETTING_DELETE)

GIVING: Final = (
    "az role assignment create --assignee-object-id ID --assignee-principal-type ServicePrincipal"
    ' --scope /providers/Microsoft.aadiam --role "Monitoring Reader"'
)
"""The command that lets the identity see them; with Contributor instead it may write them too."""


def id_of(setting: Image) -> str:
    """Give the id of a setting, in lower case; it goes by its name."""
    return f"{_SETTINGS}/{setting['name']}".lower()


def _name_of(setting: Image) -> str:
    return f"{setting['name']} of Entra ID, to {words(leaves(setting))}"


def _name_in(setting_id: str) -> str:
    return setting_id.rpartition("/")[2]


def _recorded(_event: Event) -> tuple[Recorded, ...]:
    return ()


def _read(api: TenantApi, setting_id: str) -> Image | None:
    return api.get(GET_ENTRA_SETTING, entra_diagnostic_setting=_name_in(setting_id))


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): each for each in api.list(LIST_ENTRA_SETTINGS)}


def _write(api: TenantApi, write: Write) -> str:
    """Make a setting again, write it as it is to be, or delete it.

    Raises:
        Refused: nobody gave the identity the role, or it may not use the destination; `by_hand` has the command.
        Rejected: the destination is gone, or the service wants it otherwise; likewise.
        DoneAlready: somebody was faster and deleted it.
    """
    name = _name_in(write.object_id)
    try:
        if write.op is Op.DELETE:
            delete(api, DELETE_ENTRA_SETTING, write.object_id, entra_diagnostic_setting=name)
        else:
            api.send(WRITE_ENTRA_SETTING, body=body(write), entra_diagnostic_setting=name)
    except (Refused, Rejected) as refused:
        refused.by_hand = writing(write.object_id, write.target, version=_VERSION)
        raise
    return write.object_id


ENTRA_DIAGNOSTIC_SETTING: Final = Kind(
    kind=ObjectKind.ENTRA_DIAGNOSTIC_SETTING,
    title="diagnostic setting of Entra ID",
    tenant_kind=TenantKind.WORKFORCE,
    rules=RULES,
    calls=(),
    by_hand=(LIST_ENTRA_SETTINGS, GET_ENTRA_SETTING, WRITE_ENTRA_SETTING, DELETE_ENTRA_SETTING),
    inventory=Inventory(
        kind=ObjectKind.ENTRA_DIAGNOSTIC_SETTING,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(),
        read=_read_all,
        is_by_hand=True,
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.RESOURCE,
    activities=frozenset(),
    recorded=_recorded,
    read=_read,
    write=_write,
    is_ours=lambda _tenant, setting_id: is_named_as_ours(setting_id),
    limits=(
        "No tier reads them or writes them: give the identity Monitoring Reader at /providers/Microsoft.aadiam to have "
        "them watched, or Contributor to have them put back too. No record says who changed one, so people "
        "decide (responder deny, responder accept), an hour after it was seen."
    ),
    undo=(
        "Write the diagnostic setting again from the version before, which the evidence container holds; delete one "
        "that was made again."
    ),
)
