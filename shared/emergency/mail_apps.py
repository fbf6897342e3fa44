"""Which apps reach every mailbox of a tenant with nobody signed in: permissions to mail that were granted to them.

They are app roles of Microsoft Graph and of Exchange Online. Whoever grants one needs no mailbox and no person's
consent, so no inbox rule and no delegated consent shows it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.emergency import mailbox_findings as texts
from shared.emergency.entries import Finding
from shared.emergency.evidence import EvidenceBox, Part
from shared.emergency.runbook import StepContext
from shared.model.bilingual import Words
from shared.model.calls import Call
from shared.model.errors import EdgeError
from shared.model.kinds import Image

MAIL_APPS: Final = "apps with permissions to mail"
_GRAPH: Final = "00000003-0000-0000-c000-000000000000"
_RESOURCES: Final[Mapping[str, str]] = {
    _GRAPH: "Microsoft Graph",
    "00000002-0000-0ff1-ce00-000000000000": "Office 365 Exchange Online",
}
"""App ids, the same in every tenant. A tenant that never had Exchange Online has no service principal of it."""

_MAIL: Final = (
    "mail.",
    "mailbox",
    "ews.",
    "imap.",
    "pop.",
    "smtp.",
    "full_access_as_user",
    "full_access_as_app",
    "exchange.manageas",
)
_LONGEST_TEXT: Final = 200


def is_about_mail(permission: str) -> bool:
    """Whether a permission, delegated or an application's, lets somebody read, change, send or redirect mail."""
    return permission.lower().startswith(_MAIL)


class MailAppCalls(Struct, frozen=True, kw_only=True):
    """The calls that list service principals, and who has app roles of one."""

    service_principals: Call
    role_holders: Call


class MailApps(Struct, frozen=True, kw_only=True):
    """What one tenant's apps may do with mail. `new` are those that weren't there at the look before.

    `records` are what is kept among the evidence, None where they couldn't be read.
    """

    part: Part
    findings: tuple[Finding, ...]
    new: tuple[Finding, ...] = ()
    records: tuple[bytes, ...] | None = None


class _Granted(Struct, frozen=True, kw_only=True):
    """A permission of an app. `permission` is "" where the resource doesn't say what its id stands for."""

    app: str
    app_name: str
    role: str
    permission: str
    resource: str
    created: datetime | None
    image: Image

    @property
    def record(self) -> bytes:
        """What is kept: Graph's own words, with the name of what it only gives the id of."""
        return msgspec.json.encode(self.image | {"permission": self.permission}, order="deterministic")


def look_at_mail_apps(
    context: StepContext, box: EvidenceBox, api: TenantEdges, calls: MailAppCalls, why: Callable[[EdgeError], Words]
) -> MailApps:
    """Look once at a tenant. What was granted since the emergency was declared is wrong; the rest is listed.

    `why` says in words why something couldn't be read.
    """
    part = Part(source=MAIL_APPS, tenant=api.tenant.id)
    try:
        granted = _granted(context, api, calls)
    except EdgeError as error:
        unread = texts.APPS_UNREAD.found(tenant=api.tenant.name, because=why(error))
        return MailApps(part=part, findings=(unread,))
    if granted is None:
        unread = texts.APPS_UNREAD.found(tenant=api.tenant.name, because=texts.NO_GRAPH)
        return MailApps(part=part, findings=(unread,))
    known, since = box.lines(part), context.emergency.declared_at
    findings: list[Finding] = []
    new: list[Finding] = []
    for one in granted:
        is_since = one.created is not None and one.created >= since
        is_unseen = is_since if known is None else one.record not in known
        finding = _finding(one, api, is_suspect=is_since or is_unseen, is_new=is_unseen)
        findings.append(finding)
        new += [finding] if is_unseen else []
    if not granted:
        findings.append(texts.NO_APP.found(tenant=api.tenant.name))
    records = tuple(dict.fromkeys(one.record for one in granted))
    return MailApps(part=part, findings=tuple(findings), new=tuple(new), records=records)


def _finding(one: _Granted, api: TenantEdges, *, is_suspect: bool, is_new: bool) -> Finding:
    declared = texts.APP_NEW if is_suspect else texts.APP if one.permission else texts.APP_NOT_NAMED
    return declared.found(
        tenant=api.tenant.name,
        app=f"{one.app_name} ({one.app})" if one.app_name else one.app,
        permission=one.permission or one.role,
        resource=one.resource,
        at=f"{one.created:%Y-%m-%d %H:%M} UTC" if one.created else texts.UNKNOWN_TIME,
        is_new=is_new,
    )


def _granted(context: StepContext, api: TenantEdges, calls: MailAppCalls) -> list[_Granted] | None:
    """Read whom both resources gave a role about mail; None where Graph isn't found at all. Raises EdgeError."""
    resources = {app_id: _resources(api, calls, app_id) for app_id in _RESOURCES}
    if not resources[_GRAPH]:
        return None
    granted: list[_Granted] = []
    for app_id, found in resources.items():
        for resource in found:
            context.go_on()
            granted += _of_resource(api, calls, resource, _RESOURCES[app_id])
    return sorted(granted, key=lambda one: (one.app_name, one.app, one.permission))


def _resources(api: TenantEdges, calls: MailAppCalls, app_id: str) -> list[Image]:
    query = {"$filter": f"appId eq '{app_id}'", "$select": "id,appId,appRoles"}
    return api.list(calls.service_principals, query=query)


def _of_resource(api: TenantEdges, calls: MailAppCalls, resource: Image, name: str) -> Iterator[_Granted]:
    roles = {_text(role, "id"): _text(role, "value") for role in _images(resource.get("appRoles"))}
    for image in api.list(calls.role_holders, id=_text(resource, "id")):
        permission = roles.get(_text(image, "appRoleId"), "")
        if not permission or is_about_mail(permission):
            yield _read(image, permission, name)


def _read(image: Image, permission: str, resource: str) -> _Granted:
    return _Granted(
        app=_text(image, "principalId"),
        app_name=_text(image, "principalDisplayName"),
        role=_text(image, "appRoleId"),
        permission=permission,
        resource=resource,
        created=_instant(image.get("createdDateTime")),
        image=image,
    )


def _text(image: Image, name: str) -> str:
    return str(image.get(name) or "")[:_LONGEST_TEXT]


def _images(value: object) -> list[Image]:
    if not isinstance(value, list):
        return []
    return [cast("Image", each) for each in cast("list[object]", value) if isinstance(each, dict)]


def _instant(value: Any) -> datetime | None:  # noqa: ANN401 - a part of a record
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
