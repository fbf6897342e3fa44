"""What a person can ask of a case or an object, and the plan that he is shown before it is done."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.model.cases import Case
from shared.model.errors import Rejected
from shared.model.kinds import Json
from shared.model.objects import ObjectId, Objection, Op

LEAST_DIGEST: Final = 12
"""Characters of a digest that name a plan."""


class Verb(StrEnum):
    """What a person can do about a case or an object, in his words."""

    UNDO = "undo"
    ACCEPT = "accept"
    DENY = "deny"
    LEAVE = "leave"
    RESTORE = "restore"
    REVOKE = "revoke"
    PUT_BACK = "put-back"
    """What a case is about and wasn't put back unasked is put back now; nothing is held for later."""


class Asking(Struct, frozen=True, kw_only=True):
    """What is asked: of a case, or of an object with an instant.

    `to` is the instant whose version is restored. For a stolen account, `actor` is its id in lower case, and `since`
    the instant from which on somebody else used it.
    """

    verb: Verb
    id: ObjectId
    case: Case | None = None
    to: datetime | None = None
    actor: str = ""
    since: datetime | None = None


class Row(Struct, frozen=True, kw_only=True):
    """A leaf in a plan: what stands, what will stand, and what a person should know of it."""

    leaf: str
    stands: Json
    will_be: Json
    note: str = ""


class ActPlan(Struct, frozen=True, kw_only=True):
    """What an act would do to an object.

    `op` is what is written at first, None where nothing is. `objections` are the guards' by leaf or `WHOLE`: what they
    object to waits. `stays` says what of a stolen account's work isn't taken back, and why; `withdrawn` how often it
    had accepted the object, which counts no more. `cannot` says what doesn't come back. `nothing` says why there is
    nothing to do, `is_done` that it is done already. `changes` are those that it is about. `digest` names all of it.
    """

    asking: Asking
    name: str
    tenants_id: str
    rows: tuple[Row, ...]
    op: Op | None = None
    objections: Mapping[str, Objection] = {}
    stays: Mapping[str, str] = {}
    withdrawn: int = 0
    cannot: tuple[str, ...] = ()
    nothing: str = ""
    is_done: bool = False
    changes: tuple[str, ...] = ()
    digest: str = ""


def asking_of(case: Case, verb: Verb) -> Asking:
    """Say what is asked of a case. Raises Rejected where the case is about no guarded object."""
    if case.object_kind is None or not case.object_key:
        raise Rejected(f"case {case.id} is about nothing that the app puts back, so there is nothing to {verb}")
    return Asking(
        verb=verb,
        id=ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key),
        case=case,
    )


def is_named(plan_digest: str, given: str) -> bool:
    """Whether what a person gives names a plan."""
    return len(given) >= LEAST_DIGEST and plan_digest.startswith(given.lower())
