"""Azure AD B2C custom policies: XML documents, of which each may inherit from another.

A document has a meaning only as a whole. Its leaf is the digest of its canonical form, and the document itself is taken
from the version that had it. There is no bin, and records carry no documents: what a change wrote follows from the
versions around it. A policy can only be uploaded when the one that it inherits from is there.
"""

import hashlib
import re
from collections.abc import Mapping
from html import unescape
from typing import Final, cast

from msgspec import Struct

from responders.kinds.custom_policy_xml import base_of, document_of
from responders.kinds.recorded_names import recorded_name
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.errors import UNREADABLE_TEXT, BadIdentifier, EdgeError, Rejected
from shared.model.events import Event, Log
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Search, Write
from shared.model.objects import EXISTS, WHOLE, ObjectId, Objection, Op, Recorded
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_WHY_BETA: Final = "trustFramework isn't in v1.0"
_POLICIES: Final = "/trustFramework/policies"


def _call(method: str, path: str, need: Permission) -> Call:
    return Call(method=method, service=Service.GRAPH_BETA, path=path, needs=(need,), why_beta=_WHY_BETA)


LIST_CUSTOM_POLICIES: Final = _call("GET", _POLICIES, Permission.POLICY_READ)
GET_CUSTOM_POLICY: Final = _call("GET", f"{_POLICIES}/{{custom_policy}}/$value", Permission.POLICY_READ)
UPLOAD_CUSTOM_POLICY: Final = _call(
    "PUT", f"{_POLICIES}/{{custom_policy}}/$value", Permission.POLICY_WRITE_TRUST_FRAMEWORK
)
DELETE_CUSTOM_POLICY: Final = _call("DELETE", f"{_POLICIES}/{{custom_policy}}", Permission.POLICY_WRITE_TRUST_FRAMEWORK)

DOCUMENT: Final = "document"
_BASE: Final = "base"
_UNREADABLE: Final = "unreadable"
_OPS: Final[Mapping[str, Op]] = {
    "create custom policy": Op.CREATE,
    "update custom policy": Op.UPDATE,
    "delete custom policy": Op.DELETE,
}
_DECLARED: Final = re.compile(r"""^\s*(<\?xml\b[^>]*?\bencoding\s*=\s*)(["'])[^"']*\2""")
_CONFLICT: Final = 409


def id_of(policy: Image) -> str:
    """Give a policy's id as Graph spells it: whether it finds a policy by another spelling isn't documented."""
    return str(policy["id"])


def _name_of(policy: Image) -> str:
    return str(policy["id"])


def leaves(policy: Image) -> dict[str, Json]:
    """Split a policy: its document by its digest, and the policy that it inherits from.

    A document that isn't safe to read is told apart from others by its text, and never written.
    """
    if reason := policy.get(_UNREADABLE):
        text = str(policy.get("xml") or reason)
        return {EXISTS: True, DOCUMENT: f"{_UNREADABLE} {_digest(text)}"}
    try:
        document = document_of(str(policy["xml"]))
    except ValueError:
        return {EXISTS: True, DOCUMENT: f"{_UNREADABLE} {_digest(str(policy['xml']))}"}
    found: dict[str, Json] = {EXISTS: True, DOCUMENT: _digest(document.canonical)}
    return found | ({_BASE: document.base.lower()} if document.base else {})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _same(_leaf: str, one: Json, other: Json) -> bool:
    return one == other


def _is_joint(leaf: str) -> bool:
    return leaf == EXISTS


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say what a record tells: that something was done, never what. Each change has two records."""
    return recorded_name(event, service="b2c", activities=_OPS, shape=ID_SHAPES["custom_policy"])


def _read(api: TenantApi, policy_id: str) -> Image | None:
    """Read a policy by an id that a record may spell otherwise: one that isn't found is looked for in the listing."""
    xml = api.text(GET_CUSTOM_POLICY, custom_policy=policy_id)
    if xml is None:
        spelled = next((each for each in _ids(api) if each != policy_id and each.lower() == policy_id.lower()), "")
        xml = api.text(GET_CUSTOM_POLICY, custom_policy=spelled) if spelled else None
    return None if xml is None else {"id": _own_spelling(policy_id, xml), "xml": xml}


def _own_spelling(policy_id: str, xml: str) -> str:
    """Spell an id as the document itself does, so that a policy is the same by whatever id it was read."""
    try:
        own = document_of(xml).id
    except ValueError:
        return policy_id
    return own if own.lower() == policy_id.lower() else policy_id


def _find(api: TenantApi, search: Search) -> Image | None:
    found = (_read(api, each) for each in search.ids)
    return next((each for each in found if each is not None), None)


def _lane(of: ObjectId, _id: str, _image: Image | None) -> str:
    """One lane a tenant: of which family a policy was isn't known when it is gone, and a family is decided together."""
    return f"{of.tenant_id}|{of.kind}"


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """The ids of all policies in lower case, None where they weren't read; who inherits, and of whom it isn't known."""

    ids: frozenset[str] | None = None
    children: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    because: str = ""


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    try:
        ids = _ids(api)
    except EdgeError as error:
        return Around(because=str(error))
    own = facts.object_id.lower()
    others = [each for each in ids if each.lower() != own] if not facts.target else []
    bases = {each: _base_of(api, each, of=own) for each in others}
    return Around(
        ids=frozenset(map(str.lower, ids)),
        children=tuple(each for each, base in bases.items() if base == own),
        unread=tuple(each for each, base in bases.items() if base is None),
    )


def _ids(api: TenantApi) -> list[str]:
    return [str(policy["id"]) for policy in api.list(LIST_CUSTOM_POLICIES)]


def _base_of(api: TenantApi, policy_id: str, *, of: str) -> str | None:
    """Give the id of the policy that one inherits from, "" for none or another than `of`; None where it isn't known.

    A document that isn't safe to read may still be searched for the name: it would keep every other one otherwise.
    """
    try:
        policy = _read(api, policy_id)
    except (EdgeError, BadIdentifier):
        return None
    xml = "" if policy is None else str(policy["xml"])
    try:
        return "" if policy is None else base_of(xml).lower()
    except ValueError:
        return None if of in unescape(xml).lower() else ""


def _objections(facts: GuardFacts) -> Objections:
    objection = _objection(facts, cast("Around", facts.around))
    return {} if objection is None else {WHOLE: objection}


def _objection(facts: GuardFacts, around: Around) -> Objection | None:
    if around.ids is None:
        because = f"which policies inherit from which could not be read: {around.because}"
        return Objection(guard="family-unread", because=because, can_pass=True)
    if not facts.target:
        return _inherited(around)
    if str(facts.target.get(DOCUMENT, "")).startswith(_UNREADABLE):
        because = "the document to restore isn't XML that is safe to read, so it is never uploaded"
        return Objection(guard="unreadable", because=because, can_pass=False)
    if DOCUMENT not in facts.target:
        because = "what it was before isn't known: no document is left that could be uploaded"
        return Objection(guard="source-missing", because=because, can_pass=True)
    base = facts.target.get(_BASE)
    if base and str(base) not in around.ids:
        because = f"the policy that it inherits from, {base}, isn't there"
        return Objection(guard="base-gone", because=because, can_pass=True)
    return None


def _inherited(around: Around) -> Objection | None:
    if around.children:
        because = f"other policies inherit from it: {', '.join(around.children)}"
        return Objection(guard="inherited-from", because=because, can_pass=True)
    if around.unread:
        because = f"whether these inherit from it could not be read: {', '.join(around.unread)}"
        return Objection(guard="inherited-from", because=because, can_pass=True)
    return None


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Carry out a write.

    Raises:
        Rejected: 409 SourceMissing where the version that has the document isn't at hand, so that nothing was sent;
            else as B2C refuses the document (400, with its reason: a base that is gone, a key that is missing).
        DoneAlready: somebody was faster and deleted it.
    """
    if write.op is Op.DELETE:
        policy_id = id_of(write.stands) if write.stands else write.object_id
        delete(api, DELETE_CUSTOM_POLICY, write.object_id, custom_policy=policy_id)
        return write.object_id
    source = write.source
    if source is None or leaves(source).get(DOCUMENT) != write.target.get(DOCUMENT):
        raise Rejected("the document to restore isn't in the version named", status=_CONFLICT, code="SourceMissing")
    api.upload(UPLOAD_CUSTOM_POLICY, xml=_as_utf8(str(source["xml"])), custom_policy=str(source["id"]))
    return write.object_id


def _as_utf8(xml: str) -> str:
    """Declare the encoding in which a document is sent, whatever it was stored in."""
    return _DECLARED.sub(r"\1\2utf-8\2", xml.removeprefix("\ufeff"), count=1)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    """Read every document. One that goes meanwhile is left out; one that can't be read is kept, with the reason."""
    read = (_read_one(api, each) for each in _ids(api))
    return {id_of(image).lower(): image for image in read if image is not None}


def _read_one(api: TenantApi, policy_id: str) -> Image | None:
    """Read a document; what makes one unreadable must not blind the whole listing."""
    try:
        policy = _read(api, policy_id)
    except BadIdentifier as error:
        return {"id": policy_id, "xml": "", _UNREADABLE: str(error)}
    except Rejected as error:
        if error.code != UNREADABLE_TEXT:
            raise
        return {"id": policy_id, "xml": "", _UNREADABLE: str(error)}
    return policy if policy is None else _with_flaw(policy)


def _with_flaw(policy: Image) -> Image:
    try:
        document_of(str(policy["xml"]))
    except ValueError as error:
        return {**policy, _UNREADABLE: str(error)}
    return policy


INVENTORY: Final = Inventory(
    kind=ObjectKind.CUSTOM_POLICY,
    tenant_kind=TenantKind.B2C,
    calls=(LIST_CUSTOM_POLICIES, GET_CUSTOM_POLICY),
    read=_read_all,
)

CUSTOM_POLICY: Final = Kind(
    kind=ObjectKind.CUSTOM_POLICY,
    title="custom policy",
    tenant_kind=TenantKind.B2C,
    rules=LeafRules(same=_same, is_joint=_is_joint),
    calls=(LIST_CUSTOM_POLICIES, GET_CUSTOM_POLICY, UPLOAD_CUSTOM_POLICY, DELETE_CUSTOM_POLICY),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_OPS),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=_lane,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    limits=(
        "A document that isn't XML that is safe to read is never uploaded. A policy that others inherit from "
        "isn't deleted while they do."
    ),
    undo="Upload the policy's XML from the version before, which the evidence container holds.",
    named_by_digest=frozenset({DOCUMENT}),
    read_probes=(
        ReadProbe(call=LIST_CUSTOM_POLICIES, kind=TenantKind.B2C),
        ReadProbe(
            call=GET_CUSTOM_POLICY,
            kind=TenantKind.B2C,
            ids=first_of(LIST_CUSTOM_POLICIES, "custom_policy"),
            is_listing=False,
        ),
    ),
)
