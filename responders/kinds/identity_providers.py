"""Identity providers of Azure AD B2C: whoever runs one can sign in as any account that it names.

Graph gives no secret of a provider (`clientSecret` reads `****`) and none is ever sent. So a new provider is deleted,
and what can be read is put back. With the id by which B2C goes there its secret was changed too, most likely: put back
alone the two wouldn't match, and nobody could sign in by it. That is put back when somebody asks for it, as is one that
was deleted: the page has the command for a person who knows the secret.

Social providers are in v1.0, OpenID Connect ones in beta alone; beta gives both. Records of B2C name a provider by its
id or its name; which of the two isn't documented. A new secret by itself shows in no reading, so that people hear of
such a record.
"""

from collections.abc import Mapping
from typing import Final

from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import Shape, joined
from responders.kinds.recorded_names import recorded_id_or_name
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded, property_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_PROVIDERS: Final = "/identity/identityProviders"
_ONE: Final = f"{_PROVIDERS}/{{identity_provider}}"
_URL: Final = f"https://graph.microsoft.com/beta{_PROVIDERS}"
WHY_BETA: Final = "Graph has providers of OpenID Connect in beta alone, and social ones in both"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.GRAPH_BETA, path=path, needs=(needs,), why_beta=WHY_BETA)


LIST_IDENTITY_PROVIDERS: Final = _call("GET", _PROVIDERS, Permission.IDENTITY_PROVIDER_READ)
GET_IDENTITY_PROVIDER: Final = _call("GET", _ONE, Permission.IDENTITY_PROVIDER_READ)
UPDATE_IDENTITY_PROVIDER: Final = _call("PATCH", _ONE, Permission.IDENTITY_PROVIDER_WRITE)
DELETE_IDENTITY_PROVIDER: Final = _call("DELETE", _ONE, Permission.IDENTITY_PROVIDER_WRITE)

_ACTIVITIES: Final[Mapping[str, Op]] = {
    f"{verb} {which}identity provider": op
    for verb, op in (("create", Op.CREATE), ("update", Op.UPDATE), ("delete", Op.DELETE))
    for which in ("", "custom ", "local ")
}
_SERVICES: Final = ("b2c", "core directory")
_NAME: Final = "displayName"
_TYPE: Final = "@odata.type"
_SECRETS: Final = frozenset({"clientSecret", "certificateData"})
_OUR_ID_THERE: Final = frozenset({"clientId", "developerId", "serviceId", "keyId"})
"""By what B2C goes at the provider; of Apple's it is the last three. Each has a secret that belongs to it."""

_FIXED: Final = frozenset({"identityProviderType"})
_SHAPE: Final = Shape(
    left_out=frozenset({"id", *_SECRETS}),
    free_texts=frozenset({_NAME, *_OUR_ID_THERE, "metadataUrl", "scope", "userId", "email", "givenName", "surname"}),
)


def id_of(provider: Image) -> str:
    """Give a provider's id as Graph spells it."""
    return str(provider["id"])


def _name_of(provider: Image) -> str:
    return str(provider.get(_NAME) or provider["id"])


def leaves(provider: Image) -> dict[str, Json]:
    """Split a provider into its properties; no secret is one, nor what stands in its place."""
    return _SHAPE.split(provider)


def _is_id(text: str) -> bool:
    return ID_SHAPES["identity_provider"].fullmatch(text) is not None


def _recorded(event: Event) -> tuple[Recorded, ...]:
    said = (recorded_id_or_name(event, service=each, activities=_ACTIVITIES, is_id=_is_id) for each in _SERVICES)
    return next((each for each in said if each), ())


def _read(api: TenantApi, provider_id: str) -> Image | None:
    return api.get(GET_IDENTITY_PROVIDER, identity_provider=provider_id)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(provider).lower(): provider for provider in api.list(LIST_IDENTITY_PROVIDERS)}


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.CREATE:
        because = "its secret can't be read, so nobody could sign in by a provider that was made again without it"
        return {WHOLE: _objection("not-whole", because, making(facts.target))}
    if facts.op is Op.DELETE:
        return {}
    found: dict[str, Objection] = {}
    for leaf in facts.steps:
        if property_of(leaf) in _FIXED:
            found[leaf] = _objection("not-writable", "Graph doesn't let a provider's type be changed")
        elif property_of(leaf) in _OUR_ID_THERE and not facts.is_asked:
            because = (
                f"with {leaf} the secret was changed too, most likely, and that can't be read: put back alone they"
                " wouldn't match, and nobody could sign in by it"
            )
            found[leaf] = _objection("secret-unread", because, _going_by(facts))
    return found


def _objection(guard: str, because: str, by_hand: str = "") -> Objection:
    return Objection(guard=guard, because=because, can_pass=False, by_hand=by_hand)


def _with_secret(body: Image) -> Image:
    """Put a mark where whoever runs the command has to fill in the secret."""
    return body | {"clientSecret" if "clientId" in body else "certificateData": "…"}


def making(target: Leaves) -> str:
    """Give the command that makes a provider again; whoever runs it fills in the type and the secret."""
    body = {_TYPE: "…"} | _with_secret(joined(target))
    return az_rest("POST", _URL, body)


def _going_by(facts: GuardFacts) -> str:
    wanted = {name: facts.target[name] for name in sorted(_OUR_ID_THERE) if name in facts.target}
    if not wanted:
        return ""
    body = {_TYPE: (facts.stands_image or {}).get(_TYPE)} | _with_secret(dict(wanted))
    return az_rest("PATCH", f"{_URL}/{facts.object_id}", body)


def _write(api: TenantApi, write: Write) -> str:
    """Delete a provider, or put its changed properties back; Graph asks for the type each time.

    Raises:
        DoneAlready: somebody was faster and deleted it.
    """
    if write.op is Op.DELETE:
        delete(api, DELETE_IDENTITY_PROVIDER, write.object_id, identity_provider=write.object_id)
        return write.object_id
    wanted, stands = joined(write.target), write.stands or {}
    names = sorted({property_of(leaf) for leaf in write.steps} - _FIXED - _SECRETS - {EXISTS})
    body = {_TYPE: stands.get(_TYPE)} | {name: wanted.get(name) for name in names}
    api.send(UPDATE_IDENTITY_PROVIDER, body=body, identity_provider=write.object_id)
    return write.object_id


IDENTITY_PROVIDER: Final = Kind(
    kind=ObjectKind.IDENTITY_PROVIDER,
    title="identity provider",
    tenant_kind=TenantKind.B2C,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(
        *(LIST_IDENTITY_PROVIDERS, GET_IDENTITY_PROVIDER),
        *(UPDATE_IDENTITY_PROVIDER, DELETE_IDENTITY_PROVIDER),
    ),
    inventory=Inventory(
        kind=ObjectKind.IDENTITY_PROVIDER, tenant_kind=TenantKind.B2C, calls=(LIST_IDENTITY_PROVIDERS,), read=_read_all
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
    undo="Set the provider's properties back to those of the version before, which the evidence container holds.",
    limits=(
        "Graph gives no secret of a provider: a deleted one isn't made again, and the id by which B2C goes there isn't"
        " put back without being asked. A secret that was changed alone can't be seen."
    ),
    is_id=_is_id,
    read_probes=(
        ReadProbe(call=LIST_IDENTITY_PROVIDERS, kind=TenantKind.B2C),
        ReadProbe(
            call=GET_IDENTITY_PROVIDER,
            kind=TenantKind.B2C,
            ids=first_of(LIST_IDENTITY_PROVIDERS, "identity_provider"),
            is_listing=False,
        ),
    ),
)
