"""Conditional access policies: leaves, records, writes by v1.0 and beta, the bin, and what guards refuse."""

import copy
import json
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.kinds.ca_policies import (
    CA_POLICY,
    GET_CA_POLICY,
    GET_CA_POLICY_WHOLE,
    LIST_DELETED_CA_POLICIES_WHOLE,
    UNDELETE_CA_POLICY,
)
from responders.kinds.ca_policy_leaves import leaves
from shared.model.errors import Refused, Rejected, Unreachable
from shared.model.events import AuditEvent, Change, Target
from shared.model.kinds import Image, Json
from shared.model.object_kinds import CameBack, Search
from shared.model.objects import EXISTS, WHOLE, ObjectId, Op, Recorded
from tests.fakes.kinds import difference, objections, write_of, written
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.situations import AT, EMERGENCY_ACCOUNT, MALLORY, POLICY_ID, TRUDY, as_logged, ca_policy, with_users
from tests.fakes.tenant import TENANT_ID, Answer, FakeTenant, Request, answer_of, as_graph_gives

GROUP = "64000000-1111-4222-8333-444444444444"
LOCATION = "70000000-1111-4222-8333-444444444444"
_ALL_TENANTS = {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all"}
_SOME_TENANTS = {
    "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
    "membershipKind": "enumerated",
    "members": ["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"],
}


def _conditions(**parts: Any) -> Image:  # noqa: ANN401 - JSON
    return {"conditions": ca_policy()["conditions"] | parts}


def _tenant(*policies: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - fields of the fake
    return FakeTenant(ca_policies={policy["id"]: copy.deepcopy(policy) for policy in policies}, **more)


def _read(tenant: FakeTenant, policy_id: str = POLICY_ID) -> Image:
    found = CA_POLICY.read(tenant.edges(), policy_id)
    assert found is not None
    return found


# Leaves.


def test_it_is_split_into_scalars_members_and_parts() -> None:
    policy = ca_policy(
        description="Why",
        sessionControls={
            "signInFrequency": {"value": 4, "type": "hours", "isEnabled": True},
            "persistentBrowser": None,
        },
        **_conditions(
            devices={"deviceFilter": {"mode": "exclude", "rule": "device.isCompliant -eq True"}},
            insiderRiskLevels="moderate,minor",
            locations={"includeLocations": ["All"], "excludeLocations": [LOCATION]},
            signInRiskLevels=["high"],
        ),
    )
    assert leaves(policy) == {
        EXISTS: True,
        "displayName": "CA003: Require MFA for all users",
        "description": "Why",
        "state": "enabled",
        "conditions.users.includeUsers[all]": "All",
        f"conditions.users.excludeUsers[{EMERGENCY_ACCOUNT}]": EMERGENCY_ACCOUNT,
        "conditions.applications.includeApplications[all]": "All",
        "conditions.locations.includeLocations[all]": "All",
        f"conditions.locations.excludeLocations[{LOCATION}]": LOCATION,
        "conditions.devices.deviceFilter": {"mode": "exclude", "rule": "device.isCompliant -eq True"},
        "conditions.insiderRiskLevels": "minor,moderate",
        "conditions.signInRiskLevels[high]": "high",
        "grantControls.operator": "OR",
        "grantControls.authenticationStrength": "00000000-0000-0000-0000-000000000004",
        "sessionControls.signInFrequency": {"value": 4, "type": "hours", "isEnabled": True},
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_conditions(platforms=None), _conditions(platforms=[])),
        (_conditions(platforms={"includePlatforms": [], "excludePlatforms": []}), _conditions()),
        (_conditions(servicePrincipalRiskLevels=[]), _conditions(servicePrincipalRiskLevels=None)),
        (_conditions(clientAppTypes=["all"]), _conditions(clientAppTypes=[])),
        (_conditions(clientAppTypes=["ALL"]), _conditions(clientAppTypes=None)),
        (_conditions(insiderRiskLevels="minor,moderate"), _conditions(insiderRiskLevels=["Moderate", "Minor"])),
        ({"sessionControls": None}, {"sessionControls": {"signInFrequency": None, "disableResilienceDefaults": False}}),
        ({"grantControls": None}, {"grantControls": {"operator": "OR", "builtInControls": []}}),
        ({"state": "enabled"}, {"state": "Enabled"}),
        (
            {"grantControls": {"operator": "and", "builtInControls": ["Mfa", "COMPLIANTDEVICE"]}},
            {"grantControls": {"operator": "AND", "builtInControls": ["compliantDevice", "mfa"]}},
        ),
        (
            {
                "grantControls": {
                    "operator": "OR",
                    "authenticationStrength": {"id": "A" * 8 + "-1111-4222-8333-" + "A" * 12},
                }
            },
            {
                "grantControls": {
                    "operator": "OR",
                    "authenticationStrength@odata.context": "https://graph.microsoft.com/x",
                    "authenticationStrength": {
                        "id": "a" * 8 + "-1111-4222-8333-" + "a" * 12,
                        "displayName": "Strong",
                        "allowedCombinations": ["fido2"],
                    },
                }
            },
        ),
        ({"description": ""}, {"description": None}),
        (with_users({**ca_policy()}, excludeUsers=[EMERGENCY_ACCOUNT.upper()]), ca_policy()),
    ],
)
def test_spellings_of_the_same_are_the_same(one: Image, other: Image) -> None:
    assert leaves(ca_policy(**one)) == leaves(ca_policy(**other))


def test_parts_are_compared_by_what_they_mean() -> None:
    leaf = "conditions.users.includeGuestsOrExternalUsers"
    kinds = "guestOrExternalUserTypes"
    one = {kinds: "b2bCollaborationGuest,serviceProvider", "externalTenants": _ALL_TENANTS}
    untyped: Image = {"membershipKind": "all", "members": []}
    same: Image = {kinds: "serviceProvider,B2BCollaborationGuest", "externalTenants": untyped}
    other = {kinds: "serviceProvider", "externalTenants": _ALL_TENANTS}
    assert CA_POLICY.rules.same(leaf, one, same)
    assert not CA_POLICY.rules.same(leaf, one, other)
    assert not CA_POLICY.rules.same(leaf, one, {**one, "externalTenants": _SOME_TENANTS})
    rule = "conditions.devices.deviceFilter"
    assert not CA_POLICY.rules.same(rule, {"rule": "a -eq 'B'"}, {"rule": "a -eq 'b'"})
    assert not CA_POLICY.rules.same("displayName", "CA003", "ca003")
    assert not CA_POLICY.rules.same("state", "enabled", None)


@pytest.mark.parametrize(
    ("leaf", "joint"),
    [
        (EXISTS, True),
        ("state", True),
        ("grantControls.operator", True),
        ("grantControls.builtInControls[mfa]", True),
        ("conditions.users.excludeUsers[x]", False),
        ("displayName", False),
    ],
)
def test_what_must_not_be_taken_apart(*, leaf: str, joint: bool) -> None:
    assert CA_POLICY.rules.is_joint(leaf) == joint


# Records.


def _event(activity: str, old: str | None, new: str | None, **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    change = Change(name="ConditionalAccessPolicy", old=old, new=new)
    fields: dict[str, Any] = {"service": "Conditional Access", "outcome": "success"} | more
    return AuditEvent(
        id="a",
        tenant_id=TENANT_ID,
        at=AT,
        activity=activity,
        category="Policy",
        reason="",
        correlation_id="c",
        actor=MALLORY,
        targets=(Target(id=POLICY_ID.upper(), name="", kind="Policy", changes=(change,)),),
        **fields,
    )


def _recorded(activity: str, old: Image | str | None, new: Image | str | None) -> Recorded:
    texts = [each if isinstance(each, str) else as_logged(each) for each in (old, new)]
    (recorded,) = CA_POLICY.recorded(_event(activity, *texts))
    return recorded


def test_an_update_wrote_what_differs_and_no_more() -> None:
    new = with_users(ca_policy(state="disabled"), excludeUsers=[EMERGENCY_ACCOUNT, MALLORY.id])
    recorded = _recorded("Update conditional access policy", ca_policy(), new)
    assert (recorded.object_id, recorded.name, recorded.op, recorded.is_whole) == (
        POLICY_ID,
        ca_policy()["displayName"],
        Op.UPDATE,
        True,
    )
    assert recorded.wrote == {
        "state": ("enabled", "disabled"),
        f"conditions.users.excludeUsers[{MALLORY.id}]": (None, MALLORY.id),
    }


@pytest.mark.parametrize(
    "activity", ["Add conditional access policy", " RESTORE Conditional\N{NO-BREAK SPACE}Access policy"]
)
def test_a_creation_wrote_all(activity: str) -> None:
    recorded = _recorded(activity, None, ca_policy())
    assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
    assert recorded.wrote == {leaf: (None, value) for leaf, value in leaves(ca_policy()).items()}


def test_a_deletion_took_all() -> None:
    recorded = _recorded("Delete conditional access policy", ca_policy(), None)
    assert (recorded.op, recorded.is_whole) == (Op.DELETE, True)
    assert recorded.wrote == {leaf: (value, None) for leaf, value in leaves(ca_policy()).items()}


_CUT = (as_logged(ca_policy()) or "")[:60]


@pytest.mark.parametrize(
    ("activity", "old", "new", "wrote"),
    [
        ("Update conditional access policy", _CUT, ca_policy(), {}),
        ("Update conditional access policy", ca_policy(), None, {}),
        ("Add conditional access policy", None, _CUT, {EXISTS: (None, True)}),
        ("Delete conditional access policy", None, None, {EXISTS: (True, None)}),
        ("Delete conditional access policy", "[]", None, {EXISTS: (True, None)}),
    ],
)
def test_a_record_cut_short_tells_less_and_says_so(activity: str, old: Any, new: Any, wrote: Any) -> None:  # noqa: ANN401 - JSON
    recorded = _recorded(activity, old, new)
    assert (recorded.wrote, recorded.is_whole) == (wrote, False)


def _dotnet(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        parts = cast("Image", value)
        return {f"{name[:1].upper()}{name[1:]}": _dotnet(part) for name, part in parts.items() if part is not None}
    return value


def test_dotnets_spelling_is_understood() -> None:
    new = ca_policy(state="disabled")
    recorded = _recorded("Update conditional access policy", json.dumps(_dotnet(ca_policy())), json.dumps(_dotnet(new)))
    assert (recorded.wrote, recorded.is_whole) == ({"state": ("enabled", "disabled")}, True)


@pytest.mark.parametrize(
    "new",
    [ca_policy(state=1), ca_policy(state="On"), _dotnet(ca_policy(state="disabled")) | {"ConditionSet": {"A": 1}}],
)
def test_words_that_graph_does_not_take_make_it_less_than_whole(new: Image) -> None:
    assert not _recorded("Update conditional access policy", ca_policy(), json.dumps(new)).is_whole


def test_a_word_that_the_log_does_not_name_tells_nothing_of_its_leaf() -> None:
    new = ca_policy(state="disabled", grantControls={"operator": "OR", "builtInControls": ["unknownFutureValue"]})
    recorded = _recorded("Update conditional access policy", ca_policy(), new)
    assert not recorded.is_whole
    assert "grantControls.builtInControls[unknownfuturevalue]" not in recorded.wrote
    assert recorded.wrote["state"] == ("enabled", "disabled")


@pytest.mark.parametrize(
    "event",
    [
        _event("Update conditional access policy", None, None, outcome="failure"),
        _event("Update conditional access policy", None, None, service="Core Directory"),
        _event("Update policy", None, None, service="Core Directory"),
        _event("Hard delete conditional access policy", as_logged(ca_policy()), None),
        _event("Update named location", None, None),
    ],
)
def test_other_records_tell_nothing(event: AuditEvent) -> None:
    assert CA_POLICY.recorded(event) == ()


# Reading and searching.


def _answers(status: int, *parts: str, method: str = "") -> Any:  # noqa: ANN401 - a spoiler
    def spoil(_number: int, request: Request) -> Answer | None:
        hit = all(part in request.url for part in parts) and method in {"", request.method}
        code = "BadRequest" if status == 400 else "ResourceNotFound"
        return answer_of({"error": {"code": code, "message": "No."}}, status) if hit else None

    return spoil


def test_a_policy_that_only_beta_shows_is_there() -> None:
    tenant = _tenant(ca_policy())
    assert CA_POLICY.read(tenant.edges(), POLICY_ID) is not None
    assert CA_POLICY.read(tenant.edges(), TRUDY.id) is None
    assert [request.method for request in tenant.log] == ["GET", "GET", "GET"]


class _ByVersion(FakeTenant):
    """Beta refuses."""

    def answer(self, service: Any, method: str, url: str, body: bytes | None, query: Any = None) -> Answer:  # noqa: ANN401 - as its base
        if service == "graph/beta":
            return answer_of({"error": {"code": "BadRequest", "message": "No."}}, 400)
        return super().answer(service, method, url, body, query)


def test_where_beta_refuses_v1_is_read_and_what_could_be_lost_is_not_written() -> None:
    tenant = _ByVersion(ca_policies={POLICY_ID: ca_policy()})
    policy = _read(tenant)
    target = leaves(with_users(ca_policy(state="disabled"), excludeUsers=[]))
    found = objections(CA_POLICY, tenant.edges(), POLICY_ID, policy, target)
    assert found[f"conditions.users.excludeUsers[{EMERGENCY_ACCOUNT}]"].guard == "parts-unread"
    assert "state" not in found
    assert all(each.can_pass for each in found.values())


def test_a_token_that_is_refused_is_no_answer() -> None:
    tenant = _tenant(ca_policy(), spoil=_answers(401, POLICY_ID))
    with pytest.raises(Refused):
        CA_POLICY.read(tenant.edges(), POLICY_ID)


_TWIN = ca_policy(id="ca00ffff-1f7c-4d9b-85e6-a2d0c4b93e57", createdDateTime="2026-03-02T12:00:00Z", state="disabled")


@pytest.mark.parametrize(
    ("standing", "since", "found"),
    [
        (_TWIN, None, True),
        (_TWIN, AT, True),
        (_TWIN | {"createdDateTime": "2026-03-02T09:00:00Z"}, AT, False),
        (_TWIN | {"createdDateTime": None}, AT, False),
        (_TWIN | {"displayName": "Another"}, None, False),
        (with_users(_TWIN, excludeUsers=[MALLORY.id]), None, False),
    ],
)
def test_a_twin_is_of_the_same_name_and_content_and_no_older(*, standing: Image, since: Any, found: bool) -> None:  # noqa: ANN401 - an instant
    search = Search(ids=(POLICY_ID,), name="CA003", target=leaves(ca_policy()), since=since)
    assert bool(CA_POLICY.found(_tenant(standing).edges(), search)) == found


def test_the_id_comes_before_a_twin() -> None:
    search = Search(ids=(POLICY_ID.upper(),), name="", target=leaves(ca_policy()))
    found = CA_POLICY.found(_tenant(_TWIN, ca_policy(state="disabled")).edges(), search)
    assert found is not None
    assert found["id"] == POLICY_ID


def test_conditional_access_is_one_lane_a_tenant() -> None:
    of = ObjectId(tenant_id="t", kind=CA_POLICY.kind, key="k")
    assert {CA_POLICY.lane(of, each, None) for each in (POLICY_ID, GROUP)} == {"ca|t"}


# Writing.


_LISTS = st.lists(st.sampled_from([EMERGENCY_ACCOUNT, MALLORY.id, TRUDY.id]), unique=True, max_size=3)
_GUESTS = st.sampled_from(
    [
        None,
        {"guestOrExternalUserTypes": "serviceProvider", "externalTenants": _ALL_TENANTS},
        {"guestOrExternalUserTypes": "b2bCollaborationGuest", "externalTenants": _SOME_TENANTS},
    ]
)


@st.composite
def _policies(draw: st.DrawFn) -> Image:
    policy = ca_policy(
        state=draw(st.sampled_from(["enabled", "disabled", "enabledForReportingButNotEnforced"])),
        displayName=draw(st.sampled_from(["CA003", "ca003"])),
        description=draw(st.sampled_from([None, "", "Why"])),
        grantControls=draw(
            st.sampled_from(
                [
                    None,
                    {"operator": "OR", "builtInControls": ["mfa"]},
                    {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"], "termsOfUse": []},
                    {"operator": "OR", "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}},
                ]
            )
        ),
        sessionControls=draw(
            st.sampled_from(
                [
                    None,
                    {"signInFrequency": {"value": 12, "type": "hours", "isEnabled": True}},
                    {"signInFrequency": {"frequencyInterval": "everyTime", "value": None, "isEnabled": True}},
                    {"persistentBrowser": {"mode": "always", "isEnabled": True}},
                ]
            )
        ),
    )
    users = policy["conditions"]["users"]
    users |= {"excludeUsers": draw(_LISTS), "includeGuestsOrExternalUsers": draw(_GUESTS)}
    policy["conditions"] |= {
        "platforms": draw(st.sampled_from([None, {"includePlatforms": ["all"], "excludePlatforms": ["iOS"]}])),
        "clientAppTypes": draw(st.sampled_from([["all"], ["browser"], []])),
        "agentIdRiskLevels": draw(st.sampled_from([None, "high"])),
    }
    return copy.deepcopy(policy)


def _merged(standing: Json, sent: Json) -> Json:
    """Do what Graph may do with a PATCH: leave what is inside a property and isn't sent."""
    if isinstance(standing, dict) and isinstance(sent, dict) and "@odata.type" not in sent:
        return {**standing, **{name: _merged(standing.get(name), value) for name, value in sent.items()}}
    return sent


@given(_policies(), _policies())
def test_after_a_write_it_shows_exactly_the_target_whether_graph_merges_or_replaces(
    stands: Image, wanted: Image
) -> None:
    tenant = _tenant(stands)
    write = write_of(CA_POLICY, POLICY_ID, _read(tenant), leaves(wanted))
    CA_POLICY.write(tenant.edges(), write)
    assert leaves(_read(tenant)) == leaves(wanted)
    sent: Image = tenant.writes[0].body if tenant.writes else {}
    assert leaves(cast("Image", _merged(stands, sent))) == leaves(wanted)
    assert not sent.keys() & {"id", "createdDateTime", "templateId"}


@given(_policies(), _policies())
def test_a_record_of_a_change_is_the_difference_of_leaves(old: Image, new: Image) -> None:
    recorded = _recorded("Update conditional access policy", as_graph_gives(old), as_graph_gives(new))
    assert recorded.wrote == difference(leaves(old), leaves(new), CA_POLICY)
    assert recorded.is_whole


@pytest.mark.parametrize(
    ("stands", "wanted", "body"),
    [
        (ca_policy(), ca_policy(state="disabled"), {"state": "disabled"}),
        (ca_policy(description="x"), ca_policy(), {"description": None}),
        (ca_policy(sessionControls={"persistentBrowser": {"mode": "never"}}), ca_policy(), {"sessionControls": None}),
        (ca_policy(), ca_policy(grantControls=None), {"grantControls": None}),
    ],
)
def test_no_more_is_sent_than_the_properties_that_change(stands: Image, wanted: Image, body: Image) -> None:
    tenant = _tenant(stands)
    CA_POLICY.write(tenant.edges(), write_of(CA_POLICY, POLICY_ID, _read(tenant), leaves(wanted)))
    assert [request.body for request in tenant.writes] == [body]


@pytest.mark.parametrize(
    ("tenants", "kind"),
    [
        ({"membershipKind": "all"}, "#microsoft.graph.conditionalAccessAllExternalTenants"),
        (
            {"membershipKind": "enumerated", "members": ["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"]},
            "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
        ),
    ],
)
def test_a_type_that_the_log_left_out_is_sent(tenants: Image, kind: str) -> None:
    guests = {"guestOrExternalUserTypes": "serviceProvider", "externalTenants": tenants}
    wanted = ca_policy()
    wanted["conditions"]["users"]["includeGuestsOrExternalUsers"] = guests
    stands = ca_policy()
    stands["conditions"]["users"]["includeGuestsOrExternalUsers"] = guests | {
        "externalTenants": _SOME_TENANTS | {"members": ["b"]}
    }
    tenant = _tenant(stands)
    CA_POLICY.write(tenant.edges(), write_of(CA_POLICY, POLICY_ID, _read(tenant), leaves(wanted)))
    sent = tenant.writes[0].body["conditions"]["users"]["includeGuestsOrExternalUsers"]["externalTenants"]
    assert sent == {"@odata.type": kind, **tenants}


def test_parts_that_v1_hides_are_read_and_kept_by_beta() -> None:
    hidden = ca_policy(**_conditions(agentIdRiskLevels="high"))
    tenant = _tenant(with_users(hidden, excludeUsers=[MALLORY.id]), v1_hides=frozenset({"agentIdRiskLevels"}))
    CA_POLICY.write(tenant.edges(), write_of(CA_POLICY, POLICY_ID, _read(tenant), leaves(hidden)))
    assert tenant.ca_policies[POLICY_ID]["conditions"]["agentIdRiskLevels"] == "high"
    assert leaves(_read(tenant)) == leaves(hidden)


def test_an_unwanted_policy_is_switched_off_and_then_harmless() -> None:
    tenant = _tenant(ca_policy())
    assert CA_POLICY.removal is not None
    assert CA_POLICY.removal(leaves(ca_policy())) == {"state": ("enabled", "disabled")}
    assert CA_POLICY.removal(leaves(ca_policy(state="Disabled"))) == {}
    assert CA_POLICY.write(tenant.edges(), write_of(CA_POLICY, POLICY_ID, ca_policy(), {})) == POLICY_ID
    assert tenant.ca_policies[POLICY_ID]["state"] == "disabled"


# Bringing back.


def _create(source: Image | None = None) -> Any:  # noqa: ANN401 - a write
    return write_of(CA_POLICY, POLICY_ID, None, leaves(source or ca_policy()), name="CA003")


def _paths(tenant: FakeTenant) -> list[str]:
    return [f"{each.method} {each.url.rpartition('conditionalAccess/')[2]}" for each in tenant.writes]


_RESTORE = f"POST deletedItems/policies/{POLICY_ID}/restore"


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize(
    ("binned", "paths"),
    [
        (ca_policy(), [_RESTORE]),
        (ca_policy(state="disabled"), [_RESTORE, f"PATCH policies/{POLICY_ID}"]),
        (with_users(ca_policy(state="disabled"), excludeUsers=[MALLORY.id]), [_RESTORE, f"PATCH policies/{POLICY_ID}"]),
    ],
)
def test_it_comes_out_of_the_bin_and_becomes_as_it_was(*, binned: Image, paths: list[str], wraps: bool) -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: copy.deepcopy(binned)}, wraps_in_value=wraps)
    assert CA_POLICY.write(tenant.edges(), _create()) == POLICY_ID
    assert _paths(tenant) == paths
    assert leaves(_read(tenant)) == leaves(ca_policy())


def test_what_does_not_show_yet_is_not_set_and_what_it_came_back_as_is_known() -> None:
    binned = ca_policy(state="disabled")
    api = ScriptedApi(
        {
            LIST_DELETED_CA_POLICIES_WHOLE: [binned],
            UNDELETE_CA_POLICY: None,
            GET_CA_POLICY_WHOLE: None,
            GET_CA_POLICY: None,
        }
    )
    assert CA_POLICY.write(api, _create()) == CameBack(tenants_id=POLICY_ID, leaves=leaves(binned))
    assert [each.call for each in api.sent] == [UNDELETE_CA_POLICY]


def test_what_would_enforce_something_else_at_once_is_made_again_instead() -> None:
    binned = with_users(ca_policy(), excludeUsers=[])
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: binned})
    made = written(CA_POLICY, tenant.edges(), _create())
    assert made != POLICY_ID
    assert _paths(tenant) == ["POST policies", f"PATCH policies/{made}"]
    assert tenant.writes[0].body["state"] == "disabled"
    assert leaves(_read(tenant, made)) == leaves(ca_policy())


_FILLED: Final[Image] = {"sessionControls": {"disableResilienceDefaults": True}}
"""What Graph has put into every policy by itself."""


def _create_with(**filled: Any) -> Any:  # noqa: ANN401 - a write
    return msgspec.structs.replace(_create(), filled=filled)


def test_what_graph_fills_in_by_itself_keeps_nothing_in_the_bin_and_is_not_taken_away() -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: ca_policy() | _FILLED})
    write = _create_with(**{"sessionControls.disableResilienceDefaults": True})
    assert CA_POLICY.write(tenant.edges(), write) == POLICY_ID
    assert _paths(tenant) == [_RESTORE]
    assert _read(tenant)["sessionControls"] == _FILLED["sessionControls"]


def test_what_somebody_set_to_another_value_than_graph_does_is_taken_away() -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: ca_policy(state="disabled") | _FILLED})
    write = _create_with(**{"sessionControls.disableResilienceDefaults": "something else"})
    assert CA_POLICY.write(tenant.edges(), write) == POLICY_ID
    assert leaves(_read(tenant)) == leaves(ca_policy())


def test_what_graph_fills_in_when_a_policy_is_made_stays() -> None:
    tenant = FakeTenant(fills_in_policies=_FILLED)
    made = written(CA_POLICY, tenant.edges(), _create())
    assert [each.body for each in tenant.writes[1:]] == [{"state": "enabled"}]
    assert leaves(_read(tenant, made)) == leaves(ca_policy() | _FILLED)


def test_a_twin_may_have_what_graph_fills_in() -> None:
    search = Search(ids=(POLICY_ID,), name="CA003", target=leaves(ca_policy()))
    tenant = _tenant(_TWIN | _FILLED)
    assert CA_POLICY.found(tenant.edges(), search) is None
    filled = {"sessionControls.disableResilienceDefaults": True}
    assert CA_POLICY.found(tenant.edges(), msgspec.structs.replace(search, filled=filled)) is not None


@pytest.mark.parametrize(
    ("standing", "was_tried", "found"),
    [
        pytest.param(_TWIN | _FILLED, True, True, id="what we may have made, with what Graph filled in then"),
        pytest.param(_TWIN | _FILLED, False, False, id="nobody of us can have made it"),
        pytest.param(_TWIN | _FILLED | {"displayName": "Another"}, True, False, id="another name"),
        pytest.param(with_users(_TWIN, excludeUsers=[MALLORY.id]), True, False, id="somebody is excluded more"),
        pytest.param(_TWIN | _FILLED | {"createdDateTime": "2026-03-02T09:00:00Z"}, True, False, id="older"),
    ],
)
def test_what_we_may_have_made_may_have_what_nobody_has_read_yet(
    *, standing: Image, was_tried: bool, found: bool
) -> None:
    search = Search(ids=(POLICY_ID,), name="CA003", target=leaves(ca_policy()), since=AT, was_tried=was_tried)
    tenant = _tenant(standing)
    assert bool(CA_POLICY.found(tenant.edges(), search)) is found
    write = msgspec.structs.replace(_create(), tried_since=AT if was_tried else None)
    made = written(CA_POLICY, tenant.edges(), write)
    assert (made == standing["id"]) is found
    assert leaves(_read(tenant, made)) == leaves(ca_policy())


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_bin_that_is_not_served_or_not_for_applications_is_done_without(status: int) -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: ca_policy()}, spoil=_answers(status, "/restore"))
    made = written(CA_POLICY, tenant.edges(), _create())
    assert [path for path in _paths(tenant) if path.startswith("POST")] == [_RESTORE, _RESTORE, "POST policies"]
    assert leaves(_read(tenant, made)) == leaves(ca_policy())


@pytest.mark.parametrize("status", [401, 409, 423])
def test_what_may_pass_makes_no_twin(status: int) -> None:
    tenant = FakeTenant(deleted_ca_policies={POLICY_ID: ca_policy()}, spoil=_answers(status, "/restore"))
    with pytest.raises((Refused, Rejected)):
        CA_POLICY.write(tenant.edges(), _create())
    assert _paths(tenant) == [_RESTORE]


def test_one_that_is_there_already_is_made_no_second_time() -> None:
    tenant = _tenant(_TWIN)
    assert CA_POLICY.write(tenant.edges(), _create()) == _TWIN["id"]
    assert _paths(tenant) == [f"PATCH policies/{_TWIN['id']}"]
    assert tenant.ca_policies[_TWIN["id"]]["state"] == "enabled"


def test_a_decoy_of_the_same_name_does_not_count() -> None:
    tenant = _tenant(with_users(_TWIN, excludeUsers=[MALLORY.id]))
    assert CA_POLICY.write(tenant.edges(), _create()) != _TWIN["id"]
    assert len(tenant.ca_policies) == 2


def test_a_creation_whose_answer_is_lost_is_found_by_the_next_try() -> None:
    tenant = FakeTenant(lose=frozenset({2}))
    with pytest.raises(Unreachable):
        CA_POLICY.write(tenant.edges(), _create())
    assert [policy["state"] for policy in tenant.ca_policies.values()] == ["disabled"]
    made = written(CA_POLICY, tenant.edges(), _create())
    assert list(tenant.ca_policies) == [made]
    assert leaves(_read(tenant, made)) == leaves(ca_policy())


def test_parts_beyond_v1_are_made_again_by_beta() -> None:
    wanted = ca_policy(**_conditions(agentIdRiskLevels="high"))
    tenant = FakeTenant()
    made = written(CA_POLICY, tenant.edges(), _create(wanted))
    assert leaves(_read(tenant, made)) == leaves(wanted)


# Guards.


_ADMIN = {"@odata.type": "#microsoft.graph.user", "id": EMERGENCY_ACCOUNT, "userType": "Member"}
_BLOCK = ca_policy(grantControls={"operator": "OR", "builtInControls": ["block"]})


def _judged(stands: Image | None, target: Image, *others: Image, **more: Any) -> Any:  # noqa: ANN401 - objections
    fields: dict[str, Any] = {"principals": {EMERGENCY_ACCOUNT: _ADMIN}, "groups": {}} | more
    tenant = _tenant(*([stands] if stands else []), *others, **fields)
    image = _read(tenant) if stands else None
    return objections(
        CA_POLICY, tenant.edges(), POLICY_ID, image, leaves(target), emergency=frozenset({EMERGENCY_ACCOUNT})
    )


def test_a_put_back_that_locks_an_emergency_account_out_is_refused_with_its_reason() -> None:
    without = with_users(_BLOCK, excludeUsers=[])
    found = _judged(_BLOCK, without)[WHOLE]
    assert (found.guard, found.can_pass) == ("emergency-sign-in", True)
    assert f'emergency account {EMERGENCY_ACCOUNT}: policy "{_BLOCK["displayName"]}" would keep it out' in found.because
    assert "it asks for block" in found.because


def test_a_listing_that_is_behind_hides_no_lock_out() -> None:
    """It still shows the policy enabled, as if it kept the account out before the write, too."""
    barring = with_users(_BLOCK, excludeUsers=[])
    tenant = _tenant(barring, principals={EMERGENCY_ACCOUNT: _ADMIN}, groups={})
    image = _read(_tenant(barring | {"state": "disabled"}))
    found = objections(
        CA_POLICY, tenant.edges(), POLICY_ID, image, leaves(barring), emergency=frozenset({EMERGENCY_ACCOUNT})
    )
    assert found[WHOLE].guard == "emergency-sign-in"


@pytest.mark.parametrize("users", [{}, {"includeUsers": [EMERGENCY_ACCOUNT]}], ids=["everybody", "the account by name"])
@pytest.mark.parametrize("more", [{}, {"deleted_ca_policies": {POLICY_ID: _BLOCK}}], ids=["made again", "in the bin"])
def test_what_was_deleted_does_not_come_back_to_lock_an_emergency_account_out(
    users: dict[str, list[str]], more: dict[str, Any]
) -> None:
    found = _judged(None, with_users(_BLOCK, **{"excludeUsers": [], **users}), **more)[WHOLE]
    assert (found.guard, found.can_pass) == ("emergency-sign-in", True)
    assert f"emergency account {EMERGENCY_ACCOUNT}" in found.because
    assert _judged(None, with_users(_BLOCK, **{**users, "excludeUsers": [EMERGENCY_ACCOUNT]}), **more) == {}


@pytest.mark.parametrize(
    "target",
    [
        _BLOCK,
        with_users(_BLOCK | {"state": "disabled"}, excludeUsers=[]),
        with_users(_BLOCK | {"state": "enabledForReportingButNotEnforced"}, excludeUsers=[]),
        with_users(ca_policy(grantControls={"operator": "OR", "builtInControls": ["mfa"]}), excludeUsers=[]),
    ],
)
def test_what_keeps_nobody_out_passes(target: Image) -> None:
    assert _judged(with_users(_BLOCK, excludeUsers=[EMERGENCY_ACCOUNT, MALLORY.id]), target) == {}


@pytest.mark.parametrize(
    ("users", "more", "refused"),
    [
        ({"includeUsers": [], "includeGroups": [GROUP]}, {"groups": {GROUP: [EMERGENCY_ACCOUNT]}}, True),
        ({"includeUsers": [], "includeGroups": [GROUP]}, {"groups": {GROUP: [MALLORY.id]}}, False),
        (
            {"includeUsers": [], "includeGroups": [GROUP]},
            {"groups": {GROUP: []}, "hidden_groups": frozenset({GROUP})},
            True,
        ),
        ({"excludeGroups": [GROUP]}, {"groups": {GROUP: [EMERGENCY_ACCOUNT]}}, False),
        ({"excludeGroups": [GROUP]}, {"groups": {GROUP: []}}, True),
        (
            {"includeUsers": [], "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"]},
            {
                "directory_roles": [
                    {
                        "principalId": EMERGENCY_ACCOUNT,
                        "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
                        "directoryScopeId": "/",
                    }
                ]
            },
            True,
        ),
        (
            {"includeUsers": [], "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"]},
            {
                "directory_roles": [
                    {
                        "principalId": EMERGENCY_ACCOUNT,
                        "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
                        "directoryScopeId": None,
                        "appScopeId": "/x",
                    }
                ]
            },
            False,
        ),
        ({"includeUsers": ["GuestsOrExternalUsers"]}, {}, False),
        (
            {"includeUsers": ["GuestsOrExternalUsers"]},
            {"principals": {EMERGENCY_ACCOUNT: _ADMIN | {"userType": "Guest"}}},
            True,
        ),
    ],
)
def test_groups_roles_and_guests_count(*, users: dict[str, Any], more: dict[str, Any], refused: bool) -> None:
    lists: dict[str, list[str]] = {"excludeUsers": [], **users}
    target = with_users(_BLOCK, **lists)
    found = _judged(with_users(_BLOCK, includeUsers=["None"], excludeUsers=[]), target, **more)
    assert (WHOLE in found) == refused, found


@pytest.mark.parametrize(
    "hidden", ["/conditionalAccess/policies", "/transitiveMemberOf", "/roleManagement/directory/roleAssignments"]
)
def test_what_cannot_be_read_never_counts_as_fine(hidden: str) -> None:
    roles = ["62e90394-69f5-4237-9190-012177145e10"]
    stands = with_users(_BLOCK, includeUsers=["None"], excludeUsers=[])
    target = with_users(_BLOCK, includeUsers=["None"], includeRoles=roles, includeGroups=[GROUP], excludeUsers=[])
    tenant = _tenant(stands, principals={EMERGENCY_ACCOUNT: _ADMIN}, groups={GROUP: []})
    image = _read(tenant)
    tenant.spoil = _answers(403, hidden)
    found = objections(
        CA_POLICY, tenant.edges(), POLICY_ID, image, leaves(target), emergency=frozenset({EMERGENCY_ACCOUNT})
    )
    assert found[WHOLE].can_pass


def test_the_last_control_goes_only_with_those_that_come_back_for_it() -> None:
    """Mallory put mfa in place of block. Without either, the policy would ask for less than Mallory left."""
    asks_mfa = ca_policy(grantControls={"operator": "OR", "builtInControls": ["mfa"]})
    nothing = ca_policy(grantControls={"operator": "OR", "builtInControls": []})
    without = {leaf: value for leaf, value in leaves(asks_mfa).items() if "[mfa]" not in leaf}
    tenant = _tenant(asks_mfa, principals={EMERGENCY_ACCOUNT: _ADMIN})
    found = objections(CA_POLICY, tenant.edges(), POLICY_ID, _read(tenant), without)
    assert {leaf: (one.guard, one.can_pass) for leaf, one in found.items()} == {
        "grantControls.builtInControls[mfa]": ("no-control-left", True)
    }
    assert _judged(asks_mfa, nothing) == {}, "where nothing was asked before, nothing joins"
    assert _judged(asks_mfa, with_users(_BLOCK, excludeUsers=[EMERGENCY_ACCOUNT])) == {}


def test_a_neighbour_that_cannot_be_judged_and_does_not_change_decides_nothing() -> None:
    odd = ca_policy(id=TRUDY.id, displayName="Odd", **_conditions(phaseOfTheMoon="full"))
    odd = with_users(odd, excludeUsers=[]) | {"grantControls": _BLOCK["grantControls"]}
    stands = ca_policy(state="disabled", grantControls={"operator": "OR", "builtInControls": ["mfa"]})
    assert _judged(stands, stands | {"state": "enabled"}, odd) == {}


def test_a_policy_that_bars_an_account_counts_though_another_does_already() -> None:
    other = with_users(_BLOCK | {"id": TRUDY.id, "displayName": "Other"}, excludeUsers=[])
    assert WHOLE in _judged(_BLOCK, with_users(_BLOCK, excludeUsers=[]), other)


def test_switching_off_reads_nothing() -> None:
    tenant = _tenant(_BLOCK)
    image = _read(tenant)
    before = len(tenant.log)
    found = objections(
        CA_POLICY, tenant.edges(), POLICY_ID, image, {}, emergency=frozenset({EMERGENCY_ACCOUNT}), op=Op.DELETE
    )
    assert (found, len(tenant.log)) == ({}, before)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (with_users(ca_policy(), excludeGroups=[GROUP]), f"group {GROUP}"),
        (with_users(ca_policy(), excludeUsers=[EMERGENCY_ACCOUNT, TRUDY.id]), f"user {TRUDY.id}"),
        (ca_policy(**_conditions(locations={"includeLocations": [LOCATION]})), f"location {LOCATION}"),
        (
            ca_policy(grantControls={"operator": "OR", "authenticationStrength": {"id": LOCATION}}),
            f"authentication strength {LOCATION}",
        ),
    ],
)
@pytest.mark.parametrize("stands", [None, ca_policy(grantControls={"operator": "OR", "builtInControls": ["mfa"]})])
def test_a_reference_that_is_gone_is_named_and_may_come_back(stands: Image | None, target: Image, what: str) -> None:
    strong = "00000000-0000-0000-0000-000000000004"
    there = {strong: {"id": strong, "allowedCombinations": ["fido2"]}}
    found = _judged(stands, target, strengths=there)
    named = [each for each in found.values() if each.guard == "reference-gone"]
    assert named
    assert all(each.can_pass and what in each.because and "no longer exists" in each.because for each in named)
    assert (WHOLE in found) == (stands is None)


_KEYS = "57200001-2c9d-4b6e-8f3a-e7d1c5b0a948"


@pytest.mark.parametrize("configurations", [{}, {"one": {"appliesToCombinations": ["fido2"], "allowedAAGUIDs": ["a"]}}])
def test_a_strength_is_judged_with_the_configurations_that_its_listing_leaves_out(
    configurations: dict[str, Image],
) -> None:
    target = with_users(
        ca_policy(grantControls={"operator": "OR", "authenticationStrength": {"id": _KEYS}}), excludeUsers=[]
    )
    stands = target | {"state": "disabled"}
    there = {_KEYS: {"id": _KEYS, "policyType": "custom", "allowedCombinations": ["fido2"]}}
    found = _judged(stands, target, strengths=there, configurations={_KEYS: configurations})
    assert ("emergency-sign-in" in {each.guard for each in found.values()}) is bool(configurations)


def test_a_reference_that_is_gone_and_stands_stops_its_own_property_only() -> None:
    stands = with_users(ca_policy(state="disabled"), excludeGroups=[GROUP], excludeUsers=[MALLORY.id])
    target = with_users(ca_policy(), excludeGroups=[GROUP])
    found = _judged(stands, target)
    assert {leaf for leaf, each in found.items() if each.guard == "reference-gone"} == {
        f"conditions.users.excludeUsers[{EMERGENCY_ACCOUNT}]",
        f"conditions.users.excludeUsers[{MALLORY.id}]",
    }


def test_who_is_reached_anew_and_who_is_let_out() -> None:
    spared, lost = leaves(ca_policy()), leaves(with_users(ca_policy(), excludeUsers=[]))
    named = leaves(with_users(ca_policy(), includeUsers=[TRUDY.id]))
    off = leaves(with_users(ca_policy(state="disabled"), includeUsers=[TRUDY.id]))
    assert CA_POLICY.loses(spared, lost) == {EMERGENCY_ACCOUNT}
    assert CA_POLICY.gains(lost, spared) == {EMERGENCY_ACCOUNT}
    assert CA_POLICY.loses(off, named) == {TRUDY.id}
    assert CA_POLICY.gains(named, off) == frozenset()
    assert CA_POLICY.loses({}, spared) == frozenset()
    assert CA_POLICY.gains({}, spared) == frozenset()
    assert CA_POLICY.loses(spared, {}) == frozenset()


def test_beta_lists_whatever_there_is() -> None:
    tenant = _tenant(ca_policy(), _TWIN)
    assert list(CA_POLICY.inventory.read(tenant.edges())) == [POLICY_ID, _TWIN["id"]]
