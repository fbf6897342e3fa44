"""What is said of an incident by one press, without a sheet: who has it, who doesn't any more, a note, what it was."""

from collections.abc import Mapping
from enum import StrEnum

from shared.console import texts
from shared.console.sheets import LONGEST_NOTE
from shared.console.visitors import Visitor
from shared.model.bilingual import Words
from shared.model.cases import WHAT_IT_WAS, Case
from shared.respond.components import Runtime
from shared.respond.remarks import acknowledge, classify, note, take_back


class Saying(StrEnum):
    """What is said, as the last part of a form's address."""

    ACKNOWLEDGE = "acknowledge"
    TAKE_BACK = "take-back"
    NOTE = "note"
    CLASSIFY = "classify"


SAYINGS = frozenset(one.value for one in Saying)


def may_say(visitor: Visitor, saying: Saying, case: Case) -> bool:
    """Whether somebody may say so: what it was, and that another doesn't have it any more, is for operators."""
    is_own = saying is Saying.TAKE_BACK and f"({visitor.id})" in case.acknowledged_by
    return visitor.may_act or is_own or saying in {Saying.ACKNOWLEDGE, Saying.NOTE}


def say(runtime: Runtime, case: Case, saying: Saying, form: Mapping[str, str], *, by: str) -> str | Words:
    """Say it; gives the code of what came of it, or why nothing did.

    Raises as `shared.respond.remarks`.
    """
    match saying:
        case Saying.ACKNOWLEDGE:
            acknowledge(runtime, case, by=by)
            return "already" if case.acknowledged_at else "acknowledged"
        case Saying.TAKE_BACK:
            take_back(runtime, case, by=by)
            return "taken-back" if case.acknowledged_at else "already"
        case Saying.NOTE:
            text = form.get("note", "").strip()[:LONGEST_NOTE]
            if not text:
                return texts.NO_TEXT
            note(runtime, case, by=by, text=text)
            return "remarked"
        case Saying.CLASSIFY:
            was = next((kind for kind in WHAT_IT_WAS if kind == form.get("was", "")), None)
            if was is None:
                return texts.NO_REASON
            classify(runtime, case, was, by=by)
            return "remarked"
