"""Where a person puts things right by hand: addresses in Microsoft's portals.

The forms are those that Microsoft's own assessment tools and public administration tools link to; the portals
document none. Ids are checked before they become part of an address; where one isn't what it should be, the page above
it is linked.
"""

import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from shared.model.calls import checked_id
from shared.model.cases import Case
from shared.model.errors import BadIdentifier
from shared.model.kinds import ApprovalList

_ENTRA: Final = "https://entra.microsoft.com"
_AZURE: Final = "https://portal.azure.com"
_CONDITIONAL_ACCESS: Final = "Microsoft_AAD_ConditionalAccess"
_ROLE_ASSIGNMENTS: Final = re.compile("/providers/microsoft.authorization/roleassignments/", re.IGNORECASE)
_LONGEST: Final = 1_000


class Link(Struct, frozen=True, kw_only=True):
    """A button: what it says and where it leads."""

    title: str
    url: str


def portal_link(case: Case, approval_list: ApprovalList | None) -> Link | None:
    """Give the portal's page for the object of a case; the approval list tells what kind of object that is.

    None for kinds whose page is known by no public tool.
    """
    if not _is("id", case.tenant_id):
        return None
    match approval_list:
        case ApprovalList.CONDITIONAL_ACCESS:
            return _ca_policy(case)
        case ApprovalList.B2C_CUSTOM_POLICIES:
            view = "#view/Microsoft_AAD_B2CAdmin/TenantManagementMenuBlade/~/overview"
            return Link(title="Open Azure AD B2C in the portal", url=f"{_AZURE}/{case.tenant_id}/{view}")
        case ApprovalList.RBAC_ROLES:
            return _access_control(case)
        case _:
            return None


def _ca_policy(case: Case) -> Link:
    """A policy that was deleted has no page, so the list of policies is linked."""
    deleted = any(change.new is None and change.old is not None for change in case.target.changes)
    if deleted or not _is("id", case.target.id):
        view = f"{_CONDITIONAL_ACCESS}/ConditionalAccessBlade/~/Policies"
        return Link(title="Open the policies in Entra", url=f"{_ENTRA}/{case.tenant_id}/#view/{view}")
    view = f"{_CONDITIONAL_ACCESS}/PolicyBlade/policyId/{case.target.id}"
    return Link(title="Open the policy in Entra", url=f"{_ENTRA}/{case.tenant_id}/#view/{view}")


def _access_control(case: Case) -> Link | None:
    """The scope's page Access control (IAM); the portal calls it "users"."""
    if not _is("role_assignment", case.target.id) or len(case.target.id) > _LONGEST:
        return None
    scope = _ROLE_ASSIGNMENTS.split(case.target.id)[0]
    url = f"{_AZURE}/#@{case.tenant_id}/resource{quote(scope, safe='/')}/users"
    return Link(title="Open access control (IAM) in Azure", url=url)


def _is(shape: str, text: str) -> bool:
    try:
        checked_id(shape, text)
    except BadIdentifier:
        return False
    return True
