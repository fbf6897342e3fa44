"""Reads incidents: a case with the change of its object, what people decided about it, and what couldn't be read.

What couldn't be read is None or named in `unread`, never empty. Reads go side by side (`Runtime.start`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, What
from shared.console.states import Shown, state_of
from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.errors import ResponderError
from shared.model.events import Target
from shared.model.kinds import Risk
from shared.model.objects import ObjectChange, ObjectId, ObjectState
from shared.respond.case_evidence import event_of, with_changes
from shared.respond.case_run import detection_of
from shared.respond.components import Runtime
from shared.respond.persons import subject_of

MOST: Final = 50
"""Incidents that a list shows."""
MOST_FINISHED: Final = 60
"""Incidents of a tenant that are looked at for the open ones, beside those that the responder hasn't finished."""
FINISHED_FOR: Final = timedelta(days=7)
"""How long one that the responder finished stays among the open ones."""

_OF_A_CASE: Final = frozenset({What.UNDO, What.ACCEPT, What.DENY, What.LEAVE, What.SETTLE})


class Incident(Struct, frozen=True, kw_only=True):
    """A case as people see it.

    `change` is what a log says of a guarded object, `object_state` the object's, `acts` what people decided, each None
    where there is none or it couldn't be read; `unread` says of what and why. `targets` are those of the record.
    """

    case: Case
    detection: AnyDetection
    state: Shown
    change: ObjectChange | None = None
    object_state: ObjectState | None = None
    acts: tuple[Act, ...] | None = ()
    targets: tuple[Target, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def risk(self) -> Risk:
        """The risk that it deserves."""
        return self.detection.risk.at_most(self.case.at_most)


class Listing(Struct, frozen=True, kw_only=True):
    """Some incidents. `broken` counts those that couldn't be read. `last` is the last one, where there are more."""

    incidents: tuple[Incident, ...]
    broken: int = 0
    last: str = ""


def find(runtime: Runtime, case_id: str) -> Case | None:
    """Look for a case in each tenant; an id is letters, digits and dashes. Raises EdgeError."""
    if not case_id.isascii() or not case_id.replace("-", "").isalnum():
        return None
    return next(
        (case for tenant in runtime.settings.tenants if (case := runtime.ledger.case(tenant.id, case_id))), None
    )


def incident_of(runtime: Runtime, case: Case, *, with_evidence: bool = False) -> Incident:
    """Read what belongs to a case; `with_evidence` also what its record says. Raises nothing."""
    object_id = object_of(case)
    if object_id is None:
        incident = _incident(runtime, case, change=None, object_state=None, acts=(), unread=())
    else:
        change, why_change = _tried(lambda: _change(runtime, object_id, case))
        kept, why_kept = _tried(lambda: runtime.objects.read(object_id))
        acts, why_acts = _tried(lambda: acts_on(runtime, case, object_id))
        unread = tuple(why for why in (why_change, why_kept, why_acts) if why)
        incident = _incident(
            runtime, case, change=change, object_state=kept.state if kept else None, acts=acts, unread=unread
        )
    return _with_evidence(runtime, incident) if with_evidence else incident


def object_of(case: Case) -> ObjectId | None:
    """Give the guarded object that a case is about; None where it is about none."""
    if case.object_kind is None or not case.object_key:
        return None
    return ObjectId(tenant_id=case.tenant_id, kind=case.object_kind, key=case.object_key)


def acts_on(runtime: Runtime, case: Case, object_id: ObjectId) -> tuple[Act, ...]:
    """Give what people decided about a case, oldest first. Raises EdgeError."""
    entries = journal.history(runtime.storage, subject_of(object_id)).entries
    return tuple(entry.act for entry in entries if entry.act.what in _OF_A_CASE and _is_about(entry.act, case))


def _is_about(act: Act, case: Case) -> bool:
    after = act.after or {}
    changes = after.get("changes")
    is_among = isinstance(changes, list) and (case.change or case.id) in changes
    return after.get("case") == case.id or is_among


def _incident(
    runtime: Runtime,
    case: Case,
    *,
    change: ObjectChange | None,
    object_state: ObjectState | None,
    acts: tuple[Act, ...] | None,
    unread: tuple[str, ...],
) -> Incident:
    return Incident(
        case=case,
        detection=detection_of(runtime, case),
        state=state_of(case, acts, object_state),
        change=change,
        object_state=object_state,
        acts=acts,
        unread=unread,
    )


def _with_evidence(runtime: Runtime, incident: Incident) -> Incident:
    whole, why = _tried(lambda: with_changes(runtime, incident.case))
    event, _ = _tried(lambda: event_of(runtime, incident.case))
    targets: tuple[Target, ...] = getattr(event, "targets", ()) if event is not None else ()
    return msgspec.structs.replace(
        incident,
        case=whole or incident.case,
        targets=targets,
        unread=(*incident.unread, *((why,) if why else ())),
    )


def _change(runtime: Runtime, object_id: ObjectId, case: Case) -> ObjectChange | None:
    if not case.change:
        return None
    since = case.at - timedelta(seconds=1)
    return next((one for one in runtime.objects.changes(object_id, since=since) if one.id == case.change), None)


def _tried[T](read: Callable[[], T]) -> tuple[T | None, str]:
    """Give what is read, and why it couldn't be, "" where it could."""
    try:
        return read(), ""
    except (ResponderError, msgspec.MsgspecError, KeyError) as error:
        return None, str(error)


# ---- lists -----------------------------------------------------------------------------------------------------------


def open_incidents(runtime: Runtime, *, of_actor: str = "") -> Listing:
    """Give those that aren't over: what the responder hasn't finished, and what it finished in the last days.

    With `of_actor`, an object id, only those of this actor. Raises EdgeError where not even the list can be read.
    """
    cases, broken = _that_may_be_open(runtime)
    wanted = [case for case in cases if not of_actor or case.actor.id == of_actor]
    found = [one for one in _read(runtime, wanted) if _is_open(one)]
    return Listing(incidents=tuple(sorted(found, key=_rank)), broken=broken)


def _that_may_be_open(runtime: Runtime) -> tuple[list[Case], int]:
    """Give the cases that may be among the open ones, and how many couldn't be read."""
    since = runtime.clock() - FINISHED_FOR
    cases: dict[str, Case] = {}
    broken = 0
    for tenant in runtime.settings.tenants:
        names = runtime.ledger.last_opened(tenant.id, most=MOST)
        names += runtime.ledger.newest(tenant.id, most=MOST_FINISHED, since=since)
        found, unread = _cases(runtime, tenant.id, names)
        broken += unread
        cases |= {case.id: case for case in found}
    return [case for case in cases.values() if _may_be_open(case)], broken


def all_incidents(runtime: Runtime, *, after: Case | None) -> Listing:
    """Give the newest, or those that come after one. Raises EdgeError where not even the list can be read."""
    cases: list[Case] = []
    broken = 0
    for tenant in runtime.settings.tenants:
        found, unread = _cases(runtime, tenant.id, runtime.ledger.newest(tenant.id, most=MOST + 1, after=after))
        cases += found
        broken += unread
    cases.sort(key=lambda case: (-int(case.at.timestamp()), case.id))
    shown, more = cases[:MOST], len(cases) > MOST
    return Listing(incidents=tuple(_read(runtime, shown)), broken=broken, last=shown[-1].id if more and shown else "")


def _cases(runtime: Runtime, tenant_id: str, names: Sequence[str]) -> tuple[list[Case], int]:
    """Read cases side by side, each once, and say how many of them couldn't be read."""
    wanted = dict.fromkeys(names)
    reads = [runtime.start(lambda name=name: _tried(lambda: runtime.ledger.case(tenant_id, name))) for name in wanted]
    each = [read() for read in reads]
    return [case for case, _ in each if case], sum(1 for _, why in each if why)


def _read(runtime: Runtime, cases: Sequence[Case]) -> list[Incident]:
    reads = [runtime.start(lambda case=case: incident_of(runtime, case)) for case in cases]
    return [read() for read in reads]


def _may_be_open(case: Case) -> bool:
    """Whether a case may be among the open ones; what was only recorded never is."""
    return case.is_open or case.decision.value != "record"


def _is_open(incident: Incident) -> bool:
    case = incident.case
    is_unseen = case.acknowledged_at is None and case.was is None
    return incident.state.needs_somebody or case.is_open or is_unseen


def _rank(incident: Incident) -> tuple[bool, int, datetime]:
    """What needs somebody first, the worst of it, and then the oldest."""
    return not incident.state.needs_somebody, -tuple(Risk).index(incident.risk), incident.case.at
