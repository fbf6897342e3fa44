"""How a step of the runbook is declared, what its run is handed, and what it gives back.

`responders/runbooks` declares the steps; `shared.emergency.engine` runs them. A run may be killed at any point
and is then run again from its beginning, so it looks at what stands before it writes, and keeps nothing in memory. A
drill runs the same code: `StepContext.write` then sends nothing, and every other way to write to a tenant is refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.emergency.entries import Evidence, Finding, Proposal, RunKind, SignInAnnounced, StepState
from shared.emergency.state import Emergency, StepProgress
from shared.model.bilingual import Words
from shared.model.calls import Call
from shared.model.kinds import Image, Json
from shared.respond.components import Runtime

USE_WITHIN: Final = timedelta(hours=1)
"""How long what two operators agreed to may be done: a run that fails and is begun again the next day asks anew."""


class StepEnd(Struct, frozen=True, kw_only=True):
    """What came of a run.

    `next_at` is when it is to look again, None where it isn't; the engine then starts a run of kind REPEAT. `proposals`
    are what the step would do once two operators have agreed; the state is BLOCKED then, and the engine runs the step
    again as soon as they have (`StepContext.agreed`). `announces` are sign-ins of emergency accounts that are expected.
    """

    state: StepState
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    next_at: datetime | None = None
    proposals: tuple[Proposal, ...] = ()
    announces: tuple[SignInAnnounced, ...] = ()


class Written(Struct, frozen=True, kw_only=True):
    """What came of a write. `is_dry` says that it is a drill, and nothing was sent; `answer` is the response's body."""

    is_dry: bool
    answer: Image | None = None


class StepContext(Struct, frozen=True, kw_only=True):
    """What a run is handed.

    `emergency` is as it was when the run began: earlier runs of the step, with findings and evidence, are in
    `progress`. In a drill, `runtime.edges` refuse every request but GET. `go_on` renews the lease of the emergency and
    raises LeaseLost where another run has it: call it between the pieces of what takes longer than ten seconds.
    `would_write` is called with each write that a drill leaves out, in words.
    """

    emergency: Emergency
    step: "RunbookStep"
    run: str
    kind: RunKind
    runtime: Runtime
    now: datetime
    go_on: Callable[[], None]
    would_write: Callable[[str], None]

    @property
    def apis(self) -> Mapping[str, TenantEdges]:
        """Graph and ARM of each tenant, by tenant id. Reads only; what writes is `write`."""
        return self.runtime.edges

    @property
    def progress(self) -> StepProgress:
        """How far this step was when the run began."""
        return self.emergency.step(self.step.number)

    def agreed(self, proposal: Proposal) -> bool:
        """Whether two operators, two persons, have agreed to exactly this text, and the second one in time.

        It counts for an hour, and until it was done once. True in a drill too, where the write is dry.
        """
        if self.emergency.drill:
            return True
        return self.emergency.is_agreed(proposal.what, proposal.digest, since=self.now - USE_WITHIN)

    def write(self, api: TenantEdges, call: Call, /, *, body: Json = None, **ids: str) -> Written:
        """Send a write, once the lease is surely held; in a drill only note what would be sent.

        Raises:
            LeaseLost: another run has the emergency; nothing was sent.
            EdgeError: as `TenantEdges.send`.
        """
        if self.emergency.drill:
            self.would_write(f"{call.method} {call.url(ids)} of {api.tenant.name}")
            return Written(is_dry=True)
        self.go_on()
        return Written(is_dry=False, answer=api.send(call, body=body, **ids))


class RunbookStep(Struct, frozen=True, kw_only=True):
    """One of the eight steps.

    `person` is what stays with a person, `system` what the app does, `check` how one sees that it is done, `failed`
    what a person does instead where the app can't. `needs` are the calls that it makes: the permissions that the
    identity is granted follow from them. `way_back` takes back what
    `run` did, before the emergency is closed; None where there is nothing to take back. `writes`: it writes to a tenant
    or makes something that is to be there once; such a step is run under a lease only, so not while storage can't be
    reached. A run that raises ResponderError has failed; its text and `failed` are what people see.
    """

    number: int
    id: str
    title: Words
    person: Words
    system: Words
    check: Words
    failed: Words
    needs: tuple[Call, ...]
    run: Callable[[StepContext], StepEnd]
    way_back: Callable[[StepContext], StepEnd] | None = None
    writes: bool = False
