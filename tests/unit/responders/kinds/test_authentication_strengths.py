"""Authentication strengths: leaves, records, the order of what is sent, and what guards refuse."""

from typing import Any

import pytest

from responders.kinds.authentication_strength_leaves import leaves
from responders.kinds.authentication_strengths import (
    AUTHENTICATION_STRENGTH,
    CREATE_CONFIGURATION,
    CREATE_STRENGTH,
    DELETE_CONFIGURATION,
    DELETE_STRENGTH,
    GET_STRENGTH,
    LIST_CONFIGURATIONS,
    UPDATE_COMBINATIONS,
    UPDATE_CONFIGURATION,
    UPDATE_STRENGTH,
)
from responders.kinds.ca_context import LIST_STRENGTHS, CaContext
from shared.conditional_access.account import Principal
from shared.conditional_access.truth import Truth
from shared.model.errors import DoneAlready, Rejected, Unreachable
from shared.model.kinds import Image
from shared.model.object_kinds import GuardFacts, Search
from shared.model.objects import EXISTS, WHOLE, Op
from tests.fakes.kinds import difference, op_of, write_of
from tests.fakes.object_records import as_dotnet_spells, object_record
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.situations import AT, EMERGENCY_ACCOUNT, ca_policy

_ID = "57e4600a-1111-4222-8333-444444444444"
_MODEL = "de1e552d-db1d-4423-a619-566b625cdc84"
_OTHER = "90a3ccdf-635c-4729-a248-9b709135078f"
_WRITES = (
    *(UPDATE_STRENGTH, UPDATE_COMBINATIONS, DELETE_STRENGTH),
    *(CREATE_CONFIGURATION, UPDATE_CONFIGURATION, DELETE_CONFIGURATION),
)


def _keys(*models: str, part: str = "k") -> Image:
    return {
        "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
        "id": part,
        "appliesToCombinations": ["fido2"],
        "allowedAAGUIDs": [*models],
    }


def _certificates(*issuers: str, part: str = "x", applies: str = "x509CertificateMultiFactor") -> Image:
    return {
        "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
        "id": part,
        "appliesToCombinations": [applies],
        "allowedIssuerSkis": [*issuers],
    }


def _strength(*combinations: str, parts: tuple[Image, ...] = (), **changes: Any) -> Image:  # noqa: ANN401 - JSON
    return {
        "id": _ID,
        "displayName": "Keys",
        "description": "",
        "createdDateTime": "2026-01-05T09:00:00Z",
        "modifiedDateTime": "2026-01-05T09:00:00Z",
        "policyType": "custom",
        "requirementsSatisfied": "mfa",
        "allowedCombinations": [*(combinations or ("fido2",))],
        "combinationConfigurations": [*parts],
    } | changes


# Leaves.


def test_it_is_split_into_texts_combinations_and_configurations() -> None:
    strength = _strength("fido2", "Password, MicrosoftAuthenticatorPush", parts=(_keys(_OTHER, _MODEL.upper()),))
    assert leaves(strength) == {
        EXISTS: True,
        "displayName": "Keys",
        "allowedCombinations[fido2]": "fido2",
        "allowedCombinations[password,microsoftauthenticatorpush]": "password,microsoftAuthenticatorPush",
        "combinationConfigurations.fido2": {
            "appliesToCombinations": ["fido2"],
            "allowedAAGUIDs": [_OTHER, _MODEL],
        },
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_strength("sms,password"), _strength("password, SMS")),
        (_strength("federatedSingleFactor,voice"), _strength("voice,federatedsinglefactor")),
        (_strength("orbit,password"), _strength("password,orbit")),
        (_strength("fido2", "sms"), _strength("sms", "fido2")),
        (_strength(parts=(_keys(_MODEL, part="1"),)), _strength(parts=(_keys(_MODEL.upper(), part="2"),))),
        (_strength(description=None), _strength(description="")),
        (_strength(requirementsSatisfied="none", policyType=None, modifiedDateTime=None), _strength()),
        (_strength(parts=(_keys(_MODEL, _OTHER),)), _strength(parts=(_keys(_OTHER, _MODEL) | {"orbit": None},))),
    ],
)
def test_spellings_of_the_same_are_the_same(one: Image, other: Image) -> None:
    assert difference(leaves(one), leaves(other), AUTHENTICATION_STRENGTH) == {}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"allowedCombinations": ["fido2", "sms"]}, {"allowedCombinations[sms]"}),
        ({"description": "Weak"}, {"description"}),
        ({"combinationConfigurations": [_keys(_MODEL)]}, {"combinationConfigurations.fido2"}),
    ],
)
def test_what_differs_differs(*, change: Image, named: set[str]) -> None:
    assert difference(leaves(_strength()), leaves(_strength() | change), AUTHENTICATION_STRENGTH).keys() == named


def test_two_configurations_of_one_combination_are_told_apart_whatever_their_order() -> None:
    one, other = _certificates("AA", part="1"), _certificates("BB", part="2")
    found = leaves(_strength(parts=(one, other)))
    assert found == leaves(_strength(parts=(other | {"id": "3"}, one | {"id": "4"})))
    name = "combinationConfigurations.x509CertificateMultiFactor"
    assert [found[name], found[f"{name} 2"]] == [
        {"appliesToCombinations": ["x509CertificateMultiFactor"], "allowedIssuerSkis": [each]} for each in ("AA", "BB")
    ]


def test_only_existence_must_not_be_taken_apart() -> None:
    assert [leaf for leaf in leaves(_strength()) if AUTHENTICATION_STRENGTH.rules.is_joint(leaf)] == [EXISTS]


# Records.


def _recorded(activity: str, **more: Any) -> Any:  # noqa: ANN401 - what the kind gives
    event = object_record(activity, **{"service": "Authentication Methods", "target": _ID.upper()} | more)
    return AUTHENTICATION_STRENGTH.recorded(event)


_PART = "Authentication Strength Combination Configuration"


@pytest.mark.parametrize(
    "activity",
    ["Authentication Strength Policy Update", *(f"{_PART} {verb}" for verb in ("Create", "Update", "Delete"))],
)
def test_a_record_has_the_difference_of_leaves(*, activity: str) -> None:
    before, after = _strength(parts=(_keys(_MODEL),)), _strength("fido2", "password")
    for old, new in ((before, after), (as_dotnet_spells(before), as_dotnet_spells(after))):
        (found,) = _recorded(activity, old=old, new=new)
        assert (found.object_id, found.op, found.is_whole) == (_ID, Op.UPDATE, True)
        assert found.wrote == difference(leaves(before), leaves(after), AUTHENTICATION_STRENGTH)


@pytest.mark.parametrize(("verb", "op"), [("Create", Op.CREATE), ("Delete", Op.DELETE)])
def test_a_record_of_a_strength_that_came_or_went_has_all_of_it(*, verb: str, op: Op) -> None:
    sides = {"new" if op is Op.CREATE else "old": _strength(parts=(_keys(_MODEL),))}
    (found,) = _recorded(f"Authentication Strength Policy {verb}", **sides)
    assert (found.op, found.is_whole) == (op, True)
    assert found.wrote.keys() == leaves(_strength(parts=(_keys(_MODEL),))).keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [(_keys(_MODEL), _keys(_OTHER)), (None, None), (_strength(), '{"displayName":"Ke'), (_strength(), _keys(_OTHER))],
)
def test_a_configuration_alone_or_half_a_record_is_no_strength(*, old: Any, new: Any) -> None:  # noqa: ANN401 - JSON
    (found,) = _recorded(f"{_PART} Update", old=old, new=new)
    assert (found.op, found.is_whole) == (Op.UPDATE, False)
    assert not any("AAGUID" in leaf for leaf in found.wrote)


def test_a_record_without_configurations_has_what_it_says_and_is_not_whole() -> None:
    old, new = (
        {name: value for name, value in each.items() if "Conf" not in name} for each in (_strength(), _strength("sms"))
    )
    (found,) = _recorded("Authentication Strength Policy Update", old=old, new=new)
    assert found.wrote == {"allowedCombinations[fido2]": ("fido2", None), "allowedCombinations[sms]": (None, "sms")}
    assert not found.is_whole


@pytest.mark.parametrize(
    ("activity", "more"),
    [
        ("Authentication Strength Policy Update", {"outcome": "failure"}),
        ("Authentication Strength Policy Update", {"service": "Core Directory"}),
        ("Authentication Methods Policy Update", {}),
        (f"{_PART} Update", {"service": "Conditional Access"}),
    ],
)
def test_other_records_say_nothing(*, activity: str, more: dict[str, Any]) -> None:
    assert _recorded(activity, old=_strength(), new=_strength("sms"), **more) == ()


# Reading.


def test_configurations_that_graph_left_out_are_read() -> None:
    bare = {name: value for name, value in _strength().items() if name != "combinationConfigurations"}
    parts = {LIST_CONFIGURATIONS: [_keys(_MODEL)]}
    read = AUTHENTICATION_STRENGTH.read(ScriptedApi({GET_STRENGTH: bare} | parts), _ID)
    listed = AUTHENTICATION_STRENGTH.inventory.read(ScriptedApi({LIST_STRENGTHS: [bare]} | parts))
    assert read == listed[_ID] == _strength(parts=(_keys(_MODEL),))
    assert AUTHENTICATION_STRENGTH.read(ScriptedApi({GET_STRENGTH: None}), _ID) is None
    assert AUTHENTICATION_STRENGTH.read(ScriptedApi({GET_STRENGTH: _strength()}), _ID) == _strength()


def test_microsofts_own_are_not_guarded() -> None:
    api = ScriptedApi({LIST_STRENGTHS: [_strength(policyType="builtIn"), _strength(id="OURS")]})
    assert AUTHENTICATION_STRENGTH.inventory.read(api).keys() == {"ours"}


@pytest.mark.parametrize(
    ("standing", "since", "found"),
    [
        (_strength(id="other"), None, True),
        (_strength(id="other", parts=(_keys(_MODEL),)), None, True),
        (_strength("sms", id="other"), None, False),
        (_strength(id="other", displayName="Another"), None, False),
        (_strength(id="other"), AT, False),
        (_strength(id="other", createdDateTime=AT.isoformat()), AT, True),
        (_strength("sms"), AT, True),
        (_strength(id="other", policyType="builtIn"), None, False),
    ],
)
def test_a_twin_is_of_the_same_content_and_no_older(*, standing: Image, since: Any, found: bool) -> None:  # noqa: ANN401
    search = Search(ids=(_ID.upper(),), name="Keys", target=leaves(_strength()), since=since)
    api = ScriptedApi({LIST_STRENGTHS: [standing]})
    assert (AUTHENTICATION_STRENGTH.found(api, search) is not None) is found


# Writing.


def _sent(stands: Image | None, target: Image | None, **answers: Any) -> list[tuple[Any, Any, str]]:  # noqa: ANN401
    api = ScriptedApi(dict.fromkeys(_WRITES) | {CREATE_STRENGTH: _strength(id="new") | answers})
    write = write_of(AUTHENTICATION_STRENGTH, _ID, stands, leaves(target) if target else {})
    assert AUTHENTICATION_STRENGTH.write(api, write) == (_ID if stands else "new")
    return [(each.call, each.body, each.ids.get("configuration", "")) for each in api.sent]


@pytest.mark.parametrize(
    ("stands", "target", "sent"),
    [
        (
            _strength(displayName="x", description="y"),
            _strength(),
            [(UPDATE_STRENGTH, {"description": "", "displayName": "Keys"}, "")],
        ),
        (
            _strength("fido2", "password"),
            _strength("fido2", "password,sms"),
            [(UPDATE_COMBINATIONS, {"allowedCombinations": ["fido2", "password,sms"]}, "")],
        ),
        (
            _strength(parts=(_keys(_OTHER, part="p"),)),
            _strength(parts=(_keys(_MODEL),)),
            [
                (
                    UPDATE_CONFIGURATION,
                    {
                        "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
                        "appliesToCombinations": ["fido2"],
                        "allowedAAGUIDs": [_MODEL],
                    },
                    "p",
                )
            ],
        ),
        (_strength(parts=(_keys(_OTHER, part="p"),)), _strength(), [(DELETE_CONFIGURATION, None, "p")]),
        (_strength(), None, [(DELETE_STRENGTH, None, "")]),
        (_strength(), _strength(), []),
    ],
)
def test_no_more_is_sent_than_what_changes(*, stands: Image, target: Image | None, sent: list[Any]) -> None:
    assert _sent(stands, target) == sent


def test_a_configuration_goes_before_its_combination_and_comes_after_it() -> None:
    stands = _strength("fido2", parts=(_keys(_MODEL, part="p"),))
    target = _strength("x509CertificateMultiFactor", parts=(_certificates("AA"),))
    sent = _sent(stands, target)
    assert [call for call, _, _ in sent] == [DELETE_CONFIGURATION, UPDATE_COMBINATIONS, CREATE_CONFIGURATION]
    assert sent[2][1] == {name: value for name, value in _certificates("AA").items() if name != "id"}


def test_it_is_made_again_and_then_configured() -> None:
    sent = _sent(None, _strength(description="Why", parts=(_keys(_MODEL),)))
    assert sent[0][1] == {"displayName": "Keys", "description": "Why", "allowedCombinations": ["fido2"]}
    assert [call for call, _, _ in sent] == [CREATE_STRENGTH, UPDATE_STRENGTH, CREATE_CONFIGURATION]


def test_an_answer_without_an_id_is_a_lost_answer() -> None:
    with pytest.raises(Unreachable):
        _sent(None, _strength(), id="")


@pytest.mark.parametrize(("status", "error"), [(404, DoneAlready), (400, Rejected)])
def test_one_that_is_gone_already_was_deleted_by_somebody_else(status: int, error: type[Exception]) -> None:
    api = ScriptedApi({DELETE_STRENGTH: Rejected("no", status=status)})
    with pytest.raises(error):
        AUTHENTICATION_STRENGTH.write(api, write_of(AUTHENTICATION_STRENGTH, _ID, _strength(), {}))


# Guards.


def _judged(stands: Image | None, target: Image | None, around: CaContext | None) -> Any:  # noqa: ANN401 - objections
    before, after = leaves(stands) if stands else {}, leaves(target) if target else {}
    facts = GuardFacts(
        tenant=ScriptedApi().tenant,
        object_id=_ID,
        op=op_of(before, after),
        steps=difference(before, after, AUTHENTICATION_STRENGTH),
        stands=before,
        target=after,
        stands_image=stands,
        around=around,
        baseline={},
    )
    if around is None:
        AUTHENTICATION_STRENGTH.look_around(ScriptedApi(), facts)  # fails if it reads anything
    return AUTHENTICATION_STRENGTH.objections(facts)


def _policy(**controls: Any) -> Image:  # noqa: ANN401 - JSON
    return {"id": "p", "displayName": "Admins", "state": "disabled", "conditions": {}, "grantControls": controls}


_UNREAD = {"policies": "throttled", "authentication strengths": "throttled"}


@pytest.mark.parametrize(
    ("around", "guard", "words"),
    [
        (
            CaContext(policies={"p": _policy(authenticationStrength={"id": _ID.upper()})}, strengths={}),
            "used",
            "Admins",
        ),
        (CaContext(policies=None, unread=_UNREAD), "used", "throttled"),
    ],
)
def test_one_that_is_or_may_be_used_is_not_deleted(*, around: CaContext, guard: str, words: str) -> None:
    objection = _judged(_strength(), None, around)[WHOLE]
    assert (objection.guard, objection.can_pass) == (guard, True)
    assert words in objection.because
    assert _judged(_strength(), None, CaContext(policies={"p": _policy()}, strengths={})) == {}


@pytest.mark.parametrize(
    "around",
    [
        CaContext(policies=None, strengths={}, unread=_UNREAD),
        CaContext(policies={}, strengths=None, unread=_UNREAD),
    ],
)
@pytest.mark.parametrize("target", [_strength("sms"), _strength(parts=(_keys(_MODEL),))])
def test_what_cannot_be_read_never_counts_as_fine(*, target: Image, around: CaContext) -> None:
    objection = _judged(_strength(), target, around)[WHOLE]
    assert (objection.guard, objection.can_pass) == ("emergency-sign-in", True)
    assert "throttled" in objection.because
    assert _judged(_strength(), target, CaContext(policies={}, strengths={})) == {}


@pytest.mark.parametrize(("stands", "target"), [(_strength(), _strength(displayName="x")), (None, _strength("sms"))])
def test_what_decides_about_no_sign_in_reads_nothing_and_passes(*, stands: Image | None, target: Image) -> None:
    assert _judged(stands, target, None) == {}


_ACCOUNT = Principal(id=EMERGENCY_ACCOUNT, enabled=Truth.YES, key_allowed=Truth.YES)


@pytest.mark.parametrize(
    ("stands", "target", "refused"),
    [
        (_strength("fido2", "sms"), _strength("sms"), True),
        (_strength("fido2", "sms"), _strength("fido2"), False),
        (_strength("fido2"), _strength("fido2", parts=(_keys(_MODEL),)), True),
        (_strength("sms"), _strength("password"), False),
    ],
)
def test_what_would_keep_an_emergency_account_out_is_refused(*, stands: Image, target: Image, refused: bool) -> None:
    policy = ca_policy(
        conditions={"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
        grantControls={"operator": "OR", "authenticationStrength": {"id": _ID}},
    )
    strengths = {_ID: _strength("fido2", displayName="As another reader sees it")}
    around = CaContext(policies={"p": policy}, locations={}, strengths=strengths, accounts=(_ACCOUNT,))
    found = _judged(stands, target, around)
    assert bool(found) is refused
    if refused:
        assert EMERGENCY_ACCOUNT in found[WHOLE].because
