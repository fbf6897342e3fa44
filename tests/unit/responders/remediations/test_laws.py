"""What holds for every history of changes, not only for the ones that somebody thought of."""

import copy
import json
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from responders.remediations.ca_policies import DISABLE_CA_POLICY, PUT_BACK_CA_POLICY, RESTORE_CA_POLICY
from responders.remediations.ca_policy_json import READ_ONLY, are_same, differing, new_policy
from responders.remediations.role_assignments import RECREATE_ROLE_ASSIGNMENT, REMOVE_ROLE_ASSIGNMENT
from shared.model.events import Change
from shared.model.kinds import Image
from shared.model.remediations import Already, Baseline, EarlierCase, Put
from tests.fakes.situations import (
    ALICE,
    ASSIGNMENT_ID,
    AT,
    CONTRIBUTOR,
    EMERGENCY_ACCOUNT,
    MALLORY,
    NEVER_THERE,
    OWNER,
    TRUDY,
    UNKNOWN,
    approved,
    as_logged,
    ca_policy,
    case,
    known,
    policy_change,
    role_assignment,
    situation,
    with_users,
)
from tests.fakes.tenant import as_graph_gives

_ids = st.lists(st.sampled_from([EMERGENCY_ACCOUNT, MALLORY.id, TRUDY.id]), unique=True)
_controls = st.sampled_from(
    [
        None,
        {"operator": "OR", "builtInControls": ["mfa"]},
        {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"], "termsOfUse": []},
        {"operator": "OR", "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}},
    ]
)
_sessions = st.sampled_from(
    [None, {"signInFrequency": {"value": 12}}, {"signInFrequency": None, "persistentBrowser": {"mode": "always"}}]
)


@st.composite
def policies(draw: st.DrawFn) -> Image:
    """Draw a policy that differs from the others in any of its properties."""
    policy = ca_policy(
        state=draw(st.sampled_from(["enabled", "disabled", "enabledForReportingButNotEnforced"])),
        displayName=draw(st.sampled_from(["CA003", "ca003"])),
        grantControls=copy.deepcopy(draw(_controls)),
        sessionControls=copy.deepcopy(draw(_sessions)),
    )
    return with_users(policy, excludeUsers=draw(_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """States of a policy, each by an unapproved change from the one before, and the records of those changes."""

    states: list[Image]
    run: tuple[EarlierCase, ...]


@st.composite
def histories(draw: st.DrawFn, *, cut: bool = False) -> History:
    """Draw a run of one to three changes; with `cut`, some records don't tell the whole policy."""
    states = draw(st.lists(policies(), min_size=2, max_size=4))
    run: list[EarlierCase] = []
    for place, (old, new) in enumerate(pairwise(states)):
        by = draw(st.sampled_from([MALLORY, TRUDY]))
        change = (
            _cut(draw, policy_change(as_logged(old), as_logged(new)))
            if cut
            else policy_change(as_logged(old), as_logged(new))
        )
        run.append(case(by=by, after=timedelta(minutes=place), changes=(change,)))
    return History(states=states, run=tuple(run))


def _cut(draw: st.DrawFn, change: Change) -> Change:
    def text(whole: str | None) -> str | None:
        return draw(st.sampled_from([whole, whole, whole, (whole or "")[:40], None]))

    return policy_change(text(change.old), text(change.new))


def _approved(old: Image, new: Image) -> EarlierCase:
    return approved((policy_change(as_logged(old), as_logged(new)),))


_later = st.lists(st.builds(_approved, policies(), policies()), max_size=1).map(tuple)
_snapshots = st.sampled_from(["none", "first", "other"])


def patched(policy: Image, body: Image) -> Image:
    """Do what Graph does with a PATCH: replace each property that was sent, as a whole."""
    return {**policy, **copy.deepcopy(body)}


@given(histories(), st.booleans())
def test_a_chain_of_attackers_leads_back_to_the_state_before_the_first(history: History, with_snapshot: bool) -> None:  # noqa: FBT001 - drawn
    first, last = history.states[0], as_graph_gives(history.states[-1])
    baseline = known(first) if with_snapshot else UNKNOWN
    plan = PUT_BACK_CA_POLICY.plan(situation(last, *history.run, baseline=baseline))
    if isinstance(plan, Put):
        after = patched(last, plan.image)
        assert differing(after, first) == ()
        again = PUT_BACK_CA_POLICY.plan(situation(as_graph_gives(after), *history.run, baseline=baseline))
        assert isinstance(again, Already)
    else:
        assert isinstance(plan, Already)
        assert differing(last, first) == ()


@given(histories(cut=True), policies(), _snapshots, policies(), _later)
def test_nothing_is_put_back_but_what_an_unapproved_actor_left(
    history: History,
    current: Image,
    snapshot: str,
    other: Image,
    later: tuple[EarlierCase, ...],
) -> None:
    baseline: Baseline = {"first": known(history.states[0]), "other": known(other)}.get(snapshot, UNKNOWN)
    plan = PUT_BACK_CA_POLICY.plan(situation(current, *history.run, baseline=baseline, later=later))
    if not isinstance(plan, Put):
        return
    for name in plan.image:
        left_as = [state.get(name) for state in history.states[1:]]
        assert any(are_same(current.get(name), value, name=name) for value in left_as)
        assert not any(_touches(each, name) for each in later)
        assert any(_touches(each, name) or _is_cut(each) for each in history.run)


def _is_cut(one: EarlierCase) -> bool:
    """Say whether a record is cut short, so that it may have told of a property whose name isn't in it any more."""
    for state in (one.changes[0].old, one.changes[0].new):
        try:
            json.loads(state or "{}")
        except ValueError:
            return True
    return False


def _touches(one: EarlierCase, name: str) -> bool:
    """Say whether a record tells of a change of this property; one that is cut short may tell of any that it names."""
    old, new = one.changes[0].old or "", one.changes[0].new or ""
    try:
        before, after = json.loads(old), json.loads(new)
    except ValueError:
        return old != new and name in old + new
    return not are_same(before.get(name), after.get(name), name=name)


@given(histories(cut=True), policies(), st.sampled_from(["none", "first"]))
def test_graph_takes_what_is_sent(history: History, current: Image, snapshot: str) -> None:
    baseline: Baseline = known(as_graph_gives(history.states[0])) if snapshot == "first" else UNKNOWN
    bodies = [new_policy(as_graph_gives(current))]
    for remediation in (PUT_BACK_CA_POLICY, DISABLE_CA_POLICY):
        plan = remediation.plan(situation(as_graph_gives(current), *history.run, baseline=baseline))
        bodies += [plan.image] if isinstance(plan, Put) else []
    for body in bodies:
        assert not body.keys() & READ_ONLY
        assert "@odata." not in str(body)
        assert body.get("conditions", {}) is not None
        controls: Image = body.get("grantControls") or {}
        strength = controls.get("authenticationStrength")
        assert strength is None or strength.keys() == {"id"}


@given(histories(), st.lists(policies(), max_size=2), st.sampled_from(["none", "first"]), _later)
def test_a_restored_policy_is_as_it_was_before_the_run(
    history: History,
    others: list[Image],
    snapshot: str,
    later: tuple[EarlierCase, ...],
) -> None:
    deletion = case(after=timedelta(hours=1), changes=(policy_change(as_logged(history.states[-1]), None),))
    baseline: Baseline = known(history.states[0]) if snapshot == "first" else UNKNOWN
    standing = [policy | {"id": f"other-{place}"} for place, policy in enumerate(others)]
    plan = RESTORE_CA_POLICY.plan(
        situation({"policies": standing}, *history.run, deletion, baseline=baseline, later=later)
    )
    if isinstance(plan, Put):
        assert differing(plan.image["before"], history.states[0]) == ()
        assert not later
    restored = {"policies": [*standing, history.states[0]]}
    again = RESTORE_CA_POLICY.plan(situation(restored, *history.run, deletion, baseline=baseline, later=later))
    assert isinstance(again, Already)


_principals = st.sampled_from([MALLORY.id, TRUDY.id, ALICE.id, ""])


@st.composite
def assignments(draw: st.DrawFn) -> Image:
    return role_assignment(
        role=draw(st.sampled_from([OWNER, CONTRIBUTOR])),
        holder=draw(_principals),
        by=draw(_principals),
        updated_by=draw(_principals),
        created_at=AT + draw(st.sampled_from([timedelta(), timedelta(minutes=-4), timedelta(days=-30)])),
        condition=draw(st.sampled_from([None, "@Resource"])),
    )


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    return draw(st.one_of(st.sampled_from([UNKNOWN, NEVER_THERE]), assignments().map(known)))


_runs = st.lists(st.sampled_from([MALLORY, TRUDY]), min_size=1, max_size=2).map(
    lambda actors: tuple(case(by=actor, after=timedelta(seconds=place)) for place, actor in enumerate(actors))
)


@given(assignments(), baselines(), _runs, st.booleans())
def test_an_assignment_is_only_touched_when_an_unapproved_actor_wrote_it_last(
    current: Image,
    baseline: Baseline,
    run: tuple[EarlierCase, ...],
    approved_later: bool,  # noqa: FBT001 - drawn
) -> None:
    later = (approved(),) if approved_later else ()
    plan = REMOVE_ROLE_ASSIGNMENT.plan(situation(current, *run, target=ASSIGNMENT_ID, baseline=baseline, later=later))
    if isinstance(plan, Put):
        actors = {one.actor.id for one in run}
        assert current["properties"]["updatedBy"] in actors
        assert not later
        assert "delete" not in plan.image or current["properties"]["createdBy"] in actors
        assert "delete" not in plan.image or getattr(baseline, "image", None) is None


@given(st.none() | assignments(), st.lists(assignments(), max_size=2), baselines(), st.booleans())
def test_an_assignment_is_only_created_where_the_same_was_and_none_is(
    here: Image | None,
    others: list[Image],
    baseline: Baseline,
    approved_later: bool,  # noqa: FBT001 - drawn
) -> None:
    later = (approved(),) if approved_later else ()
    current = {"assignment": here, "others": others}
    plan = RECREATE_ROLE_ASSIGNMENT.plan(situation(current, target=ASSIGNMENT_ID, baseline=baseline, later=later))
    if isinstance(plan, Put):
        before = getattr(baseline, "image", None)
        assert before is not None
        assert here is None
        assert not later
        assert plan.image["body"]["properties"]["principalId"] == before["properties"]["principalId"]
        assert plan.image["body"]["properties"].get("condition") == before["properties"]["condition"]
        restored: Image = {"assignment": before, "others": []}
        assert isinstance(
            RECREATE_ROLE_ASSIGNMENT.plan(situation(restored, target=ASSIGNMENT_ID, baseline=baseline)), Already
        )
