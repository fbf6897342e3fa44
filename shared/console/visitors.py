"""Who visits the console: signed in by the platform, and let in by what this app itself knows.

Who may act is on the list of operators that operators signed; where none was founded, whoever is assigned to the
operators' registration, as for everything else that is asked over HTTP. Who is paged (table `Owners`) may read and
acknowledge. What can't be read lets nobody in, and is said to be that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.authority.owners import NamedOwner
from shared.authority.signed_in import Person, is_guarded, session_from
from shared.emergency.proofs import Door, Request, person_of
from shared.model.errors import ResponderError
from shared.model.settings import Settings

_PRINCIPAL: Final = "X-MS-CLIENT-PRINCIPAL"


class Visitor(Struct, frozen=True, kw_only=True):
    """Who reads a page: object id, user name, session, and whether they may act."""

    id: str
    name: str
    session: str
    may_act: bool

    @property
    def by(self) -> str:
        """What the journal says of who did it."""
        return f"{self.name} ({self.id})"


class Because(StrEnum):
    """Why somebody isn't let in."""

    NO_SIGN_IN_IN_FRONT = "no sign-in in front"
    NOBODY = "nobody"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


class TurnedAway(Struct, frozen=True, kw_only=True):
    """Who isn't let in, and why; `person` where it is known who they are."""

    because: Because
    person: Person | None = None


def visitor_of(
    request: Request, door: Door, settings: Settings, owners: Callable[[], Sequence[NamedOwner]], *, now: datetime
) -> Visitor | TurnedAway:
    """Say who visits. `owners` are asked for only where somebody isn't an operator."""
    if not is_guarded(door.environment):
        return TurnedAway(because=Because.NO_SIGN_IN_IN_FRONT)
    person = person_of(request, door)
    if person is None:
        is_somebody = bool(request.header(f"{_PRINCIPAL}-ID"))
        return TurnedAway(because=Because.STRANGER if is_somebody else Because.NOBODY)
    session = session_from({_PRINCIPAL: request.header(_PRINCIPAL)})
    if session.until is not None and now >= session.until:
        return TurnedAway(because=Because.NOBODY)
    may_act = _is_operator(person, door, settings, now)
    if may_act is not True and _is_owner(person, owners) is not True:
        is_unknown = may_act is None or _is_owner(person, owners) is None
        return TurnedAway(because=Because.UNKNOWN if is_unknown else Because.STRANGER, person=person)
    return Visitor(id=person.id, name=person.name, session=session.id, may_act=may_act is True)


def _is_operator(person: Person, door: Door, settings: Settings, now: datetime) -> bool | None:
    """Whether somebody is an operator; None where that isn't known."""
    if not settings.emergency_operators and not settings.emergency_genesis:
        return True
    operators = door.operators()
    found = operators.with_object_id(person.id)
    if found is not None and found.acts_at(now):
        return True
    return None if operators.unread or not operators.genesis else False


def _is_owner(person: Person, owners: Callable[[], Sequence[NamedOwner]]) -> bool | None:
    try:
        return any(owner.upn and owner.upn.lower() == person.name.lower() for owner in owners())
    except ResponderError:
        return None
