"""What a person says of a case, the same from the console, over HTTP and on the command line.

That they take care of it, that they don't any more, what it was, and anything else. None of it changes what is put back
or who may do what, so it stands with the case and in no journal; who is asked next follows from it.
"""

import logging
from typing import Final

import msgspec

from shared.model.cases import WHAT_IT_WAS, Case, Remark, RemarkKind
from shared.model.errors import Rejected
from shared.respond.case_rows import shortened
from shared.respond.components import Runtime
from shared.respond.ledger import LONGEST_BY

_log = logging.getLogger("responder.cases")

MOST_REMARKS: Final = 20
"""How many remarks a case takes."""

LONGEST_REMARK: Final = 1_000
"""Characters."""


def acknowledge(runtime: Runtime, case: Case, *, by: str) -> Case:
    """Note who takes care of a case and of its page. Twice is no error, and the first one stays.

    Raises LeaseLost where the case is written at the same time, Rejected, and EdgeError; it can be called again.
    """
    # The page comes first: its mark stops escalation, and calling again makes up for the case's.
    runtime.notifier.acknowledge(case, by=by)
    said = runtime.ledger.acknowledge(case, by=by)
    _log.info("case %s was acknowledged by %s", case.id, by)
    return said


def take_back(runtime: Runtime, case: Case, *, by: str) -> Case:
    """Note that nobody takes care of a case any more: who is to be asked is asked again. Twice is no error.

    Raises as `acknowledge`.
    """
    runtime.notifier.take_back(case)
    remark = _remark(runtime, RemarkKind.TAKE_BACK, by, "")

    def without(stored: Case) -> Case:
        if stored.acknowledged_at is None:
            return stored
        free = msgspec.structs.replace(stored, acknowledged_by="", acknowledged_at=None)
        return free if len(free.remarks) >= MOST_REMARKS else _with(free, remark)

    said = runtime.ledger.say(case, without)
    _log.info("the acknowledgement of case %s was taken back by %s", case.id, by)
    return said


def note(runtime: Runtime, case: Case, *, by: str, text: str) -> Case:
    """Note something about a case; the same from the same person once more is no error.

    Raises as `acknowledge`, and ValueError where the text is empty or too long.
    """
    return _say(runtime, case, RemarkKind.NOTE, by, _checked(text))


def classify(runtime: Runtime, case: Case, was: RemarkKind, *, by: str, text: str = "") -> Case:
    """Note what a case was; the last one counts. Who says so has it.

    Raises as `acknowledge`, and ValueError where that is nothing that a case can have been, or the text is too long.
    """
    if was not in WHAT_IT_WAS:
        raise ValueError(f"a case was one of {', '.join(WHAT_IT_WAS)}, not {was}")
    text = _checked(text) if text.strip() else ""
    acknowledge(runtime, case, by=by)
    return _say(runtime, case, was, by, text)


def _say(runtime: Runtime, case: Case, kind: RemarkKind, by: str, text: str) -> Case:
    remark = _remark(runtime, kind, by, text)

    def said(stored: Case) -> Case:
        last = stored.remarks[-1] if stored.remarks else None
        is_again = last is not None and (last.kind, last.by, last.text) == (remark.kind, remark.by, remark.text)
        return stored if is_again else _with(stored, remark)

    return runtime.ledger.say(case, said)


def _remark(runtime: Runtime, kind: RemarkKind, by: str, text: str) -> Remark:
    if not by.strip():
        raise ValueError("who says it has to be known")
    return Remark(kind=kind, by=shortened(by, LONGEST_BY), at=runtime.clock(), text=text)


def _with(case: Case, remark: Remark) -> Case:
    if len(case.remarks) >= MOST_REMARKS:
        raise Rejected(f"case {case.id} has {MOST_REMARKS} remarks, and takes no more")
    return msgspec.structs.replace(case, remarks=(*case.remarks, remark))


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("a note needs a text")
    if len(text) > LONGEST_REMARK:
        raise ValueError(f"a note should have {LONGEST_REMARK:,} characters or fewer; this one has {len(text):,}")
    return shortened(text, LONGEST_REMARK)
