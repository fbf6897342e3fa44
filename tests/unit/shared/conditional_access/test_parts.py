"""The parts of the engine that the table and the random tenants don't reach."""

from typing import Final

import pytest
from msgspec.structs import replace

from shared.conditional_access.account import (
    Abilities,
    Kind,
    Memberships,
    Principal,
    RoleAssignment,
    groups_of,
    roles_of,
)
from shared.conditional_access.changes import judge_change
from shared.conditional_access.device_filter import Device, DeviceFilter, Devices, filtered
from shared.conditional_access.judge import Outcome, evaluate
from shared.conditional_access.locations import NamedLocation, Network, place_of, read_location
from shared.conditional_access.networks import networks_of
from shared.conditional_access.policy import read_policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.targets import DEVICE_REGISTRATION, EXCHANGE, GRAPH, Request
from shared.conditional_access.truth import Answer, Truth, every, opposite, some
from shared.conditional_access.verdicts import PolicySet
from shared.model.kinds import Image
from tests.fakes.ca_samples import EM, MO, TENANT, N, U, Y, able, apps, guest, policy, sign_in

_MANAGED = Device(
    registered=Y,
    attributes={
        "iscompliant": True,
        "extensionattribute1": "paw",
        "model": None,
        "systemlabels": ("clouddevice", "m365managed"),
    },
)

_NOT_UNDERSTOOD: Final[list[Image]] = [
    {"@odata.type": "#microsoft.graph.ipNamedLocation", "ipRanges": [{"cidrAddress": "300.1.1.1/8"}]},
    {"@odata.type": "#microsoft.graph.ipNamedLocation", "ipRanges": [{}]},
    {"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": "yes"},
    {"@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": ["Switzerland"]},
    {"@odata.type": "#microsoft.graph.countryNamedLocation", "countryLookupMethod": "unknownFutureValue"},
    {"@odata.type": "#microsoft.graph.countryNamedLocation", "includeUnknownCountriesAndRegions": 1},
    {"@odata.type": "#microsoft.graph.somethingNamedLocation"},
    {},
]


@pytest.mark.parametrize("first", Truth)
@pytest.mark.parametrize("second", Truth)
def test_three_valued_logic(first: Truth, second: Truth) -> None:
    answers = [Answer(each, ("x",) if each is U else ()) for each in (first, second)]
    assert every(answers).truth == min(first, second)
    assert some(answers).truth == max(first, second)
    assert opposite(answers[0]).truth == 2 - first
    assert bool(every(answers).depends_on) == (every(answers).truth is U)


@pytest.mark.parametrize(
    ("rule", "unregistered", "managed"),
    [
        ("device.isCompliant -eq True", N, Y),
        ("device.isCompliant -ne True", Y, N),
        ('device.extensionAttribute1 -eq "PAW"', N, Y),
        ('device.extensionAttribute1 -startsWith "P"', N, Y),
        ('device.extensionAttribute1 -notStartsWith "P"', Y, N),
        ('device.extensionAttribute1 -endsWith "W"', N, Y),
        ('device.extensionAttribute1 -contains "A"', N, Y),
        ('device.extensionAttribute1 -in ["SAW", "PAW"]', N, Y),
        ('device.extensionAttribute1 -notIn ["SAW"]', Y, Y),
        ('device.systemLabels -contains "M365Managed"', N, Y),
        ('device.systemLabels -contains "M365"', N, N),
        ('device.model -eq "x"', N, N),
        ('device.model -ne "x"', Y, Y),
        ('device.manufacturer -eq "x"', N, U),
        ('device.isCompliant -eq True -or device.model -ne "x"', Y, Y),
        ('device.isCompliant -eq True -and device.model -ne "x"', N, Y),
        ('device.isCompliant -ne True -or device.model -eq "x" -and device.model -eq "y"', Y, N),
        ('(device.isCompliant -ne True -or device.model -ne "x") -and device.model -eq "y"', N, N),
        ("-not (device.isCompliant -eq True)", U, N),
        ("device.model -eq null", U, U),
        ("device.isCompliant", U, U),
        ("device.isCompliant -eq", U, U),
        ("device.isCompliant -like True", U, U),
        ('device.model -eq "x" device', U, U),
        ("", U, U),
        ("(" * 5000, U, U),
        ("(" * 3000, U, U),
    ],
)
def test_a_device_filter(rule: str, unregistered: Truth, managed: Truth) -> None:
    devices = Devices(device_filter=DeviceFilter("include", rule.lower()))
    assert filtered(devices, Device()).truth is unregistered
    assert filtered(devices, _MANAGED).truth is managed
    excluding = Devices(device_filter=DeviceFilter("exclude", rule.lower()))
    assert filtered(excluding, _MANAGED).truth == 2 - managed
    assert filtered(excluding, Device()).truth is (U if unregistered is not N else Y)
    assert filtered(devices, Device(registered=U)).truth is U
    assert filtered(Devices(device_filter=DeviceFilter("", rule)), Device()).truth is U


def test_groups_are_found_through_nested_ones_and_circles_and_what_was_not_read_stays_open() -> None:
    members = {
        "top": frozenset({"middle"}),
        "middle": frozenset({"bottom", "top"}),
        "bottom": frozenset({"ME"}),
        "other": frozenset({"you"}),
        "unread": None,
        "over-unread": frozenset({"unread"}),
    }
    groups = groups_of("me", members)
    answers = {name: groups.any_of(frozenset({name}), "group").truth for name in (*members, "never-seen")}
    assert answers == {
        "top": Y,
        "middle": Y,
        "bottom": Y,
        "other": N,
        "unread": U,
        "over-unread": U,
        "never-seen": U,
    }


def test_a_role_through_a_group_that_was_not_read_stays_open() -> None:
    groups = Memberships(held=frozenset({"in"}), unread=frozenset({"maybe"}))
    assignments = [
        RoleAssignment(role="A", principal="IN"),
        RoleAssignment(role="B", principal="maybe"),
        RoleAssignment(role="C", principal="me", built_in=False),
        RoleAssignment(role="D", principal="out"),
        RoleAssignment(role="E", principal="ME"),
    ]
    roles = roles_of("me", groups, assignments)
    assert [roles.any_of(frozenset({each}), "role").truth for each in "abcde"] == [Y, U, N, N, Y]


@pytest.mark.parametrize("kind", [Kind.DIRECT_CONNECT, Kind.SERVICE_PROVIDER])
def test_guests_without_an_object_may_be_of_all_users_and_are_if_named(kind: Kind) -> None:
    def applies(users: Image) -> Truth:
        return evaluate([read_policy(policy(users))], sign_in(guest(kind)), TENANT).judgements[0].applies.truth

    assert applies({"includeUsers": ["All"]}) is U
    assert applies({"includeUsers": ["All", "GuestsOrExternalUsers"]}) is Y


@pytest.mark.parametrize("image", _NOT_UNDERSTOOD)
def test_a_named_location_that_is_not_understood_is_unread(image: Image) -> None:
    location = read_location(image | {"id": "x"})
    assert isinstance(location, Unread)
    place = place_of(Network(address="203.0.113.1", country="ch"), {"x": location})
    assert (place.inside, "x" in place.outside, place.trusted.truth) == (frozenset(), False, U)


def _ranges(identity: str, *cidrs: str) -> NamedLocation | Unread:
    ranges = [{"cidrAddress": each} for each in cidrs]
    return read_location({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": identity, "ipRanges": ranges})


def test_networks_are_one_for_each_set_of_locations_that_hold_together() -> None:
    locations = {
        "wide": _ranges("wide", "10.0.0.0/8"),
        "inner": _ranges("inner", "10.1.0.0/16"),
        "halves": _ranges("halves", "192.0.2.0/25"),
        "whole": _ranges("whole", "192.0.2.0/25"),
        "six": _ranges("six", "2001:db8::/32"),
        "last": _ranges("last", "255.255.255.0/24", "ffff::/16"),
    }
    tenant = Tenant(locations=locations, mfa_trusted_ips=frozenset({"198.51.100.0/24"}))
    networks = networks_of([tenant])
    places = {place_of(each, locations).inside for each in networks.by_tenant[0]}
    alone = {"wide", "six", "last", "00000000-0000-0000-0000-000000000000"}
    expected = [(), ("wide", "inner"), ("halves", "whole"), *((each,) for each in alone)]
    assert places == {frozenset(each) for each in expected}
    assert networks.complete


def test_too_many_networks_leave_it_open_whether_an_account_can_sign_in_somewhere() -> None:
    country = "#microsoft.graph.countryNamedLocation"
    codes = [f"{first}{second}" for first in "abcdefghij" for second in "abcdefghij"]
    countries = {
        code: read_location({"@odata.type": country, "id": code, "countriesAndRegions": [code]}) for code in codes
    }
    offices = {f"net-{number}": _ranges(f"net-{number}", f"10.{number}.0.0/16") for number in range(100)}
    tenant = Tenant(locations={**countries, **offices}, mfa_trusted_ips=frozenset())
    only = [policy(locations={"includeLocations": ["All"], "excludeLocations": [each]}) for each in ("net-99", "jj")]
    each_apart = [policy(locations={"includeLocations": [each]}, grant="mfa") for each in locations_of(tenant)]
    verdict = PolicySet(map(read_policy, [*only, *each_apart]), tenant).judge(EM)
    assert (verdict.always, verdict.somewhere) == (N, U)
    locked = [read_policy(each) for each in only]
    for after, is_safe in ((locked, True), (locked[:1], True), ([replace(locked[0], session=Unread("x"))], False)):
        (change,) = judge_change([EM], (locked, tenant), (after, tenant))
        assert change.is_safe is is_safe


def locations_of(tenant: Tenant) -> list[str]:
    return [*tenant.locations]


@pytest.mark.parametrize(
    ("session", "client", "registered", "outcome"),
    [
        ({"secureSignInSession": {"isEnabled": True}}, "mobileappsanddesktopclients", N, Outcome.DENIED),
        ({"secureSignInSession": {"isEnabled": False}}, "mobileappsanddesktopclients", N, Outcome.GRANTED),
        ({"secureSignInSession": {"isEnabled": True}}, "mobileappsanddesktopclients", Y, Outcome.UNKNOWN),
        ({"secureSignInSession": {"isEnabled": True}}, "browser", N, Outcome.UNKNOWN),
        ({"continuousAccessEvaluation": {"mode": "strictLocation"}}, "browser", N, Outcome.UNKNOWN),
        ({"continuousAccessEvaluation": {"mode": "disabled"}}, "browser", N, Outcome.GRANTED),
        ({"disableResilienceDefaults": True}, "browser", N, Outcome.GRANTED),
        ({"somethingNew": {}}, "browser", N, Outcome.UNKNOWN),
    ],
)
def test_session_controls_that_can_refuse(session: Image, client: str, registered: Truth, outcome: Outcome) -> None:
    asked = sign_in(resource=EXCHANGE, client_type=client, device=Device(registered=registered))
    assert evaluate([read_policy(policy(grant=None, session=session))], asked, TENANT).outcome is outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (Request(resource="26a4ae64-5862-427f-a9b0-044e62572a4f"), Outcome.GRANTED),
        (Request(resource=DEVICE_REGISTRATION), Outcome.GRANTED),
        (Request(resource=None), Outcome.UNKNOWN),
        (
            Request(resource=GRAPH, client="4813382a-8fa7-425e-ab75-3b753aab3abb", scopes=frozenset({"openid"})),
            Outcome.GRANTED,
        ),
        (Request(resource=GRAPH, client="4813382a-8fa7-425e-ab75-3b753aab3abb"), Outcome.DENIED),
        (
            Request(client="1fec8e78-bce4-4aaf-ab1b-5451cc387264", resource="cb58b23f-9a26-4ef4-9e9e-ca08567ef56c"),
            Outcome.GRANTED,
        ),
    ],
)
def test_what_microsoft_spares(asked: Request, outcome: Outcome) -> None:
    facts = {name: getattr(asked, name) for name in Request.__struct_fields__}
    assert evaluate([read_policy(policy(grant="compliantDevice"))], sign_in(MO, **facts), TENANT).outcome is outcome


def test_a_device_code_shows_nothing_of_the_device() -> None:
    asked = [read_policy(policy(grant="compliantDevice"))]
    owner = able(compliant_device=Y)
    ends = [evaluate(asked, sign_in(owner, flow=flow), TENANT).outcome for flow in ("none", "devicecodeflow", None)]
    assert ends == [Outcome.GRANTED, Outcome.DENIED, Outcome.UNKNOWN]


def test_a_policy_on_workloads_that_names_users_leaves_it_open_whether_it_reaches_them() -> None:
    services = {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}
    for users, truth in (({"includeUsers": ["All"]}, U), ({"includeUsers": ["None"]}, N)):
        judged = evaluate([read_policy(policy(users, clientApplications=services))], sign_in(), TENANT)
        assert judged.judgements[0].applies.truth is truth


def test_agents_are_judged_by_policies_on_agents_only() -> None:
    on_agents = read_policy(policy({"includeUsers": ["AllAgentIdUsers"]}))
    on_identities = read_policy(
        policy(
            {"includeUsers": ["None"]},
            clientApplications={
                "includeAgentIdServicePrincipals": ["All"],
                "excludeAgentIdServicePrincipals": ["spared"],
            },
        )
    )
    rows = [
        (Principal(id="a", kind=Kind.AGENT_USER), (Y, N)),
        (Principal(id="a", kind=Kind.AGENT_IDENTITY), (N, Y)),
        (Principal(id="spared", kind=Kind.AGENT_IDENTITY), (N, N)),
        (EM, (N, N)),
        (Principal(id="a", kind=None), (U, U)),
    ]
    for principal, truths in rows:
        judged = evaluate([on_agents, on_identities], sign_in(principal), TENANT)
        assert tuple(each.applies.truth for each in judged.judgements) == truths


@pytest.mark.parametrize(("mfa", "outcome"), [(Y, Outcome.GRANTED), (N, Outcome.DENIED), (U, Outcome.UNKNOWN)])
def test_security_defaults_ask_for_mfa(mfa: Truth, outcome: Outcome) -> None:
    tenant = Tenant(security_defaults=True)
    account = able(mfa=mfa)
    assert evaluate([read_policy(policy())], sign_in(account), tenant).outcome is outcome
    assert PolicySet([read_policy(policy())], tenant).judge(account).always is mfa


def test_what_is_asked_of_an_account_is_the_union_of_all_policies() -> None:
    policies = [read_policy(policy(grant="mfa")), read_policy(policy(targets=apps(EXCHANGE), grant="passwordChange"))]
    terms = read_policy(policy(grant={"operator": "AND", "termsOfUse": ["t"]}, session={"cloudAppSecurity": {}}))
    judged = evaluate([*policies, terms], sign_in(able(terms_of_use=Y)), TENANT)
    assert (judged.prompts, len(judged.sessions)) == ({"mfa", "terms of use t"}, 1)


def test_abilities_of_an_emergency_account_are_a_key_and_nothing_else() -> None:
    assert Abilities() == Abilities(mfa=Y, methods=frozenset({"fido2"}), compliant_device=N, password_change=N)


@pytest.mark.parametrize(
    "image",
    [
        policy({"includeUsers": ["unknownFutureValue"]}),
        policy({"includeUsers": ["All"], "excludeUsers": ["unknownFutureValue"]}),
        policy({"includeGuestsOrExternalUsers": {"guestOrExternalUserTypes": "unknownFutureValue"}}),
        policy(targets=apps("unknownFutureValue")),
        policy(targets=apps("All", exclude=("unknownFutureValue",))),
        policy(targets={"includeUserActions": ["unknownFutureValue"]}),
        policy(targets={"includeAuthenticationContextClassReferences": ["unknownFutureValue"]}),
        policy(platforms={"includePlatforms": ["newOS"]}),
        policy(platforms={"includePlatforms": ["all"], "excludePlatforms": ["newOS"]}),
        policy(locations={"includeLocations": ["unknownFutureValue"]}),
        policy(clientAppTypes=["newClient"]),
        policy(signInRiskLevels=["unknownFutureValue"]),
        policy(userRiskLevels=["worse"]),
        policy(insiderRiskLevels="elevated,unknownFutureValue"),
        policy(authenticationFlows={"transferMethods": "newFlow"}),
        policy(devices={"deviceFilter": {"mode": "newMode", "rule": "device.isCompliant -eq True"}}),
    ],
)
def test_a_word_that_is_not_known_leaves_it_open_whether_the_policy_applies(image: Image) -> None:
    someone = guest(Kind.B2B_GUEST) if "includeGuestsOrExternalUsers" in image["conditions"]["users"] else EM
    judged = evaluate([read_policy(image)], sign_in(someone), TENANT)
    assert (judged.judgements[0].applies.truth, judged.outcome) == (U, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("more", "always"),
    [
        ({"partialEnablementStrategy": None}, N),
        ({"partialEnablementStrategy": {"percentage": 10}}, U),
        ({"somethingNew": None}, N),
        ({"somethingNew": []}, N),
        ({"somethingNew": "x"}, U),
        ({"state": None}, U),
        ({"state": ["enabled"]}, U),
        ({"description": "x", "templateId": "y", "createdDateTime": "2026-03-17T09:20:11Z"}, N),
        ({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata"}, N),
    ],
)
def test_what_a_policy_has_beside_its_conditions(more: Image, always: Truth) -> None:
    verdict = PolicySet([read_policy(policy() | more)], TENANT).judge(EM)
    assert (verdict.always, verdict.somewhere) == (always, always)


@pytest.mark.parametrize("image", [None, [], "policy", 7])
def test_what_is_no_policy_at_all_may_keep_anybody_out(image: object) -> None:
    assert PolicySet([read_policy(image)], TENANT).judge(EM).always is U
