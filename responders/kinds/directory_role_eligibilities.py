"""Eligibilities for directory roles: who may take up which role over the whole directory, with PIM.

They go by role and holder, as what is held does. Whoever is eligible takes the role up when he likes, so an eligibility
that somebody unapproved gave is as much as the role. One that a group has is the group's; one over a part of the
directory isn't guarded, since records don't say over which part. In a tenant without PIM's licence nobody is eligible.

Core Directory logs them as it logs roles, by PIM's own service; PIM's record beside it names who asked. One that was
bound in time and ends goes without anybody's asking, which is no removal.

The responder takes them away and never gives one: it would come back for good. Its identity gets a permission with
which they can only be removed. Microsoft's list has that permission beside the requests for roles, and not beside those
for eligibilities, though it is described as theirs: where Graph refuses it, the page has the command.
"""

from collections.abc import Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds import directory_pim, given_rights, principals
from responders.kinds.az_rest import GRAPH, az_rest
from responders.kinds.directory_role_assignments import (
    EVERYWHERE,
    JUSTIFICATION,
    NO_SUCH,
    ROLE,
    SCOPE,
    held_as,
    id_of,
    leaves,
    members_of,
    name_of,
    parts_of,
    recorded,
    touching,
    with_templates,
)
from responders.rosters import CUSTOM_ROLES, LIST_DIRECTORY_ROLE_ELIGIBILITIES, LIST_DIRECTORY_ROLES, NO_LICENCE
from shared.model.calls import Call, Permission, Service
from shared.model.errors import BadIdentifier, DoneAlready, EdgeError, Refused, Rejected
from shared.model.events import Event, Log, fold
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, GuardFacts, Kind, Objections, Write
from shared.model.objects import WHOLE, ObjectChange, Op, Recorded
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_PATH: Final = "/roleManagement/directory/roleEligibilityScheduleRequests"
REQUEST_REMOVAL: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path=_PATH,
    needs=(Permission.ROLE_ELIGIBILITY_REMOVE,),
    repeatable=False,
)
"""Asks PIM to remove an eligibility. With this permission nothing can be given."""

_HOLDER: Final = given_rights.HOLDER
_DIRECT: Final = "direct"
_ACTIVITIES: Final[Mapping[str, Op]] = {
    "add eligible member to role": Op.CREATE,
    "remove eligible member from role": Op.DELETE,
}


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded(event, _ACTIVITIES)


# Reading.


def _listed(api: TenantApi, query: Mapping[str, str] | None = None) -> list[Image]:
    """List eligibilities over the whole directory that aren't a group's; nobody has one without PIM's licence."""
    try:
        listed = api.list(LIST_DIRECTORY_ROLE_ELIGIBILITIES, query=query)
    except (Refused, Rejected) as error:
        if NO_LICENCE not in str(error):
            raise
        return []
    return [
        each
        for each in listed
        if each.get(SCOPE) == EVERYWHERE and fold(str(each.get("memberType") or _DIRECT)) == _DIRECT
    ]


def _read(api: TenantApi, object_id: str) -> Image | None:
    held = _listed(api, {"$filter": f"{_HOLDER} eq '{parts_of(object_id).holder}'"})
    return held_as(api, held, object_id)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): each for each in with_templates(api, _listed(api))}


def _is_orphan(api: TenantApi, object_id: str) -> bool:
    """Whether the holder was deleted: what an account is eligible for goes with it, without a record."""
    return principals.is_gone(api, parts_of(object_id).holder)


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """Who is in the group that is eligible; None where that couldn't be read, for the reason in `because`."""

    members: frozenset[str] | None = frozenset()
    because: str = ""


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    if facts.op is not Op.DELETE:
        return Around()
    try:
        return Around(members=members_of(api, str(facts.stands[_HOLDER])))
    except (EdgeError, BadIdentifier) as error:
        return Around(members=None, because=str(error))


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is not Op.DELETE:
        return given_rights.never_given("the eligibility for a role of the directory", by_hand=giving(facts.object_id))
    around = cast("Around", facts.around)
    objection = touching(facts, around.members, around.because)
    return {} if objection is None else {WHOLE: objection}


# Writing, and commands for a person.

_URL: Final = f"{GRAPH}{_PATH}"


def giving(object_id: str) -> str:
    """Give the command that makes somebody eligible, for good; "" where the id isn't one."""
    try:
        parts = parts_of(object_id)
    except BadIdentifier:
        return ""
    schedule = {"expiration": {"type": "noExpiration"}}
    asked = {"action": "adminAssign", _HOLDER: parts.holder, ROLE: parts.role, SCOPE: EVERYWHERE}
    return az_rest("POST", _URL, asked | {"scheduleInfo": schedule})


def taking(eligibility: Image) -> str:
    """Give the command that takes an eligibility away."""
    return az_rest("POST", _URL, _removal(eligibility))


def _removal(eligibility: Image) -> Image:
    body: Image = {"action": "adminRemove", "justification": JUSTIFICATION}
    return body | {name: eligibility.get(name) for name in (_HOLDER, ROLE, SCOPE)}


def _write(api: TenantApi, write: Write) -> str:
    """Ask PIM to take an eligibility away.

    Raises:
        Rejected: PIM refuses it, in its first minutes perhaps; one was to be given.
        Refused: the permission isn't there, or isn't enough; `by_hand` is the command.
        DoneAlready: somebody was faster.
    """
    if write.op is not Op.DELETE or write.stands is None:
        raise Rejected("the responder never makes anybody eligible for a role")
    try:
        api.send(REQUEST_REMOVAL, body=_removal(write.stands))
    except (Refused, Rejected) as error:
        if error.code == NO_SUCH:
            raise DoneAlready(write.object_id) from error
        error.by_hand = taking(write.stands)
        raise
    return write.object_id


# Who did it.


def _confirm(api: TenantApi, change: ObjectChange, _eligibility: Image | None) -> Confirmation:
    parts = parts_of(change.object_id)
    return directory_pim.with_requester(api, change, role=parts.role, holder=parts.holder, is_eligibility=True)


DIRECTORY_ROLE_ELIGIBILITY: Final = Kind(
    kind=ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
    title="eligibility for a directory role",
    tenant_kind=TenantKind.WORKFORCE,
    rules=given_rights.RULES,
    calls=(
        LIST_DIRECTORY_ROLE_ELIGIBILITIES,
        LIST_DIRECTORY_ROLES,
        REQUEST_REMOVAL,
        *principals.CALLS,
        *directory_pim.CALLS,
    ),
    inventory=Inventory(
        kind=ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_DIRECTORY_ROLE_ELIGIBILITIES, LIST_DIRECTORY_ROLES),
        read=_read_all,
    ),
    id_of=id_of,
    name_of=name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    look_around=_look_around,
    objections=_objections,
    loses=given_rights.loses,
    gains=given_rights.gains,
    write=_write,
    limits=(
        "An eligibility is taken away and never given: the page has the command, which gives it for good. Whoever has "
        "taken the role up keeps it until PIM ends that. Eligibilities over an administrative unit or one application "
        "are paged."
    ),
    undo=(
        "Make the holder eligible again with the command on the card; the version before, which the evidence container "
        "holds, says for what and until when. The responder never makes anybody eligible."
    ),
    confirm=_confirm,
    is_orphan=_is_orphan,
    is_doubtful=directory_pim.is_doubtful,
    is_by_a_service=True,
    read_probes=(
        ReadProbe(call=LIST_DIRECTORY_ROLE_ELIGIBILITIES, kind=TenantKind.WORKFORCE, no_licence=NO_LICENCE),
        ReadProbe(call=LIST_DIRECTORY_ROLES, kind=TenantKind.WORKFORCE, query=CUSTOM_ROLES),
        *principals.READ_PROBES,
    ),
)
