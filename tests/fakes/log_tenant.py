"""Logs, users, mailboxes and consents of a tenant, as Graph and Azure Resource Manager answer for them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.clients.answers import Answer
from shared.clients.api import TenantEdges
from shared.model.calls import Service
from shared.model.kinds import Image, TenantKind
from shared.model.settings import Tenant
from tests.fakes.clock import NOW
from tests.fakes.tenant import RESPONDER_ID, SUBSCRIPTION, TENANT_ID, Unpaced, answer_of

_BOUND: Final = re.compile(r"(?:activityDateTime|createdDateTime|eventTimestamp) (ge|le) '?([^' ]+)'?")
_ABOUT: Final = re.compile(
    r"(userId|servicePrincipalId|initiatedBy/user/id|initiatedBy/app/(?:appId|displayName)) eq '([^']+)'"
)
_GRAPH: Final[Image] = {
    "id": "5e000003-0000-4000-8000-000000000003",
    "appId": "00000003-0000-0000-c000-000000000000",
    "appRoles": [],
}
_TYPES: Final = re.compile(r"t eq '(\w+)'")


def error(status: int, code: str = "someCode", message: str = "words", **headers: str) -> Answer:
    """Give an answer that refuses."""
    body = {"error": {"code": code, "message": message}}
    return Answer(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=msgspec.json.encode(body),
    )


@dataclass(slots=True, kw_only=True)
class LogTenant:
    """`spoil` is asked with the path of each request and may answer, or raise, instead of the tenant.

    `spoil_by_filter` is asked with the path and the filter.

    `page` is how many records a page has. `asked` has each request's path and filter.
    """

    kind: TenantKind = TenantKind.WORKFORCE
    id: str = TENANT_ID
    audits: list[Image] = field(default_factory=list[Image])
    sign_ins: list[Image] = field(default_factory=list[Image])
    activity: list[Image] = field(default_factory=list[Image])
    users: dict[str, Image] = field(default_factory=dict[str, Image])
    services: dict[str, Image] = field(default_factory=dict[str, Image])
    rules: dict[str, list[Image]] = field(default_factory=dict[str, list[Image]])
    """Inbox rules by the object id of each user who has a mailbox."""
    replies: dict[str, Image] = field(default_factory=dict[str, Image])
    grants: list[Image] = field(default_factory=list[Image])
    resources: list[Image] = field(default_factory=lambda: [dict(_GRAPH)])
    """Service principals that have app roles, found by their app ids."""
    held: dict[str, list[Image]] = field(default_factory=dict[str, list[Image]])
    """Who has an app role of each, by its object id."""
    page: int = 2
    spoil: Callable[[str], Answer | None] = lambda _path: None
    spoil_by_filter: Callable[[str, str], Answer | None] = lambda _path, _filter: None
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def edges(self, *, wait: Callable[[float], None] = lambda _seconds: None) -> TenantEdges:
        """Give the tenant's APIs."""
        tenant = Tenant(
            kind=self.kind,
            id=self.id,
            responder_id=RESPONDER_ID,
            client_id="",
            subscriptions=frozenset({SUBSCRIPTION}) if self.kind is TenantKind.WORKFORCE else frozenset(),
        )
        return TenantEdges(tenant=tenant, transports=dict.fromkeys(Service, self), pacer=Unpaced(), wait=wait)

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Answer one request."""
        del body, content_type
        assert method == "GET", "an emergency's collectors only read"
        path, _, link = url.partition("?skip=")
        text = query.get("$filter", "")
        self.asked.append((path, text))
        spoilt = self.spoil(url) or self.spoil_by_filter(path, text)
        if spoilt is not None:
            return spoilt
        start, link_text = (int(link.split("&", 1)[0]), link.split("&", 1)[1]) if link else (0, text)
        return self._answered(path, link_text, start)

    def _answered(self, path: str, text: str, start: int) -> Answer:
        if path.endswith("/directoryAudits"):
            return self._page(path, self._logged(self.audits, "activityDateTime", text), text, start)
        if path.endswith("/signIns"):
            return self._page(path, self._logged(self.sign_ins, "createdDateTime", text), text, start)
        if path.endswith("/eventtypes/management/values"):
            return self._page(path, self._logged(self.activity, "eventTimestamp", text), text, start)
        if path == "/oauth2PermissionGrants":
            return self._page(path, self.grants, text, start)
        if path.startswith("/servicePrincipals"):
            return self._service_principals(path, text, start)
        if found := re.fullmatch(r"/users/([^/]+)(?:/(mailFolders/inbox/messageRules|mailboxSettings))?", path):
            return self._mailbox(found[1], found[2]) if found[2] else _one(self.users, found[1])
        raise AssertionError(f"nobody answers {path}")

    def _service_principals(self, path: str, text: str, start: int) -> Answer:
        each, _, what = path.removeprefix("/servicePrincipals").removeprefix("/").partition("/")
        if not each:
            return self._page(path, [one for one in self.resources if f"'{one['appId']}'" in text], text, start)
        return self._page(path, self.held.get(each, []), text, start) if what else _one(self.services, each)

    def _mailbox(self, user: str, what: str) -> Answer:
        if user not in self.users:
            return error(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        if user not in self.rules:
            message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            return error(404, "MailboxNotEnabledForRESTAPI", message)
        if what == "mailboxSettings":
            return answer_of({"automaticRepliesSetting": self.replies.get(user, {"status": "disabled"})})
        return answer_of({"value": self.rules[user]})

    def _page(self, path: str, records: list[Image], text: str, start: int) -> Answer:
        page: dict[str, Any] = {"value": records[start : start + self.page]}
        if records[start + self.page :]:
            page["@odata.nextLink"] = f"{path}?skip={start + self.page}&{text}"
        return answer_of(page)

    def _logged(self, records: list[Image], time: str, text: str) -> list[Image]:
        bounds = {sign: datetime.fromisoformat(at) for sign, at in _BOUND.findall(text)}
        assert bounds.keys() == {"ge", "le"}, text
        types = set(_TYPES.findall(text)) or {"interactiveUser"}
        about = _ABOUT.findall(text)
        return [
            record
            for record in records
            if bounds["ge"] <= datetime.fromisoformat(record[time]) <= bounds["le"]
            and (time != "createdDateTime" or types & set(record["signInEventTypes"]))
            and all(_value(record, name) == value for name, value in about)
        ]


def _one(known: dict[str, Image], key: str) -> Answer:
    image = known.get(key)
    return error(404, "Request_ResourceNotFound") if image is None else answer_of(image)


def _value(record: Image, name: str) -> Any:  # noqa: ANN401 - a part of a record
    *parents, last = name.split("/")
    found = record
    for part in parents:
        inner: Image | None = found.get(part)
        found = inner or {}
    return found.get(last)


def audit(number: int, *, actor: str = "", minutes_ago: float = 30, activity: str = "Update user") -> Image:
    """Make an audit record of a user's action, so long before `NOW`."""
    at = NOW - timedelta(minutes=minutes_ago)
    return {
        "id": f"Directory_{number}",
        "activityDisplayName": activity,
        "activityDateTime": at.isoformat(),
        "result": "success",
        "initiatedBy": {"user": {"id": actor, "ipAddress": "198.51.100.66"} if actor else None, "app": None},
    }


def sign_in(number: int, *, user: str = "", minutes_ago: float = 30, **changes: object) -> Image:
    """Make a sign-in of a user, so long before `NOW`."""
    at = NOW - timedelta(minutes=minutes_ago)
    return {
        "id": f"sign-in-{number}",
        "createdDateTime": at.isoformat(),
        "userId": user,
        "signInEventTypes": ["interactiveUser"],
        "ipAddress": "203.0.113.10",
        "appDisplayName": "Azure Portal",
        "location": {"countryOrRegion": "IE"},
        "status": {"errorCode": 0},
        **changes,
    }


def activity(number: int, *, minutes_ago: float = 30) -> Image:
    """Make a record of the Activity Log, so long before `NOW`."""
    at = NOW - timedelta(minutes=minutes_ago)
    return {"eventDataId": str(number), "eventTimestamp": at.isoformat(), "operationName": {"value": "write"}}
