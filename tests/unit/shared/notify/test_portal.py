from typing import Final

import pytest

from infra.local.world import B2C_TENANT, MFA_FOR_ALL, SUBSCRIPTION_SCOPE, WORKFORCE_TENANT
from shared.model.events import Target
from shared.model.kinds import ApprovalList
from shared.notify.portal import Link, portal_link
from tests.fakes.card_cases import CUSTOM_POLICY, EVIL_TEXTS, PUT_BACK, ROLE, case

POLICIES: Final = f"https://entra.microsoft.com/{WORKFORCE_TENANT}/#view/Microsoft_AAD_ConditionalAccess"


THE_LIST: Final = Link(title="Open the policies in Entra", url=f"{POLICIES}/ConditionalAccessBlade/~/Policies")


def test_a_policy_is_linked_in_its_own_tenant() -> None:
    assert portal_link(PUT_BACK, ApprovalList.CONDITIONAL_ACCESS) == Link(
        title="Open the policy in Entra", url=f"{POLICIES}/PolicyBlade/policyId/{MFA_FOR_ALL.id}"
    )


def test_for_a_deleted_policy_the_list_is_linked() -> None:
    changes = tuple(change.__replace__(new=None) for change in PUT_BACK.target.changes)
    deleted = case(target=Target(id=MFA_FOR_ALL.id, changes=changes))
    assert portal_link(deleted, ApprovalList.CONDITIONAL_ACCESS) == THE_LIST


def test_for_a_role_assignment_access_control_of_its_scope_is_linked() -> None:
    assert portal_link(ROLE, ApprovalList.RBAC_ROLES) == Link(
        title="Open access control (IAM) in Azure",
        url=f"https://portal.azure.com/#@{WORKFORCE_TENANT}/resource{SUBSCRIPTION_SCOPE}/users",
    )


def test_custom_policies_are_under_azure_ad_b2c() -> None:
    link = portal_link(CUSTOM_POLICY, ApprovalList.B2C_CUSTOM_POLICIES)
    assert link is not None
    assert link.url.startswith(f"https://portal.azure.com/{B2C_TENANT}/#view/Microsoft_AAD_B2CAdmin/")


def test_kinds_whose_page_nobody_knows_have_no_link() -> None:
    linked = {ApprovalList.CONDITIONAL_ACCESS, ApprovalList.RBAC_ROLES, ApprovalList.B2C_CUSTOM_POLICIES}
    assert [portal_link(PUT_BACK, kind) for kind in (None, *ApprovalList) if kind not in linked] == [None] * (
        1 + len(ApprovalList) - len(linked)
    )


@pytest.mark.parametrize("text", [*EVIL_TEXTS, "../../evil", f"{MFA_FOR_ALL.id}/../x", "", "/subscriptions/x?y#z"])
def test_no_text_of_the_tenant_becomes_part_of_an_address(text: str) -> None:
    about = case(target=Target(id=text, name=text))
    assert portal_link(about, ApprovalList.CONDITIONAL_ACCESS) == THE_LIST
    assert portal_link(about, ApprovalList.RBAC_ROLES) is None
    assert portal_link(about, ApprovalList.B2C_CUSTOM_POLICIES) == portal_link(case(), ApprovalList.B2C_CUSTOM_POLICIES)
    for kind in ApprovalList:
        assert portal_link(case(tenant_id=text), kind) is None
