"""The page that asks before an act: what exactly will be done if I press? Its buttons are the reasons."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from shared.console import texts
from shared.console.frame import View, card, clock, page
from shared.console.leaves import leaf_rows, leaf_values
from shared.console.markup import Html, Part, el, joined
from shared.console.sentences import Named
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.model.objects import WHOLE, Objection
from shared.respond.asking import ActPlan, Verb

_LONGEST: Final = 1_000
LONGEST_NOTE: Final = 800

LABELS: Final[Mapping[Verb, Words]] = {
    Verb.PUT_BACK: Words(en="Put back…", ko="되돌리기…"),
    Verb.UNDO: Words(en="Undo put-back…", ko="되돌림 취소…"),
    Verb.ACCEPT: Words(en="Accept as it stands…", ko="이대로 수용…"),
    Verb.DENY: Words(en="Deny for good…", ko="계속 거부…"),
    Verb.LEAVE: Words(en="Leave it…", ko="그대로 두기…"),
}
"""The acts on an incident, as the buttons that lead to their sheets."""

_QUESTIONS: Final[Mapping[Verb, Words]] = {
    Verb.PUT_BACK: Words(en="Put it back now?", ko="지금 되돌릴까요?"),
    Verb.UNDO: Words(en="Bring the change back?", ko="되돌림을 취소할까요?"),
    Verb.ACCEPT: Words(en="Accept it as it stands?", ko="이대로 수용할까요?"),
    Verb.DENY: Words(en="Put it back, and hold it?", ko="되돌리고 계속 거부할까요?"),
    Verb.LEAVE: Words(en="Leave it as it is?", ko="그대로 둘까요?"),
    Verb.RESTORE: Words(en="Have it stand as it did then?", ko="그때 상태로 복원할까요?"),
}
_MINDS: Final[Mapping[Verb, tuple[Words, ...]]] = {
    Verb.PUT_BACK: (texts.ONCE,),
    Verb.UNDO: (texts.COUNTS_IN_YOUR_NAME, texts.STILL_NOT_APPROVED),
    Verb.ACCEPT: (texts.COUNTS_IN_YOUR_NAME, texts.STILL_NOT_APPROVED),
    Verb.DENY: (texts.HELD,),
    Verb.LEAVE: (texts.LEFT_STAYS,),
    Verb.RESTORE: (texts.COUNTS_IN_YOUR_NAME,),
}
_HEADS: Final[Mapping[Verb, Words]] = {Verb.ACCEPT: texts.WILL_COUNT, Verb.LEAVE: texts.STAYS_SO}

REASONS: Final[Mapping[Verb, Mapping[str, Words]]] = {
    Verb.PUT_BACK: {
        "unwanted": Words(en="Put back: it wasn't wanted", ko="되돌리기: 필요한 변경이 아님"),
        "unclear": Words(en="Put back: until it is clear", ko="되돌리기: 확인될 때까지"),
    },
    Verb.UNDO: {
        "wanted": Words(en="Undo: the change was wanted", ko="취소: 필요한 변경이었음"),
        "wrong": Words(en="Undo: the responder was wrong", ko="취소: Responder가 틀렸음"),
    },
    Verb.ACCEPT: {
        "wanted": Words(en="Accept: it was wanted", ko="수용: 필요한 변경이었음"),
        "harmless": Words(en="Accept: it makes no difference", ko="수용: 영향 없음"),
    },
    Verb.DENY: {
        "attack": Words(en="Deny: it was an attack", ko="거부: 공격임"),
        "never": Words(en="Deny: it must not be so", ko="거부: 허용하지 않는 변경"),
    },
    Verb.LEAVE: {
        "handled": Words(en="Leave: it is handled elsewhere", ko="그대로 두기: 다른 곳에서 처리 중"),
        "harmless": Words(en="Leave: it makes no difference", ko="그대로 두기: 영향 없음"),
    },
}
"""The reasons of each act by what its button sends. The journal has the English one, with the note."""

RESTORE_REASONS: Final[Mapping[str, Words]] = {
    "was-right": Words(en="Restore: it was right then", ko="복원: 그때가 올바른 상태"),
    "unclear": Words(en="Restore: until it is clear", ko="복원: 확인될 때까지"),
}
"""The reasons to restore an object, which has no incident."""

_BACKS: Final[Mapping[Verb, Words]] = {Verb.UNDO: Words(en="Leave it put back", ko="되돌린 상태로 두기")}


class Sheet(Struct, frozen=True, kw_only=True):
    """What is asked: the act, the case's id, its sentence, and the plan; `nothing` says why there is none.

    `said` is what came of an earlier press, None for the first one; `note` is what was typed then. Of an object,
    `place` is the address of its page, and `to` the instant that it is restored to.
    """

    verb: Verb
    case_id: str
    sentence: Html
    plan: ActPlan | None = None
    nothing: str = ""
    said: Words | None = None
    note: str = ""
    place: tuple[str, ...] = ()
    to: str = ""

    @property
    def above(self) -> tuple[str, ...]:
        """The parts of the address of the page above."""
        return self.place or ("i", self.case_id)


def sheet_page(sheet: Sheet, named: Named, view: View) -> str:
    """Write the page."""
    question = view.say(_QUESTIONS[sheet.verb])
    alarm = el("p", view.say(sheet.said), class_="err", role="alert") if sheet.said else None
    plan = sheet.plan
    nothing = sheet.nothing or (plan.nothing if plan else "")
    body: Part
    if plan is None or nothing:
        because = view.english(shown(nothing, _LONGEST))
        back = el("a", view.say(texts.BACK), class_="btn big", href=view.link(*sheet.above))
        body = [
            el("p", view.put(texts.NOTHING_TO_WRITE, because=because), class_="card"),
            el("div", back, class_="acts"),
        ]
    else:
        body = [_plan(sheet.verb, plan, named, view), _mind(sheet.verb, plan, view), _form(sheet, plan, view)]
    main = el(
        "div", el("div", alarm, el("h1", question), el("p", sheet.sentence, "."), body, class_="sheet"), class_="in"
    )
    up = (view.link(*sheet.above), view.say(texts.OBJECT if sheet.place else texts.INCIDENT))
    return page(question, main, view, up=up)


def _plan(verb: Verb, plan: ActPlan, named: Named, view: View) -> Html:
    steps = {row.leaf: (row.stands, row.will_be) for row in plan.rows}
    notes = {row.leaf: row.note for row in plan.rows if row.note}

    def note(leaf: str) -> Part:
        return view.english(shown(notes[leaf], _LONGEST)) if leaf in notes else None

    # What counts, or is left, is what stands: nothing is written.
    stays = {row.leaf: row.will_be for row in plan.rows} if verb in {Verb.ACCEPT, Verb.LEAVE} else {}
    rows = leaf_values(stays, named, view.language) if stays else leaf_rows(steps, named, view.language, note=note)
    nothing = None if plan.rows else el("p", view.say(texts.NOTHING_WRITTEN), class_="s")
    read = view.put(texts.READ_AT, at=clock(view.now, view))
    return card(view.say(_HEADS.get(verb, texts.WILL_BE_WRITTEN)), rows, nothing, id_="plan", side=read)


def _mind(verb: Verb, plan: ActPlan, view: View) -> Html:
    """Say what to mind: what guards object to first, then what follows."""
    objections = [el("li", objection(leaf, one, view), class_="ob") for leaf, one in plan.objections.items()]
    lacking = [el("li", view.english(shown(text, _LONGEST)), class_="ob") for text in plan.cannot]
    minded = [el("li", view.say(words), class_="ob") for words in _MINDS[verb]]
    fine = None if plan.objections or plan.op is None else el("p", view.say(texts.NOTHING_AGAINST), class_="s")
    return card(view.say(texts.MIND), el("ul", objections, lacking, minded, class_="why"), fine, id_="mind")


def objection(leaf: str, one: Objection, view: View) -> Html:
    """Say what a guard objects to, and whether that passes."""
    where = None if leaf == WHOLE else [el("code", shown(leaf, _LONGEST)), ": "]
    passes = view.say(texts.WAITS_PASS if one.can_pass else texts.WAITS_NOT)
    command = el("code", shown(one.by_hand, 10 * _LONGEST), class_="pre") if one.by_hand else None
    return joined([where, view.english(shown(one.because, _LONGEST)), ". ", passes, command])


def _form(sheet: Sheet, plan: ActPlan, view: View) -> Html:
    back = view.say(_BACKS.get(sheet.verb, texts.BACK))
    reasons = RESTORE_REASONS if sheet.verb is Verb.RESTORE else REASONS[sheet.verb]
    return reason_form(sheet.verb, sheet.above, plan.digest, reasons, view, note=sheet.note, back=back, to=sheet.to)


def subject_of(above: Sequence[str], to: str = "") -> str:
    """Name what a form is about, for its token: the case's id; of an object its page, and the instant."""
    return " ".join((*above, to)) if to else above[-1]


def reason_form(
    act: str,
    above: Sequence[str],
    digest: str,
    reasons: Mapping[str, Words],
    view: View,
    *,
    note: str = "",
    back: str = "",
    to: str = "",
) -> Html:
    """Make the form of a sheet: the plan that was shown, a folded note, a button for each reason, and the way back."""
    field = note_field("note", texts.NOTE_HINT, view, value=note)
    folded = el("details", el("summary", view.say(texts.ADD_NOTE)), field, open=bool(note))
    buttons = [
        el("button", view.say(words), class_=f"btn big{'' if place else ' pri'}", name="reason", value=code)
        for place, (code, words) in enumerate(reasons.items())
    ]
    leave = el("a", back or view.say(texts.BACK), class_="btn big", href=view.link(*above))
    return view.form(
        act,
        subject_of(above, to),
        el("input", type="hidden", name="plan", value=digest),
        el("input", type="hidden", name="to", value=to) if to else None,
        folded,
        el("div", buttons, leave, class_="acts"),
        shown=digest,
        action=view.link(*above, act),
    )


def note_field(id_: str, hint: Words, view: View, *, value: str = "", required: bool = False) -> Part:
    """Make the field for a note, with its label for who doesn't see, and what becomes of it."""
    hint_id = f"{id_}-hint"
    return [
        el("label", view.say(texts.NOTE), class_="vh", for_=id_),
        el(
            "input",
            id=id_,
            name="note",
            type="text",
            maxlength=str(LONGEST_NOTE),
            value=value or None,
            required=required,
            aria_describedby=hint_id,
        ),
        el("span", view.say(hint), class_="hint", id=hint_id),
    ]
