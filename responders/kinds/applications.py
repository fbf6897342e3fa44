"""Registrations of applications: where they send people, what they are called in tokens, and what they sign in with.

What is guarded is read by one listing and is the same when one is read by itself: `$expand` gives the trusts in other
issuers' tokens, of which an application has 20 at most. The rest of a registration isn't kept.

Credentials that somebody unapproved added are removed, none is given (`app_credentials`). Addresses are put back, by
lists that are sent whole: Graph has no ETag for them, so they are worked out from what stood seconds before. What is
sent of `web` has all that stood in it, since whether Graph keeps the rest isn't documented. An application is neither
deleted nor taken out of the bin: the page has the command.

`Application.ReadWrite.All` gives any application a credential, so it is as much as the whole tenant, and the identity
isn't given it. Whoever wants this done unasked grants it by hand; for applications that the responder's service
principal owns, `Application.ReadWrite.OwnedBy` is enough. Else the page has the commands. Registrations of a B2C tenant
are paged as records tell of them, and not guarded.
"""

import shlex
from collections.abc import Mapping
from typing import Any, Final, cast

from responders.kinds import app_credentials, credential_removal
from responders.kinds.app_credentials import CERTIFICATES, FEDERATED, PASSWORDS, items
from responders.kinds.az_rest import GRAPH, az_rest, restoring
from responders.kinds.credential_removal import CredentialCalls
from responders.kinds.json_leaves import Shape, member
from responders.kinds.recorded_properties import recorded_properties
from responders.registrations import LIST_REGISTRATIONS
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.events import Change, Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded, Step, list_of, property_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_ONE: Final = "/applications/{id}"
_WRITE: Final = (Permission.APPLICATION_WRITE,)

GET_APPLICATION: Final = Call(method="GET", service=Service.GRAPH, path=_ONE, needs=(Permission.APPLICATION_READ,))
UPDATE_APPLICATION: Final = Call(method="PATCH", service=Service.GRAPH, path=_ONE, needs=_WRITE, repeatable=False)
"""Not repeatable: it sends whole lists, which somebody may have changed meanwhile."""

REMOVE_PASSWORD: Final = Call(
    method="POST", service=Service.GRAPH, path=f"{_ONE}/removePassword", needs=_WRITE, repeatable=False
)
DELETE_FEDERATED_CREDENTIAL: Final = Call(
    method="DELETE",
    service=Service.GRAPH,
    path=f"{_ONE}/{FEDERATED}/{{federated_credential}}",
    needs=_WRITE,
    repeatable=False,
)
_BY_HAND: Final = (UPDATE_APPLICATION, REMOVE_PASSWORD, DELETE_FEDERATED_CREDENTIAL)
_CREDENTIALS: Final = CredentialCalls(
    get=GET_APPLICATION, update=UPDATE_APPLICATION, remove_password=REMOVE_PASSWORD, cli="app"
)

_WITH_TRUSTS: Final = {"$expand": FEDERATED}

_REDIRECTS: Final = "redirectUris"
_CLIENTS: Final = ("web", "spa", "publicClient")
_ADDRESSES: Final = frozenset({"identifierUris", "signInAudience", *_CLIENTS})
_KEPT: Final = ("id", "appId", "displayName", *sorted(_ADDRESSES), *app_credentials.LISTS)
_SHAPE: Final = Shape(
    containers=frozenset(_CLIENTS), free_texts=frozenset({_REDIRECTS, "logoutUrl", "identifierUris", "displayName"})
)

_ACTIVITIES: Final[Mapping[str, Op]] = {
    "add application": Op.CREATE,
    "restore application": Op.CREATE,
    "update application": Op.UPDATE,
    "update application - certificates and secrets management": Op.UPDATE,
    "create application - certificates and secrets management": Op.UPDATE,
    "delete application": Op.DELETE,
    "hard delete application": Op.DELETE,
}
_IDENTIFIERS_IN_LOG: Final = "appidentifieruri"
_NAMED_ONLY: Final = frozenset({"appaddress", "availabletoothertenants", "signinaudience"})
"""Properties of which a record has values, but not which list of the registration they are in."""


def id_of(application: Image) -> str:
    """Give a registration's object id in lower case."""
    return str(application["id"]).lower()


def _name_of(application: Image) -> str:
    return str(application.get("displayName") or application.get("appId") or application.get("id") or "")


def leaves(application: Image) -> dict[str, Json]:
    """Split a registration: each address and each credential is a leaf."""
    parts = {name: application[name] for name in _ADDRESSES if name in application}
    for name in _CLIENTS:
        client = _part(application, name)
        parts[name] = {each: client.get(each) for each in (_REDIRECTS, "logoutUrl") if client.get(each)}
    return _SHAPE.split(parts) | app_credentials.credential_leaves(application)


def _part(image: Image | None, name: str) -> Image:
    found = (image or {}).get(name)
    return cast("Image", found) if isinstance(found, dict) else {}


# What records say.


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_properties(
        event, kind="application", activities=_ACTIVITIES, readers=_RECORDED, is_guarded_too=_is_named
    )


def _is_named(name: str) -> bool:
    return name in _NAMED_ONLY or "logout" in name


def _recorded_identifiers(change: Change) -> dict[str, Step] | None:
    old, new = (app_credentials.values_in(text) for text in (change.old, change.new))
    if old is None or new is None:
        return None
    was, now = ({member("identifierUris", str(each)): str(each) for each in several} for several in (old, new))
    return {leaf: (was.get(leaf), now.get(leaf)) for leaf in sorted(was.keys() ^ now.keys())}


_RECORDED: Final = {
    app_credentials.KEYS_IN_LOG: app_credentials.recorded_credentials,
    app_credentials.FEDERATED_IN_LOG: app_credentials.recorded_credentials,
    _IDENTIFIERS_IN_LOG: _recorded_identifiers,
}


# Reading.


def _as_kept(application: Image) -> Image:
    """Keep what is guarded, so that one that is read by itself is the same as in a listing."""
    return app_credentials.without_public_parts({name: application.get(name) for name in _KEPT})


def _read(api: TenantApi, application_id: str) -> Image | None:
    found = api.get(GET_APPLICATION, query=_WITH_TRUSTS, id=application_id)
    return found and _as_kept(found)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): _as_kept(each) for each in api.list(LIST_REGISTRATIONS, query=_WITH_TRUSTS)}


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if app_credentials.is_own(facts):
        because = "it is the responder's own registration, or a protected one"
        return {WHOLE: Objection(guard="own-registration", because=because, can_pass=False)}
    object_id = shlex.quote(facts.object_id)
    if facts.op is Op.DELETE:
        because = "deleting an application stops whatever uses it, which the responder never does"
        by_hand = f"az ad app delete --id {object_id}"
        return {WHOLE: Objection(guard="never-deleted", because=because, can_pass=False, by_hand=by_hand)}
    if facts.op is Op.CREATE:
        because = "taking an application out of the bin needs a role of the directory"
        by_hand = restoring(facts.object_id)
        return {WHOLE: Objection(guard="not-restored", because=because, can_pass=False, by_hand=by_hand)}
    return app_credentials.not_given(facts.steps)


# Writing, and commands for a person.


def _address_body(write: Write) -> Image:
    """Write what puts the addresses back that are to be: lists whole, with what stands and isn't to go."""
    stands = write.stands or {}
    body: Image = {}
    for name in sorted({property_of(leaf) for leaf in write.steps} & _ADDRESSES):
        if name == "signInAudience":
            body[name] = write.target.get(name)
        elif name == "identifierUris":
            body[name] = _after(stands.get(name), name, write.target)
        else:
            client = _part(stands, name)
            kept = {each: value for each, value in client.items() if "@" not in each and each != "redirectUriSettings"}
            body[name] = kept | {_REDIRECTS: _after(client.get(_REDIRECTS), f"{name}.{_REDIRECTS}", write.target)}
            if "logoutUrl" in client or f"{name}.logoutUrl" in write.target:
                body[name]["logoutUrl"] = write.target.get(f"{name}.logoutUrl")
    return body


def _after(stood: object, path: str, target: Leaves) -> list[str]:
    """Give a list as it is to be: what stood in it keeps its place, and two that differ by case alone both stay."""
    several = cast("list[Any]", stood) if isinstance(stood, list) else []
    kept = [str(each) for each in several if member(path, str(each)) in target]
    known = {member(path, each) for each in kept}
    return kept + [str(target[leaf]) for leaf in sorted(target) if list_of(leaf) == path and leaf not in known]


def by_hand(write: Write) -> str:
    """Give the commands that do the same."""
    commands = credential_removal.commands(_CREDENTIALS, write.object_id, write.stands or {}, write.steps)
    object_id = shlex.quote(write.object_id)
    for trust in _trusts_of(write):
        one = f"--federated-credential-id {shlex.quote(trust)}"
        commands.append(f"az ad app federated-credential delete --id {object_id} {one}")
    if body := _address_body(write):
        commands.append(az_rest("PATCH", f"{GRAPH}/applications/{write.object_id}", body))
    return " && ".join(commands)


def _trusts_of(write: Write) -> list[str]:
    removed = credential_removal.removed(write.steps, FEDERATED)
    return [
        str(each["id"]) for each in items(write.stands or {}, FEDERATED) if app_credentials.trust_leaf(each) in removed
    ]


def _write(api: TenantApi, write: Write) -> str:
    """Remove credentials, then put addresses back.

    Raises:
        Refused: the permission isn't there; `by_hand` has the commands.
        Rejected: an application was to be made or deleted.
    """
    if write.op is not Op.UPDATE or write.stands is None:
        raise Rejected("the responder neither makes nor deletes an application")
    try:
        for trust in _trusts_of(write):
            api.send(DELETE_FEDERATED_CREDENTIAL, id=write.object_id, federated_credential=trust)
        credential_removal.remove(api, _CREDENTIALS, write.object_id, write.stands, write.steps)
        if body := _address_body(write):
            api.send(UPDATE_APPLICATION, body=body, id=write.object_id)
    except Refused as refused:
        refused.by_hand = by_hand(write)
        raise
    return write.object_id


APPLICATION: Final = Kind(
    kind=ObjectKind.APPLICATION,
    title="application",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(LIST_REGISTRATIONS, GET_APPLICATION),
    inventory=Inventory(
        kind=ObjectKind.APPLICATION, tenant_kind=TenantKind.WORKFORCE, calls=(LIST_REGISTRATIONS,), read=_read_all
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
    by_hand=_BY_HAND,
    is_unreturnable=lambda leaf: list_of(leaf) in {PASSWORDS, CERTIFICATES},
    limits=(
        "Credentials that somebody removed: the responder gives none. A secret or certificate that was added is "
        "removed only where mode enforce was set for its detection by name, not for all. A deleted application isn't "
        "taken out of the bin and a new one isn't deleted: the page has the command. Registrations of a B2C tenant are "
        "paged only."
    ),
    undo=(
        "Set the addresses back to those of the version before, which the evidence container holds. A credential that "
        "was removed can't come back: make a new one, and give it to whoever runs the application."
    ),
    read_probes=(
        ReadProbe(call=LIST_REGISTRATIONS, kind=TenantKind.WORKFORCE, query=_WITH_TRUSTS),
        ReadProbe(
            call=GET_APPLICATION,
            kind=TenantKind.WORKFORCE,
            query=_WITH_TRUSTS,
            ids=first_of(LIST_REGISTRATIONS, "id"),
            is_listing=False,
        ),
    ),
)
