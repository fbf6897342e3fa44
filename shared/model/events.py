"""Normalised records: what every later stage works on.

Values are `msgspec.Struct`s rather than dataclasses: they are made for every interesting record of a tenant and written
to storage as JSON, and a frozen Struct is ten times cheaper to make. Instants are aware and UTC.
"""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct

_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_LONGEST_NAME = 500
"""Many times the longest real name. Longer ones are cut, so that no record can make folding slow or fill its cache."""


def fold(text: str) -> str:
    """Bring a name to the one spelling it is compared in: NFKC, plain dashes, single spaces, trimmed, case-folded.

    Real records carry an en dash and a trailing space in "Update application \N{EN DASH} Certificates and secrets
    management ".
    """
    return _folded(text if len(text) <= _LONGEST_NAME else " ".join(text.split())[:_LONGEST_NAME])


def fold_whole(text: str) -> str:
    """Fold a text of any length, of which no part may be lost; takes time with its length, and keeps nothing."""
    cased = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_DASHES.sub("-", unicodedata.normalize("NFKC", cased)).split())


_folded = lru_cache(maxsize=4096)(fold_whole)


class Log(StrEnum):
    """Where a record was written."""

    AUDIT = "audit"
    SIGN_IN = "sign-in"
    RESOURCE = "resource"


class ActorKind(StrEnum):
    """What sort of principal acted, in Graph's own words."""

    USER = "user"
    SERVICE_PRINCIPAL = "servicePrincipal"
    UNKNOWN = "unknown"


class Actor(Struct, frozen=True, kw_only=True):
    """Who did it.

    `id` is the directory object id, "" when the record doesn't tell; `name` is a label that anybody can choose.
    """

    id: str = ""
    name: str = ""
    kind: ActorKind = ActorKind.UNKNOWN
    address: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One modified property.

    JSON strings are unwrapped, other JSON stays as text; None means the record had null or nothing.
    """

    name: str
    old: str | None = None
    new: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """What it was done to. `kind` is Graph's type word ("Policy", "User") or the ARM resource type.

    `upn` is a user's principal name, "" for anything else.
    """

    id: str = ""
    name: str = ""
    kind: str = ""
    changes: tuple[Change, ...] = ()
    upn: str = ""


class AuditEvent(Struct, frozen=True, kw_only=True, tag="audit"):
    """A directory audit record, whichever of its shapes it came in."""

    log: ClassVar[Log] = Log.AUDIT

    id: str
    tenant_id: str
    at: datetime
    activity: str
    category: str
    service: str
    outcome: str
    reason: str
    correlation_id: str
    actor: Actor
    targets: tuple[Target, ...] = ()
    details: dict[str, str] = {}

    @property
    def target(self) -> Target:
        """The first target, the object that the activity is about; an empty one where the record has none."""
        return self.targets[0] if self.targets else Target()


class Device(Struct, frozen=True, kw_only=True):
    """What somebody signed in with, where the directory knows it.

    `compliant` and `managed` are "true" or "false", "" where the record doesn't tell; `trust` is how it is joined, in
    the service's words ("Azure AD joined").
    """

    id: str = ""
    name: str = ""
    trust: str = ""
    compliant: str = ""
    managed: str = ""


class SignInEvent(Struct, frozen=True, kw_only=True, tag="sign-in"):
    """A sign-in record. `error_code` is text, "0" for success; `country` is "" when the record doesn't tell.

    `mfa_detail` is what the second factor came to, in the service's own words ("MFA denied; user declined ...").
    `requirement` says how many factors were asked for ("multiFactorAuthentication"), `crossing` how the account came
    from another tenant ("b2bCollaboration"). `interactive` is "false" where a program renewed by itself what somebody
    had signed in to, "true" where somebody did, "" where the record doesn't tell.
    """

    log: ClassVar[Log] = Log.SIGN_IN

    id: str
    tenant_id: str
    at: datetime
    correlation_id: str
    actor: Actor
    app_id: str
    app_name: str
    resource_name: str
    error_code: str
    failure_reason: str
    country: str
    client_app: str
    authentication_protocol: str
    conditional_access: str
    browser: str = ""
    operating_system: str = ""
    mfa_detail: str = ""
    requirement: str = ""
    user_agent: str = ""
    device: Device = Device()
    risk_state: str = ""
    risk_level: str = ""
    crossing: str = ""
    home_tenant_id: str = ""
    resource_tenant_id: str = ""
    interactive: str = ""

    @property
    def target(self) -> Target:
        """The application signed in to; the properties of the sign-in stand where other events have their changes."""
        properties = (
            ("result", f"{self.error_code} {self.failure_reason}".strip() if self.error_code != "0" else "success"),
            ("second factor", self.mfa_detail),
            ("conditional access", self.conditional_access),
            ("resource", self.resource_name),
            ("country", self.country),
            ("client", self.client_app),
            ("browser", self.browser),
            ("operating system", self.operating_system),
        )
        changes = tuple(Change(name=name, new=text) for name, text in properties if text)
        return Target(id=self.app_id, name=self.app_name, kind="Application", changes=changes)


class ResourceEvent(Struct, frozen=True, kw_only=True, tag="resource"):
    """A change of an Azure resource, from Event Grid or the Activity Log.

    `outcome` "started" is an operation's beginning, which is logged apart from its end; `request_body` is "" where the
    source has none.
    """

    log: ClassVar[Log] = Log.RESOURCE

    id: str
    tenant_id: str
    subscription_id: str
    at: datetime
    operation: str
    outcome: str
    correlation_id: str
    actor: Actor
    resource_id: str
    request_body: str = ""

    @property
    def target(self) -> Target:
        """The resource, named by its ARM id in lower case (they don't distinguish case, and their spelling varies)."""
        kind = self.operation.rpartition("/")[0]
        return Target(id=self.resource_id.lower(), name=self.resource_id.rpartition("/")[2], kind=kind)


class CountEvent(Struct, frozen=True, kw_only=True, tag="count"):
    """Records of one log that together are too many. Made by counting, never read from a log.

    `id` and `correlation_id` name what was counted and its clock hour: however often it is counted again, and by
    whichever of the ways of counting, it is one case. `at` is the instant of the latest record; `target` is whom or
    what they are of, and its changes tell the figures; `records` are ids of some of them.
    """

    id: str
    log: Log
    tenant_id: str
    at: datetime
    correlation_id: str
    target: Target
    actor: Actor = Actor()
    records: tuple[str, ...] = ()


type Event = AuditEvent | SignInEvent | ResourceEvent | CountEvent
