"""Conditional access policies: switch off a new one, put a changed one back, bring a deleted one back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from responders.kinds.ca_policies import (
    CREATE_CA_POLICY,
    GET_CA_POLICY,
    LIST_CA_POLICIES,
    UNDELETE_CA_POLICY,
    UPDATE_CA_POLICY,
)
from responders.remediations.ca_policy_history import History, RecordedPolicy, history_of, recorded_policies, touched
from responders.remediations.ca_policy_json import (
    are_same,
    differing,
    leaf_changes,
    new_policy,
    newly_reached,
    value_to_send,
)
from shared.model.errors import Refused, Rejected
from shared.model.events import Change, Target
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Already, Doubt, Guarded, Inventory, Known, Look, Plan, Put, Remediation, Situation
from shared.model.tenant_api import TenantApi

_GONE: Final = 404
_DISABLED: Final = "disabled"


def _look(edges: TenantApi, target: Target) -> Look:
    return Look(current=edges.get(GET_CA_POLICY, id=target.id))


def _label(policy: Image) -> str:
    return f'conditional access policy "{policy.get("displayName") or policy.get("id") or "without a name"}"'


# Switch off a policy that was created.


def _plan_switching_off(situation: Situation) -> Plan:
    policy = situation.current
    if policy is None:
        return Already(because="the policy no longer exists")
    state = policy.get("state")
    if are_same(state, _DISABLED):
        return Already(because="the policy is switched off")
    if isinstance(situation.baseline, Known) and situation.baseline.image is not None:
        return Doubt(because="the policy stood before, so this record's change didn't create it")
    if any(touched(case, "state") for case in situation.approved_later):
        return Doubt(because="an approved change came after it and may have set the policy's state")
    afters = [after for case in situation.unapproved_changes if (after := recorded_policies(case)[1]) is not None]
    if afters and not any(are_same(state, after.image.get("state")) for after in afters):
        return Doubt(because=f"the policy's state, {state!r}, isn't one that an unapproved actor gave it")
    return Put(
        summary=f"Switch off the {_label(policy)}",
        image={"state": _DISABLED},
        changes=(Change(name="state", old=str(state), new=_DISABLED),),
    )


def _send_patch(edges: TenantApi, target: Target, put: Put) -> None:
    edges.send(UPDATE_CA_POLICY, body=put.image, id=target.id)


DISABLE_CA_POLICY: Final = Remediation(
    id="disable-ca-policy",
    title="Switch off the new conditional access policy",
    undo="Set the policy's state back to the one in the case's before-image, which the evidence container holds.",
    kind=ObjectKind.CA_POLICY,
    destructive=False,
    calls=(GET_CA_POLICY, UPDATE_CA_POLICY),
    needs_baseline=False,
    look=_look,
    plan=_plan_switching_off,
    apply=_send_patch,
)


# Put the changed properties of a policy back.


def _plan_putting_back(situation: Situation) -> Plan:
    policy = situation.current
    if policy is None:
        return Doubt(because="the policy no longer exists; its deletion is a case of its own")
    baseline = situation.baseline
    if isinstance(baseline, Known) and baseline.image is None:
        return _plan_for_new_policy(policy)
    history = history_of(situation.unapproved_changes, baseline.image if isinstance(baseline, Known) else None)
    if not history.is_complete:
        if history.before is not None and not differing(policy, history.before.image):
            return Already(because="the policy stands as it did before")
        return Doubt(because="the record doesn't say, or not in full, what was changed")
    originals = {name: recorded.image.get(name) for name, recorded in history.originals.items()}
    outstanding = [name for name in sorted(originals) if not are_same(policy.get(name), originals[name], name=name)]
    if not outstanding:
        return Already(because=f"stands as before: {', '.join(sorted(originals)) or 'every property'}")
    return _objection(situation, policy, history, outstanding) or _put_back(policy, history, outstanding, baseline)


def _plan_for_new_policy(policy: Image) -> Plan:
    """A policy without a time before: switching it off is the answer of the case about its creation."""
    if are_same(policy.get("state"), _DISABLED):
        return Already(because="the policy was itself created without approval and is switched off")
    return Doubt(because="the policy was itself created without approval, so there is nothing to put back")


def _objection(situation: Situation, policy: Image, history: History, outstanding: list[str]) -> Doubt | None:
    for name in outstanding:
        if any(touched(case, name) for case in situation.approved_later):
            return Doubt(because=f"an approved change came after it and may have set {name}")
        if not history.explains(name, policy.get(name)):
            return Doubt(because=f"{name} is neither as it was before nor as an unapproved actor left it")
    return None


def _known_in_the_logs_words_only(what: str) -> Doubt:
    return Doubt(because=f"how {what} was before is only known in the words of the log, which Graph doesn't take")


def _put_back(policy: Image, history: History, outstanding: list[str], baseline: object) -> Plan:
    snapshot = baseline.image if isinstance(baseline, Known) else None
    wanted: Image = {}
    for name in outstanding:
        source = _source(name, history.originals[name], snapshot)
        if source is None:
            return _known_in_the_logs_words_only(name)
        wanted[name] = source.get(name)
    return _patch(policy, wanted)


def _source(name: str, recorded: RecordedPolicy, snapshot: Image | None) -> Image | None:
    """Choose where a property's value is taken from: a snapshot that agrees with the record has Graph's spelling."""
    if snapshot is not None and are_same(snapshot.get(name), recorded.image.get(name), name=name):
        return snapshot
    return recorded.image if recorded.may_be_written else None


def _patch(policy: Image, wanted: Image) -> Put:
    """Plan to write the properties in `wanted`, and no other, to `policy`."""
    after = {**policy, **wanted}
    return Put(
        summary=f"Put {', '.join(wanted)} of the {_label(policy)} back as before",
        image={name: value_to_send(value, policy.get(name)) for name, value in wanted.items()},
        changes=leaf_changes(policy, after),
        touches=newly_reached(policy, after),
    )


PUT_BACK_CA_POLICY: Final = Remediation(
    id="put-back-ca-policy",
    title="Put the conditional access policy's changed properties back",
    undo="Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    kind=ObjectKind.CA_POLICY,
    destructive=False,
    calls=(GET_CA_POLICY, UPDATE_CA_POLICY),
    needs_baseline=True,
    look=_look,
    plan=_plan_putting_back,
    apply=_send_patch,
)


# Bring a deleted policy back.


def _look_at_all(edges: TenantApi, _target: Target) -> Look:
    """Read every policy: one that had to be created again has a new id."""
    return Look(current={"policies": edges.list(LIST_CA_POLICIES)})


def _plan_restoring(situation: Situation) -> Plan:
    baseline = situation.baseline
    if isinstance(baseline, Known) and baseline.image is None:
        return Already(because="the policy did not exist before the unapproved changes")
    first = recorded_policies(situation.unapproved_changes[0])[0] if situation.unapproved_changes else None
    before = (
        RecordedPolicy(image=baseline.image, may_be_written=True)
        if isinstance(baseline, Known) and baseline.image
        else first
    )
    if before is None:
        return Doubt(because="it isn't known how the policy was: there is no snapshot, and the record doesn't say")
    standing = _policies(situation)
    here = next((policy for policy in standing if _has_id(policy, situation.target.id)), None)
    if here is not None:
        return _plan_for_present(situation, here, before, first)
    return _plan_for_absent(situation, standing, before)


def _policies(situation: Situation) -> list[Image]:
    return cast("list[Image]", (situation.current or {}).get("policies", []))


def _has_id(policy: Image, policy_id: str) -> bool:
    return str(policy.get("id", "")).lower() == policy_id.lower()


def _plan_for_present(
    situation: Situation, policy: Image, before: RecordedPolicy, first: RecordedPolicy | None
) -> Plan:
    """The policy stands again, or still; it may be as an unapproved actor left it before deleting it."""
    changed = differing(policy, before.image)
    if not changed or (first is not None and not differing(policy, first.image)):
        return Already(because="the policy exists and is as it was before")
    if situation.approved_later:
        return Doubt(because="an approved change came after it")
    history = history_of(situation.unapproved_changes, before.image)
    for name in changed:
        if not history.explains(name, policy.get(name)):
            return Doubt(
                because=f"the policy exists again, but {name} is neither as before nor as an unapproved actor left it"
            )
    if not before.may_be_written:
        return _known_in_the_logs_words_only("the policy")
    return _patch(policy, {name: before.image.get(name) for name in changed})


def _plan_for_absent(situation: Situation, standing: list[Image], before: RecordedPolicy) -> Plan:
    name = before.image.get("displayName")
    for policy in standing:
        if policy.get("displayName") != name:
            continue
        if differing(policy, before.image):
            return Doubt(because=f'another policy now has the name "{name}" and other content')
        if _was_made_since(policy, situation.at):
            return Already(because=f"the policy was created again, with the id {policy.get('id')}")
    if situation.approved_later:
        return Doubt(because="an approved change came after it")
    if not before.may_be_written:
        return _known_in_the_logs_words_only("the policy")
    return Put(
        summary=f"Restore the deleted {_label(before.image)}",
        image={"before": before.image, "left_as": history_of(situation.unapproved_changes, before.image).left_as},
        changes=(Change(name="policy", old=None, new=str(name)),),
    )


def _was_made_since(policy: Image, at: datetime) -> bool:
    """Say whether a twin is younger than the deletion; an older one stood beside the deleted policy all along."""
    try:
        return datetime.fromisoformat(str(policy.get("createdDateTime"))) >= at
    except (ValueError, TypeError):
        return False


def _restore(edges: TenantApi, target: Target, put: Put) -> None:
    if "before" not in put.image:
        _send_patch(edges, target, put)
        return
    before, left_as = cast("Image", put.image["before"]), cast("Mapping[str, list[Any]]", put.image["left_as"])
    policy = _undelete(edges, target)
    if policy is None:
        _create_again(edges, target, before)
        return
    history = History(before=None, left_as=dict(left_as))
    changed = [name for name in differing(policy, before) if history.explains(name, policy.get(name))]
    if policy and changed:
        # It comes out of the bin as it went in: with what unapproved actors had changed before they deleted it.
        body = {name: value_to_send(before.get(name), policy.get(name)) for name in changed}
        edges.send(UPDATE_CA_POLICY, body=body, id=target.id)


def _undelete(edges: TenantApi, target: Target) -> Image | None:
    """Take the policy out of the bin, where it lies for 30 days; None when it isn't there or an application may not."""
    try:
        return edges.send(UNDELETE_CA_POLICY, id=target.id) or {}
    except Refused:
        # Microsoft doesn't promise restoring to applications; if a permission is missing, creating says which.
        return None
    except Rejected as rejected:
        if rejected.status != _GONE:
            raise
        return None


def _create_again(edges: TenantApi, target: Target, before: Image) -> None:
    """Create the policy from its image, unless it is there: the answer to an earlier try may have been lost."""
    name = before.get("displayName")
    standing = edges.list(LIST_CA_POLICIES)
    if any(_has_id(policy, target.id) or policy.get("displayName") == name for policy in standing):
        return
    edges.send(CREATE_CA_POLICY, body=new_policy(before))


RESTORE_CA_POLICY: Final = Remediation(
    id="restore-ca-policy",
    title="Restore the deleted conditional access policy",
    undo="Delete the policy again; the case's before-image, in the evidence container, lists the policies without it.",
    kind=ObjectKind.CA_POLICY,
    destructive=False,
    calls=(LIST_CA_POLICIES, UNDELETE_CA_POLICY, CREATE_CA_POLICY, UPDATE_CA_POLICY),
    needs_baseline=True,
    look=_look_at_all,
    plan=_plan_restoring,
    apply=_restore,
)


def _read_all(edges: TenantApi) -> Mapping[str, Image]:
    return {str(policy["id"]).lower(): policy for policy in edges.list(LIST_CA_POLICIES)}


CA_POLICIES: Final = Inventory(
    kind=ObjectKind.CA_POLICY,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_CA_POLICIES,),
    read=_read_all,
)

GUARDED: Final = Guarded(
    inventory=CA_POLICIES,
    remediations=(DISABLE_CA_POLICY, PUT_BACK_CA_POLICY, RESTORE_CA_POLICY),
    read_probes=(
        ReadProbe(call=LIST_CA_POLICIES, kind=TenantKind.WORKFORCE),
        ReadProbe(
            call=GET_CA_POLICY, kind=TenantKind.WORKFORCE, ids=first_of(LIST_CA_POLICIES, "id"), is_listing=False
        ),
    ),
)
