"""Scenes of every kind that is declared for the simulated tenants: what Mallory does, and how it stood before.

A scene comes of the kind's samples and edits: an object that wasn't there is made, one that was is deleted, or edited.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from infra.local.tenant.activity_log import ActivityLog
from infra.local.tenant.resource_events import Touched, resource_event
from infra.local.tenant.simulated import IN_AZURE, SIMULATED
from infra.local.tenant.simulated_kind import Logged, SimulatedKind, What
from infra.local.tenant.tokens import Caller
from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2, MALLORY, Principal
from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.remediations import REMOVE_APP_CREDENTIAL
from shared.model.kinds import Image
from shared.model.object_kinds import Kind
from tests.fakes.lamps import initiated_by
from tests.fakes.tenant import FakeTenant
from tests.laws.world import changed

KIND_OF: Final[Mapping[str, Kind]] = {each.kind: each for each in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What somebody does to one object of a kind."""

    simulated: SimulatedKind
    op: What
    object_id: str
    before: Image | None
    after: Image | None
    name: str
    can_be: bool = True
    """Whether what was changed can be put back."""

    @property
    def kind(self) -> Kind:
        """The product's declaration."""
        return KIND_OF[self.simulated.kind]

    @property
    def is_detected(self) -> bool:
        """Whether a detection with an approval list is about it: without one, nobody has a case of it."""
        return self.op in self.simulated.detected

    @property
    def is_put_back(self) -> bool:
        """Whether the kind promises to put it back unasked."""
        allowed = {"create": self.simulated.is_deleted, "delete": self.simulated.is_made_again, "update": self.can_be}
        return allowed[self.op] and self.op in self.simulated.detected

    @property
    def adds_what_cannot_come_back(self) -> bool:
        """Whether a secret or key is added of which nobody but its owner has a copy."""
        before, after = (self.kind.leaves(each) if each else {} for each in (self.before, self.after))
        return any(map(self.kind.is_unreturnable, after.keys() - before.keys()))

    def tenant(self) -> FakeTenant:
        """Give the tenant before."""
        tenant = FakeTenant()
        shelf = tenant.shelves[self.simulated.kind]
        tenant.registrations = {each.id: ["passKeyDeviceBound"] for each in (BREAK_GLASS_1, BREAK_GLASS_2)}
        for kind, several in self.simulated.beside.items():
            tenant.shelves[kind] |= {each["id"].lower(): copy.deepcopy(each) for each in several}
        for sample in self.simulated.samples:
            if sample.is_there:
                shelf[sample.object_id.lower()] = copy.deepcopy(sample.image)
            for holder in filter(None, (sample.holder, *self.simulated.belongs_to(sample.image))):
                tenant.principals[holder] = {"id": holder, "accountEnabled": True, "userType": "Member"}
        return tenant

    def do(self, tenant: FakeTenant) -> None:
        """Do it."""
        shelf = tenant.shelves[self.simulated.kind]
        if self.after is None:
            del shelf[self.object_id]
        else:
            shelf[self.object_id] = copy.deepcopy(self.after)

    def is_undone(self, tenant: FakeTenant) -> bool:
        """Say whether it stands as before, leaf by leaf."""
        stands = tenant.shelves[self.simulated.kind].get(self.object_id)
        if self.before is None or stands is None:
            return stands is None and self.before is None
        return self.kind.leaves(stands) == self.kind.leaves(self.before)

    def records(self, at: datetime, by: Principal = MALLORY) -> list[Image]:
        """Give the records of it: those of the directory's log, or the event that Azure delivers."""
        if self.simulated.resource_type:
            return [] if self.before == self.after else [event_of(self._touched(by), at)]
        logged = self.simulated.logged(self.object_id, self.before, self.after)
        return [
            record_of(logged, at, by) | {"category": each, "id": f"{logged.service}_{each}_1"}
            for each in logged.categories
        ]

    def activity(self, at: datetime, by: Principal = MALLORY) -> list[Image]:
        """Give what the Activity Log of the subscription has of it, nothing for an object of the directory."""
        if not self.simulated.resource_type:
            return []
        log = ActivityLog()
        log.add(event_of(self._touched(by), at))
        return log.listed("eventTimestamp ge '2020-01-01T00:00:00Z'")

    def _touched(self, by: Principal) -> Touched:
        claims = {"iss": f"https://sts.windows.net/{by.tenant}/", "iat": 0, "nbf": 0, "exp": 0}
        return Touched(
            resource_id=self.object_id,
            resource_type=self.simulated.resource_type,
            action="delete" if self.after is None else "write",
            caller=Caller(principal=by, app_id="", roles=frozenset(), unthrottled=True, claims=claims),
            evidence={},
            correlation_id="9b1f6c1e-61a7-4f0e-9a55-3a6f3c3c2f10",
            http=None,
        )


def event_of(touched: Touched, at: datetime) -> Image:
    """Write an event as Event Grid delivers it."""
    return resource_event(touched) | {
        "id": "e2b64a19-05cf-4d73-92b8-7c1d0e5f3a64",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%S}Z",
    }


def record_of(logged: Logged, at: datetime, by: Principal) -> Image:
    """Write a record as Graph gives it."""
    return {
        "id": f"{logged.service}_{logged.activity}_1",
        "category": logged.category,
        "correlationId": "9b1f6c1e-61a7-4f0e-9a55-3a6f3c3c2f10",
        "result": "success",
        "resultReason": "",
        "activityDisplayName": logged.activity,
        "activityDateTime": f"{at:%Y-%m-%dT%H:%M:%S}Z",
        "loggedByService": logged.service,
        "operationType": logged.operation,
        "initiatedBy": initiated_by(by),
        "targetResources": [{"userPrincipalName": None, "groupType": None} | each for each in logged.targets],
        "additionalDetails": logged.details,
    }


def _scenes() -> Iterator[Scene]:
    # No record tells of what no detection can be about: that is tried by itself.
    for simulated in (*SIMULATED, *(each for each in IN_AZURE if each.detected)):
        for number, sample in enumerate(simulated.samples, 1):
            what: Any = {"simulated": simulated, "object_id": sample.object_id.lower()}
            title = f"{simulated.kind} {number}"
            if not sample.is_there:
                yield Scene(**what, op="create", before=None, after=sample.image, name=f"{title} made")
                continue
            if not simulated.is_always_there:
                yield Scene(**what, op="delete", before=sample.image, after=None, name=f"{title} deleted")
            for edit in (*simulated.edits, *simulated.edits_to_page):
                after = changed(sample.image, edit)
                if after != sample.image:
                    name, can_be = f"{title} edited: {json.dumps(edit)}", edit in simulated.edits
                    yield Scene(**what, op="update", before=sample.image, after=after, name=name, can_be=can_be)


SCENES: Final = tuple(_scenes())
BY_NAME: Final = tuple(each.id for each in CATALOGUE if each.remediation is REMOVE_APP_CREDENTIAL)
"""Detections that take away unasked what nobody has a copy of, where mode enforce was set for them by name."""

LISTS: Final = {each.unless_actor_in for each in CATALOGUE if each.unless_actor_in is not None}
