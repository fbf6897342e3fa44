"""Events: normalised records, which every later stage works on. Instants are aware and UTC.

They are `msgspec.Struct`s rather than dataclasses, because many are made and stored as JSON, and a frozen Struct is
made ten times faster.
"""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Final

from msgspec import Struct

_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_LONGEST_NAME = 500
"""Characters; longer names are cut, so that no record can make folding slow or fill its cache."""


def fold(text: str) -> str:
    """Normalise a name for comparison: NFKC, plain dashes, single spaces, trimmed, case-folded.

    Real records have, for example, an en dash and a trailing space in "Update application \N{EN DASH} Certificates and
    secrets management ".
    """
    return _folded(text if len(text) <= _LONGEST_NAME else " ".join(text.split())[:_LONGEST_NAME])


def fold_whole(text: str) -> str:
    """Fold a whole text of any length, without the cache; for values that must not be cut."""
    cased = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_DASHES.sub("-", unicodedata.normalize("NFKC", cased)).split())


_folded = lru_cache(maxsize=4096)(fold_whole)


class Log(StrEnum):
    """The log that a record is from."""

    AUDIT = "audit"
    SIGN_IN = "sign-in"
    RESOURCE = "resource"


_WRONG_PASSWORD: Final = frozenset({"50126", "50053"})
"""A wrong name or password, and an account that was locked for many of them, or an address that is known for it.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes. A policy that blocks (53003) or a
second factor that is asked for comes after the right password.
"""


class ActorKind(StrEnum):
    """The kind of principal that acted, as Graph names it."""

    USER = "user"
    SERVICE_PRINCIPAL = "servicePrincipal"
    UNKNOWN = "unknown"


class Actor(Struct, frozen=True, kw_only=True):
    """Who did it.

    `id` is the directory object id, "" when the record has none. `name` is only for people: anybody can choose it.
    """

    id: str = ""
    name: str = ""
    kind: ActorKind = ActorKind.UNKNOWN
    address: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One modified property: its old and new value as text, None where the record has null or no value.

    A JSON string is given as its content, other JSON as it is written.
    """

    name: str
    old: str | None = None
    new: str | None = None


class Target(Struct, frozen=True, kw_only=True):
    """The object it was done to. `kind` is Graph's type ("Policy", "User") or the ARM resource type.

    `upn` is the user principal name of a user, "" for other objects.
    """

    id: str = ""
    name: str = ""
    kind: str = ""
    changes: tuple[Change, ...] = ()
    upn: str = ""


class AuditEvent(Struct, frozen=True, kw_only=True, tag="audit"):
    """A record of the directory's audit log."""

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
        """The first target, which is the object that the activity is about; an empty one where there is none."""
        return self.targets[0] if self.targets else Target()


class Device(Struct, frozen=True, kw_only=True):
    """The device of a sign-in, as far as the directory knows it.

    `compliant` and `managed` are "true", "false", or "" where the record doesn't say. `trust` says how the device is
    joined, in the service's words ("Azure AD joined").
    """

    id: str = ""
    name: str = ""
    trust: str = ""
    compliant: str = ""
    managed: str = ""


class SignInEvent(Struct, frozen=True, kw_only=True, tag="sign-in"):
    """A sign-in record. `error_code` is text, "0" for success; `country`, `city` are "" when the record has none.

    `mfa_detail` is the result of the second factor, in the service's words ("MFA denied; user declined ...").
    `requirement` says which factors were required ("multiFactorAuthentication"), `crossing` how an account of another
    tenant signed in ("b2bCollaboration"). `interactive` is "true" when a person signed in, "false" when a program
    renewed a sign-in, "" where the record doesn't say. `risk_events` are the risk detections that Identity Protection
    ties to it ("unfamiliarFeatures"): at once, or hours later in the same record.
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
    risk_events: tuple[str, ...] = ()
    city: str = ""

    @property
    def is_wrong_password(self) -> bool:
        """Whether nothing more is known of whoever tried than that the account's name is."""
        return self.error_code in _WRONG_PASSWORD

    @property
    def target(self) -> Target:
        """The application that was signed in to; its `changes` are the properties of the sign-in."""
        properties = (
            ("result", f"{self.error_code} {self.failure_reason}".strip() if self.error_code != "0" else "success"),
            ("second factor", self.mfa_detail),
            ("conditional access", self.conditional_access),
            ("resource", self.resource_name),
            ("country", self.country),
            ("city", self.city),
            ("client", self.client_app),
            ("browser", self.browser),
            ("operating system", self.operating_system),
        )
        changes = tuple(Change(name=name, new=text) for name, text in properties if text)
        return Target(id=self.app_id, name=self.app_name, kind="Application", changes=changes)


class ResourceEvent(Struct, frozen=True, kw_only=True, tag="resource"):
    """A change of an Azure resource, from Event Grid or the Activity Log.

    `outcome` is "started" for the beginning of an operation, which is logged separately from its end. `request_body` is
    "" where the source has none. `is_delivered` says that Event Grid told it, not the log itself.
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
    is_delivered: bool = False

    @property
    def target(self) -> Target:
        """The resource. Its id is the ARM id in lower case: ARM ids ignore case, and their spelling varies."""
        kind = self.operation.rpartition("/")[0]
        return Target(id=self.resource_id.lower(), name=self.resource_id.rpartition("/")[2], kind=kind)


class CountEvent(Struct, frozen=True, kw_only=True, tag="count"):
    """A count of records that is over its threshold. It is made by counting, never read from a log.

    `id` and `correlation_id` consist of what was counted and its clock hour, so counting again makes no second case.
    `at` is the time of the latest record. `target` is the account, address or tenant that was counted; its changes are
    the figures. `records` are the ids of some of the records.
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
