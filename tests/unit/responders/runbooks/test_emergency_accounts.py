"""Step 3: whether each emergency account can sign in, which policy keeps it out, and what isn't known."""

from datetime import timedelta

import pytest

from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2
from responders.runbooks.break_glass import BREAK_GLASS
from shared.clients.storage import Storage
from shared.emergency.entries import Answer, StepState
from shared.model.calls import Permission
from shared.model.kinds import Image
from tests.fakes.ca_samples import policy
from tests.fakes.emergencies import DAVE
from tests.fakes.runbooks import Desk, desk
from tests.fakes.tenant import FakeTenant

FIRST, SECOND = BREAK_GLASS_1.id, BREAK_GLASS_2.id


_SAFE = "Safe in room 2.14, keys with Alice and Dave"


def user(identity: str, **changes: object) -> Image:
    return {
        "id": identity,
        "userPrincipalName": f"{identity[:4]}@contoso.onmicrosoft.com",
        "accountEnabled": True,
        "onPremisesSyncEnabled": None,
        "userType": "Member",
    } | changes


@pytest.fixture
def tenant() -> FakeTenant:
    made = FakeTenant()
    made.principals |= {identity: user(identity) for identity in (FIRST, SECOND)}
    made.registrations |= {identity: ["passKeyDeviceBound"] for identity in (FIRST, SECOND)}
    return made


@pytest.fixture
def app(storage: Storage, tenant: FakeTenant) -> Desk:
    made = desk(storage, runbook=BREAK_GLASS, edges=tenant.edges(), SEALED_CREDENTIAL=_SAFE)
    made.declare()
    made.ask("steps/2", action="skip", note="read before")
    return made


def answers(app: Desk, *, about: str = "", answer: Answer | None = None) -> list[str]:
    found = app.emergency.step(3).findings
    return [one.text for one in found if about in one.about and answer in {None, one.answer}]


@pytest.mark.parametrize(
    ("where", "answer", "said"),
    [
        (_SAFE, Answer.NOTED, _SAFE),
        ("", Answer.UNKNOWN, "SEALED_CREDENTIAL isn't set, so the app can't say where it is."),
    ],
    ids=["said", "not said"],
)
def test_where_the_sealed_credential_is(
    storage: Storage, tenant: FakeTenant, where: str, answer: Answer, said: str
) -> None:
    made = desk(storage, runbook=BREAK_GLASS, edges=tenant.edges(), SEALED_CREDENTIAL=where)
    made.declare()
    made.run_steps(2, 3)
    assert answers(made, about="The sealed credential", answer=answer) == [said]


def test_accounts_that_can_sign_in_are_named_and_announced(app: Desk) -> None:
    emergency = app.ask("steps/3", DAVE, action="run")
    assert emergency.step(3).state is StepState.DONE
    assert answers(app, answer=Answer.WRONG) == []
    assert answers(app, answer=Answer.UNKNOWN) == []
    assert any(FIRST in text and SECOND in text for text in answers(app, about="Which account"))
    later = app.bench.clock() + timedelta(hours=1)
    for account in (FIRST, SECOND):
        announced = emergency.announcement(account, later)
        assert announced is not None
        assert announced.name == DAVE.name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accountEnabled": False}, "disabled"),
        ({"onPremisesSyncEnabled": True}, "synchronized"),
        ({"userPrincipalName": "emergency@contoso.com"}, "own domain"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_and_the_other_one_named(
    app: Desk, tenant: FakeTenant, changes: dict[str, object], said: str
) -> None:
    tenant.principals[FIRST] = user(FIRST, **changes)
    emergency = app.run_steps(3)
    (wrong,) = answers(app, answer=Answer.WRONG)
    assert said in wrong
    assert emergency.step(3).state is StepState.DONE
    assert FIRST not in answers(app, about="Which account")[0]


@pytest.mark.parametrize("missing", ["accountEnabled", "onPremisesSyncEnabled", "userPrincipalName"])
def test_what_graph_does_not_say_is_unknown_and_never_fine(app: Desk, tenant: FakeTenant, missing: str) -> None:
    for identity in (FIRST, SECOND):
        tenant.principals[identity] = {name: value for name, value in user(identity).items() if name != missing}
    emergency = app.run_steps(3)
    assert len(answers(app, about="Emergency account", answer=Answer.UNKNOWN)) == 2
    assert emergency.step(3).state is StepState.BLOCKED


def test_an_account_that_is_gone_or_has_no_second_factor_is_wrong(app: Desk, tenant: FakeTenant) -> None:
    del tenant.principals[FIRST]
    tenant.registrations[SECOND] = ["password", "email"]
    emergency = app.run_steps(3)
    wrong = answers(app, answer=Answer.WRONG)
    assert any("no such account" in text for text in wrong)
    assert any("no second factor" in text for text in wrong)
    assert emergency.step(3).state is StepState.BLOCKED


def test_an_account_that_the_report_lacks_is_unknown(app: Desk, tenant: FakeTenant) -> None:
    del tenant.registrations[FIRST]
    app.run_steps(3)
    assert any("report" in text for text in answers(app, about="Emergency account", answer=Answer.UNKNOWN))


def test_the_policy_that_keeps_an_account_out_is_named_with_what_it_asks_for(app: Desk, tenant: FakeTenant) -> None:
    blocks = policy({"includeUsers": ["All"], "excludeUsers": [SECOND]})
    tenant.ca_policies["policy-1"] = blocks | {"id": "policy-1", "displayName": "Block everybody"}
    emergency = app.run_steps(3)
    (wrong,) = answers(app, about=f"Policies for emergency account {FIRST}", answer=Answer.WRONG)
    assert "Block everybody" in wrong
    assert "block" in wrong
    assert answers(app, about=f"Policies for emergency account {SECOND}", answer=Answer.FINE)
    assert emergency.step(3).state is StepState.DONE


@pytest.mark.parametrize("state", ["disabled", "enabledForReportingButNotEnforced"])
def test_a_policy_that_is_not_enforced_keeps_nobody_out(app: Desk, tenant: FakeTenant, state: str) -> None:
    tenant.ca_policies["policy-1"] = policy(state=state) | {"id": "policy-1"}
    app.run_steps(3)
    assert answers(app, about="Policies", answer=Answer.WRONG) == []


@pytest.mark.parametrize(
    "permission",
    [
        Permission.POLICY_READ,
        Permission.USER_READ,
        Permission.AUDIT_LOG_READ,
        Permission.GROUP_MEMBER_READ,
        Permission.ROLE_MANAGEMENT_READ,
    ],
)
def test_what_can_not_be_read_is_unknown_and_never_fine(app: Desk, tenant: FakeTenant, permission: Permission) -> None:
    tenant.ca_policies["policy-1"] = policy({"includeGroups": ["a0000000-0000-4000-8000-000000000001"]}) | {
        "id": "policy-1"
    }
    tenant.granted -= {permission}
    emergency = app.run_steps(3)
    unknown = answers(app, answer=Answer.UNKNOWN)
    assert any("Permission" in text or permission in text or "403" in text for text in unknown), unknown
    if permission not in {Permission.ROLE_MANAGEMENT_READ, Permission.GROUP_MEMBER_READ}:
        assert emergency.step(3).state is StepState.BLOCKED


def test_one_account_is_too_few_and_the_way_where_none_works_is_said(storage: Storage, tenant: FakeTenant) -> None:
    app = desk(storage, runbook=BREAK_GLASS, edges=tenant.edges(), EMERGENCY_ACCOUNT_IDS=FIRST)
    app.declare()
    app.ask("steps/2", action="skip", note="read before")
    assert app.run_steps(3).step(3).state is StepState.DONE
    assert any("names 1" in text for text in answers(app, answer=Answer.WRONG))
    del tenant.principals[FIRST]
    emergency = app.ask("steps/3", action="run", force=True, reason="It can't sign in")
    assert emergency.step(3).state is StepState.BLOCKED
    assert "step 4" in emergency.step(3).findings[1].what_to_do


def test_a_drill_checks_and_announces_nothing(storage: Storage, tenant: FakeTenant) -> None:
    app = desk(storage, runbook=BREAK_GLASS, edges=tenant.edges())
    app.declare(drill=True)
    app.ask("steps/2", action="skip", note="read before")
    emergency = app.run_steps(3)
    assert emergency.step(3).state is StepState.DONE
    assert emergency.announced == ()
    assert tenant.writes == []


def test_closing_checks_again_and_asks_for_new_credentials(app: Desk, tenant: FakeTenant) -> None:
    app.run_steps(3)
    closing = app.ask("close", summary="over").agreements[-1]
    tenant.principals[FIRST] = user(FIRST, accountEnabled=False)
    app.ask("confirm", DAVE, what="close", digest=closing.digest)
    assert app.emergency.closed is not None
    back = app.emergency.step(3).runs[-1].ended
    assert back is not None
    rotate = [one.about for one in back.findings if "Change its credential" in one.what_to_do]
    assert [FIRST in rotate[0], SECOND in rotate[1]] == [True, True]
    assert any("disabled" in one.text for one in back.findings)
    assert FIRST in app.bench.pagerduty.notices[-1].what_to_do
