"""Which owners a message mentions: the next one of a page, then list `emergency` too; all of a notice's lists."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from shared.authority.acts import UNSIGNED, Acts
from shared.authority.owners import EMERGENCY, EVERYTHING, NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.model.errors import EdgeError
from shared.model.notices import Owner, SystemNotice
from shared.notify.paged import EMERGENCY_PLACE

_log = logging.getLogger("responder.notify")
_IN_AN_EMERGENCY: Final = (EMERGENCY, EVERYTHING)


class AskedOwners:
    """Reads table `Owners`. While it can't be read, messages go out and mention nobody."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], acts: Acts = UNSIGNED) -> None:
        self._owners = TableOwners(storage, clock=clock, acts=acts)

    def of_page(self, scopes: Iterable[str], place: int, *, is_urgent: bool) -> tuple[Owner, ...]:
        """Give the owner in a place, of the first of the scopes that has any, and from a place on list `emergency`."""
        next_one = _in_place(self._first(scopes), place)
        more = self._of(EMERGENCY) if is_urgent and place >= EMERGENCY_PLACE else ()
        return _each_once((*next_one, *more))

    def of_notice(self, notice: SystemNotice, place: int) -> tuple[Owner, ...]:
        """Give the owners of a notice.

        One that climbs is for all owners of the first list that has any, and each time for one more of the next list.
        """
        if not notice.until_acknowledged:
            return _each_once((*notice.owners, *(owner for scope in notice.scopes for owner in self._of(scope))))
        lists = [owners for scope in notice.scopes or _IN_AN_EMERGENCY if (owners := self._of(scope))]
        first, second = [*lists, (), ()][:2]
        more = _in_place(second, place - 1) if place else ()
        return _each_once((*notice.owners, *first, *more))

    def all(self) -> tuple[NamedOwner, ...]:
        """Give everybody who is paged for anything. Raises EdgeError."""
        return self._owners.history().present

    def _first(self, scopes: Iterable[str]) -> tuple[Owner, ...]:
        return next((owners for scope in scopes if (owners := self._of(scope))), ())

    def _of(self, scope: str) -> tuple[Owner, ...]:
        try:
            return tuple(_owner_from(one) for one in self._owners.history(scope).present)
        except EdgeError as error:
            _log.warning("the owners could not be read, so the page mentions nobody: %s", error)
            return ()


def _in_place(owners: tuple[Owner, ...], place: int) -> tuple[Owner, ...]:
    return (owners[place % len(owners)],) if owners else ()


def _each_once(owners: Iterable[Owner]) -> tuple[Owner, ...]:
    first: dict[str, Owner] = {}
    for owner in owners:
        first.setdefault(owner.upn.lower() or owner.name, owner)
    return tuple(first.values())


def _owner_from(named: NamedOwner) -> Owner:
    order = int(named.order) if named.order.isdigit() else 0
    return Owner(scope=named.scope, order=order, name=named.name, upn=named.upn)
