"""Guarded objects and their changes, for tests of what keeps them."""

from datetime import timedelta
from typing import Any, Final

from shared.model.events import Actor, Log
from shared.model.kinds import ObjectKind
from shared.model.objects import EXISTS, ObjectChange, ObjectId, Objection, ObjectState, Op, Provenance, Version, key_of
from tests.fakes.clock import NOW

TENANT: Final = "11111111-1111-1111-1111-111111111111"
KIND: Final = ObjectKind.CA_POLICY
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
WAITS: Final = Objection(guard="limit", because="ten objects were put back in this hour", can_pass=True)


def an_id(name: str = "policy-1", *, tenant: str = TENANT, kind: ObjectKind = KIND) -> ObjectId:
    return ObjectId(tenant_id=tenant, kind=kind, key=key_of(name))


def a_version(days: float = 0, digest: str = "", **leaves: Any) -> Version:  # noqa: ANN401 - values of leaves
    """Give a version that was read so many days after the tests' beginning."""
    return Version(at=NOW + days * DAY, leaves={EXISTS: True, **leaves}, digest=digest)


def a_state(name: str = "policy-1", *, kind: ObjectKind = KIND, **fields: Any) -> ObjectState:  # noqa: ANN401 - the state's fields
    """Give a new object, first seen at the tests' beginning."""
    usual: dict[str, Any] = {
        "id": an_id(name, kind=kind),
        "ids": (name,),
        "name": f"The policy {name}",
        "origin": a_version(state="enabled"),
        "provenance": Provenance.FIRST_SEEN,
    }
    return ObjectState(**(usual | fields))


def a_change(name: str = "c1", *, days: float = 0, **fields: Any) -> ObjectChange:  # noqa: ANN401 - the change's fields
    at = NOW + days * DAY
    usual: dict[str, Any] = {
        "id": name,
        "log": Log.AUDIT,
        "actor": Actor(id="mallory", name="Mallory"),
        "at": at,
        "arrived_at": at + SECOND,
        "op": Op.UPDATE,
        "wrote": {"state": ("enabled", "disabled")},
        "is_whole": True,
    }
    return ObjectChange(**(usual | fields))
