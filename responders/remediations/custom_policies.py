"""Azure AD B2C custom policies: delete a new one, put a changed one back, bring deleted ones back, parents first.

There is no bin for custom policies, and their audit records don't carry the document: all rests on the snapshots.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, cast

from responders.kinds.custom_policies import DELETE_CUSTOM_POLICY as _DELETE_CALL
from responders.kinds.custom_policies import GET_CUSTOM_POLICY, LIST_CUSTOM_POLICIES, UPLOAD_CUSTOM_POLICY
from responders.kinds.custom_policy_xml import document_of, is_same_document
from shared.model.calls import ID_SHAPES
from shared.model.errors import Rejected
from shared.model.events import Change, Target
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Already, Doubt, Guarded, Inventory, Known, Look, Plan, Put, Remediation, Situation
from shared.model.tenant_api import TenantApi

_GONE: Final = 404
_APPROVED_LATER: Final = "an approved change came after it"


def _policy_id(target: Target) -> str:
    """Take the policy's id from where the record has it: B2C records name some objects only by their display name."""
    names = (target.id, target.name)
    return next((name for name in names if ID_SHAPES["custom_policy"].fullmatch(name)), target.id)


def _look(edges: TenantApi, target: Target) -> Look:
    policy_id = _policy_id(target)
    xml = edges.text(GET_CUSTOM_POLICY, custom_policy=policy_id)
    return Look(current=None if xml is None else {"id": policy_id, "xml": xml})


def _objection(situation: Situation) -> Doubt | None:
    """Say what forbids writing over the policy. Records don't carry documents, so any approved change forbids it."""
    if situation.approved_later:
        return Doubt(because=_APPROVED_LATER)
    if not isinstance(situation.baseline, Known):
        return Doubt(because=f"it isn't known how the policy was before: {situation.baseline.because}")
    image = situation.baseline.image
    if image is not None and (flaw := _flaw(image["xml"])):
        return Doubt(because=f"the snapshot is never uploaded, because {flaw}")
    return None


def _flaw(xml: str) -> str:
    try:
        document_of(xml)
    except ValueError as error:
        return str(error)
    return ""


# Delete a policy that was created.


def _look_with_children(edges: TenantApi, target: Target) -> Look:
    """Read the policy and, while it exists, every other one: Graph's listing doesn't say who inherits from whom."""
    look = _look(edges, target)
    if look.current is None:
        return look
    own = _policy_id(target).lower()
    others = [each for each in _ids(edges) if each.lower() != own]
    documents = {each: edges.text(GET_CUSTOM_POLICY, custom_policy=each) for each in others}
    read = {each: _base(xml) for each, xml in documents.items() if xml is not None}
    children = [each for each, base in read.items() if base == own]
    return Look(current={**look.current, "children": children, "unread": [each for each in read if read[each] is None]})


def _ids(edges: TenantApi) -> list[str]:
    return [str(policy["id"]) for policy in edges.list(LIST_CUSTOM_POLICIES)]


def _base(xml: str) -> str | None:
    try:
        return document_of(xml).base.lower()
    except ValueError:
        return None


def _plan_deleting(situation: Situation) -> Plan:
    policy = situation.current
    if policy is None:
        return Already(because="the policy no longer exists")
    if objection := _objection(situation):
        return objection
    if isinstance(situation.baseline, Known) and situation.baseline.image is not None:
        return Doubt(because="the policy stood before, so this record's change didn't create it")
    if policy["children"]:
        return Doubt(because=f"other policies inherit from it: {', '.join(policy['children'])}")
    if policy["unread"]:
        return Doubt(because=f"whether these inherit from it could not be read: {', '.join(policy['unread'])}")
    return Put(
        summary=f'Delete the custom policy "{policy["id"]}"',
        image={"id": policy["id"]},
        changes=(Change(name="document", old=_digest(policy["xml"]), new=None),),
    )


def _delete(edges: TenantApi, _target: Target, put: Put) -> None:
    try:
        edges.send(_DELETE_CALL, custom_policy=put.image["id"])
    except Rejected as rejected:
        if rejected.status != _GONE:
            raise


DELETE_CUSTOM_POLICY: Final = Remediation(
    id="delete-custom-policy",
    title="Delete the new custom policy",
    undo="Upload the policy's XML from the case's before-image, which the evidence container holds.",
    kind=ObjectKind.CUSTOM_POLICY,
    destructive=True,
    calls=(GET_CUSTOM_POLICY, LIST_CUSTOM_POLICIES, _DELETE_CALL),
    needs_baseline=True,
    look=_look_with_children,
    plan=_plan_deleting,
    apply=_delete,
)


# Put a changed policy back.


def _plan_putting_back(situation: Situation) -> Plan:
    policy, baseline = situation.current, situation.baseline
    before = baseline.image if isinstance(baseline, Known) else None
    if policy is not None and before is not None and is_same_document(policy["xml"], before["xml"]):
        return Already(because="the policy's document is as it was before")
    if objection := _objection(situation):
        return objection
    if before is None:
        return Doubt(because="the policy was itself created without approval, so there is nothing to put back")
    if policy is None:
        return Doubt(because="the policy no longer exists; its deletion is a case of its own")
    return Put(
        summary=f'Put the document of the custom policy "{policy["id"]}" back as before',
        image={"uploads": [{"id": policy["id"], "xml": before["xml"]}]},
        changes=(Change(name="document", old=_digest(policy["xml"]), new=_digest(before["xml"])),),
    )


def _upload(edges: TenantApi, _target: Target, put: Put) -> None:
    for policy in cast("list[Image]", put.image["uploads"]):
        edges.upload(UPLOAD_CUSTOM_POLICY, xml=policy["xml"], custom_policy=policy["id"])


def _digest(xml: str) -> str:
    """Name a document that is too long for a card."""
    return f"{len(xml.splitlines())} lines, SHA-256 {hashlib.sha256(xml.encode()).hexdigest()[:16]}"


PUT_BACK_CUSTOM_POLICY: Final = Remediation(
    id="put-back-custom-policy",
    title="Put the custom policy's document back",
    undo="Upload the policy's XML from the case's before-image, which the evidence container holds.",
    kind=ObjectKind.CUSTOM_POLICY,
    destructive=False,
    calls=(GET_CUSTOM_POLICY, UPLOAD_CUSTOM_POLICY),
    needs_baseline=True,
    look=_look,
    plan=_plan_putting_back,
    apply=_upload,
)


# Bring a deleted policy back.


def _look_with_ids(edges: TenantApi, target: Target) -> Look:
    """Read the policy and the ids of all: a policy can only be uploaded when the one it inherits from is there."""
    policy_id = _policy_id(target)
    xml = edges.text(GET_CUSTOM_POLICY, custom_policy=policy_id)
    return Look(current={"id": policy_id, "xml": xml, "ids": _ids(edges)})


def _plan_restoring(situation: Situation) -> Plan:
    baseline, there = situation.baseline, situation.current or {}
    if isinstance(baseline, Known) and baseline.image is None:
        return Already(because="the policy did not exist before the unapproved changes")
    before = baseline.image if isinstance(baseline, Known) else None
    xml = cast("str | None", there.get("xml"))
    if xml is not None and before is not None and is_same_document(xml, before["xml"]):
        return Already(because="the policy exists and its document is as it was before")
    if (objection := _objection(situation)) or before is None:
        return objection or Doubt(because="it isn't known how the policy was before")
    if xml is not None:
        return Doubt(because="the policy exists again, with another document than before")
    uploads = _missing_parents(before, {str(each).lower() for each in there["ids"]})
    if isinstance(uploads, Doubt):
        return uploads
    return _plan_uploads([*uploads, before])


def _missing_parents(policy: Image, present: set[str]) -> list[Image] | Doubt:
    """Give the policies that must be uploaded before `policy`, outermost first; `present` are the ids in the tenant."""
    parents = {str(parent["id"]).lower(): parent for parent in cast("list[Image]", policy.get("parents", []))}
    missing: list[Image] = []
    needed = _base(policy["xml"])
    while needed and needed not in present:
        parent = parents.pop(needed, None)
        if parent is None:
            return Doubt(
                because=f"the policy that it inherits from, {needed}, is in neither the tenant nor the snapshot"
            )
        missing.insert(0, parent)
        needed = _base(parent["xml"])
    if needed is None:
        return Doubt(because="a policy that it inherits from can't be read safely, so it is never uploaded")
    return missing


def _plan_uploads(policies: list[Image]) -> Put:
    *parents, policy = [{"id": str(each["id"]), "xml": str(each["xml"])} for each in policies]
    after = f", after {', '.join(parent['id'] for parent in parents)}" if parents else ""
    return Put(
        summary=f'Upload the deleted custom policy "{policy["id"]}" again{after}',
        image={"uploads": [*parents, policy]},
        changes=tuple(Change(name=each["id"], old=None, new=_digest(each["xml"])) for each in (*parents, policy)),
    )


RESTORE_CUSTOM_POLICY: Final = Remediation(
    id="restore-custom-policy",
    title="Upload the deleted custom policy again",
    undo="Delete the policies that the case names; its before-image, in the evidence container, lists what stood then.",
    kind=ObjectKind.CUSTOM_POLICY,
    destructive=False,
    calls=(GET_CUSTOM_POLICY, LIST_CUSTOM_POLICIES, UPLOAD_CUSTOM_POLICY),
    needs_baseline=True,
    look=_look_with_ids,
    plan=_plan_restoring,
    apply=_upload,
)


def _read_all(edges: TenantApi) -> Mapping[str, Image]:
    """Read every document, each with those that it inherits from: a policy can be brought back from its image alone.

    One that is deleted between the listing and its own turn is left out. One that can't be read safely is kept, with
    the reason under "unreadable": it must not blind the whole snapshot.
    """
    read = {each: edges.text(GET_CUSTOM_POLICY, custom_policy=each) for each in _ids(edges)}
    documents = {each.lower(): {"id": each, "xml": xml} for each, xml in read.items() if xml is not None}
    return {policy_id: _with_parents(image, documents) for policy_id, image in documents.items()}


def _with_parents(image: Image, documents: Mapping[str, Image]) -> Image:
    if flaw := _flaw(image["xml"]):
        return {**image, "parents": [], "unreadable": flaw}
    parents: list[Image] = []
    seen = {str(image["id"]).lower()}
    base = _base(image["xml"])
    while base and base in documents and base not in seen:
        seen.add(base)
        parents.insert(0, documents[base])
        base = _base(documents[base]["xml"])
    return {**image, "parents": parents}


CUSTOM_POLICIES: Final = Inventory(
    kind=ObjectKind.CUSTOM_POLICY,
    tenant_kind=TenantKind.B2C,
    calls=(LIST_CUSTOM_POLICIES, GET_CUSTOM_POLICY),
    read=_read_all,
)

GUARDED: Final = Guarded(
    inventory=CUSTOM_POLICIES,
    remediations=(DELETE_CUSTOM_POLICY, PUT_BACK_CUSTOM_POLICY, RESTORE_CUSTOM_POLICY),
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
