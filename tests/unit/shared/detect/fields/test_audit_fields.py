"""Computed fields, over events built directly: real-shaped records are the detections' own samples."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.detect.conditions import holds
from shared.detect.fields import Audit, Resource
from shared.detect.fields.audit.applications import address_problem
from shared.detect.fields.by_log import FIELDS
from shared.model.conditions import Not as Opposite
from shared.model.conditions import Text, all_of, any_of, fields_of
from shared.model.events import Actor, AuditEvent, Change, Log, ResourceEvent, Target
from shared.model.profile import DEFAULT, TenantProfile

OWNED = TenantProfile(owned_domains=frozenset({"fabrikam.example"}))
AUDIT_FIELDS: list[Text[AuditEvent]] = list(FIELDS[Log.AUDIT].values())


def event(*changes: Change, **fields: Any) -> AuditEvent:  # noqa: ANN401 - the fields of AuditEvent
    known: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": datetime(2026, 3, 17, tzinfo=UTC),
        "activity": "Update application",
        "category": "",
        "service": "",
        "outcome": "success",
        "reason": "",
        "correlation_id": "1",
        "actor": Actor(id="a"),
        "targets": (Target(id="o", kind="Application", changes=changes),),
    }
    return AuditEvent(**known | fields)


def changed(name: str, old: object = None, new: object = None) -> Change:
    texts = (None if value is None else value if isinstance(value, str) else json.dumps(value) for value in (old, new))
    return Change(name=name, old=next(texts), new=next(texts))


@pytest.mark.parametrize("field", AUDIT_FIELDS, ids=lambda one: one.name)
def test_nothing_gives_an_empty_text_or_a_plain_answer(field: Text[AuditEvent]) -> None:
    bare = event(actor=Actor(), targets=(), activity="", outcome="")
    assert field.read(bare) in {"", "unknown", "consumer"}


@given(
    names=st.lists(
        st.sampled_from(
            (
                "KeyDescription",
                "AppAddress",
                "AppRole.Value",
                "DelegatedPermissionGrant.Scope",
                "Role.TemplateId",
                "FederatedIdentityCredentials",
                "ServicePrincipalName",
                "TargetId.ServicePrincipalNames",
                "LogoutUrl",
                "Group.ObjectID",
                "ConditionalAccessPolicy",
            )
        ),
        max_size=3,
    ),
    texts=st.lists(
        st.none()
        | st.text()
        | st.sampled_from(
            ["[" * 2000, "[" * 900 + "]" * 900, "[[", "[{}]", '[{"Address":7}]', "[1e999]", '["http://["]']
        ),
        min_size=6,
        max_size=6,
    ),
)
def test_whatever_a_property_holds_every_field_is_text(names: list[str], texts: list[str | None]) -> None:
    changes = [Change(name=name, old=texts[2 * at], new=texts[2 * at + 1]) for at, name in enumerate(names)]
    for field in AUDIT_FIELDS:
        assert isinstance(field.read(event(*changes)), str)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://fabrikam.example", "owned"),
        ("https://A.B.FABRIKAM.EXAMPLE.:443/x?y#z", "owned"),
        ("https://notfabrikam.example/", "not-owned"),
        ("https://fabrikam.example.evil.example/", "not-owned"),
        ("https://fabrikam.example@evil.example/", "not-owned"),
        ("https://evil.example\\@fabrikam.example/", "not-owned"),
        ("https://[broken", "not-owned"),
        ("https:///path", "not-owned"),
        ("http://fabrikam.example/", "not-https"),
        ("https://*.fabrikam.example/", "wildcard"),
        ("https://fabrikam.example/*", "wildcard"),
        ("https://x.azurewebsites.net/", "shared-domain"),
        ("http://localhost:3000", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://localhost.evil.example", "not-https"),
        ("msal7a40c5d9://auth", "custom-scheme"),
        ("urn:ietf:wg:oauth:2.0:oob", "custom-scheme"),
        ("https://login.microsoftonline.com/common/oauth2/nativeclient", "owned"),
    ],
)
def test_what_is_wrong_with_an_address(address: str, problem: str) -> None:
    assert address_problem(address, OWNED) == problem


def test_without_owned_domains_nobody_knows_whose_an_address_is() -> None:
    assert address_problem("https://fabrikam.example/", DEFAULT) == "ownership-unknown"


def test_the_worst_of_the_addresses_added_is_told() -> None:
    old, new = ["https://*.evil.example/"], ["https://*.evil.example/", "https://x.github.io", "http://a.example"]
    event_ = event(changed("AppAddress", [{"Address": one} for one in old], [{"Address": one} for one in new]))
    assert Audit.redirect_problem.reader(OWNED)(event_) == "not-https"


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ((changed("AppRole.Value", None, "Mail.Read"),), "high"),
        ((changed("AppRole.Value", None, "SMTP.SendAsApp"),), "high"),
        ((changed("AppRole.Value", None, "Calendars.Read"),), "other"),
        ((changed("DelegatedPermissionGrant.Scope", "User.Read ", " User.Read"),), ""),
        ((changed("DelegatedPermissionGrant.Scope", "User.Read", "User.Read User.ReadWrite.All"),), "high"),
        ((changed("DelegatedPermissionGrant.Scope", "Mail.Read Mail.Send", "Mail.Read"),), ""),
        ((changed("DelegatedPermissionGrant.Scope", "Mail.Read"),), ""),
    ],
)
def test_permissions_are_judged_by_what_was_added(changes: tuple[Change, ...], level: str) -> None:
    assert Audit.permission_level.read(event(*changes)) == level


@pytest.mark.parametrize(
    ("names", "api"),
    [
        ("https://graph.microsoft.com;00000003-0000-0000-C000-000000000000", "microsoft-graph"),
        ("00000002-0000-0ff1-ce00-000000000000", "exchange"),
        ("Microsoft Graph;https://graph.microsoft.com.evil.example", "other"),
        ("api://00000003-0000-0000-c000-000000000000", "other"),
    ],
)
def test_an_api_is_known_by_its_app_id(names: str, api: str) -> None:
    assert Audit.api.read(event(changed("TargetId.ServicePrincipalNames", None, names))) == api


@pytest.mark.parametrize(
    ("old", "new", "added"),
    [
        ([], ["[KeyIdentifier=1,KeyType=Password,DisplayName=a, b]"], "key"),
        (["[KeyIdentifier=1,DisplayName=old]"], ["[KeyIdentifier=1,DisplayName=renamed]"], ""),
        (["[KeyIdentifier=1,DisplayName=[KeyIdentifier=2]"], ["[KeyIdentifier=2,DisplayName=x]"], "key"),
        (["[KeyIdentifier=1]", "[KeyIdentifier=2]"], ["[KeyIdentifier=2]"], ""),
        ("not a list", "not a list", ""),
        ("not a list", "another text", "key"),
        (None, None, ""),
    ],
)
def test_a_credential_is_new_by_its_identifier(old: object, new: object, added: str) -> None:
    assert Audit.added_credential.read(event(changed("KeyDescription", old, new))) == added


@pytest.mark.parametrize(
    ("template", "level"),
    [
        ("62E90394-69F5-4237-9190-012177145E10", "privileged"),
        ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "other"),
        ("", ""),
    ],
)
def test_a_role_is_known_by_its_template_in_both_services(template: str, level: str) -> None:
    assert Audit.role_level.read(event(changed("Role.TemplateId", None, template))) == level
    assert Audit.role_level.read(event(details={"RoleDefinitionOriginId": template})) == level


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({}, ""),
        ({"DisplayName": ".+"}, ""),
        ({"displayname": "[A-Z].*"}, ""),
        ({"DisplayName": "[0-9]+"}, "pattern"),
        ({"DisplayName": "[0-9]+", "City": ""}, "missing"),
        ({"Department": ".+"}, "missing"),
    ],
)
def test_a_new_account_is_held_against_the_conventions(attributes: dict[str, str], fault: str) -> None:
    made = event(changed("DisplayName", [], ["Robin Reyes"]), changed("Department", [], []), activity="Add user")
    assert Audit.account_fault.reader(TenantProfile(account_attributes=attributes))(made) == fault


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (["Robin"], [], "missing"),
        (["Robin"], [""], "missing"),
        (["Robin"], [" "], "missing"),
        ("Robin", " ", "missing"),
        (["Robin"], ["Riley"], ""),
        ([""], [" "], ""),
    ],
)
def test_an_attribute_that_is_blank_is_none(old: object, new: object, fault: str) -> None:
    made = event(changed("DisplayName", old, new), activity="Update user")
    assert Audit.attribute_fault.reader(TenantProfile(account_attributes={"DisplayName": ".*"}))(made) == fault


@pytest.mark.timeout(5)
@pytest.mark.parametrize("pattern", ["([A-Z]?[a-z]+ ?)+", "(a|a)*", "(a*)*b", ".*.*.*.*.*x", "(?:a?){200}a{200}"])
def test_no_name_that_somebody_chooses_holds_a_convention_up(pattern: str) -> None:
    made = event(changed("DisplayName", [], ["a" * 499 + "!"]), activity="Add user")
    assert Audit.account_fault.reader(TenantProfile(account_attributes={"DisplayName": pattern}))(made) == "pattern"


@pytest.mark.parametrize(("name", "fault"), [("\ud800", ""), ("\ud800\ud800", "pattern"), ("é", "")])
def test_a_convention_is_about_whole_characters(name: str, fault: str) -> None:
    """Half a character, which JSON can escape, is one that can't be shown."""
    made = event(changed("DisplayName", [], [name]), activity="Add user")
    assert Audit.account_fault.reader(TenantProfile(account_attributes={"DisplayName": "."}))(made) == fault


READ_WITH: list[tuple[Text[AuditEvent], AuditEvent, TenantProfile, str]] = [
    (Audit.actor_service, event(actor=Actor(id="c")), TenantProfile(cpim_ids=frozenset({"c"})), "cpim"),
    (Audit.actor_service, event(actor=Actor(name="CPIM Service")), TenantProfile(cpim_ids=frozenset({""})), ""),
    (Audit.tenant, event(), TenantProfile(consumer_tenants=frozenset({"other"})), "other"),
    (Audit.tenant, event(), TenantProfile(consumer_tenants=frozenset({"t"})), "consumer"),
    (Audit.target_account, event(), TenantProfile(emergency_accounts=frozenset({"o"})), "emergency"),
    (
        Audit.logout_url,
        event(changed("SingleSignOutAddress", "a", "b")),
        TenantProfile(logout_properties=frozenset({"SignOut"})),
        "changed",
    ),
]


MEMBER, GROUP, NESTED = (f"4d8a17f2-e6c3-4f0b-9b25-c7013e8fd94{place}" for place in range(3))
KNOWN_IN_T = TenantProfile(
    privileged_accounts=frozenset({MEMBER}),
    privileged_known_in=frozenset({"t"}),
    role_assignable_groups=frozenset({GROUP}),
    groups_known_in=frozenset({"t"}),
)
_GROUP = Target(id=GROUP, kind="Group")
_OTHER_GROUP = Target(id=NESTED, kind="Group")


def member(kind: str, *changes: Change) -> Target:
    return Target(id=MEMBER, kind=kind, changes=changes)


@pytest.mark.parametrize(
    ("targets", "principal"),
    [
        ((member("User"), _GROUP), MEMBER),
        ((Target(id=NESTED, kind="Role"), member("ServicePrincipal")), MEMBER),
        ((_GROUP, member("User")), GROUP),
        ((Target(id="robin@fabrikam.example", kind="User"), _GROUP), ""),
        ((Target(id=NESTED, kind="Role"),), ""),
    ],
)
def test_the_principal_is_the_first_target_that_can_be_one(targets: tuple[Target, ...], principal: str) -> None:
    assert Audit.principal.read(event(targets=targets)) == principal


@pytest.mark.parametrize(
    ("targets", "tenant_id", "level"),
    [
        ((member("User"),), "t", "privileged"),
        ((_GROUP, member("User")), "t", "privileged"),
        ((member("User"),), "another", "privileged"),
        ((_GROUP,), "t", "other"),
        ((_GROUP,), "another", "unknown"),
        ((Target(id="robin@fabrikam.example", kind="User"),), "t", "unknown"),
        ((), "t", "unknown"),
    ],
)
def test_an_account_is_other_only_where_it_is_known_who_is_privileged(
    targets: tuple[Target, ...], tenant_id: str, level: str
) -> None:
    assert Audit.target_level.reader(KNOWN_IN_T)(event(targets=targets, tenant_id=tenant_id)) == level


@pytest.mark.parametrize(
    ("targets", "tenant_id", "level"),
    [
        ((member("User", changed("Group.ObjectID", None, GROUP)), _GROUP), "t", "role-assignable"),
        ((member("User", changed("Group.ObjectID", None, GROUP.upper())),), "another", "role-assignable"),
        ((_GROUP, member("User")), "t", "role-assignable"),
        (
            (Target(id=GROUP, kind="Group", changes=(changed("Group.ObjectID", None, NESTED),)), _OTHER_GROUP),
            "t",
            "other",
        ),
        ((member("User", changed("Group.ObjectID", None, NESTED)), _OTHER_GROUP), "another", "unknown"),
        ((member("User"), Target(id="Operators", kind="Group")), "t", ""),
        ((member("User"),), "t", ""),
    ],
)
def test_the_group_is_the_one_in_the_property_else_a_target(
    targets: tuple[Target, ...], tenant_id: str, level: str
) -> None:
    assert Audit.group_level.reader(KNOWN_IN_T)(event(targets=targets, tenant_id=tenant_id)) == level


def test_of_several_accounts_the_worst_is_told() -> None:
    policy = {"state": "enabled", "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": [MEMBER]}}}
    seen = event(changed("ConditionalAccessPolicy", None, policy))
    for accounts, expected in (({MEMBER}, "left-out"), ({MEMBER, NESTED}, "reached"), (set[str](), "")):
        assert Audit.emergency_reach.reader(TenantProfile(emergency_accounts=frozenset(accounts)))(seen) == expected
    gone = event(changed("ConditionalAccessPolicy", policy, None))
    assert Audit.emergency_reach.reader(TenantProfile(emergency_accounts=frozenset({NESTED})))(gone) == ""


@pytest.mark.parametrize(("field", "seen", "profile", "expected"), READ_WITH)
def test_the_tenant_profile_decides(
    field: Text[AuditEvent], seen: AuditEvent, profile: TenantProfile, expected: str
) -> None:
    assert field.reader(profile)(seen) == expected
    assert field.reader(DEFAULT)(seen) != expected or expected in {"", "consumer"}


def test_the_tenant_profile_is_read_wherever_a_field_stands() -> None:
    is_emergency = Audit.target_account.is_("emergency")
    tree = all_of(
        any_of(Audit.target_account.one_of("emergency"), Audit.activity.is_("nothing")),
        Opposite(Opposite(Audit.target_account.starts_with("emerg"))),
        is_emergency,
    )
    mine = TenantProfile(emergency_accounts=frozenset({"o"}))
    assert not holds(tree, event())
    assert holds(tree, event(), mine)
    assert {field.name for field in fields_of(tree)} == {"target_account", "activity"}


def test_a_site_is_known_by_its_name() -> None:
    operation = ResourceEvent(
        id="1",
        tenant_id="t",
        subscription_id="s",
        at=datetime(2026, 3, 17, tzinfo=UTC),
        operation="Microsoft.Web/sites/stop/action",
        outcome="success",
        correlation_id="1",
        actor=Actor(),
        resource_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/Func-A/slots/b",
    )
    own, other = (TenantProfile(own_site=name) for name in ("func-a", "func"))
    assert holds(Resource.site.is_("own"), operation, own)
    assert holds(Resource.site.is_("other"), operation, other)
    assert holds(Resource.site.is_("other"), operation)
