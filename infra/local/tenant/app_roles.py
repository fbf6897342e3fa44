"""App roles of Microsoft Graph and Exchange Online, and which apps have one at first."""

import uuid
from typing import Final

from infra.local import world
from infra.local.world import Json

GRAPH: Final = "5e000003-7a41-4d0c-9b36-e2f81c5d7a90"
EXCHANGE: Final = "5e000002-1f6b-4c83-a7d5-90b3e6f4c218"
"""Object ids of the two service principals; each tenant has its own."""

APP_ROLES: Final = {
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "MailboxSettings.Read": "40f97065-369a-49f4-947c-6a255697ae91",
    "MailboxSettings.ReadWrite": "6931bccd-447a-43d1-b442-00a195474933",
    "full_access_as_app": "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
    "Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
}
"""Ids of app roles by their values, as they are in every tenant."""

_OF_EXCHANGE: Final = frozenset({"full_access_as_app", "Exchange.ManageAsApp"})
RESOURCES: Final = {
    GRAPH: ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    EXCHANGE: ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
}


def seeded_app_roles(tenant: str) -> list[Json]:
    """Give what apps of a tenant were given long ago: the responder reads mailboxes' settings."""
    if tenant != world.WORKFORCE_TENANT:
        return []
    return [app_role_assignment(world.RESPONDER, "MailboxSettings.Read", at=world.SEEDED_AT)]


def app_role_assignment(app: world.Principal, role: str, *, at: str) -> Json:
    """Print that an app has an app role."""
    resource = EXCHANGE if role in _OF_EXCHANGE else GRAPH
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_OID, f"{app.id} {role}").hex,
        "deletedDateTime": None,
        "appRoleId": APP_ROLES[role],
        "createdDateTime": at,
        "principalDisplayName": app.name,
        "principalId": app.id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": RESOURCES[resource][1],
        "resourceId": resource,
    }


def roles_of(service_principal: str) -> list[str]:
    """Give the values of the app roles that a resource has here."""
    return [role for role in APP_ROLES if (role in _OF_EXCHANGE) == (service_principal == EXCHANGE)]
