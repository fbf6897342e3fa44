"""What a detection is: what to look for, why, who may do it, and what to do when somebody else did.

The content is in `responders`.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from shared.model.calls import Permission
from shared.model.conditions import Condition, Text, fields_of
from shared.model.events import Log
from shared.model.kinds import ApprovalList, Image, Risk
from shared.model.remediations import Remediation


class Answer(StrEnum):
    """What is done about a match that isn't put back. Putting back needs a remediation: see `Detection.puts_back`."""

    RECORD = "record"
    PAGE = "page"


class Burst(Struct, frozen=True, kw_only=True):
    """Many records in a short time: `at_least` of them in some `within`, which is whole minutes.

    They are counted apart by each value of `by`, or together where it is None; where `distinct` is set, its different
    values are counted instead of the records. Records in which `by` or `distinct` is "" don't count. `at_least` can be
    set otherwise by the operator (`thresholds` of the tenant profile).
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


class Technique(Struct, frozen=True, kw_only=True):
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


class Detection[E](Struct, frozen=True, kw_only=True):
    """What to look for, why, who may do it and what to do when somebody else did.

    `seed_row` is the row of Microsoft's guide, or a part of one (`consumer-accounts/2/deleted`); `also` are rows that
    ask for the same event, which is then graded by the highest of their risks. `deviates` says where and why the
    declaration differs from the guide's print. `unless_actor_in` is None where the detection applies whoever did it.
    With a `remediation` the change of an unapproved actor is put back, and `answer` is what is done in doubt.
    `contains` says that in mode enforce, set for it by name, the account behind it is restrained unasked.
    `first_step` is what a person does first where undoing the change by hand isn't it.
    `counted` raises one case for many records together, `after` only for a record that follows another. `one_case_by`
    are fields by whose values the records of a clock hour are one case, where each being one would page all night; else
    they are one case by their correlation id and target.
    `techniques` are what an attacker does by it, `reference` the https address of the page that documents it.
    `hits` and `misses` are raw records: the first must match this detection and no other, the second must not.

    Raises:
        ValueError: it has a remediation, but no approval list or no page for the cases of doubt; or it contains, and is
            of no high risk or has no approval list; or its reference is no https address.
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
    contains: bool = False
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
        if self.contains and (self.unless_actor_in is None or self.risk is not Risk.HIGH):
            raise ValueError(f"{self.id} contains, so it needs risk high and the list of those who may")
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
