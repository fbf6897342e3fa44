"""Who could undo the responder: change its approvals, its baselines, its code or its identity, and by which way.

Whoever holds a right over it could, is in or owns a group that holds one, or owns an application that does. Emergency
accounts, the responder itself and whoever is approved for giving roles are meant to; the shortest way of everybody else
is shown.

Not looked at: who may only activate an Azure role, who can reset the password of somebody who could, and what runs on a
machine with a managed identity.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from responders.posture.azure_rights import AzureRight
from responders.posture.installation import APPROVALS
from responders.posture.rights import (
    FACTS,
    TAKES_ALL,
    TAKES_APPLICATIONS,
    Facts,
)
from shared.checks.check import Finding, failed, ok, unknown
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Snapshot
from shared.checks.ways import Step, shortest_ways
from shared.model.kinds import ApprovalList

_PERMISSION_TAKES_ALL: Final[Mapping[str, str]] = {
    "rolemanagement.readwrite.directory": "which makes anybody Global Administrator",
    "roleassignmentschedule.readwrite.directory": "which makes anybody Global Administrator",
    "roleeligibilityschedule.readwrite.directory": "which lets anybody become Global Administrator",
    "approleassignment.readwrite.all": "which gives any application any permission",
    "privilegedassignmentschedule.readwrite.azureadgroup": "which puts anybody into a group that holds roles",
    "privilegedeligibilityschedule.readwrite.azureadgroup": "which puts anybody into a group that holds roles",
    "domain.readwrite.all": "which federates a domain and signs in as anybody in it",
    "userauthenticationmethod.readwrite.all": "which gives itself a way to sign in as anybody",
}
_PERMISSION_TAKES_APPLICATIONS: Final = frozenset({"application.readwrite.all"})
_PERMISSION_TAKES_GROUPS: Final = frozenset(
    {"group.readwrite.all", "groupmember.readwrite.all", "directory.readwrite.all"}
)

_MEANT: Final = frozenset({ApprovalList.RBAC_ROLES, ApprovalList.DIRECTORY_ROLES})
"""Whoever is on one of these lists gives roles as their work."""

_MOST_WAYS: Final = 25
_MOST_UNSURE: Final = 5


# The steps of ways.

_US: Final = "us"


def steps_of(facts: Facts) -> list[Step]:
    """Give every step that somebody could take towards the responder."""
    return [
        *_steps_of_roles(facts),
        *_steps_of_permissions(facts),
        *_steps_of_azure(facts),
        *_steps_of_groups(facts),
        *_steps_of_applications(facts),
    ]


def _holding(facts: Facts, principal: str, node: str, what: str, verb: str = "holds") -> Step:
    """Make the step from whoever holds a right to the right, in the words for what holds it."""
    plural = "hold" if verb == "holds" else verb
    then = f"whose members {plural} {what}" if principal in facts.groups else f"which {verb} {what}"
    return Step(begin=principal, to=node, words=f"{verb} {what}", then=then)


def _steps_of_roles(facts: Facts) -> Iterator[Step]:
    for verb, held in (("holds", facts.assigned), ("may activate", facts.eligible)):
        for each in held:
            name = facts.role_names.get(each.role, each.role)
            over = "" if each.scope == "/" else f" over {_name_of_scope(facts, each.scope)}"
            yield _holding(facts, each.principal, f"role {each.role} {each.scope}", f"{name}{over}", verb)
    for role, scope in {(each.role, each.scope) for each in (*facts.assigned, *facts.eligible)}:
        node = f"role {role} {scope}"
        if role in TAKES_ALL:
            yield Step(begin=node, to=_US, words=TAKES_ALL[role])
        elif role in TAKES_APPLICATIONS:
            yield from _to_applications(facts, node, scope)
        else:
            yield from _to_groups(facts, node)


def _name_of_scope(facts: Facts, scope: str) -> str:
    owned = scope.strip("/")
    names = (each.name for key, each in facts.applications.items() if owned in {key, each.registration})
    return next((f"application {name}" for name in names), f"application {owned}")


def _to_applications(facts: Facts, node: str, scope: str = "/") -> Iterator[Step]:
    for key, each in facts.applications.items():
        if not each.is_managed and (scope == "/" or scope.strip("/") in {key, each.registration}):
            yield Step(begin=node, to=key, words=f"which can add a secret to application {each.name}")


def _to_groups(facts: Facts, node: str) -> Iterator[Step]:
    for key, each in facts.groups.items():
        if not each.is_guarded:
            yield Step(begin=node, to=key, words=f"which can add members to group {each.name}")


def _steps_of_permissions(facts: Facts) -> Iterator[Step]:
    for holder, each in facts.powerful.items():
        for permission in sorted(each.permissions):
            folded, node = permission.lower(), f"permission {permission}"
            yield _holding(facts, holder, node, permission)
            if folded in _PERMISSION_TAKES_ALL:
                yield Step(begin=node, to=_US, words=_PERMISSION_TAKES_ALL[folded])
            elif folded in _PERMISSION_TAKES_APPLICATIONS:
                yield from _to_applications(facts, node)
            elif folded in _PERMISSION_TAKES_GROUPS:
                yield from _to_groups(facts, node)


def _steps_of_azure(facts: Facts) -> Iterator[Step]:
    for each in facts.azure:
        yield _holding(facts, each.principal, _azure_node(each), f"{each.role} on {_scope_in_words(each.scope)}")
        if not each.because:
            yield Step(begin=_azure_node(each), to=_US, words=f"which changes {_listed(each.changes)}")


def _azure_node(right: AzureRight) -> str:
    return f"azure {right.role} {right.scope}"


def _scope_in_words(scope: str) -> str:
    parts = scope.strip("/").split("/")
    match parts:
        case [""]:
            return "all of Azure"
        case ["subscriptions", subscription]:
            return f"subscription {subscription}"
        case ["subscriptions", _, "resourcegroups", group]:
            return f"resource group {group}"
        case ["providers", "microsoft.management", "managementgroups", group]:
            return f"management group {group}"
        case _:
            return parts[-1]


def _listed(texts: Sequence[str]) -> str:
    *rest, last = texts
    return f"{', '.join(rest)} and {last}" if rest else last


def _steps_of_groups(facts: Facts) -> Iterator[Step]:
    for key, group in facts.groups.items():
        said = ((group.members, "is a member of"), (group.owners, "owns"), (group.eligible, "may become a member of"))
        then = f"whose members are in group {group.name}"
        for people, words in said:
            for each in sorted(people):
                yield Step(begin=each, to=key, words=f"{words} group {group.name}", then=then)


def _steps_of_applications(facts: Facts) -> Iterator[Step]:
    for key, each in facts.applications.items():
        words = f"owns application {each.name}"
        yield from (Step(begin=owner, to=key, words=words) for owner in sorted(each.owners))
        if key == facts.front:
            yield Step(begin=key, to=_US, words="is how people call the app", then="by which people call the app")


class Undoing(Struct, frozen=True, kw_only=True):
    """Who could undo the responder, a sentence for each, the shortest way first; `unsure` are those who may."""

    sure: tuple[str, ...]
    unsure: tuple[str, ...]
    meant: int
    """How many who are meant to could."""


def undoing(facts: Facts, meant: frozenset[str]) -> Undoing:
    """Find the shortest way of each who isn't `meant` to have one."""
    steps = steps_of(facts)
    unread = {_azure_node(each): each.because for each in facts.azure if each.because}
    nodes = {*facts.groups, *(each.to for each in steps)} - facts.applications.keys()
    begins = sorted({each.begin for each in steps} - nodes)
    ways = shortest_ways(steps, begins, [_US], unread)
    others = {each: way for each, way in ways.items() if each not in meant and each != facts.front}
    said = sorted((len(way.steps), way.in_words(_name(facts, each)), way.is_sure) for each, way in others.items())
    hidden = shortest_ways(steps, [key for key, _ in _hiding(facts)], [_US], unread)
    beyond = [_hidden(facts, key, because) for key, because in _hiding(facts) if key in hidden]
    return Undoing(
        sure=tuple(text for _, text, is_sure in said if is_sure),
        unsure=(
            *(text for _, text, is_sure in said if not is_sure),
            *beyond,
            *(f"{what} isn't known: {because}" for what, because in facts.unread.items()),
        ),
        meant=len(ways.keys() & meant - {facts.front}),
    )


def _name(facts: Facts, principal: str) -> str:
    """Name somebody, or for an application whoever acts as it."""
    application = facts.applications.get(principal)
    if application is None:
        return facts.names.get(principal, principal)
    if application.is_managed:
        return f"what runs with managed identity {application.name}"
    if application.secrets:
        return f"whoever has one of the {application.secrets} secrets of application {application.name}"
    return f"application {application.name}"


def _hiding(facts: Facts) -> list[tuple[str, str]]:
    """Give the groups and applications of which it isn't known who is in them or owns them, and why."""
    both = (*facts.groups.items(), *facts.applications.items())
    return [(key, each.because) for key, each in both if each.because]


def _hidden(facts: Facts, key: str, because: str) -> str:
    if key in facts.groups:
        return f"who is in group {facts.groups[key].name}, or owns it, isn't known: {because}"
    return f"who owns application {facts.applications[key].name} isn't known: {because}"


def meant_to(snapshot: Snapshot) -> frozenset[str]:
    """Give who is meant to have such rights: emergency accounts, the responder, and who is approved to give roles."""
    approved = {
        actor.lower()
        for name, actor, said in snapshot.of(APPROVALS)
        if name in _MEANT
        and said is not None
        and said.revoked_at is None
        and said.valid_until > snapshot.at
        and not said.targets
    }
    own = {tenant.responder_id.lower() for tenant in snapshot.settings.tenants}
    return frozenset(approved | own | snapshot.settings.emergency_accounts)


def _nobody_else(snapshot: Snapshot) -> list[Finding]:
    found = undoing(snapshot.of(FACTS), meant_to(snapshot))
    if found.sure:
        more = len(found.sure) - _MOST_WAYS
        said = [*found.sure[:_MOST_WAYS], *([f"and {more:,} more"] if more > 0 else [])]
        return [failed(text) for text in (*said, *(f"beside these: {text}" for text in found.unsure[:_MOST_UNSURE]))]
    if found.unsure:
        return [unknown(text) for text in found.unsure[:_MOST_WAYS]]
    return [ok(f"only {found.meant:,} who are meant to could change the app, its approvals or its baselines")]


CHECKS: Final = (
    PostureCheck(
        id="nobody-else-could-undo-us",
        stage=Stage.WEEKS,
        title="Only who is approved to give roles could change the responder itself",
        why="Whoever changes its approvals or its code decides what it puts back.",
        passages=(30, 59, 119),
        parts=(FACTS, APPROVALS),
        always_applies="Every installation can be undone by whoever holds enough.",
        cure=(
            "Take the right away, or the ownership that leads to it; `responder approve` names who is to have it, on"
            " list rbac-roles or directory-roles."
        ),
        run=_nobody_else,
    ),
)
