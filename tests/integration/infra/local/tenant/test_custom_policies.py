import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from tests.integration.infra.local.tenant.polling import eventually

_POLICIES = "/beta/trustFramework/policies"
_XML = {"Content-Type": "application/xml"}


def _upload(client: httpx.Client, policy_id: str, xml: str) -> httpx.Response:
    return client.put(f"{_POLICIES}/{policy_id}/$value", content=xml, headers=_XML)


def _refusal(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BadRequest")
    return error["message"]


def _ids(client: httpx.Client) -> list[str]:
    return [policy["id"] for policy in client.get(_POLICIES).json()["value"]]


def test_lists_and_reads(carol: httpx.Client) -> None:
    assert _ids(carol) == [policy.id for policy in world.CUSTOM_POLICIES]
    assert carol.get(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}").json()["id"] == world.SIGNUP_SIGNIN.id
    for path in (f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}/$value", f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}/%24value"):
        document = carol.get(path)
        assert document.headers["Content-Type"].startswith("application/xml")
        assert document.text == world.SIGNUP_SIGNIN.xml
    assert carol.get(f"{_POLICIES}/B2C_1A_none/$value").status_code == 404


def test_the_workforce_tenant_has_none(alice: httpx.Client) -> None:
    assert alice.get(_POLICIES).status_code == 403
    assert _upload(alice, world.SIGNUP_SIGNIN.id, world.SIGNUP_SIGNIN.xml).status_code == 403


def test_uploads_a_change_and_a_new_policy(carol: httpx.Client) -> None:
    changed = world.custom_policy_xml(world.SIGNUP_SIGNIN.id, base=world.TRUST_FRAMEWORK_EXTENSIONS.id)
    answer = _upload(carol, world.SIGNUP_SIGNIN.id, changed)
    assert (answer.status_code, answer.text) == (200, changed)
    assert carol.get(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}/$value").text == changed
    new = world.custom_policy_xml("B2C_1A_new", base=world.TRUST_FRAMEWORK_EXTENSIONS.id)
    assert _upload(carol, "B2C_1A_new", new).status_code == 201
    assert "B2C_1A_new" in _ids(carol)


def test_posts_a_new_policy_once(carol: httpx.Client) -> None:
    new = world.custom_policy_xml("B2C_1A_new", base=None)
    assert carol.post(_POLICIES, content=new, headers=_XML).status_code == 201
    assert carol.post(_POLICIES, content=new, headers=_XML).status_code == 409


_NEW = world.custom_policy_xml("B2C_1A_new", base=None)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (world.SIGNUP_SIGNIN.xml, "differs from 'B2C_1A_new' in the request"),
        (world.custom_policy_xml("B2C_1A_new", base=None, tenant_domain="evil.onmicrosoft.com"), "is not this tenant"),
        (
            world.custom_policy_xml("B2C_1A_new", base="B2C_1A_none"),
            "'B2C_1A_none' of policy 'B2C_1A_new' does not exist",
        ),
        (_NEW.removesuffix("</TrustFrameworkPolicy>\n"), "not well-formed"),
        (_NEW.replace("?>\n", '?>\n<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">\n', 1), "DTD is prohibited"),
        (_NEW.replace("?>\n", '?>\n<!DOCTYPE x [<!ENTITY e "boom">]>\n', 1), "DTD is prohibited"),
        ("<TrustFrameworkPolicy/>", "root element"),
        (_NEW.replace('PolicyId="B2C_1A_new"', ""), "attribute 'PolicyId'"),
        (_NEW.replace("B2C_1A_new", "new"), "must start with 'B2C_1A_'"),
        ("", "not well-formed"),
    ],
)
def test_refuses_a_bad_document(carol: httpx.Client, xml: str, message: str) -> None:
    assert message in _refusal(_upload(carol, "B2C_1A_new", xml))
    assert "B2C_1A_new" not in _ids(carol)


def test_refuses_another_content_type(carol: httpx.Client) -> None:
    answer = carol.put(f"{_POLICIES}/B2C_1A_new/$value", content=_NEW, headers={"Content-Type": "application/json"})
    assert "expected 'application/xml'" in _refusal(answer)


def test_a_base_policy_cannot_be_deleted(carol: httpx.Client) -> None:
    for policy in world.CUSTOM_POLICIES[:-1]:
        assert "is the base policy of" in _refusal(carol.delete(f"{_POLICIES}/{policy.id}"))
    assert carol.delete(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}").status_code == 204


def test_a_deleted_policy_is_gone_for_good_until_uploaded_parents_first(carol: httpx.Client) -> None:
    for policy in reversed(world.CUSTOM_POLICIES):
        assert carol.delete(f"{_POLICIES}/{policy.id}").status_code == 204
    assert carol.delete(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}").status_code == 404
    assert _ids(carol) == []
    _refusal(_upload(carol, world.SIGNUP_SIGNIN.id, world.SIGNUP_SIGNIN.xml))
    statuses = [_upload(carol, policy.id, policy.xml).status_code for policy in world.CUSTOM_POLICIES]
    assert statuses == [201] * len(world.CUSTOM_POLICIES)


def test_reads_lag_behind_writes(control: TenantControl, carol: httpx.Client) -> None:
    control.settings(consistency_lag=0.3)
    carol.delete(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}").raise_for_status()
    assert carol.get(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}/$value").text == world.SIGNUP_SIGNIN.xml
    eventually(lambda: _ids(carol), lambda ids: world.SIGNUP_SIGNIN.id not in ids)
    assert carol.get(f"{_POLICIES}/{world.SIGNUP_SIGNIN.id}").status_code == 404
