"""Service principals: whether an application may sign in to the tenant at all, and what it signs in with besides.

A credential on a service principal is as good as one on the registration, and no page of the portal shows it. It works
on applications of others too, Microsoft's own among them. There are secrets and certificates here, and no trusts in
other issuers' tokens. Addresses and names follow those of the registration, by changes that can't be told from
somebody's own, so they are guarded there (`applications`).

Credentials that somebody unapproved added are removed, none is given. One that somebody unapproved switched on is
switched off again. One that was switched off isn't switched on unasked: whoever did it may have stopped an attacker who
had it. A service principal is neither made nor deleted: the page has the command.

`Application.ReadWrite.All` is as much as the whole tenant, so the identity isn't given it: see `applications`. Service
principals of a B2C tenant are paged as records tell of them, and not guarded.
"""

import shlex
from collections.abc import Mapping
from typing import Final

from responders.kinds import app_credentials, credential_removal
from responders.kinds.app_credentials import CERTIFICATES, PASSWORDS, items
from responders.kinds.az_rest import GRAPH, az_rest, restoring
from responders.kinds.credential_removal import CredentialCalls
from responders.kinds.json_leaves import Shape
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, LIST_SERVICE_PRINCIPALS
from responders.kinds.recorded_properties import recorded_properties
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.events import Change, Event, Log, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Objection, Op, Recorded, Step, list_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_ONE: Final = "/servicePrincipals/{id}"
_WRITE: Final = (Permission.APPLICATION_WRITE,)
UPDATE_SERVICE_PRINCIPAL: Final = Call(method="PATCH", service=Service.GRAPH, path=_ONE, needs=_WRITE, repeatable=False)
"""Not repeatable: it sends a whole list, which somebody may have changed meanwhile."""

REMOVE_SERVICE_PASSWORD: Final = Call(
    method="POST", service=Service.GRAPH, path=f"{_ONE}/removePassword", needs=_WRITE, repeatable=False
)
_CREDENTIALS: Final = CredentialCalls(
    get=GET_SERVICE_PRINCIPAL,
    update=UPDATE_SERVICE_PRINCIPAL,
    remove_password=REMOVE_SERVICE_PASSWORD,
    cli="sp",
)

_ENABLED: Final = "accountEnabled"
_KEPT: Final = ("id", "appId", "displayName", _ENABLED, PASSWORDS, CERTIFICATES)
_LISTED: Final = {"$select": ",".join(_KEPT)}
_SHAPE: Final = Shape()

_ACTIVITIES: Final[Mapping[str, Op]] = {
    "add service principal": Op.CREATE,
    "restore service principal": Op.CREATE,
    "update service principal": Op.UPDATE,
    "add service principal credentials": Op.UPDATE,
    "remove service principal credentials": Op.UPDATE,
    "remove service principal": Op.DELETE,
    "hard delete service principal": Op.DELETE,
}
_ENABLED_IN_LOG: Final = "accountenabled"
_SIGNS: Final = "sign"


def id_of(service_principal: Image) -> str:
    """Give a service principal's object id in lower case."""
    return str(service_principal["id"]).lower()


def _name_of(service_principal: Image) -> str:
    names = (service_principal.get(each) for each in ("displayName", "appId", "id"))
    return str(next(filter(None, names), ""))


def leaves(service_principal: Image) -> dict[str, Json]:
    """Split a service principal: whether it may sign in, and each credential."""
    found: dict[str, Json] = {EXISTS: True}
    if isinstance(service_principal.get(_ENABLED), bool):
        found[_ENABLED] = service_principal[_ENABLED]
    return found | app_credentials.credential_leaves(service_principal)


# What records say.


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_properties(event, kind="serviceprincipal", activities=_ACTIVITIES, readers=_RECORDED)


def _recorded_switch(change: Change) -> dict[str, Step] | None:
    """Give whether it was switched on or off; None where that isn't understood."""
    old, new = (_switch(text) for text in (change.old, change.new))
    if new is None:
        return None
    return {} if old == new else {_ENABLED: (old, new)}


def _switch(text: str | None) -> bool | None:
    values = [str(each).lower() for each in app_credentials.values_in(text) or []]
    return values == ["true"] if values in (["true"], ["false"]) else None


_RECORDED: Final = {
    app_credentials.KEYS_IN_LOG: app_credentials.recorded_credentials,
    _ENABLED_IN_LOG: _recorded_switch,
}


# Reading.


def _as_kept(service_principal: Image) -> Image:
    """Keep what is guarded, so that one that is read by itself is the same as in a listing.

    When each certificate was used for the last time isn't said of it; how it is used is.
    """
    return app_credentials.without_public_parts({name: service_principal.get(name) for name in _KEPT})


def _read(api: TenantApi, object_id: str) -> Image | None:
    found = api.get(GET_SERVICE_PRINCIPAL, id=object_id)
    return found and _as_kept(found)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): _as_kept(each) for each in api.list(LIST_SERVICE_PRINCIPALS, query=_LISTED)}


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if app_credentials.is_own(facts):
        because = "it is the responder's own service principal, or a protected one"
        return {WHOLE: Objection(guard="own-service-principal", because=because, can_pass=False)}
    if facts.op is Op.DELETE:
        because = "deleting a service principal takes all that it holds with it, which the responder never does"
        by_hand = f"az ad sp delete --id {shlex.quote(facts.object_id)}"
        return {WHOLE: Objection(guard="never-deleted", because=because, can_pass=False, by_hand=by_hand)}
    if facts.op is Op.CREATE:
        because = "taking a service principal out of the bin needs a role of the directory"
        by_hand = restoring(facts.object_id)
        return {WHOLE: Objection(guard="not-restored", because=because, can_pass=False, by_hand=by_hand)}
    found = dict(app_credentials.not_given(facts.steps))
    if facts.steps.get(_ENABLED, (None, None))[1] is True and not facts.is_asked:
        found[_ENABLED] = _never_enabled(facts.object_id)
    return found | _signing(facts)


def _never_enabled(object_id: str) -> Objection:
    because = "whoever switched it off may have stopped an attacker who had it"
    by_hand = switching(object_id, enabled=True)
    return Objection(guard="never-switched-on", because=because, can_pass=False, by_hand=by_hand)


def _signing(facts: GuardFacts) -> dict[str, Objection]:
    """Object to taking certificates from beside a key that signs tokens for SAML.

    The list is sent whole, and Graph shows no private key: what it does with one that comes back without isn't
    documented, and it may be lost.
    """
    gone = credential_removal.removed(facts.steps, CERTIFICATES)
    staying = [each for each in items(facts.stands_image or {}, CERTIFICATES) if _leaf_of(each) not in gone]
    if not any(fold(str(each.get("usage"))) == _SIGNS for each in staying):
        return {}
    because = "a key that signs tokens for SAML would have to be sent with it, and Graph doesn't show it"
    return dict.fromkeys(gone, Objection(guard="signing-key", because=because, can_pass=False))


def _leaf_of(certificate: Image) -> str:
    (leaf,) = app_credentials.credential_leaves({CERTIFICATES: [certificate]})
    return leaf


# Writing, and commands for a person.


def switching(object_id: str, *, enabled: bool) -> str:
    """Give the command that switches a service principal on or off."""
    return az_rest("PATCH", f"{GRAPH}/servicePrincipals/{object_id}", {_ENABLED: enabled})


def by_hand(write: Write) -> str:
    """Give the commands that do the same."""
    commands = credential_removal.commands(_CREDENTIALS, write.object_id, write.stands or {}, write.steps)
    if _ENABLED in write.steps:
        commands.append(switching(write.object_id, enabled=write.target.get(_ENABLED) is True))
    return " && ".join(commands)


def _write(api: TenantApi, write: Write) -> str:
    """Switch a service principal, then remove credentials.

    Raises:
        Refused: the permission isn't there; `by_hand` has the commands.
        Rejected: one was to be made or deleted, or the certificates that are to stay can't be read.
    """
    if write.op is not Op.UPDATE or write.stands is None:
        raise Rejected("the responder neither makes nor deletes a service principal")
    try:
        if _ENABLED in write.steps:
            body = {_ENABLED: write.target.get(_ENABLED) is True}
            api.send(UPDATE_SERVICE_PRINCIPAL, body=body, id=write.object_id)
        credential_removal.remove(api, _CREDENTIALS, write.object_id, write.stands, write.steps)
    except Refused as refused:
        refused.by_hand = by_hand(write)
        raise
    return write.object_id


SERVICE_PRINCIPAL: Final = Kind(
    kind=ObjectKind.SERVICE_PRINCIPAL,
    title="service principal",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS),
    calls=(LIST_SERVICE_PRINCIPALS, GET_SERVICE_PRINCIPAL),
    inventory=Inventory(
        kind=ObjectKind.SERVICE_PRINCIPAL,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_SERVICE_PRINCIPALS,),
        read=_read_all,
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
    by_hand=(UPDATE_SERVICE_PRINCIPAL, REMOVE_SERVICE_PASSWORD),
    is_unreturnable=lambda leaf: list_of(leaf) in {PASSWORDS, CERTIFICATES},
    limits=(
        "Credentials that somebody removed: the responder gives none. One that was added is removed only where mode "
        "enforce was set for its detection by name, not for all; a certificate beside a key that signs tokens for SAML "
        "isn't, since Graph doesn't show that key. A service principal that was switched off is switched on only when "
        "somebody asks for it. None is made or deleted: the page has the command. Addresses and names follow the "
        "registration, and are put back there. Service principals of a B2C tenant are paged only."
    ),
    undo=(
        "Switch the service principal as it was, as the version before says, which the evidence container holds. A "
        "credential that was removed can't come back: make a new one, and give it to whoever runs the application."
    ),
    read_probes=(
        ReadProbe(call=LIST_SERVICE_PRINCIPALS, kind=TenantKind.WORKFORCE, query=_LISTED),
        ReadProbe(
            call=GET_SERVICE_PRINCIPAL,
            kind=TenantKind.WORKFORCE,
            ids=first_of(LIST_SERVICE_PRINCIPALS, "id"),
            is_listing=False,
        ),
    ),
)
