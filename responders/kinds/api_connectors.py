"""API connectors of Azure AD B2C: addresses that are sent what customers type while they sign up, and that decide.

How a connector signs in to its address can't be read whole: Graph gives no password and no private key. So a new
connector is deleted and its address and name are put back, without a word about how it signs in; what that was can't be
put back, nor can a connector that was deleted. The page has the command for a person who knows the secret.

While another address stood, it was sent the connector's password too: who ran it may know that.

Microsoft's page names one permission for reading, `APIConnectors.ReadWrite.All`, so connectors are swept in tier act
alone; in tier watch their records page, and how they stand is unknown. Whether Graph lets `APIConnectors.Read.All` read
them isn't documented.

Records of B2C name a connector by its id or by its name; which of the two isn't documented.
"""

from collections.abc import Mapping
from typing import Final

from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import Shape, joined, without_annotations
from responders.kinds.recorded_names import recorded_id_or_name
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_CONNECTORS: Final = "/identity/apiConnectors"
_ONE: Final = f"{_CONNECTORS}/{{id}}"
_URL: Final = f"https://graph.microsoft.com/v1.0{_CONNECTORS}"


def _call(method: str, path: str) -> Call:
    return Call(method=method, service=Service.GRAPH, path=path, needs=(Permission.API_CONNECTOR_WRITE,))


LIST_API_CONNECTORS: Final = _call("GET", _CONNECTORS)
GET_API_CONNECTOR: Final = _call("GET", _ONE)
UPDATE_API_CONNECTOR: Final = _call("PATCH", _ONE)
DELETE_API_CONNECTOR: Final = _call("DELETE", _ONE)

_ACTIVITIES: Final[Mapping[str, Op]] = {
    "create api connector": Op.CREATE,
    "update api connector": Op.UPDATE,
    "delete api connector": Op.DELETE,
}
_NAME: Final = "displayName"
SIGN_IN: Final = "authenticationConfiguration"
_WRITABLE: Final = (_NAME, "targetUrl")
_TYPE: Final = "@odata.type"
_SECRETS: Final = frozenset({"password", "pkcs12Value"})
_SHAPE: Final = Shape(left_out=frozenset({"id"}), free_texts=frozenset({*_WRITABLE, "username"}))


def id_of(connector: Image) -> str:
    """Give a connector's id in lower case."""
    return str(connector["id"]).lower()


def _name_of(connector: Image) -> str:
    return str(connector.get(_NAME) or connector["id"])


def leaves(connector: Image) -> dict[str, Json]:
    """Split a connector: its name, its address, and as a whole how it signs in there, as far as that can be read."""
    split = _SHAPE.split({name: value for name, value in connector.items() if name != SIGN_IN})
    sign_in = _as_image(without_annotations(connector.get(SIGN_IN)))
    kind = str(sign_in.pop(_TYPE, "")).rpartition(".")[2]
    shown = {name: value for name, value in sign_in.items() if name not in _SECRETS}
    if kind or shown:
        split[SIGN_IN] = {"type": kind, **shown}
    return split


def _as_image(value: Json) -> Image:
    return dict(value) if isinstance(value, dict) else {}


def _is_id(text: str) -> bool:
    return ID_SHAPES["id"].fullmatch(text) is not None


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_id_or_name(event, service="b2c", activities=_ACTIVITIES, is_id=_is_id)


def _read(api: TenantApi, connector_id: str) -> Image | None:
    return api.get(GET_API_CONNECTOR, id=connector_id)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(connector): connector for connector in api.list(LIST_API_CONNECTORS)}


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.CREATE:
        because = (
            "how a connector signs in can't be read, so it would come back without its secret, under another id and"
            " in no user flow"
        )
        return {WHOLE: _by_hand("not-whole", because, making(facts.target))}
    if facts.op is Op.UPDATE and SIGN_IN in facts.steps:
        because = "how the connector signed in can't be put back: Graph doesn't give its secret"
        return {SIGN_IN: _by_hand("secret-unread", because, signing_in(facts.object_id, facts.target))}
    return {}


def _by_hand(guard: str, because: str, command: str) -> Objection:
    return Objection(guard=guard, because=because, can_pass=False, by_hand=command)


def _secrets_to_fill_in(target: Leaves) -> Image:
    """Give how a connector signed in, as Graph takes it, with a word in place of what only a person knows."""
    shown = _as_image(target.get(SIGN_IN))
    if shown.get("type") in {"basicAuthentication", "", None}:
        return {_TYPE: "microsoft.graph.basicAuthentication", "username": shown.get("username", ""), "password": "…"}
    return {_TYPE: "microsoft.graph.pkcs12Certificate", "pkcs12Value": "…", "password": "…"}


def making(target: Leaves) -> str:
    """Give the command that makes a connector again; whoever runs it fills in the secret."""
    wanted = joined({leaf: value for leaf, value in target.items() if leaf in _WRITABLE})
    return az_rest("POST", _URL, wanted | {SIGN_IN: _secrets_to_fill_in(target)})


def signing_in(connector_id: str, target: Leaves) -> str:
    """Give the command that sets how a connector signs in; whoever runs it fills in the secret."""
    if SIGN_IN not in target:
        return ""
    return az_rest("PATCH", f"{_URL}/{connector_id}", {SIGN_IN: _secrets_to_fill_in(target)})


def _write(api: TenantApi, write: Write) -> str:
    """Delete a connector, or put its name and address back; how it signs in is never sent.

    Raises:
        DoneAlready: somebody was faster and deleted it.
    """
    if write.op is Op.DELETE:
        delete(api, DELETE_API_CONNECTOR, write.object_id, id=write.object_id)
        return write.object_id
    wanted = joined({leaf: write.target.get(leaf) for leaf in _WRITABLE})
    body = {leaf: wanted.get(leaf) for leaf in _WRITABLE if leaf in write.steps}
    api.send(UPDATE_API_CONNECTOR, body=body, id=write.object_id)
    return write.object_id


API_CONNECTOR: Final = Kind(
    kind=ObjectKind.API_CONNECTOR,
    title="API connector",
    tenant_kind=TenantKind.B2C,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(LIST_API_CONNECTORS, GET_API_CONNECTOR, UPDATE_API_CONNECTOR, DELETE_API_CONNECTOR),
    inventory=Inventory(
        kind=ObjectKind.API_CONNECTOR, tenant_kind=TenantKind.B2C, calls=(LIST_API_CONNECTORS,), read=_read_all
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    objections=_objections,
    write=_write,
    undo="Set the connector's name and address back to the version before, which the evidence container holds.",
    limits=(
        "How a connector signs in can't be put back, since Graph gives no secret, nor is a deleted one made again. In"
        " tier watch connectors can't be read, so they are unknown and their records page."
    ),
    is_id=_is_id,
    read_probes=(
        ReadProbe(call=LIST_API_CONNECTORS, kind=TenantKind.B2C),
        ReadProbe(
            call=GET_API_CONNECTOR, kind=TenantKind.B2C, ids=first_of(LIST_API_CONNECTORS, "id"), is_listing=False
        ),
    ),
)
