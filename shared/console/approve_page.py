"""The sheet that approves the actor of an incident: on which list, until when, and who signs it."""

import shlex
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.authority.standing import Approval
from shared.authority.statements import Malformed
from shared.console import approval_texts, texts
from shared.console.approving import APPROVE, LONGEST_TICKET, MOST_DAYS, Plan, Terms
from shared.console.frame import View, card, clock, page
from shared.console.markup import Html, Part, el, in_headline, name
from shared.console.who import to_copy
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.model.events import ActorKind

PASSKEY: Final = "passkey"
_LONGEST: Final = 300


class ApproveSheet(Struct, frozen=True, kw_only=True):
    """What is asked of an incident. `nothing` says why nobody can be approved, where `plan` is None.

    `is_founded` says whether operators are, `can_sign` whether the reader has a passkey here. `said` is what came of an
    earlier press.
    """

    case_id: str
    sentence: Html
    plan: Plan | None
    terms: Terms
    nothing: Words | None = None
    is_founded: bool = False
    can_sign: bool = False
    said: Words | None = None


def approve_page(sheet: ApproveSheet, view: View) -> str:
    """Write the page."""
    plan = sheet.plan
    alarm = el("p", view.say(sheet.said), class_="err", role="alert") if sheet.said else None
    question = _question(plan, view)
    body: Part = _nothing(sheet, view) if plan is None else [_what(plan, view), _mind(sheet, plan, view)]
    acts = None if plan is None else _acts(sheet, plan, view)
    main = el("div", alarm, el("h1", question), el("p", sheet.sentence, "."), body, acts, class_="sheet")
    up = (view.link("i", sheet.case_id), view.say(texts.INCIDENT))
    return page(view.say(approval_texts.APPROVALS), el("div", main, class_="in"), view, up=up)


def _question(plan: Plan | None, view: View) -> Part:
    if plan is None:
        return view.say(approval_texts.APPROVALS)
    is_app = plan.kind is ActorKind.SERVICE_PRINCIPAL
    asks = approval_texts.APPROVE_APP_ASKS if is_app else approval_texts.APPROVE_ASKS
    return view.put(asks, name=in_headline(plan.name))


def _nothing(sheet: ApproveSheet, view: View) -> Part:
    because = view.say(sheet.nothing) if sheet.nothing else ""
    back = el("a", view.say(texts.BACK), class_="btn big", href=view.link("i", sheet.case_id))
    return [
        el("p", view.put(texts.NOTHING_TO_WRITE, because=because), class_="card"),
        el("div", back, class_="acts"),
    ]


def _what(plan: Plan, view: View) -> Html:
    lines: list[tuple[Words, Part]] = [
        (approval_texts.WHO, [name(plan.name), Html("<br>"), el("span", plan.actor_id, class_="id")]),
        (
            approval_texts.MAY,
            [view.say(approval_texts.MAY_CHANGE[plan.approval_list]), " ", el("code", plan.approval_list)],
        ),
        (approval_texts.NOW, _stands(plan.stands, view)),
    ]
    rows = [el("div", el("dt", view.say(words)), el("dd", what)) for words, what in lines]
    return card(view.say(approval_texts.WHAT), el("dl", rows, class_="kv"), id_="plan")


def _stands(stands: Approval | Malformed | None, view: View) -> Html:
    match stands:
        case None:
            return el("span", view.say(approval_texts.NOTHING_SAID))
        case Malformed(because=because):
            return view.put(approval_texts.NOT_KNOWN, because=view.english(shown(because, _LONGEST)))
        case Approval(revoked_at=datetime() as at):
            return view.put(approval_texts.WAS_REVOKED, at=clock(at, view))
        case Approval(valid_until=until) if until <= view.now:
            return view.put(approval_texts.ENDED, until=clock(until, view))
        case Approval(valid_until=until, ticket=ticket):
            ticket_shown = el("bdi", shown(ticket, _LONGEST))
            return view.put(approval_texts.TO_DAY, until=clock(until, view), ticket=ticket_shown)


def _mind(sheet: ApproveSheet, plan: Plan, view: View) -> Html:
    minded = [approval_texts.RECORDED_ONLY]
    minded += [approval_texts.FIRST_OF_LIST] if plan.is_first else []
    minded += [approval_texts.TAKES_TWO] if plan.takes_two and sheet.is_founded else []
    minded += [approval_texts.PASSKEY_SIGNS] if sheet.can_sign else []
    lines = [el("li", view.say(words), class_="ob") for words in minded]
    return card(view.say(texts.MIND), el("ul", lines, class_="why"), id_="mind")


def _acts(sheet: ApproveSheet, plan: Plan, view: View) -> Part:
    command = to_copy(command_of(plan, sheet.terms, is_founded=sheet.is_founded), approval_texts.COPY_COMMAND, view)
    if not sheet.is_founded:
        return _form(sheet, plan, view)
    if not sheet.can_sign:
        make = el("a", view.say(approval_texts.MAKE_PASSKEY), class_="btn big", href=view.link(PASSKEY))
        back = el("a", view.say(texts.BACK), class_="btn big", href=view.link("i", sheet.case_id))
        lacking = el("p", view.say(approval_texts.NO_PASSKEY))
        return [el("section", lacking, command, class_="card"), el("div", make, back, class_="acts")]
    needs_script = el("noscript", el("p", view.say(approval_texts.NEEDS_SCRIPT)), command)
    refused = view.say(approval_texts.NOT_DONE_BY_PASSKEY)
    return [
        needs_script,
        el("p", refused, class_="err", role="alert", hidden=True, data_refused=True),
        _form(sheet, plan, view),
    ]


def _form(sheet: ApproveSheet, plan: Plan, view: View) -> Html:
    do, since = (
        (approval_texts.SIGN, approval_texts.SIGN_SINCE)
        if sheet.is_founded
        else (approval_texts.DO, approval_texts.DO_SINCE)
    )
    signed = [
        el("input", type="hidden", name="at", value=""),
        el("input", type="hidden", name="credential", value=""),
        el("input", type="hidden", name="signature", value="", data_sign=True),
    ]
    buttons = [
        el("button", view.say(do), class_="btn big pri", name="since", value=""),
        el("button", view.say(since), class_="btn big", name="since", value="change"),
        el("a", view.say(texts.BACK), class_="btn big", href=view.link("i", sheet.case_id)),
    ]
    return view.form(
        APPROVE,
        sheet.case_id,
        el("input", type="hidden", name="plan", value=plan.digest),
        signed if sheet.is_founded else None,
        el("div", _until(sheet, view), _ticket(sheet, view), class_="two"),
        el("div", buttons, class_="acts"),
        shown=plan.digest,
        action=view.link("i", sheet.case_id, APPROVE),
    )


def _until(sheet: ApproveSheet, view: View) -> Html:
    last = f"{view.now + timedelta(days=MOST_DAYS):%Y-%m-%d}"
    return el(
        "div",
        el("label", view.say(approval_texts.UNTIL), for_="until"),
        el(
            "input",
            id="until",
            name="until",
            type="date",
            value=sheet.terms.until,
            min=f"{view.now:%Y-%m-%d}",
            max=last,
            required=True,
        ),
        class_="fld",
    )


def _ticket(sheet: ApproveSheet, view: View) -> Html:
    return el(
        "div",
        el("label", view.say(approval_texts.TICKET), for_="ticket"),
        el(
            "input",
            id="ticket",
            name="ticket",
            type="text",
            value=sheet.terms.ticket,
            maxlength=str(LONGEST_TICKET),
            autocomplete="off",
            required=True,
            aria_describedby="ticket-hint",
        ),
        el("span", view.say(approval_texts.TICKET_HINT), class_="hint", id="ticket-hint"),
        class_="fld",
    )


def command_of(plan: Plan, terms: Terms, *, is_founded: bool) -> str:
    """Write the command that approves the same."""
    kind = ["--kind", plan.kind.value] if plan.kind is ActorKind.SERVICE_PRINCIPAL else []
    words = [
        *("responder", "approve", plan.approval_list.value, plan.actor_id, "--name", plan.name, *kind),
        *("--until", terms.until, "--ticket", terms.ticket or "TICKET"),
        *(("--key", "KEY") if is_founded else ()),
    ]
    return shlex.join(words)
