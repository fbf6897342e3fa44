"""The sheets about an account: to take it from whoever uses it, by one plan, and to give it back."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from shared.console import texts
from shared.console.frame import View, card, clock, page
from shared.console.leaves import leaf_rows
from shared.console.list_page import person_in
from shared.console.markup import Html, Part, el, name
from shared.console.sentences import NOUNS, Named
from shared.console.sheets import objection, reason_form
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.objects.restraints import Containment
from shared.respond.asking import ActPlan
from shared.respond.containing import ContainmentPlan, PlannedStep
from shared.respond.restraint_reminders import line_of

CONTAIN: Final = "contain"
RELEASE: Final = "release"
RESTRAINING: Final = frozenset({CONTAIN, RELEASE})

RESTRAINT_REASONS: Final[Mapping[str, Mapping[str, Words]]] = {
    CONTAIN: {
        "not-them": Words(en="Contain: it wasn't them", ko="차단: 본인이 아님"),
        "no-answer": Words(en="Contain: nobody answers", ko="차단: 연락되지 않음"),
    },
    RELEASE: {
        "in-order": Words(en="Release: it is theirs again", ko="해제: 본인이 다시 사용함"),
        "mistake": Words(en="Release: it was a mistake", ko="해제: 잘못 차단함"),
    },
}
"""The reasons by what the button sends. The journal has the English one, with the note."""

_LONGEST: Final = 1_000


class RestraintSheet(Struct, frozen=True, kw_only=True):
    """What is asked about the account of a case. `plan` is of a containment, `kept` what was done for the case.

    `nothing` says why nothing can be done; `said` is what came of an earlier press, `note` what was typed then.
    """

    act: str
    case_id: str
    sentence: Html
    plan: ContainmentPlan | None = None
    kept: Containment | None = None
    nothing: str = ""
    said: Words | None = None
    note: str = ""


def restraint_page(sheet: RestraintSheet, named: Named, view: View) -> str:
    """Write the page."""
    question = view.say(texts.CONTAIN_ASKS if sheet.act == CONTAIN else texts.RELEASE_ASKS)
    alarm = el("p", view.say(sheet.said), class_="err", role="alert") if sheet.said else None
    body = _containment(sheet, named, view) if sheet.act == CONTAIN else _release(sheet, view)
    main = el(
        "div", el("div", alarm, el("h1", question), el("p", sheet.sentence, "."), body, class_="sheet"), class_="in"
    )
    return page(question, main, view, up=(view.link("i", sheet.case_id), view.say(texts.INCIDENT)))


def _nothing(sheet: RestraintSheet, words: Part, view: View) -> Part:
    back = el("a", view.say(texts.BACK), class_="btn big", href=view.link("i", sheet.case_id))
    return [el("p", words, class_="card"), el("div", back, class_="acts")]


def _form(sheet: RestraintSheet, digest: str, view: View) -> Html:
    return reason_form(sheet.act, ("i", sheet.case_id), digest, RESTRAINT_REASONS[sheet.act], view, note=sheet.note)


# ---- to take it ------------------------------------------------------------------------------------------------------


def _containment(sheet: RestraintSheet, named: Named, view: View) -> Part:
    plan = sheet.plan
    if plan is None:
        because = view.english(shown(sheet.nothing, _LONGEST))
        return _nothing(sheet, view.put(texts.NOTHING_TO_WRITE, because=because), view)
    if not plan.digest:
        return _nothing(sheet, view.say(texts.ALREADY), view)
    steps = el("ol", [el("li", _step(step, view)) for step in plan.steps])
    return [
        card(view.say(texts.TO_THE_ACCOUNT), steps, id_="account"),
        _work(plan, named, view),
        _mind(plan, view),
        _form(sheet, plan.digest, view),
    ]


def _step(step: PlannedStep, view: View) -> Part:
    stands = f": {step.stands}" if step.stands else ""
    does = el(
        "p",
        el("b", view.english(shown(f"{step.does[:1].upper()}{step.does[1:]}", _LONGEST))),
        " ",
        name(step.account),
        view.english(stands),
    )
    undo = view.put(texts.UNDO_IS, undo=view.english(shown(step.undo, _LONGEST)))
    return [does, el("p", undo, class_="s")]


def _work(plan: ContainmentPlan, named: Named, view: View) -> Html:
    """Show what of the account's work is taken back, object by object, each folded."""
    revocation = plan.revocation
    lists = ", ".join(revocation.approvals)
    ends = el("p", view.put(texts.ENDS_APPROVALS, lists=el("bdi", lists))) if lists else None
    objects = [_object(one, named, view) for one in revocation.plans]
    nothing = None if objects or lists else el("p", view.say(texts.NO_WORK), class_="s")
    title = view.put(texts.TO_ITS_WORK, at=clock(plan.since, view))
    return card(title, ends, objects, nothing, id_="work", side=f"{len(objects):,}" if objects else None)


def _object(one: ActPlan, named: Named, view: View) -> Html:
    steps = {row.leaf: (row.stands, row.will_be) for row in one.rows}
    noun = view.say(NOUNS[one.asking.id.kind])
    objections = [el("li", objection(leaf, each, view), class_="ob") for leaf, each in one.objections.items()]
    return el(
        "details",
        el("summary", name(one.name or one.tenants_id), " ", el("span", noun, class_="s")),
        leaf_rows(steps, named, view.language),
        el("ul", objections, class_="why") if objections else None,
    )


def _mind(plan: ContainmentPlan, view: View) -> Html:
    waiting = view.put(texts.CONTAIN_WAITS, because=view.english(shown(plan.waiting, _LONGEST)))
    lines = [
        *([waiting] if plan.waiting else []),
        *(view.english(shown(text, _LONGEST)) for text in plan.revocation.leans),
        *(view.put(texts.NOT_LOOKED_AT, because=view.english(shown(one, _LONGEST))) for one in plan.revocation.unread),
        view.say(texts.ACCOUNTS_MADE),
    ]
    return card(
        view.say(texts.MIND), el("ul", [el("li", line, class_="ob") for line in lines], class_="why"), id_="mind"
    )


# ---- to give it back -------------------------------------------------------------------------------------------------


def _release(sheet: RestraintSheet, view: View) -> Part:
    kept = sheet.kept
    if kept is None:
        return _nothing(sheet, view.say(texts.NOT_CONTAINED), view)
    if kept.released is not None:
        by, at = name(person_in(kept.released.by)), clock(kept.released.at, view)
        return _nothing(sheet, view.put(texts.RELEASED, name=by, at=at), view)
    lines = [el("li", view.english(shown(line_of(step), _LONGEST))) for step in kept.steps]
    return [
        card(view.say(texts.GIVEN_BACK), el("ul", lines, class_="why plain"), id_="given"),
        card(
            view.say(texts.MIND), el("ul", el("li", view.say(texts.STAYS_ENDED), class_="ob"), class_="why"), id_="mind"
        ),
        _form(sheet, released_plan(kept), view),
    ]


def released_plan(kept: Containment) -> str:
    """Name what is given back, so that a page that is out of date gives nothing back."""
    asked = (kept.case, kept.asked.at, [(one.account, one.act) for one in kept.steps])
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()
