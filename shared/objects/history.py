"""The history of an object: which changes a put-back undoes, which ones it must keep, and which baseline is safe."""

from collections.abc import Iterable
from datetime import datetime

from shared.model.cases import Case, Outcome, Standing
from shared.model.remediations import Baseline, EarlierCase, Unknown


def split_history(case: Case, others: Iterable[Case]) -> tuple[list[Case], list[Case]]:
    """Split the cases of an object into the unapproved changes to undo with `case`, and the later changes to keep.

    The first list, oldest first, has only changes of actors known to be unapproved. It starts after the last change by
    anybody else before `case`, and after the last unapproved change that was put back before `case` happened. The
    second list has the changes after `case` of actors who are approved or unknown. They are never undone.
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


def in_force_during_snapshot(
    begun_at: datetime, captured_at: datetime, others: Iterable[Case], *, before: datetime
) -> list[Case]:
    """Give the unapproved changes that were in force while a snapshot was read, and were put back later.

    Such a snapshot holds the object as an unapproved actor left it, so it is no baseline.
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


def trusted_baseline(
    baseline: Baseline,
    confirmed: datetime,
    unapproved_changes: list[Case],
    others: Iterable[Case],
    *,
    responder_id: str,
) -> Baseline:
    """Give the baseline if nobody changed the object between the snapshot and the first unapproved change.

    Otherwise `Unknown`. The responder's own put-backs don't count, nor do the changes that they undid: after them the
    object is as in the snapshot.
    """
    start = unapproved_changes[0].at
    for other in others:
        own = bool(responder_id) and other.actor.id == responder_id
        undone = other.standing is Standing.UNAPPROVED and _was_put_back(other, before=start)
        if (
            confirmed < other.at < start
            and not own
            and not undone
            and all(other.id != one.id for one in unapproved_changes)
        ):
            return Unknown(because=f"it was changed on {other.at:%Y-%m-%d %H:%M:%S} UTC, after the last snapshot")
    return baseline


def earlier_case(case: Case) -> EarlierCase:
    """Give the part of a case that remediations see."""
    return EarlierCase(
        id=case.id,
        detection=case.detection,
        at=case.at,
        actor=case.actor,
        approved=case.standing is not Standing.UNAPPROVED,
        changes=case.target.changes,
    )
