"""The vocabulary of declarations: what a detection, a remediation and an inventory are.

The content is in `responders`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.conditions import Condition, Text, fields_of
from shared.model.events import Actor, Change, Log, Target

if TYPE_CHECKING:
    from shared.clients.api import TenantEdges


class Risk(StrEnum):
    """The guide's own grading."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ApprovalList(StrEnum):
    """Lists of approved actors: the partition keys of table `ApprovedActors`."""

    CONDITIONAL_ACCESS = "conditional-access"
    B2C_CUSTOM_POLICIES = "b2c-custom-policies"
    RBAC_ROLES = "rbac-roles"
    CONSUMER_ACCOUNTS = "consumer-accounts"
    APP_REGISTRATIONS = "app-registrations"
    APP_PERMISSIONS = "app-permissions"
    DIRECTORY_ROLES = "directory-roles"
    B2C_USER_FLOWS = "b2c-user-flows"
    B2C_API_CONNECTORS = "b2c-api-connectors"
    B2C_POLICY_KEYS = "b2c-policy-keys"
    IDENTITY_PROVIDERS = "identity-providers"
    TENANT_SETTINGS = "tenant-settings"
    PIM_SETTINGS = "pim-settings"
    MONITORING = "monitoring"


class Answer(StrEnum):
    """What is done about a match that isn't put back. Putting back needs a remediation: see `Detection.puts_back`."""

    RECORD = "record"
    PAGE = "page"


class Mode(StrEnum):
    """How far a detection may go. `observe` records what would have been done and is the default."""

    OBSERVE = "observe"
    PAGE = "page"
    ENFORCE = "enforce"


class ObjectKind(StrEnum):
    """Kinds of object that snapshots are taken of and remediations act on."""

    CA_POLICY = "ca-policy"
    CUSTOM_POLICY = "custom-policy"
    ROLE_ASSIGNMENT = "role-assignment"


type Json = dict[str, Any] | list[Any] | str | int | float | bool | None
"""Anything that JSON can say."""

type Image = dict[str, Any]
"""An object as its API gave it, kept whole; a custom policy is {"id", "xml"}."""


class Known(Struct, frozen=True, kw_only=True, tag="known"):
    """How an object stood at an instant; `image` is None when it is known not to have existed."""

    image: Image | None
    captured_at: datetime


class Unknown(Struct, frozen=True, kw_only=True, tag="unknown"):
    """It couldn't be told how the object stood, and why."""

    because: str


type Baseline = Known | Unknown


class EarlierCase(Struct, frozen=True, kw_only=True):
    """What a remediation needs to know of another case on the same object."""

    id: str
    detection: str
    at: datetime
    actor: Actor
    approved: bool
    changes: tuple[Change, ...] = ()


class Situation(Struct, frozen=True, kw_only=True):
    """Everything read before a remediation is planned; planning itself reads nothing.

    `run` are the changes by actors who aren't approved that led to the present state, this case's included, oldest
    first; `approved_later` are approved changes of the same object after this one. `baseline` is the object before the
    first of `run`. `touches` are ids of the principals that putting it back would take something from; `last_holder` is
    True when one of them is the last to hold what it would lose, None when that couldn't be told.
    """

    at: datetime
    actor: Actor
    target: Target
    current: Image | None
    baseline: Baseline
    run: tuple[EarlierCase, ...]
    approved_later: tuple[EarlierCase, ...] = ()
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


class Already(Struct, frozen=True, kw_only=True, tag="already"):
    """Nothing to put back: the object stands as it should."""

    because: str


class Doubt(Struct, frozen=True, kw_only=True, tag="doubt"):
    """It can't be told what would be right, or the responder may not do it, so people are paged instead.

    `by_hand` is the command by which a person does it, "" where there is none to tell.
    """

    because: str
    by_hand: str = ""


class Put(Struct, frozen=True, kw_only=True, tag="put"):
    """What would be done, in words and as data: `image` goes to the remediation's `apply`, `changes` to the people.

    `touches` are ids of principals that would lose something which only planning can tell, beside those of `Situation`:
    a conditional access policy would reach them again, say, because their exclusion goes.
    """

    summary: str
    image: Image
    changes: tuple[Change, ...] = ()
    touches: frozenset[str] = frozenset()


type Plan = Already | Doubt | Put


class Look(Struct, frozen=True, kw_only=True):
    """What a remediation reads of the tenant. Fields as in `Situation`."""

    current: Image | None
    touches: frozenset[str] = frozenset()
    last_holder: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """How one kind of unapproved change is put back.

    `look` reads, `plan` is pure, `apply` writes; success is a second look whose plan is `Already`. `calls` are all the
    requests that `look` and `apply` may make. `needs_baseline` says that a snapshot is read before planning.
    """

    id: str
    title: str
    undo: str
    kind: ObjectKind
    destructive: bool
    calls: tuple[Call, ...]
    needs_baseline: bool
    look: "Callable[[TenantEdges, Target], Look]"
    plan: Callable[[Situation], Plan]
    apply: "Callable[[TenantEdges, Target, Put], None]"

    @property
    def needs(self) -> tuple[Permission, ...]:
        """The union of the calls' permissions, in the order of `Permission`."""
        return union_of_needs(self.calls)


def union_of_needs(calls: tuple[Call, ...]) -> tuple[Permission, ...]:
    """Give each permission that one of `calls` needs, once, in the order of `Permission`."""
    needed = {permission for call in calls for permission in call.needs}
    return tuple(permission for permission in Permission if permission in needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A kind of object that is snapshotted, so that what was deleted or overwritten can be put back.

    `read` lists every object of the tenant by id, whole, or raises an EdgeError: an incomplete listing is never
    returned.
    """

    kind: ObjectKind
    tenant_kind: "TenantKind"
    calls: tuple[Call, ...]
    read: "Callable[[TenantEdges], Mapping[str, Image]]"


class TenantKind(StrEnum):
    """The two kinds of tenant that are guarded."""

    WORKFORCE = "workforce"
    B2C = "b2c"


class Burst(Struct, frozen=True, kw_only=True):
    """Many records in a short time: `at_least` of them in some `within`, which is whole minutes.

    They are counted apart by each value of `by`, or together where it is None; where `distinct` is set, its different
    values are counted instead of the records. Records in which `by` or `distinct` is "" don't count. `at_least` can be
    set otherwise by the operator (vocabulary, `thresholds`).
    """

    at_least: int
    within: timedelta
    by: Text[Any] | None = None
    distinct: Text[Any] | None = None


class Rise(Struct, frozen=True, kw_only=True):
    """More records of a tenant in a clock hour than in the same hour of the weeks before.

    More than `percent` above their mean, and at least `floor` (so that two after one is no rise). Of the `weeks`
    before, those count in which records were counted already, and there must be `least_weeks` of them.
    """

    percent: int = 10
    floor: int = 50
    weeks: int = 4
    least_weeks: int = 2


type Counted = Burst | Rise


class After[E](Struct, frozen=True, kw_only=True):
    """A sequence: a record counts only as step B, after a step A.

    Step A is a record that meets `step_a` and has the same value of `by`, at most `window` before step B.
    """

    step_a: Condition[E]
    by: Text[E]
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A technique of MITRE ATT&CK (Enterprise) by its number, "T1098" or "T1098.003", and its name, "" if not known.

    Raises:
        ValueError: the number isn't one.
    """

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"T\d{4}(\.\d{3})?", self.id, re.ASCII):
            raise ValueError(f"{self.id!r} is no technique of ATT&CK: those look like T1098 or T1098.003")

    @property
    def url(self) -> str:
        """Where MITRE describes it."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"

    def __str__(self) -> str:
        return f"{self.id} {self.name}".strip()


def is_reference(address: str) -> bool:
    """Say whether a detection may refer to this address: https, without spaces or quotes, of 250 characters at most."""
    return re.fullmatch(r"https://[\w.~:/?#@!$&()*+,;=%-]{1,242}", address, re.ASCII) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection[E]:
    """What to look for, why, who may do it and what to do when somebody else did.

    `seed_row` is the row of Microsoft's guide, or a part of one (`consumer-accounts/2/deleted`); `also` are rows that
    ask for the same event, which is then graded by the highest of their risks. `deviates` says where and why the
    declaration differs from the guide's print. `unless_actor_in` is None where the detection applies whoever did it.
    With a `remediation` the change of an unapproved actor is put back, and `answer` is what is done in doubt.
    `first_step` is what a person does first where undoing the change by hand isn't it.
    `counted` raises one case for many records together, `after` only for a record that follows another. `one_case_by`
    are fields by whose values the records of a clock hour are one case, where each being one would page all night; else
    they are one case by their correlation id and target.
    `techniques` are what an attacker does by it, `reference` the https address of the page that documents it.
    `hits` and `misses` are raw records: the first must match this detection and no other, the second must not.

    Raises:
        ValueError: it has a remediation, but no approval list or no page for the cases of doubt; or its reference is no
            https address.
    """

    id: str
    seed_row: str
    title: str
    why: str
    risk: Risk
    log: Log
    when: Condition[E]
    unless_actor_in: ApprovalList | None
    answer: Answer
    remediation: Remediation | None = None
    counted: Counted | None = None
    after: After[E] | None = None
    one_case_by: tuple[Text[E], ...] = ()
    also: tuple[str, ...] = ()
    first_step: str = ""
    deviates: str = ""
    techniques: tuple[Technique, ...] = ()
    reference: str = ""
    hits: tuple[Image, ...] = ()
    misses: tuple[Image, ...] = ()

    def __post_init__(self) -> None:
        if self.remediation and self.unless_actor_in is None:
            raise ValueError(f"{self.id} has a remediation, so it needs the list of those who may (unless_actor_in)")
        if self.remediation and self.answer is not Answer.PAGE:
            raise ValueError(f"{self.id} has a remediation, so its answer is page: in doubt the owners are paged")
        if self.reference and not is_reference(self.reference):
            raise ValueError(f"{self.id} has the reference {self.reference!r}, which is no https address")

    @property
    def puts_back(self) -> bool:
        """Whether the change of an unapproved actor is put back, in mode enforce."""
        return self.remediation is not None

    @property
    def needs(self) -> tuple[Permission, ...]:
        """What its remediation needs; reading the log itself is needed by the poll, not by a detection."""
        return self.remediation.needs if self.remediation else ()

    @property
    def required_profile_keys(self) -> tuple[str, ...]:
        """Names of the fields of `TenantProfile` that it needs, sorted."""
        fields = fields_of(self.when) | frozenset(self.one_case_by)
        if self.after:
            fields |= fields_of(self.after.step_a) | {self.after.by}
        keys = {key for field in fields for key in field.required_keys}
        return tuple(sorted(keys | {"thresholds"} if self.counted else keys))


type AnyDetection = Detection[Any]


class Match(Struct, frozen=True, kw_only=True):
    """An event that meets a detection."""

    detection: str
    event: Any
