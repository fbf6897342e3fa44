"""The details of a case, each with its label, for cards and pages."""

from collections.abc import Mapping
from typing import Final

from shared.model.cases import Case, Outcome
from shared.model.detections import AnyDetection
from shared.model.escape import quoted, shown
from shared.model.events import ActorKind
from shared.notify.endings import Ending, ending_of
from shared.notify.wording import PageContext, actor_text, duration, is_later, when


def facts(
    case: Case, detection: AnyDetection, page_context: PageContext, *, max_length: int
) -> tuple[tuple[str, str], ...]:
    """List the details of a case, each with its label. Unknown ones are left out, except who, from where and when.

    A count has no single actor or address, so it has neither who nor from where.
    """
    rows = (
        *(() if detection.counted else _by_whom(case, max_length)),
        ("When", when(case.at)),
        ("Timing", _timing(case, "the last of them" if detection.counted else "the change")),
        ("Tenant", f"{shown(page_context.tenant_name, max_length)} {shown(case.tenant_id, max_length)}".strip()),
        ("Object", _object(case, max_length)),
        ("Approval", f"{case.standing.capitalize()}: {shown(case.standing_because, max_length * 3)}".rstrip(": ")),
        (
            "Decision",
            f"{case.decision.capitalize()} (mode {case.mode}): {shown(case.because, max_length * 3)}".rstrip(": "),
        ),
        ("If enforced", shown(case.would.removeprefix("would "), max_length * 3)),
        ("Plan", shown(case.summary, max_length * 3)),
        (_PROOF_IS.get(case.outcome, "Proof"), shown(case.proof, max_length * 3)),
        ("Undo", _undo(case, detection)),
        ("Detection", f"{shown(detection.title, max_length * 2)} ({detection.id}, guide row {detection.seed_row})"),
        ("Technique", shown(", ".join(map(str, detection.techniques)), max_length * 3)),
        ("Read by", _acknowledged(case, max_length)),
        ("Case", shown(case.id, max_length)),
    )
    return tuple(row for row in rows if row[1])


_PROOF_IS: Final[Mapping[Outcome, str]] = {
    Outcome.FAILED: "Failure",
    Outcome.PENDING: "Prevented by",
}
"""The label of `Case.proof` where it isn't what was read back."""


def _undo(case: Case, detection: AnyDetection) -> str:
    """Say how a put-back is undone: by hand, or by the app, so that it counts as accepted and stays."""
    if not _was_done(case):
        return ""
    by_hand = detection.remediation.undo if detection.remediation else ""
    by_the_app = f"`responder undo {case.id}` shows what it would write, and does it." if case.object_key else ""
    return f"{by_hand} {by_the_app}".strip()


def _by_whom(case: Case, max_length: int) -> tuple[tuple[str, str], ...]:
    return (
        (
            "Who",
            f"{actor_text(case, max_length)}, {_KINDS[case.actor.kind]} {shown(case.actor.id, max_length)}".strip(),
        ),
        ("From", shown(case.actor.address, max_length) or "the record has no address"),
    )


_KINDS: Final[Mapping[ActorKind, str]] = {
    ActorKind.USER: "user",
    ActorKind.SERVICE_PRINCIPAL: "application",
    ActorKind.UNKNOWN: "of unknown kind",
}


def _object(case: Case, max_length: int) -> str:
    target = case.target
    name = quoted(target.name, max_length) if target.name not in {"", target.id} else ""
    parts = (shown(target.kind, max_length), name, shown(target.id, max_length * 2))
    return " ".join(part for part in parts if part)


def _was_done(case: Case) -> bool:
    return ending_of(case) in {Ending.PUT_BACK, Ending.UNPROVED}


def _acknowledged(case: Case, max_length: int) -> str:
    if not case.acknowledged_by:
        return ""
    at = f" at {when(case.acknowledged_at)}" if case.acknowledged_at else ""
    return f"{shown(case.acknowledged_by, max_length)}{at}"


def _timing(case: Case, change: str) -> str:
    """Say how long after the change the responder acted; "" where that would be negative, since clocks differ."""
    if is_later(case.acted_at, case):
        return f"answered {duration(case.acted_at - case.at)} after {change}, at {when(case.acted_at)}"
    if is_later(case.opened_at, case):
        return f"noticed {duration(case.opened_at - case.at)} after {change}, at {when(case.opened_at)}"
    return ""
