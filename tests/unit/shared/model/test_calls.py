"""Which ids may become part of a URL."""

import pytest

from shared.model.calls import Call, Permission, Service, checked_id
from shared.model.errors import BadIdentifier

_GUID = "0a551600-0001-4e1f-8c3a-5d7b9f204e61"
_SUBSCRIPTION = f"/subscriptions/{_GUID}"
_TYPE = "/providers/Microsoft.Authorization/roleAssignments"
_STORAGE = f"{_SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.Storage/storageAccounts/stshop"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/rg-shop"
_ZONES = f"{_GROUP}/providers/Microsoft.Network/dnsZones/contoso.com"
_MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/mg-1"

GET_POLICY = Call(method="GET", service=Service.GRAPH, path="/policies/{id}/x", needs=(Permission.POLICY_READ,))


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("id", _GUID),
        ("id", _GUID.upper()),
        ("custom_policy", "B2C_1A_signup_signin"),
        ("custom_policy", "b2c_1a_Sign-Up.v2"),
        ("role_assignment", f"{_SUBSCRIPTION}{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}{_TYPE}/{_GUID}".lower()),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/rg.shop_(new)~1{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/gruppe-für-läden{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_STORAGE}{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_STORAGE}/blobServices/default/containers/x{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_STORAGE}/blobServices/default/containers/$web{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_ZONES}/A/@{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_ZONES}/CNAME/*{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_GROUP}/providers/Microsoft.Insights/actionGroups/Page the owners{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_GROUP}/providers/Microsoft.Logic/workflows/a,b{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_STORAGE}/providers/Microsoft.Insights/dataCollectionRuleAssociations/x{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/providers/Microsoft.Subscription/policies/default{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_MANAGEMENT_GROUP}{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_TYPE}/{_GUID}"),
        ("scope", _SUBSCRIPTION),
        ("scope", _STORAGE),
        ("scope", _MANAGEMENT_GROUP),
    ],
)
def test_ids_that_are(shape: str, text: str) -> None:
    assert checked_id(shape, text) == text


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("id", ""),
        ("id", f"{_GUID}/"),
        ("id", f"{_GUID}\n"),
        ("id", f"{_GUID}?$select=id"),
        ("id", "../me"),
        ("custom_policy", "B2C_1A_"),
        ("custom_policy", "B2C_1A_a/b"),
        ("custom_policy", "B2C_1A_a..b"),
        ("custom_policy", "B2C_1A_a%2fb"),
        ("custom_policy", "B2C_1_flow"),
        ("role_assignment", f"{_SUBSCRIPTION}{_TYPE}/{_GUID}/.."),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/.{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_STORAGE}/./x{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a\\b{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a#b{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a\tb{_TYPE}/{_GUID}"),
        ("scope", ""),
        ("scope", "/providers/Microsoft.Management/managementGroups/a/b"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a/../b{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a..b{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/a%2e%2e{_TYPE}/{_GUID}"),
        ("role_assignment", f"{_SUBSCRIPTION}{_TYPE}/{_GUID}?api-version=1"),
        ("role_assignment", f"https://evil.example{_SUBSCRIPTION}{_TYPE}/{_GUID}"),
        ("scope", "/"),
        ("scope", f"{_SUBSCRIPTION}/"),
    ],
)
def test_ids_that_are_not(shape: str, text: str) -> None:
    with pytest.raises(BadIdentifier, match="was kept out of the URL"):
        checked_id(shape, text)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("name", ["a." * 120, "." * 240, "a/providers" * 400, "a/providers/b/c/d" * 400])
def test_a_name_made_to_be_slow_is_refused_at_once(name: str) -> None:
    """Whoever may create a resource group chooses this text."""
    with pytest.raises(BadIdentifier):
        checked_id("role_assignment", f"{_SUBSCRIPTION}/resourceGroups/{name}?{_TYPE}/{_GUID}")


def test_ids_are_filled_in_and_quoted() -> None:
    assert GET_POLICY.url({"id": _GUID}) == f"/policies/{_GUID}/x"
    write = Call(method="PUT", service=Service.ARM, path="{role_assignment}", needs=())
    spelled = f"{_SUBSCRIPTION}/resourceGroups/läden{_TYPE}/{_GUID}"
    assert write.url({"role_assignment": spelled}) == spelled.replace("ä", "%C3%A4")
