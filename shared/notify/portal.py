"""Links to the pages of Microsoft's portals where a person can undo a change by hand.

Microsoft doesn't document these addresses. They have the form that Microsoft's own assessment tools and public
administration tools use. Ids are checked before they become part of an address; with an id of an unexpected form, the
link leads to the list that should contain the object.
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
    """A button: its text and the address that it opens."""

    title: str
    url: str


def portal_link(case: Case, approval_list: ApprovalList | None) -> Link | None:
    """Give the link to the portal's page of a case's object. The approval list says what kind of object that is.

    None for the kinds of object whose address isn't known.
    """
    if not _is_valid("id", case.tenant_id):
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
    """Link to the policy, or to the list of policies when it was deleted and has no page of its own."""
    deleted = any(change.new is None and change.old is not None for change in case.target.changes)
    if deleted or not _is_valid("id", case.target.id):
        view = f"{_CONDITIONAL_ACCESS}/ConditionalAccessBlade/~/Policies"
        return Link(title="Open the policies in Entra", url=f"{_ENTRA}/{case.tenant_id}/#view/{view}")
    view = f"{_CONDITIONAL_ACCESS}/PolicyBlade/policyId/{case.target.id}"
    return Link(title="Open the policy in Entra", url=f"{_ENTRA}/{case.tenant_id}/#view/{view}")


def _access_control(case: Case) -> Link | None:
    """Link to the page Access control (IAM) of the scope, which the portal's addresses call "users"."""
    if not _is_valid("role_assignment", case.target.id) or len(case.target.id) > _LONGEST:
        return None
    scope = _ROLE_ASSIGNMENTS.split(case.target.id)[0]
    url = f"{_AZURE}/#@{case.tenant_id}/resource{quote(scope, safe='/')}/users"
    return Link(title="Open access control (IAM) in Azure", url=url)


def _is_valid(shape: str, text: str) -> bool:
    try:
        checked_id(shape, text)
    except BadIdentifier:
        return False
    return True
