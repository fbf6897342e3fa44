"""Azure role assignments: take away a new one, put a changed one back, bring a removed one back."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from responders.kinds.role_assignments import (
    AT_SCOPE,
    DELETE_ROLE_ASSIGNMENT,
    GET_ROLE_ASSIGNMENT,
    LIST_LOCKS,
    LIST_ROLE_ASSIGNMENTS,
    LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
    LOCKS_AT_SCOPE,
    WRITE_ROLE_ASSIGNMENT,
)
from shared.model.errors import BadIdentifier, EdgeError, Locked, Rejected
from shared.model.events import Change, Target
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.privileges import WELL_KNOWN_NAMES
from shared.model.read_probes import ReadProbe, each_subscription, first_of, scope_of_each_subscription
from shared.model.remediations import Already, Doubt, Guarded, Inventory, Known, Look, Plan, Put, Remediation, Situation
from shared.model.tenant_api import TenantApi

_ASSIGNMENTS: Final = "/providers/Microsoft.Authorization/roleAssignments"
_OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_USER_ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
_NEEDS_A_HOLDER: Final = frozenset({_OWNER, _USER_ACCESS_ADMINISTRATOR})
"""Roles without whose last holder nobody could give access any more."""

_RBAC_ADMINISTRATOR: Final = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_NEVER_GIVEN: Final = frozenset({_OWNER, _USER_ACCESS_ADMINISTRATOR, _RBAC_ADMINISTRATOR})
"""Roles whose holder can give any role to anybody: whoever has the responder's identity must not get that far. Its own
role in Azure forbids it too (`infra/modules/roles.bicep`)."""

_NEVER_GIVES: Final = "it would give a role whose holder can give any role, which the responder never does"
_LOCK_ID: Final = re.compile(r"/subscriptions/[0-9a-fA-F-]{36}/[\w./() -]{1,1000}")

_WRITTEN: Final = (
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
)
"""The properties that a write has; ARM sets the others."""

_IDS: Final = frozenset({"roleDefinitionId", "principalId", "principalType"})
_CREATED_WITHIN: Final = timedelta(minutes=5)
"""How far the creation of an assignment and the event about it may be apart."""

_EXISTS: Final = "RoleAssignmentExists"
_APPROVED_LATER: Final = "an approved change came after it"


def _properties(assignment: Image) -> Image:
    return cast("Image", assignment.get("properties") or {})


def _role(assignment: Image) -> str:
    """Give the GUID of the role, in lower case: the same definition has a longer id in each subscription."""
    return str(_properties(assignment).get("roleDefinitionId", "")).rpartition("/")[2].lower()


def _holder(assignment: Image) -> str:
    return str(_properties(assignment).get("principalId", "")).lower()


def _place(assignment: Image) -> str:
    return str(_properties(assignment).get("scope", "")).lower()


def _is_id(assignment: Image, assignment_id: str) -> bool:
    return str(assignment.get("id", "")).lower() == assignment_id.lower()


def _scope_of(target: Target) -> str:
    """Cut the scope off an assignment's id; the last of the word counts, since a scope may itself hold it."""
    at = target.id.lower().rindex(_ASSIGNMENTS.lower())
    return target.id[:at]


def _gives_the_same(one: Image, other: Image) -> bool:
    """Say whether both give the same role to the same principal at the same scope."""
    return (_role(one), _holder(one), _place(one)) == (_role(other), _holder(other), _place(other))


def _are_same(one: Image, other: Image) -> bool:
    """Say whether both give the same, under the same condition and with the same description."""
    rest = [name for name in _WRITTEN if name not in _IDS]
    left, right = _properties(one), _properties(other)
    return _gives_the_same(one, other) and all(left.get(name) == right.get(name) for name in rest)


def _words(assignment: Image) -> str:
    role, scope = _role(assignment), _properties(assignment).get("scope")
    return f"{WELL_KNOWN_NAMES.get(role, 'role')} ({role}) of {_holder(assignment)} at {scope}"


def _body(assignment: Image) -> Image:
    properties = _properties(assignment)
    return {"properties": {name: properties[name] for name in _WRITTEN if properties.get(name) is not None}}


def _changes(before: Image, after: Image) -> tuple[Change, ...]:
    left, right = _properties(before), _properties(after)
    names = [name for name in (*_WRITTEN, "scope") if left.get(name) != right.get(name)]
    return tuple(Change(name=name, old=_text(left.get(name)), new=_text(right.get(name))) for name in names)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# Take away an assignment that was written.


def _look(edges: TenantApi, target: Target) -> Look:
    """Read the assignment; who else holds its role is only read for the roles that must have a holder."""
    assignment = edges.get(GET_ROLE_ASSIGNMENT, role_assignment=target.id)
    if assignment is None:
        return Look(current=None)
    last = _role(assignment) in _NEEDS_A_HOLDER and _has_last_holder(edges, target, assignment)
    return Look(current=assignment, touches=frozenset({_holder(assignment)}), last_holder=last)


def _has_last_holder(edges: TenantApi, target: Target, assignment: Image) -> bool:
    listed = edges.list(LIST_ROLE_ASSIGNMENTS_AT_SCOPE, query=AT_SCOPE, scope=_scope_of(target))
    return not any(_role(other) == _role(assignment) and not _is_id(other, target.id) for other in listed)


def _plan_removing(situation: Situation) -> Plan:
    assignment, baseline = situation.current, situation.baseline
    if assignment is None:
        return Already(because="the role assignment no longer exists")
    before = baseline.image if isinstance(baseline, Known) else None
    if before is not None and _are_same(assignment, before):
        return Already(because="the role assignment is as it was before")
    if situation.approved_later:
        return Doubt(because=_APPROVED_LATER)
    writer = _principal(assignment, "updatedBy")
    if writer not in _actors(situation):
        return Doubt(because=f"the role assignment was last written by {writer or 'an unknown actor'}, not by this one")
    return _plan_new(situation, assignment) if before is None else _plan_former(assignment, before)


def _plan_new(situation: Situation, assignment: Image) -> Plan:
    if not _is_new(situation, assignment):
        return Doubt(because="it isn't known whether the role assignment is new, nor how it was before")
    return Put(
        summary=f"Remove the role assignment: {_words(assignment)}",
        image={"delete": True},
        changes=_changes(assignment, {}),
    )


def _plan_former(assignment: Image, before: Image) -> Plan:
    if not _gives_the_same(assignment, before):
        return Doubt(because="another role assignment had this id before")
    if _role(before) in _NEVER_GIVEN:
        return Doubt(because=_NEVER_GIVES, by_hand=_command("update", before))
    return Put(
        summary=f"Put the role assignment back as before: {_words(before)}",
        image=_body(before),
        changes=_changes(assignment, before),
    )


def _principal(assignment: Image, name: str) -> str:
    return str(_properties(assignment).get(name) or "").lower()


def _actors(situation: Situation) -> frozenset[str]:
    return frozenset(case.actor.id.lower() for case in situation.unapproved_changes if case.actor.id)


def _is_new(situation: Situation, assignment: Image) -> bool:
    """Say whether an unapproved change created the assignment.

    An actor's id under `createdBy` isn't enough: they may have been approved then. Either a snapshot shows that it
    wasn't there before, or it was created when one of their changes was seen.
    """
    creator = _principal(assignment, "createdBy")
    if creator not in _actors(situation):
        return False
    if isinstance(situation.baseline, Known):
        return True
    return any(
        creator == case.actor.id.lower() and _was_created_at(assignment, case.at)
        for case in situation.unapproved_changes
    )


def _was_created_at(assignment: Image, at: datetime) -> bool:
    try:
        created_at = datetime.fromisoformat(str(_properties(assignment).get("createdOn")))
        return abs(at - created_at) <= _CREATED_WITHIN
    except (ValueError, TypeError):
        return False


def _remove(edges: TenantApi, target: Target, put: Put) -> None:
    try:
        if "delete" in put.image:
            edges.send(DELETE_ROLE_ASSIGNMENT, role_assignment=target.id)
            return
        edges.send(WRITE_ROLE_ASSIGNMENT, body=put.image, role_assignment=target.id)
    except Locked as locked:
        raise _named(edges, locked) from locked


def _named(edges: TenantApi, locked: Locked) -> Locked:
    """Say which locks it is: Azure names only the scopes that carry them."""
    found: list[str] = []
    for scope in locked.scopes:
        try:
            found += [str(lock["id"]) for lock in edges.list(LIST_LOCKS, query=LOCKS_AT_SCOPE, scope=scope)]
        except (EdgeError, BadIdentifier, KeyError) as error:
            because = f"{locked} (which lock it is could not be read: {error})"
            return Locked(because, scopes=locked.scopes, by_hand=_listing(locked.scopes))
    ids = list(dict.fromkeys(found))
    if not ids or not all(map(_LOCK_ID.fullmatch, ids)):
        return Locked(str(locked), scopes=locked.scopes, by_hand=_listing(locked.scopes))
    said = f"a management lock forbids it: {', '.join(ids)}"
    return Locked(said, scopes=locked.scopes, by_hand="; ".join(_lifting(ids)))


def _lifting(lock_ids: Sequence[str]) -> Iterator[str]:
    """Give the commands that delete locks. Named, since az takes an id as one of the subscription that it is set to."""
    for subscription in dict.fromkeys(one.split("/")[2] for one in lock_ids):
        ids = (shlex.quote(one) for one in lock_ids if one.split("/")[2] == subscription)
        yield f"az lock delete --subscription {subscription} --ids {' '.join(ids)}"


def _listing(scopes: Sequence[str]) -> str:
    """Give the command that shows the locks: of the subscription, since a scope's own says nothing of those above."""
    subscriptions = sorted({scope.split("/")[2] for scope in scopes if scope.startswith("/subscriptions/")})
    return "; ".join(f"az lock list --subscription {shlex.quote(one)} --output table" for one in subscriptions)


REMOVE_ROLE_ASSIGNMENT: Final = Remediation(
    id="remove-role-assignment",
    title="Take the Azure role assignment away, or put it back as it was",
    undo="Write the role assignment again, under the same id, from the case's before-image in the evidence container.",
    kind=ObjectKind.ROLE_ASSIGNMENT,
    destructive=True,
    calls=(
        GET_ROLE_ASSIGNMENT,
        LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
        DELETE_ROLE_ASSIGNMENT,
        WRITE_ROLE_ASSIGNMENT,
        LIST_LOCKS,
    ),
    needs_baseline=True,
    look=_look,
    plan=_plan_removing,
    apply=_remove,
)


# Bring an assignment that was removed back.


def _look_for_equal(edges: TenantApi, target: Target) -> Look:
    """Read the assignment and, where it is gone, the others: the same may have been given again under another id."""
    assignment = edges.get(GET_ROLE_ASSIGNMENT, role_assignment=target.id)
    if assignment is not None:
        return Look(current={"assignment": assignment, "others": []})
    listed = edges.list(LIST_ROLE_ASSIGNMENTS_AT_SCOPE, query=AT_SCOPE, scope=_scope_of(target))
    return Look(current={"assignment": None, "others": listed})


def _plan_recreating(situation: Situation) -> Plan:
    baseline, there = situation.baseline, situation.current or {}
    if not isinstance(baseline, Known):
        return Doubt(because=f"it isn't known what the role assignment was: {baseline.because}")
    before = baseline.image
    if before is None:
        return Already(because="the role assignment did not exist before the unapproved changes")
    assignment = cast("Image | None", there.get("assignment"))
    candidates = [assignment] if assignment is not None else cast("list[Image]", there.get("others", []))
    equal = next((each for each in candidates if _gives_the_same(each, before)), None)
    if equal is not None:
        return _plan_given_again(equal, before)
    if assignment is not None or situation.approved_later:
        return Doubt(because=_APPROVED_LATER if assignment is None else "another role assignment now has this id")
    if _role(before) in _NEVER_GIVEN:
        return Doubt(because=_NEVER_GIVES, by_hand=_command("create", before))
    return Put(
        summary=f"Create the role assignment again: {_words(before)}",
        image={"id": before["id"], "body": _body(before)},
        changes=_changes({}, before),
    )


def _command(verb: Literal["create", "update"], before: Image) -> str:
    """Give the command by which a person who may makes or mends a role assignment as it was."""
    properties = _properties(before)
    if verb == "update":
        held = {"id": before.get("id"), "name": before.get("name"), "type": before.get("type")}
        held |= {name: properties.get(name) for name in (*_NAMES_THAT_AZ_READS, "scope")}
        written = json.dumps({name: value for name, value in held.items() if value is not None})
        return f"az role assignment update --role-assignment {shlex.quote(written)}"
    options = {
        "--name": str(before.get("id", "")).rpartition("/")[2],
        "--role": _role(before),
        "--assignee-object-id": _holder(before),
        "--assignee-principal-type": properties.get("principalType"),
        "--scope": properties.get("scope"),
        "--condition": properties.get("condition"),
        "--condition-version": properties.get("conditionVersion"),
        "--description": properties.get("description"),
    }
    arguments = " ".join(f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value)
    return f"az role assignment create {arguments}"


_NAMES_THAT_AZ_READS: Final = (
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "description",
)


def _plan_given_again(assignment: Image, before: Image) -> Plan:
    if not _are_same(assignment, before):
        return Doubt(because="the role was given again, under another condition or description than before")
    return Already(because=f"the role assignment exists: {_words(before)}")


def _recreate(edges: TenantApi, _target: Target, put: Put) -> None:
    try:
        edges.send(WRITE_ROLE_ASSIGNMENT, body=put.image["body"], role_assignment=put.image["id"])
    except Rejected as rejected:
        # Somebody was faster; whether what they wrote is the same shows when it is read back.
        if rejected.code != _EXISTS:
            raise


RECREATE_ROLE_ASSIGNMENT: Final = Remediation(
    id="recreate-role-assignment",
    title="Create the removed Azure role assignment again",
    undo="Delete the role assignment with the id that the case names; the snapshots still hold what it was.",
    kind=ObjectKind.ROLE_ASSIGNMENT,
    destructive=False,
    calls=(GET_ROLE_ASSIGNMENT, LIST_ROLE_ASSIGNMENTS_AT_SCOPE, WRITE_ROLE_ASSIGNMENT),
    needs_baseline=True,
    look=_look_for_equal,
    plan=_plan_recreating,
    apply=_recreate,
)


def _read_all(edges: TenantApi) -> Mapping[str, Image]:
    found: dict[str, Image] = {}
    for subscription in sorted(edges.tenant.subscriptions):
        listed = edges.list(LIST_ROLE_ASSIGNMENTS, subscription=subscription)
        found |= {str(assignment["id"]).lower(): assignment for assignment in listed}
    return found


ROLE_ASSIGNMENTS: Final = Inventory(
    kind=ObjectKind.ROLE_ASSIGNMENT,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_ROLE_ASSIGNMENTS,),
    read=_read_all,
)

GUARDED: Final = Guarded(
    inventory=ROLE_ASSIGNMENTS,
    remediations=(REMOVE_ROLE_ASSIGNMENT, RECREATE_ROLE_ASSIGNMENT),
    read_probes=(
        ReadProbe(call=LIST_ROLE_ASSIGNMENTS, kind=TenantKind.WORKFORCE, ids=each_subscription),
        ReadProbe(
            call=LIST_ROLE_ASSIGNMENTS_AT_SCOPE,
            kind=TenantKind.WORKFORCE,
            query=AT_SCOPE,
            ids=scope_of_each_subscription,
        ),
        ReadProbe(
            call=GET_ROLE_ASSIGNMENT,
            kind=TenantKind.WORKFORCE,
            ids=first_of(LIST_ROLE_ASSIGNMENTS, "role_assignment", each_subscription),
            is_listing=False,
        ),
        ReadProbe(call=LIST_LOCKS, kind=TenantKind.WORKFORCE, query=LOCKS_AT_SCOPE, ids=scope_of_each_subscription),
    ),
)
