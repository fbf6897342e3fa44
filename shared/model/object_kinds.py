"""What a kind of guarded object is: how it is read, split into leaves, told of by records, judged and written.

The kinds are in `responders.kinds`. Everything here but `read`, `find`, `look_around` and `write` is pure.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.model.calls import Call, Permission
from shared.model.events import Actor, Event, Log
from shared.model.kinds import Image, Json, ObjectKind, Risk, TenantKind
from shared.model.objects import BaselineLeaf, Leaves, ObjectChange, ObjectId, Objection, Op, Recorded, Step, list_of
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Inventory, union_of_needs
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi


class LeafRules(Struct, frozen=True, kw_only=True):
    """How leaves of a kind are compared.

    `same` says whether two values of a leaf mean the same, however they are spelled; None is a leaf that isn't there.
    `is_joint` says of which leaves unapproved changes and later ones of others must not be taken apart: existence,
    state and grant controls. `part_of` names the part of the object that a change of a leaf sends whole: the list of
    which it is a member, or a property; "" where the leaf is sent by itself. `tells_creations` is False where records
    call a creation and an update alike a write.
    """

    same: Callable[[str, Json, Json], bool]
    is_joint: Callable[[str], bool]
    part_of: Callable[[str], str] = list_of
    tells_creations: bool = True


class Search(Struct, frozen=True, kw_only=True):
    """What is searched for before an object is made (again): its name, its leaves, and the intent that made it.

    `since` is the instant from which on it can have been made, where that is known: a twin that is older stood beside
    it all along. `filled` are leaves that aren't in the target because the service fills them in by itself. `was_tried`
    says that an earlier write of ours may have made it: then the service may have filled in what nobody has read yet.
    """

    ids: tuple[str, ...]
    name: str
    target: Leaves
    intent: str = ""
    since: datetime | None = None
    filled: Leaves = {}
    was_tried: bool = False


class Write(Struct, frozen=True, kw_only=True):
    """One write: an object is made, changed in some leaves, or deleted.

    `object_id` is the tenant's present id, or the last one of an object that is to be made again. `stands` is the
    object as it was read (None where it doesn't exist), `target` all leaves as they are to be. `source` is the whole
    object of the version from which the target's values come, for values that a leaf only names (a document by its
    digest); None where there is none. `intent` is put into the object where the kind has a place for it. `filled` are
    leaves of an object that is to be made again that aren't in the target because the service fills them in by itself.
    `tried_since` is the instant of the first earlier write that may have made it, None where there was none.
    """

    op: Op
    object_id: str
    name: str
    steps: Mapping[str, Step]
    stands: Image | None
    target: Leaves
    source: Image | None = None
    intent: str = ""
    filled: Leaves = {}
    tried_since: datetime | None = None


class CameBack(Struct, frozen=True, kw_only=True):
    """What a write has done whose object came out of a bin and doesn't show yet, so that the rest couldn't be set.

    `leaves` are those that it lay in the bin with, without what the service fills in.
    """

    tenants_id: str
    leaves: Leaves


class GuardFacts(Struct, frozen=True, kw_only=True):
    """What a kind's own guards judge a difference by.

    `stands` and `target` are the object's leaves before and after. `stands_image` is the object as read. `around` is
    what `look_around` read. `emergency` are object ids of the emergency accounts, `protected` of others who may lose
    nothing, the responder's own identities among them, in lower case. `baseline` has the provenance of each leaf.
    `is_asked` says that a person asked for it (undo, settle, revoke).
    """

    tenant: Tenant
    object_id: str
    op: Op
    steps: Mapping[str, Step]
    stands: Leaves
    target: Leaves
    stands_image: Image | None
    around: Any
    baseline: Mapping[str, BaselineLeaf]
    emergency: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()
    is_asked: bool = False


class Made(Struct, frozen=True, kw_only=True):
    """What an object itself says of who made it and who wrote it last: ids of principals in lower case, "" if none."""

    by: str = ""
    at: datetime | None = None
    changed_by: str = ""
    changed_at: datetime | None = None


class Confirmation(Struct, frozen=True, kw_only=True):
    """What the tenant says of a change that a delivery told.

    `is_true` is None where it isn't known yet. `actor` is who really asked for it, where that is another one than the
    delivery names (the requester behind a service such as PIM); None where it is the same.
    """

    is_true: bool | None
    because: str
    actor: Actor | None = None
    is_expiry: bool = False
    """Whether it is the end of something that was bound in time, which is no change."""
    is_own_use: bool = False
    """Whether the actor took up, or gave up, what is his to take up (a role that he is eligible for): no change."""
    others: frozenset[str] = frozenset()
    """Who did it by the tenant's log, where that isn't the actor: ids in lower case."""


type Objections = Mapping[str, Objection]
"""By leaf, or `WHOLE` for the difference as a whole."""


def own_lane(of: ObjectId, object_id: str, _image: Image | None) -> str:
    """One lane each: no two objects of the kind are judged together."""
    return f"{of.tenant_id}|{of.kind}|{object_id.lower()}"


def found_by_its_id(kind: "Kind", api: TenantApi, search: Search) -> Image | None:
    """Read an object by the last id that is known of it: it has one for good."""
    return kind.read(api, search.ids[-1])


def nobody(_before: Leaves, _after: Leaves) -> frozenset[str]:
    """Nobody loses or gets access by a difference."""
    return frozenset()


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of guarded object.

    `activities` are the names of the records of `log` that may tell of objects of this kind, folded: no such record is
    passed over, whether a detection is about it or not. `leaves` splits the whole object. `recorded` says what an
    event says of objects of this kind, empty where it is about none. `read` reads one object by the tenant's id, None
    where it isn't there. `find` searches for an object that stands under another id, and reads it by its last one where
    it has one id for good. `lane` names the lease under which objects are judged together. `look_around` reads what the
    guards judge by besides the object; whatever of it can't be read is *unknown* there, not an error.
    `objections` are the kind's own guards. `loses` and `gains` are the ids of principals that lose or get access by a
    difference. `write` carries a write out and gives the tenant's id of the object. `made` is what the object itself
    says of who made it. `undo` says how a person reverses a put-back.

    `removal` gives the steps by which an object that isn't to exist is made harmless instead of being deleted (a policy
    is switched off); empty steps mean that it is harmless already. None where such objects are deleted.
    `made_first` are the values with which an object is made at first, before it is set as it is to be; `write` goes on
    where an earlier creation ended in between. `named_by_digest` are leaves whose values only name what the whole
    object has (`Write.source`): documents.

    A delivery is a hint: whoever can write to the queue can say anything. `confirm` asks the tenant whether a change
    that only a delivery told was made, and by whom; None where the records come from the tenant's own log. Where they
    do and a service may have acted for another, `is_doubtful` says of which actors it is asked. `is_by_a_service` says
    that a service takes away what the responder asks it to, so that the log names that service.

    `is_first_write` says whether a write was the first one since an instant at which an object wasn't there, so that it
    made the object; None where it isn't known. It is asked where neither records nor the object tell a creation, once
    the write is confirmed. It raises EdgeError.

    `events_of` asks the tenant's own log what was done to one object between two instants, and gives each record with
    the event in it. It is asked while nobody explains how the object stands; None where records come by themselves. It
    raises EdgeError.

    `risk` is what changes of an object with these leaves deserve at most, None where the detection's own risk counts.

    `is_orphan` says of an object that isn't there whether what it belonged to is gone: then it went with that, and
    nobody took it. None where nothing belongs to anything else. It raises EdgeError. `is_gone` says the same of a leaf
    that no longer stands: whom it named was deleted.

    `is_unreturnable` says of which leaves (secrets, keys) nobody but their owner has a copy: they are taken away
    unasked only where mode enforce was set for the detection by its own name, not for all.

    `limits` says in words what of such objects isn't put back, or can't be, and why.

    `by_hand` are requests whose permission the identity isn't given, since it is as much as the whole tenant: they are
    tried, and refused unless somebody granted it by hand.

    `is_configured` says whether an object of the tenant's is among those that the settings name; of others nothing is
    read and nothing written. `skips_others` says that a record about any other is no change of a guarded object, so
    that what detections say of it is a case by itself.

    `is_ours` says that the responder itself hears or is watched by an object: where an hour hasn't places for all that
    is to be put back, such objects go first.

    `has_bin` says that a deleted object lies in a bin, out of which it comes under its own id as it was, and that no
    new object is ever made under an id that another one had.

    `takes_answered` says that a record is taken for a change only where a detection is about it whose remediation is of
    this kind: of most objects that such records name nothing is guarded, and which ones are, detections know.

    Where records may name an object otherwise than by the tenant's id of it, `is_id` tells such an id from a name.
    Which object a name means is looked up; None where records always have the id.
    """

    kind: ObjectKind
    title: str
    tenant_kind: TenantKind
    rules: LeafRules
    calls: tuple[Call, ...]
    log: Log
    activities: frozenset[str]
    inventory: Inventory
    id_of: Callable[[Image], str]
    name_of: Callable[[Image], str]
    leaves: Callable[[Image], dict[str, Json]]
    recorded: Callable[[Event], tuple[Recorded, ...]]
    read: Callable[[TenantApi, str], Image | None]
    write: Callable[[TenantApi, Write], str | CameBack]
    undo: str
    find: Callable[[TenantApi, Search], Image | None] | None = None
    lane: Callable[[ObjectId, str, Image | None], str] = own_lane
    look_around: Callable[[TenantApi, GuardFacts], Any] = lambda _api, _facts: None
    objections: Callable[[GuardFacts], Objections] = lambda _facts: {}
    loses: Callable[[Leaves, Leaves], frozenset[str]] = nobody
    gains: Callable[[Leaves, Leaves], frozenset[str]] = nobody
    made: Callable[[Image], Made] = lambda _image: Made()
    by_hand: tuple[Call, ...] = ()
    limits: str = ""
    made_first: Mapping[str, Json] = {}
    named_by_digest: frozenset[str] = frozenset()
    removal: Callable[[Leaves], Mapping[str, Step]] | None = None
    confirm: Callable[[TenantApi, ObjectChange, Image | None], Confirmation] | None = None
    events_of: Callable[[TenantApi, str, datetime, datetime], Sequence[tuple[bytes, Event]]] | None = None
    is_first_write: Callable[[TenantApi, ObjectChange, datetime], bool | None] | None = None
    risk: Callable[[Leaves], Risk | None] = lambda _leaves: None
    is_orphan: Callable[[TenantApi, str], bool] | None = None
    is_gone: Callable[[TenantApi, str], bool] | None = None
    is_doubtful: Callable[[Actor], bool] = lambda _actor: True
    is_by_a_service: bool = False
    is_configured: Callable[[Tenant, str], bool] = lambda _tenant, _tenants_id: True
    skips_others: bool = False
    is_ours: Callable[[Tenant, str], bool] = lambda _tenant, _tenants_id: False
    is_id: Callable[[str], bool] | None = None
    is_unreturnable: Callable[[str], bool] = lambda _leaf: False
    has_bin: bool = False
    takes_answered: bool = False
    read_probes: tuple[ReadProbe, ...] = ()

    def found(self, api: TenantApi, search: Search) -> Image | None:
        """Search for an object that is to be made (again); raises EdgeError."""
        return found_by_its_id(self, api, search) if self.find is None else self.find(api, search)

    @property
    def is_paced(self) -> bool:
        """Whether the service allows few of its calls, so that each has to wait for its turn."""
        return any(call.lane for call in self.calls)

    @property
    def needs(self) -> tuple[Permission, ...]:
        """The union of the calls' permissions, in the order of `Permission`."""
        return union_of_needs(self.calls)
