"""What a run over one object reads, and by what its changes are judged."""

import copy
import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from shared.model.cases import Standing
from shared.model.errors import BadIdentifier, EdgeError, LeaseLost, Throttled
from shared.model.kinds import Image, Json, Risk
from shared.model.object_kinds import GuardFacts, Kind
from shared.model.objects import (
    JudgedChange,
    Leaves,
    ObjectChange,
    ObjectId,
    ObjectState,
    Op,
    Provenance,
    Version,
)
from shared.model.settings import Tenant
from shared.objects.compaction import is_done_with
from shared.objects.object_store import Kept, OtherObject
from shared.objects.tenant_state import TenantState, start_tenant_state
from shared.respond.authority_reading import AuthorityReading, judge, start_reading
from shared.respond.components import Runtime

if TYPE_CHECKING:
    from shared.clients.api import TenantEdges
    from shared.objects.due import Look
    from shared.objects.leases import Lease

_TURNS_AROUND: Final = 2
"""What the guards judge by takes two paced calls: all policies, all locations."""
_TURNS: Final[Mapping[Op, int]] = {Op.UPDATE: 3, Op.DELETE: 3, Op.CREATE: 5}
"""One for the look, one for the write, one that reads it back. The look at an object that is gone takes two, and before
it is made again it is looked for in the bin."""

_log = logging.getLogger("responder.objects")


class Unread(Struct, frozen=True, kw_only=True):
    """An object that couldn't be read, and why."""

    because: str
    can_pass: bool = True


class Reading(Struct, frozen=True, kw_only=True):
    """What was read of an object in one round, and by what its changes are judged.

    `kept` is None where the object is new to the store, `image` where the tenant says that it isn't there. `at` is from
    before the first request, `read_at` from when the object had been read. `missing` are changes that were settled, and
    that somebody has deleted or changed in storage since.
    """

    kept: Kept | None
    changes: tuple[ObjectChange, ...]
    authority: AuthorityReading
    image: Image | Unread | None
    at: datetime
    read_at: datetime
    of_tenant: TenantState
    missing: tuple[str, ...] = ()

    @property
    def standing_image(self) -> Image | None:
        """The object as it was read; None where it isn't there or couldn't be read."""
        return None if isinstance(self.image, Unread) else self.image


class ObjectRun:
    """One run over one object; the lease is there once it was taken."""

    def __init__(self, runtime: Runtime, kind: Kind, tenant: Tenant, object_id: ObjectId) -> None:
        self.runtime = runtime
        self.kind = kind
        self.tenant = tenant
        self.id = object_id
        self.lease: Lease | None = None
        self.api: TenantEdges = runtime.edges[tenant.id]
        self.stands_noted: ObjectId | None = None
        """Which object has a note that stands until this run has ended well: it need not be noted again."""
        self.noted: list[Look] = []
        """Notes of writes: what they were about is done, or noted anew, when the run has ended well."""
        self._writes: list[Callable[[], object]] = []

    def write_beside(self, write: Callable[[], object]) -> None:
        """Begin to store something for which only the write to the tenant, or the run's end, has to wait."""
        self._writes.append(self.runtime.start(write))

    def wait_for_writes(self) -> None:
        """Wait until everything is stored that was begun. Raises EdgeError where something couldn't be."""
        while self._writes:
            self._writes.pop()()

    def keep_lease(self) -> None:
        """Renew the lease where half of it has passed. Raises LeaseLost where another run has taken it over."""
        if self.lease is not None and self.lease.left() < self.lease.seconds / 2:
            self.runtime.leases.renew(self.lease)

    def lease_left(self) -> float:
        """Give the seconds for which the lane is surely held."""
        return self.lease.left() if self.lease else 0.0

    def start_reading(self, tenants_id: str, *, written: Callable[[], Kept] | None = None) -> Callable[[], Reading]:
        """Begin one round of reads: state, changes, approvals, controls, and the object in the tenant.

        `written` waits for the state that is being stored meanwhile: it isn't read then.
        """
        runtime, at = self.runtime, self.runtime.clock()
        kept = written or runtime.start(lambda: runtime.objects.read(self.id))
        changes = runtime.start(lambda: tuple(runtime.objects.changes(self.id)))
        authority = start_reading(runtime, self.kind.kind)
        image = runtime.start(lambda: (self.read_image(tenants_id), runtime.clock()))
        of_tenant = start_tenant_state(runtime.storage, self.tenant.id, at, start=runtime.start)

        def wait() -> Reading:
            found, known = kept(), changes()
            own = found if found is not None and found.id == self.id else None
            if own is not None and runtime.objects.unknown(own, known):
                known = tuple(runtime.objects.changes(self.id))
            return Reading(
                kept=found,
                changes=tuple(one for one in known if found is None or not is_done_with(found.state, one)),
                missing=runtime.objects.missing(own, known) if own is not None else (),
                authority=authority(),
                image=image()[0],
                at=at,
                read_at=image()[1],
                of_tenant=of_tenant(),
            )

        return wait

    def start_around(self, facts: GuardFacts, op: Op) -> Callable[[], Any]:
        """Begin to read what the kind's guards judge by, right before a write; the look may follow at once.

        Where the service allows few calls, all of it is read first, since the object moves most, and turns are taken
        for it, the look and the write, so that nobody's call comes between and none of it is old when the write is
        sent.
        """
        if not self.kind.is_paced:
            return self.runtime.start(lambda: self.around(facts))
        api = self.api
        for lane in sorted({call.lane for call in self.kind.calls if call.lane}):
            try:
                turns = api.pacer.reserved(self.tenant.id, lane, _TURNS_AROUND)
                own_turns = api.pacer.reserved(self.tenant.id, lane, _TURNS[op])
            except Throttled:
                break  # each call takes its place behind the others, and what is too old isn't sent
            api = copy.replace(api, pacer=turns)
            self.api = copy.replace(self.api, pacer=own_turns)
        found = self.kind.look_around(api, facts)
        return lambda: found

    def read_image(self, tenants_id: str) -> Image | Unread | None:
        """Read the object in the tenant; what can't be read is a value, not an error."""
        if not self.kind.is_configured(self.tenant, tenants_id):
            return Unread(because="the settings don't name its subscription, so nothing of it is read", can_pass=False)
        try:
            image = self.kind.read(self.api, tenants_id)
            return image and without_context(image)
        except BadIdentifier as wrong:
            return Unread(because=str(wrong), can_pass=False)
        except EdgeError as error:
            return Unread(because=str(error))

    def version_read(self, reading: Reading) -> Version:
        """Give what was read of an object that could be read as a version."""
        seen = self.version(reading.standing_image, reading.at)
        return msgspec.structs.replace(seen, until=max(reading.at, reading.read_at))

    def version(self, image: Image | None, at: datetime) -> Version:
        """Give an object as it was read as a version; its blob isn't kept yet."""
        if image is None:
            return Version(at=at, leaves={})
        return Version(at=at, leaves=self.kind.leaves(image), digest=digest_of(image))

    def judged(self, reading: Reading) -> list[JudgedChange]:
        """Judge every change that the tenant has confirmed, or that needs no confirmation."""
        state = reading.kept.state if reading.kept is not None else None
        return [judge(self.runtime, each, reading.authority, state) for each in reading.changes if each.is_confirmed]

    def hinted(self, reading: Reading) -> list[JudgedChange]:
        """Judge, by the lists alone, the changes of which so far only a delivery tells.

        A delivery may be false, so it blames nobody. But it may be true, and access isn't given back on doubt.
        """
        state = reading.kept.state if reading.kept is not None else None
        open_hints = (each for each in reading.changes if not each.is_confirmed and not each.is_denied)
        return [judge(self.runtime, each, reading.authority, state) for each in open_hints]

    def standings(self, reading: Reading) -> dict[str, tuple[Standing, bool]]:
        """Give what of the judgements a decision depends on, by change."""
        return {each.change.id: (each.standing, each.is_live) for each in self.judged(reading)}

    def around(self, facts: GuardFacts) -> Any:  # noqa: ANN401 - what it is belongs to the kind
        """Read what the kind's guards judge by besides the object."""
        return self.kind.look_around(self.api, facts)

    def write_state(self, kept: Kept | None, state: ObjectState) -> Kept:
        """Store the object's next state. Raises LeaseLost where another run has written it since it was read."""
        if kept is not None:
            return self.replace(kept, state)
        inserted = self.runtime.objects.insert(state)
        if inserted is None:
            raise LeaseLost(f"object {state.id.key} was stored by another run")
        return inserted

    def replace(self, kept: Kept, state: ObjectState) -> Kept:
        """Store the object's next state. Where a sweep took it for another object, under a new id, the two become one.

        Raises LeaseLost where another run has written it since it was read.
        """
        try:
            return self.runtime.objects.replace(kept, state)
        except OtherObject as found:
            other = self.runtime.objects.read(found.other)
            if other is None:
                raise
            _log.info("%s and %s are one object", state.id.key, found.other.key)
            return self.runtime.objects.absorb(kept, state, other)

    def leaves(self, image: Image | None) -> dict[str, Json]:
        """Split the object; empty where it isn't there."""
        return self.kind.leaves(image) if image is not None else {}


def without_context(image: Image) -> Image:
    """Leave out where a service's answer came from: an object read by itself has that, and one of a listing hasn't."""
    return {name: value for name, value in image.items() if name not in {"@odata.context", "@odata.etag"}}


def digest_of(image: Image) -> str:
    """Give the digest under which the store keeps an image."""
    return hashlib.sha256(msgspec.json.encode(image, order="deterministic")).hexdigest()


def versions_with(state: ObjectState, seen: Version) -> tuple[Version, ...]:
    """Give the versions of an object with one that was just read, where that isn't as the one before it."""
    last = state.versions[-1] if state.versions else state.origin
    if last.at >= seen.at or last.digest == seen.digest:
        return state.versions
    return (*state.versions, seen)


def risk_of(run: ObjectRun, stands: Leaves, state: ObjectState) -> Risk | None:
    """Give the risk that changes of an object deserve at most, by all that it is known to have been; None for any.

    Where it is about the responder itself, an emergency account or a protected principal, any risk counts.
    """
    known = [leaves for leaves in (state.origin.leaves, *(each.leaves for each in state.versions), stands) if leaves]
    whose = frozenset[str]().union(*(run.kind.gains({}, leaves) for leaves in known))
    settings = run.runtime.settings
    if whose & settings.untouchable:
        return None
    risks = [run.kind.risk(leaves) for leaves in known]
    found = [risk for risk in risks if risk is not None]
    return max(found, key=tuple(Risk).index) if found and len(found) == len(risks) else None


def first_state(
    run: ObjectRun, reading: Reading, tenants_id: str, name: str, *, unlisted_at: datetime | None = None
) -> ObjectState:
    """Give the state of an object that nobody had seen before: what stands is first seen, so it is nobody's yet.

    Where a listing lacked it at `unlisted_at` it was made since, so its history begins with its absence; not where it
    or a record says that it is older: then the listing lacked what stood.
    """
    image = reading.standing_image
    origin = run.version_read(reading)
    may_stand = image is not None or isinstance(reading.image, Unread)
    if may_stand and unlisted_at is not None and not _is_older(run, reading, image, unlisted_at):
        origin = Version(at=unlisted_at, leaves={})
    return ObjectState(
        id=run.id,
        ids=(tenants_id,),
        name=run.kind.name_of(image) if image else name,
        origin=origin,
        provenance=Provenance.FIRST_SEEN,
    )


def _is_older(run: ObjectRun, reading: Reading, image: Image | None, at: datetime) -> bool:
    made = run.kind.made(image).at if image is not None else None
    return (made is not None and made < at) or any(change.at <= at for change in reading.changes)
