"""A tenant with an account that somebody else uses, and the case of what he did with it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT
from responders.account_acts import ACCOUNT_ACTS
from shared.clients.storage import Storage
from shared.model.account_acts import AccountAct
from shared.model.cases import Case, Decision, Standing, State
from shared.model.events import Actor, ActorKind, Target
from shared.model.kinds import Image
from shared.objects.restraints import Containment, StepState
from shared.respond.components import Runtime
from shared.respond.containing import contain, plan_containment
from shared.respond.restraining import go_on_with_restraints
from tests.fakes.clock import NOW
from tests.fakes.runtime import Bench, bench, settings_with
from tests.fakes.tenant import FakeTenant

A_MINUTE: Final = timedelta(minutes=1)
ACCOUNT: Final = MALLORY.id
CASE: Final = Case(
    id="20260302-0123456789abcdef0123",
    tenant_id=WORKFORCE_TENANT,
    detection="role-assigned",
    correlation_id="",
    event_id="",
    at=NOW - A_MINUTE,
    opened_at=NOW - A_MINUTE,
    actor=Actor(id=ACCOUNT, name="Mallory", kind=ActorKind.USER),
    target=Target(id=ALICE.id, name="Alice", kind="User"),
    record="",
    state=State.CLOSED,
    standing=Standing.UNAPPROVED,
    decision=Decision.PAGE,
)


def user(**fields: object) -> Image:
    """Give the user as Graph does, enabled."""
    known: Image = {
        "id": ACCOUNT,
        "accountEnabled": True,
        "userPrincipalName": "mallory@contoso.example",
        "onPremisesSyncEnabled": None,
        "signInSessionsValidFromDateTime": "2026-01-01T00:00:00.1234567Z",
    }
    return known | fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The app, and the tenant that it acts on."""

    bench: Bench
    tenant: FakeTenant

    @property
    def runtime(self) -> Runtime:
        return self.bench.runtime

    @property
    def one(self) -> Containment:
        kept = self.runtime.restraints.read(CASE.tenant_id, CASE.id)
        assert kept is not None
        return kept.containment

    @property
    def states(self) -> dict[str, StepState]:
        return {step.act: step.state for step in self.one.steps}

    @property
    def account(self) -> Image:
        return self.tenant.principals[ACCOUNT]

    def contain(self, case: Case = CASE) -> None:
        """Do, as a person, what the plan shows."""
        plan = plan_containment(self.runtime, case)
        contain(self.runtime, case, digest=plan.digest, by="Carol Chen", reason="stolen")

    def tick(self, times: int = 1) -> None:
        """Let the timer come; what fails is gone on with the next time."""
        for _ in range(times):
            go_on_with_restraints(self.runtime)
            self.bench.clock.move(A_MINUTE)

    def titles(self) -> list[str]:
        """Give the titles of the notices that came over Teams."""
        return [each.title for each in self.bench.teams.notices]


def scene(
    storage: Storage,
    tenant: FakeTenant | None = None,
    acts: Sequence[AccountAct] = ACCOUNT_ACTS,
    **options: Any,  # noqa: ANN401 - settings, as `bench` takes
) -> Scene:
    """Make the app over storage, and the account as it stands before."""
    tenant = tenant or FakeTenant(principals={ACCOUNT: user()})
    workforce = settings_with().workforce
    edges = copy.replace(tenant.edges(), tenant=workforce)
    made = bench(storage, edges=edges, account_acts=tuple(acts), **options)
    return Scene(bench=made, tenant=tenant)
