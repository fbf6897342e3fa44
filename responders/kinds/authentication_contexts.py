"""Authentication contexts: c1 to c99, which applications, protected actions and PIM ask for, and policies answer.

A context that shouldn't exist is unpublished, never deleted: nobody chooses it any more, and what it was stays to be
looked at. A deletion is refused while any policy names it. By itself a context decides about no sign-in: policies that
name it do, and they are judged themselves.
"""

from collections.abc import Mapping
from typing import Final

from responders.kinds.conditional_access_lane import lane
from responders.kinds.json_leaves import Shape
from responders.kinds.recorded_objects import RecordFormat, recorded_object
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Search, Write
from shared.model.objects import EXISTS, Leaves, Op, Recorded, Step
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_CONTEXTS: Final = "/identity/conditionalAccess/authenticationContextClassReferences"

LIST_CONTEXTS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path=_CONTEXTS,
    needs=(Permission.AUTHENTICATION_CONTEXT_READ,),
    lane=Lane.CONDITIONAL_ACCESS,
)
GET_CONTEXT: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path=f"{_CONTEXTS}/{{context}}",
    needs=(Permission.AUTHENTICATION_CONTEXT_READ,),
    lane=Lane.CONDITIONAL_ACCESS,
)
WRITE_CONTEXT: Final = Call(
    method="PATCH",
    service=Service.GRAPH,
    path=f"{_CONTEXTS}/{{context}}",
    needs=(Permission.AUTHENTICATION_CONTEXT_WRITE,),
    lane=Lane.CONDITIONAL_ACCESS,
)
"""It changes a context, and makes it where its id is free."""

_PUBLISHED: Final = "isAvailable"
_TEXTS: Final = frozenset({"displayName", "description"})

_SHAPE: Final = Shape(left_out=frozenset({"id"}))


def leaves(context: Image) -> dict[str, Json]:
    """Split a context. One that isn't published is the same as one that doesn't say."""
    return _SHAPE.split({name: value for name, value in context.items() if value is not False})


_RECORDS: Final = RecordFormat(
    services=frozenset({"conditional access"}),
    activities={
        "add authenticationcontextclassreference": Op.CREATE,
        "create authenticationcontextclassreference": Op.CREATE,
        "update authenticationcontextclassreference": Op.UPDATE,
        "delete authenticationcontextclassreference": Op.DELETE,
    },
    properties=frozenset(),
    known=frozenset({"id", _PUBLISHED, *_TEXTS}),
    leaves=leaves,
    same=_SHAPE.same,
    is_readable=lambda context: "displayName" in context,
)
"""Microsoft's list of activities has all but "create"; in which property the context stands isn't documented."""


def id_of(context: Image) -> str:
    """Give a context's id in lower case: a tenant has c1 to c99, and an application asks for one by its id."""
    return str(context["id"]).lower()


def _name_of(context: Image) -> str:
    return str(context.get("displayName") or context.get("id") or "")


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_object(event, _RECORDS)


def _read(api: TenantApi, context_id: str) -> Image | None:
    return api.get(GET_CONTEXT, context=context_id)


def _find(api: TenantApi, search: Search) -> Image | None:
    """Read it by its id: it is made again under the same."""
    return _read(api, search.ids[-1])


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(context): context for context in api.list(LIST_CONTEXTS)}


def _objections(_facts: GuardFacts) -> Objections:
    return {}


def _is_joint(leaf: str) -> bool:
    return leaf in {EXISTS, _PUBLISHED}


def _removal(values: Leaves) -> Mapping[str, Step]:
    return {_PUBLISHED: (values[_PUBLISHED], None)} if _PUBLISHED in values else {}


def _write(api: TenantApi, write: Write) -> str:
    """Carry out a write; a context that was deleted is made again under its own id."""
    steps = _removal(leaves(write.stands or {})) if write.op is Op.DELETE else write.steps
    names = sorted(steps.keys() - {EXISTS})
    if write.op is Op.CREATE:
        names = sorted({*names, _PUBLISHED})
    if names:
        body = {name: _value(name, write.target.get(name)) for name in names}
        api.send(WRITE_CONTEXT, body=body, context=write.object_id)
    return write.object_id


def _value(name: str, wanted: Json) -> Json:
    if wanted is not None:
        return wanted
    return False if name == _PUBLISHED else "" if name in _TEXTS else None


INVENTORY: Final = Inventory(
    kind=ObjectKind.AUTHENTICATION_CONTEXT,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_CONTEXTS,),
    read=_read_all,
)

AUTHENTICATION_CONTEXT: Final = Kind(
    kind=ObjectKind.AUTHENTICATION_CONTEXT,
    title="authentication context",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_SHAPE.same, is_joint=_is_joint),
    calls=(LIST_CONTEXTS, GET_CONTEXT, WRITE_CONTEXT),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_RECORDS.activities),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=lane,
    objections=_objections,
    write=_write,
    limits=("A new context isn't deleted but unpublished."),
    undo=(
        "Set the context's properties back to those of the version before, which the evidence container holds; "
        "unpublish one that was made again."
    ),
    removal=_removal,
    read_probes=(
        ReadProbe(call=LIST_CONTEXTS, kind=TenantKind.WORKFORCE),
        ReadProbe(
            call=GET_CONTEXT, kind=TenantKind.WORKFORCE, ids=first_of(LIST_CONTEXTS, "context"), is_listing=False
        ),
    ),
)
