"""What the responder itself knows: who is paged, who is approved, and when the plan was last tried."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from responders.posture.names import of_all, some_of
from shared.authority.owners import NamedOwner, TableOwners
from shared.authority.standing import Approval
from shared.checks.check import Finding, failed, ok, warning
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import EVERY_TENANT, Part, Reading, Snapshot
from shared.emergency.store import Emergencies, Listed

TRIED_WITHIN: Final = timedelta(days=90)
_SOON: Final = timedelta(days=14)


def _read_owners(reading: Reading) -> Sequence[NamedOwner]:
    return (
        TableOwners(reading.runtime.storage, clock=reading.runtime.clock, acts=reading.runtime.acts).history().present
    )


OWNERS: Final = Part(id="owners", title="who is paged", read=_read_owners)


def _read_approvals(reading: Reading) -> Sequence[tuple[str, str, Approval | None]]:
    """Read each approval with its list and actor; None for a row that can't be read."""
    return [
        (str(approval_list), actor, said if isinstance(said, Approval) else None)
        for approval_list, actor, said in reading.runtime.approvals.all()
    ]


APPROVALS: Final = Part(id="approvals", kinds=EVERY_TENANT, title="who is approved", read=_read_approvals)


def _read_drills(reading: Reading) -> Sequence[Listed]:
    store = Emergencies(reading.runtime.storage, clock=reading.runtime.clock, is_signed=lambda _entry: True)
    return [each for each in store.newest() if each.drill]


DRILLS: Final = Part(id="drills", title="the drills that were held", read=_read_drills)

PARTS: Final = (OWNERS, APPROVALS, DRILLS)


def _owners(snapshot: Snapshot) -> list[Finding]:
    owners = [each for each in snapshot.of(OWNERS) if each.upn]
    everything = sorted({each.name for each in owners if each.scope == "*"})
    if not everything:
        return [failed("nobody is named who is paged about everything")]
    if len(everything) == 1:
        return [failed(f"only {everything[0]} is paged about everything: who is paged when they are away?")]
    return [ok(f"paged about everything: {some_of(everything)}")]


def _approvals(snapshot: Snapshot) -> list[Finding]:
    approvals = snapshot.of(APPROVALS)
    broken = [f"{who} on {name}" for name, who, said in approvals if said is None]
    standing = [said for _, _, said in approvals if said is not None and said.revoked_at is None]
    over = [each for each in standing if each.valid_until <= snapshot.at]
    found = [failed(f"rows that can't be read approve nobody: {some_of(broken)}")] if broken else []
    if over:
        found.append(failed(f"{of_all(over, standing)} approvals are over: {_named(over)}"))
    soon = [each for each in standing if snapshot.at < each.valid_until <= snapshot.at + _SOON]
    if soon and not found:
        return [warning(f"{of_all(soon, standing)} approvals end within {_SOON.days} days: {_named(soon)}")]
    return found or [ok(f"{len(standing):,} approvals, each with an end that is to come")]


def _named(approvals: Sequence[Approval]) -> str:
    return some_of(f"{each.name or each.actor_id} on {each.approval_list}" for each in approvals)


def _tried(snapshot: Snapshot) -> list[Finding]:
    last: datetime | None = max((each.declared_at for each in snapshot.of(DRILLS)), default=None)
    if last is None:
        return [failed("no drill was ever held")]
    if last < snapshot.at - TRIED_WITHIN:
        return [failed(f"the last drill was held at {last:%Y-%m-%d}")]
    return [ok(f"the last drill was held at {last:%Y-%m-%d}")]


CHECKS: Final = (
    PostureCheck(
        id="incident-owners-set",
        stage=Stage.WEEKS,
        title="Two people at least are paged about everything",
        why="An alert that nobody owns is read by nobody.",
        passages=(46, 47, 49),
        parts=(OWNERS,),
        always_applies="Somebody has to be paged, whatever is guarded.",
        cure='`responder owner "*" --name NAME --upn UPN` names one, `responder owners` shows them.',
        run=_owners,
    ),
    PostureCheck(
        id="approvals-fresh",
        stage=Stage.WEEKS,
        title="No approval is over",
        why="Whoever works with an approval that is over is put back, and somebody is paged at night.",
        passages=(29, 119),
        parts=(APPROVALS,),
        always_applies="Every installation has approval lists; on an empty one nothing is over.",
        cure="`responder approve` gives an approval another end, `responder revoke` takes it back.",
        run=_approvals,
    ),
    PostureCheck(
        id="incident-plan-tried",
        stage=Stage.HALF_A_YEAR,
        title="The emergency runbook was tried within 90 days",
        why="A plan that was never tried fails on the night when it is needed.",
        passages=(98, 100),
        parts=(DRILLS,),
        always_applies="Every installation has the runbook.",
        cure="Set an hour aside with a second operator: `responder emergency drill`. It changes nothing in the tenant.",
        run=_tried,
    ),
)
