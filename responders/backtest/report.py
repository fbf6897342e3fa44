"""What the detections would have done over a period: cases counted by detection, standing, decision and actor.

Memory is bounded whatever the input: of cases seen, and of actors by detection, only so many are remembered.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.standing import Approval, Approvals, Malformed, approval_from, authorize
from shared.authority.statements import row_key_from
from shared.model.cases import Decision, Standing, case_id, hour_id
from shared.model.detections import AnyDetection
from shared.model.events import ActorKind, Event
from shared.model.kinds import ApprovalList
from shared.model.profile import DEFAULT, TenantProfile
from shared.respond.deciding import enforced_decision

_CASES_REMEMBERED: Final = 1 << 18
"""Records of one action are written within minutes, and exports overlap by days: far fewer cases than this."""

_ACTORS_REMEMBERED: Final = 1 << 14
_ALWAYS: Final = datetime(1, 1, 2, tzinfo=UTC)


class FileApprovals:
    """Rows of table `ApprovedActors` that were exported to a file: what was said last of each actor.

    It counts for the whole period, however late it began: the question is what these approvals would have done.
    """

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        self._found: dict[tuple[str, str], Approval | Malformed] = {}
        for row in sorted(rows, key=lambda row: str(row["RowKey"])):
            approval_list, actor_id = str(row["PartitionKey"]), row_key_from(str(row["RowKey"])).subject.lower()
            approval = approval_from({**row, "approval_list": approval_list, "actor_id": actor_id})
            if isinstance(approval, Approval):
                approval = msgspec.structs.replace(approval, valid_from=_ALWAYS)
            self._found[approval_list, actor_id] = approval
        self._lists = {approval_list for approval_list, _ in self._found}

    @property
    def malformed(self) -> list[tuple[str, str, str]]:
        """Each row that isn't understood: its list, its actor and what is wrong with it."""
        return [(*key, row.because) for key, row in self._found.items() if isinstance(row, Malformed)]

    def find(self, approval_list: ApprovalList, actor_id: str) -> Approval | Malformed | None:
        """Give the row of an actor; None when the list has none."""
        return self._found.get((approval_list, actor_id.lower()))

    def is_empty(self, approval_list: ApprovalList) -> bool:
        """Say whether the list has no row at all."""
        return approval_list not in self._lists


class DetectionActor(Struct, frozen=True, kw_only=True):
    """A detection and who set it off. `actor` is the object id, or a name where the record has no id."""

    detection: str
    actor: str
    kind: ActorKind
    has_id: bool


class Counts(Struct, kw_only=True):
    """Cases, by how their actor stands and by what mode enforce would do if no guard objected.

    `name` is the latest that the actor went by.
    """

    cases: int = 0
    standings: Counter[Standing] = msgspec.field(default_factory=Counter[Standing])
    decisions: Counter[Decision] = msgspec.field(default_factory=Counter[Decision])
    name: str = ""

    def add(self, standing: Standing, decision: Decision, name: str = "") -> None:
        """Count one more case."""
        self.cases += 1
        self.standings[standing] += 1
        self.decisions[decision] += 1
        self.name = name or self.name


class Report:
    """Counts cases, each once: the records that are written of an action have one correlation id and target.

    `profile` is what the fields read by whose values the records of an hour are one case (`Detection.one_case_by`).
    """

    def __init__(
        self,
        approvals: Approvals | None,
        *,
        profile: TenantProfile = DEFAULT,
        cases_remembered: int = _CASES_REMEMBERED,
        actors_remembered: int = _ACTORS_REMEMBERED,
    ) -> None:
        self._approvals = approvals
        self._profile = profile
        self._cases_remembered = cases_remembered
        self._actors_remembered = actors_remembered
        self._seen: dict[str, None] = {}
        self.records = 0
        self.unreadable = 0
        self.not_judged = Counter[str]()
        self.repeats = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.detections: dict[str, Counts] = {}
        self.by_actor: dict[DetectionActor, Counts] = {}

    def add(self, detection: AnyDetection, event: Event) -> None:
        """Count a match, or what many records were counted to."""
        if self._is_repeated(detection, event):
            self.repeats += 1
            return
        self.first = min(self.first or event.at, event.at)
        self.last = max(self.last or event.at, event.at)
        standing = self._standing(detection, event)
        decision = enforced_decision(detection, standing)
        key = _detection_actor(detection, event)
        self.detections.setdefault(detection.id, Counts()).add(standing, decision)
        self.by_actor.setdefault(key, Counts()).add(standing, decision, event.actor.name)
        if len(self.by_actor) > self._actors_remembered:
            self.by_actor = dict(self.noisiest(self._actors_remembered // 2))

    def noisiest(self, most: int) -> list[tuple[DetectionActor, Counts]]:
        """Give the detections and actors with most cases, most first."""
        return sorted(self.by_actor.items(), key=lambda item: (-item[1].cases, item[0].detection, item[0].actor))[:most]

    @property
    def cases(self) -> int:
        """How many cases there would have been."""
        return sum(counts.cases for counts in self.detections.values())

    def _is_repeated(self, detection: AnyDetection, event: Event) -> bool:
        values = tuple(field.reader(self._profile)(event) for field in detection.one_case_by)
        case = (
            hour_id(event.tenant_id, detection.id, values, event.at)
            if values
            else case_id(event.tenant_id, detection.id, event)
        )
        if case in self._seen:
            return True
        self._seen[case] = None
        if len(self._seen) > self._cases_remembered:
            del self._seen[next(iter(self._seen))]
        return False

    def _standing(self, detection: AnyDetection, event: Event) -> Standing:
        if self._approvals is None:
            return Standing.UNKNOWN
        return authorize(
            event.actor,
            detection.unless_actor_in,
            target_id=event.target.id,
            at=event.at,
            responder_id="",
            approvals=self._approvals,
        ).standing


def _detection_actor(detection: AnyDetection, event: Event) -> DetectionActor:
    """Give who set a detection off; where an address or a tenant was counted, that."""
    actor = event.actor
    who = actor.id or actor.name or (event.target.id if detection.counted else "")
    return DetectionActor(detection=detection.id, actor=who, kind=actor.kind, has_id=bool(actor.id))
