"""Whose a case is: the scopes of its detection in table `Owners`, and the first owner of the nearest one."""

from collections.abc import Callable, Sequence

from shared.authority.owners import EVERYTHING, NamedOwner, TableOwners
from shared.model.detections import AnyDetection
from shared.model.notices import Owner
from shared.respond.components import Runtime


def scopes_of(detection: AnyDetection | None) -> tuple[str, ...]:
    """Give whose cases those of a detection are, as for pages: the nearest scope first."""
    if detection is None:
        return (EVERYTHING,)
    listed = (detection.unless_actor_in.value,) if detection.unless_actor_in else ()
    return (detection.id, *listed, EVERYTHING)


def first_owners(runtime: Runtime) -> Callable[[Sequence[str]], Owner | None]:
    """Give a function from scopes to the first owner of the first of them that has any; None for nobody.

    Raises EdgeError where the owners can't be read.
    """
    first: dict[str, NamedOwner] = {}
    for one in TableOwners(runtime.storage, clock=runtime.clock, acts=runtime.acts).history().present:
        first.setdefault(one.scope, one)

    def owner_of(scopes: Sequence[str]) -> Owner | None:
        named = next((first[scope] for scope in scopes if scope in first), None)
        return Owner(scope="", order=0, name=named.name, upn=named.upn) if named else None

    return owner_of
