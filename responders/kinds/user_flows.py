"""User flows of Azure AD B2C: a flow is a way to sign in, and a new one can let anybody in.

Graph has them in beta alone, and not whole: neither multifactor authentication nor lifetimes of tokens nor pages are in
it (Microsoft's page of b2cIdentityUserFlow). So a new flow is deleted and its language is put back, but a deleted flow
is never made again: it would come back without what can't be read, and look as before. The page has the command.

Records of B2C name the flow and never what was changed.
"""

from collections.abc import Mapping
from typing import Final

from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import Shape, joined
from responders.kinds.recorded_names import recorded_name
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded, property_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_FLOWS: Final = "/identity/b2cUserFlows"
_ONE: Final = f"{_FLOWS}/{{user_flow}}"
WHY_BETA: Final = "Graph has user flows in beta alone"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.GRAPH_BETA, path=path, needs=(needs,), why_beta=WHY_BETA)


LIST_USER_FLOWS: Final = _call("GET", _FLOWS, Permission.USER_FLOW_READ)
GET_USER_FLOW: Final = _call("GET", _ONE, Permission.USER_FLOW_READ)
UPDATE_USER_FLOW: Final = _call("PATCH", _ONE, Permission.USER_FLOW_WRITE)
DELETE_USER_FLOW: Final = _call("DELETE", _ONE, Permission.USER_FLOW_WRITE)

_ACTIVITIES: Final[Mapping[str, Op]] = {
    "create user flow": Op.CREATE,
    "update user flow": Op.UPDATE,
    "delete user flow": Op.DELETE,
}
_WRITABLE: Final = frozenset({"isLanguageCustomizationEnabled", "defaultLanguageTag"})
_MADE_OF: Final = ("userFlowType", "userFlowTypeVersion")
_SHAPE: Final = Shape(left_out=frozenset({"id"}))


def id_of(flow: Image) -> str:
    """Give a flow's id, which is its name."""
    return str(flow["id"])


def leaves(flow: Image) -> dict[str, Json]:
    """Split a flow into its properties. Links to other objects are no properties of it."""
    return _SHAPE.split({name: value for name, value in flow.items() if not isinstance(value, list | dict)})


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_name(event, service="b2c", activities=_ACTIVITIES, shape=ID_SHAPES["user_flow"])


def _read(api: TenantApi, flow_id: str) -> Image | None:
    return api.get(GET_USER_FLOW, user_flow=flow_id)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(flow).lower(): flow for flow in api.list(LIST_USER_FLOWS)}


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.CREATE:
        because = "Graph doesn't have all of a user flow: it would come back without what can't be read"
        by_hand = making(facts.object_id, facts.target)
        return {WHOLE: Objection(guard="not-whole", because=because, can_pass=False, by_hand=by_hand)}
    fixed = sorted({property_of(leaf) for leaf in facts.steps} - _WRITABLE - {EXISTS}) if facts.target else []
    if fixed:
        because = f"Graph doesn't let {', '.join(fixed)} of a user flow be changed"
        return {leaf: _not_written(because) for leaf in facts.steps if property_of(leaf) in fixed}
    return {}


def _not_written(because: str) -> Objection:
    return Objection(guard="not-writable", because=because, can_pass=False)


def making(flow_id: str, target: Leaves) -> str:
    """Give the command that makes a flow again, as far as Graph has it."""
    body = {"id": flow_id} | {name: target[name] for name in _MADE_OF if name in target}
    return az_rest("POST", f"https://graph.microsoft.com/beta{_FLOWS}", body)


def _write(api: TenantApi, write: Write) -> str:
    """Delete a flow, or put its language back.

    Raises:
        DoneAlready: somebody was faster and deleted it.
    """
    if write.op is Op.DELETE:
        delete(api, DELETE_USER_FLOW, write.object_id, user_flow=write.object_id)
        return write.object_id
    names = {property_of(leaf) for leaf in write.steps} & _WRITABLE
    wanted = joined(write.target)
    api.send(UPDATE_USER_FLOW, body={name: wanted.get(name) for name in sorted(names)}, user_flow=write.object_id)
    return write.object_id


USER_FLOW: Final = Kind(
    kind=ObjectKind.USER_FLOW,
    title="user flow",
    tenant_kind=TenantKind.B2C,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(LIST_USER_FLOWS, GET_USER_FLOW, UPDATE_USER_FLOW, DELETE_USER_FLOW),
    inventory=Inventory(
        kind=ObjectKind.USER_FLOW, tenant_kind=TenantKind.B2C, calls=(LIST_USER_FLOWS,), read=_read_all
    ),
    id_of=id_of,
    name_of=id_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    objections=_objections,
    write=_write,
    limits=(
        "Graph has neither multifactor authentication nor lifetimes of tokens nor pages of a flow: a deleted one "
        "isn't made again, and such changes of one are paged."
    ),
    undo="Make the user flow again by hand: Graph doesn't have all of it, the version before says what it had of it.",
    read_probes=(
        ReadProbe(call=LIST_USER_FLOWS, kind=TenantKind.B2C),
        ReadProbe(
            call=GET_USER_FLOW, kind=TenantKind.B2C, ids=first_of(LIST_USER_FLOWS, "user_flow"), is_listing=False
        ),
    ),
)
