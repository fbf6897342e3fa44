"""What happened to the same object before and after: what a put-back goes back to, and what it must not undo."""

from collections.abc import Iterable
from datetime import datetime

from shared.model.cases import Case, Outcome, Standing
from shared.model.remediations import Baseline, EarlierCase, Unknown


def run_of(case: Case, others: Iterable[Case]) -> tuple[list[Case], list[Case]]:
    """Split an object's history around `case` into the unapproved changes behind the present state, and later ones.

    The run holds positively unapproved changes only, oldest first. It begins after the last change by anybody else, and
    after the last unapproved change that had been put back before `case` was made. The second list has every later
    change by somebody who isn't positively unapproved: those are never undone.
    """
    earlier: list[Case] = []
    later: list[Case] = []
    kept: list[Case] = []
    for other in sorted(others, key=lambda one: (one.at, one.id)):
        if other.id == case.id:
            continue
        if (other.at, other.id) > (case.at, case.id):
            (later if other.standing is Standing.UNAPPROVED else kept).append(other)
        elif other.standing is not Standing.UNAPPROVED or _was_put_back(other, before=case.at):
            earlier.clear()
        else:
            earlier.append(other)
    return [*earlier, case, *later], kept


def _was_put_back(case: Case, *, before: datetime) -> bool:
    done = case.outcome in {Outcome.DONE, Outcome.ALREADY}
    return done and case.acted_at is not None and case.acted_at < before


def standing_then(begun_at: datetime, captured_at: datetime, others: Iterable[Case], *, before: datetime) -> list[Case]:
    """Give the unapproved changes that have been put back since, but stood while a snapshot was being read.

    That snapshot has the object as an unapproved actor left it.
    """
    return [
        other
        for other in others
        if other.standing is Standing.UNAPPROVED
        and _was_put_back(other, before=before)
        and other.at <= captured_at
        and other.acted_at is not None
        and other.acted_at >= begun_at
    ]


def trusted(
    baseline: Baseline, confirmed: datetime, run: list[Case], others: Iterable[Case], *, responder_id: str
) -> Baseline:
    """Give the baseline if nobody changed the object between the snapshot and the run, else `Unknown`.

    The responder's own put-backs and the changes that they undid leave the object as the snapshot has it.
    """
    start = run[0].at
    for other in others:
        own = bool(responder_id) and other.actor.id == responder_id
        undone = other.standing is Standing.UNAPPROVED and _was_put_back(other, before=start)
        if confirmed < other.at < start and not own and not undone and all(other.id != one.id for one in run):
            return Unknown(because=f"it was changed on {other.at:%Y-%m-%d %H:%M:%S} UTC, after the last snapshot")
    return baseline


def earlier_case(case: Case) -> EarlierCase:
    """What a remediation is told of a case."""
    return EarlierCase(
        id=case.id,
        detection=case.detection,
        at=case.at,
        actor=case.actor,
        approved=case.standing is not Standing.UNAPPROVED,
        changes=case.target.changes,
    )
