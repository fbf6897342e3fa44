"""Microsoft's services whose changes of some kinds are approved, because somebody else's record of them is judged.

Known by their app id, which is the same in every tenant, and by the tenant that owns them: a name says nothing. People
see the set with `responder approvals --microsoft`. `withdrawn_services` of the tenant profile takes one out of it
everywhere, a row of its own on an approval list (`responder approve`, `responder revoke`) decides for that list.
"""

from typing import Final

from msgspec import Struct

from responders.kinds.principals import GET_SERVICE_PRINCIPAL, MICROSOFT
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.kinds import ApprovalList, TenantKind
from shared.model.tenant_api import TenantApi


class MicrosoftService(Struct, frozen=True, kw_only=True):
    """A service by its app id, the approval lists that it counts as being on, and why."""

    app_id: str
    name: str
    lists: frozenset[ApprovalList]
    why: str


_PIM: Final = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"

MICROSOFT_SERVICES: Final[tuple[MicrosoftService, ...]] = (
    MicrosoftService(
        app_id=_PIM,
        name="MS-PIM",
        lists=frozenset({ApprovalList.DIRECTORY_ROLES}),
        why="it carries out what somebody asked of PIM, whose own record names them and is judged",
    ),
    MicrosoftService(
        app_id="ef5d5c69-a5df-46bb-acaf-426f161a21a2",
        name="Managed Service Identity",
        lists=frozenset({ApprovalList.APP_REGISTRATIONS}),
        why="it renews the certificates of managed identities",
    ),
)

_WHOSE: Final = {"$select": "appId,appOwnerOrganizationId"}


def is_pim(api: TenantApi, identity: str) -> bool:
    """Say whether a service principal is that of Microsoft's Privileged Identity Management. Raises EdgeError."""
    try:
        found = api.get(GET_SERVICE_PRINCIPAL, query=_WHOSE, id=identity) or {}
    except BadIdentifier:
        return False
    return [str(found.get(name, "")).lower() for name in ("appId", "appOwnerOrganizationId")] == [_PIM, MICROSOFT]


def approved_service(api: TenantApi, actor_id: str, approval_list: ApprovalList, withdrawn: frozenset[str]) -> str:
    """Say why a service principal counts as being on an approval list, as one of Microsoft's services; else "".

    Where that can't be read it isn't one: people are asked. The app reads no service principals of a B2C tenant.
    """
    if api.tenant.kind is not TenantKind.WORKFORCE:
        return ""
    services = {one.app_id: one for one in MICROSOFT_SERVICES if approval_list in one.lists}
    if not services.keys() - withdrawn:
        return ""
    try:
        found = api.get(GET_SERVICE_PRINCIPAL, query=_WHOSE, id=actor_id)
    except (EdgeError, BadIdentifier):
        return ""
    app_id, owner = (str((found or {}).get(name, "")).lower() for name in ("appId", "appOwnerOrganizationId"))
    service = services.get(app_id)
    if service is None or owner != MICROSOFT or app_id in withdrawn:
        return ""
    return f"Microsoft's service {service.name} made the change: {service.why}"
