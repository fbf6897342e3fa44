"""The page of an incident: what happened, is it still so, what do I do?"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.authority.journal import Act, What
from shared.console import approval_texts, texts
from shared.console.frame import ROOT, View, ago, card, clock, news, page
from shared.console.incidents import Incident, object_of
from shared.console.leaves import differences_shown, leaf_rows
from shared.console.list_page import person_in
from shared.console.markup import LONGEST_NAME, Html, Part, el, in_headline, joined, name
from shared.console.sentences import NOUNS, Named, Said, what_happened
from shared.console.sheets import LABELS, note_field
from shared.console.states import Look, Stage
from shared.console.who import who
from shared.model.bilingual import Words
from shared.model.cases import Outcome, Standing
from shared.model.escape import shown
from shared.model.events import ActorKind
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, ObjectId, Op, Step, Version
from shared.notify.diff import diff_of
from shared.notify.facts import facts
from shared.notify.next_steps import next_steps
from shared.notify.portal import portal_link
from shared.notify.wording import PageContext, is_later, result
from shared.objects.comparing import is_same, member_of
from shared.objects.restraints import Containment
from shared.respond.asking import Verb
from shared.respond.restraint_reminders import line_of

_LONGEST: Final = 1_000
_TITLE: Final = 200
_IN_THE_VERDICT: Final = 240
"""Characters of a reason at the top of the page; it is whole below."""


class Shown(Struct, frozen=True, kw_only=True):
    """What the page shows besides the incident: names, that of the tenant too, how leaves are compared, and others.

    `said` is what came of a press, `others` are ids of other open incidents of the same actor, None where that isn't
    known. `rules` is None where no object is guarded. `containment` is what was taken from accounts because of it, and
    `may_contain` whether that of its actor can be: it is certain whose it is. `may_approve` is whether the actor can be
    put on the detection's list.
    """

    named: Named
    tenant: str = ""
    rules: LeafRules | None = None
    said: Words | None = None
    others: tuple[str, ...] | None = ()
    containment: Containment | None = None
    may_contain: bool = False
    may_approve: bool = False


def incident_page(incident: Incident, also: Shown, view: View) -> str:
    """Write the page."""
    look = incident.state.look
    words = incident.state.words.in_language(view.language)
    said = _said(incident, also.named, view, with_links=False)
    main = joined(
        [
            news(view, also.said),
            el("div", el("div", _verdict(incident, also, view), class_="in"), class_=f"verdict {look}"),
            el(
                "div",
                el("div", _acknowledgement(incident, view), _next(incident, also, view), class_="side"),
                el(
                    "div",
                    _changed(incident, also, view),
                    _happened(incident, view),
                    _what_was_it(incident, view),
                    _why(incident, view),
                    _details(incident, also, view),
                    class_="body",
                ),
                el("div", _who_is_who(incident, also, view), class_="side2"),
                class_="in cols",
            ),
        ]
    )
    title = f"{words}: {_plain(said)[:_TITLE]}"
    return page(
        title,
        main,
        view,
        up=(ROOT, view.say(texts.INCIDENTS)),
        body_class="has-ack",
    )


def _plain(html: Html) -> str:
    """Take the elements out of a sentence, for the title of the page."""
    from html import unescape  # noqa: PLC0415 - for this alone
    from re import sub  # noqa: PLC0415 - the same

    return unescape(sub(r"<[^>]*>", "", html))


# ---- verdict ---------------------------------------------------------------------------------------------------------


def _verdict(incident: Incident, also: Shown, view: View) -> Part:
    case = incident.case
    state = el("span", incident.state.words.in_language(view.language), class_=f"st {incident.state.look}")
    risk = el("span", view.say(texts.RISKS[incident.risk]))
    at = el("span", clock(case.at, view), ", ", ago(case.at, view))
    sentence_shown = el("h1", _said(incident, also.named, view, with_links=True), ".")
    return [
        el("p", state, risk, at, class_="meta"),
        sentence_shown,
        el("p", _proof(incident, also, view), class_="proof"),
    ]


def _said(incident: Incident, named: Named, view: View, *, with_links: bool) -> Html:
    return what_happened(
        incident.case,
        incident.detection,
        incident.change,
        named,
        Said(
            language=view.language,
            with_standing=with_links,
            who_link="#who" if with_links else "",
            object_link=_object_link(incident, view) if with_links else "",
        ),
        object_name=incident.object_state.name if incident.object_state else "",
    )


def _object_link(incident: Incident, view: View) -> str:
    object_id = object_of(incident.case)
    return view.link("o", object_id.kind, object_id.key) if object_id else ""


def _proof(incident: Incident, also: Shown, view: View) -> Part:
    """Say whether it is still so, as far as was read."""
    case, act = incident.case, incident.state.act
    if act is not None:
        return _by_person(act, view)
    match incident.state.stage:
        case Stage.BACK if case.outcome is Outcome.DONE:
            acted = case.acted_at
            lasted = (
                view.say(texts.IN_FORCE_FOR, time=texts.time_passed(acted - case.at)) if is_later(acted, case) else ""
            )
            ended = case.closed_at or acted
            read = view.put(texts.READ_BACK, at=clock(ended, view)) if ended else None
            return [lasted, " ", read]
        case Stage.WAITS:
            # What is in the way stands in the first step.
            return _still(incident, also, view)
        case Stage.NEEDS | Stage.WATCHED | Stage.FAILED:
            still = _still(incident, also, view)
            return [still, " " if still else None, _because(incident, view)]
        case _:
            return _because(incident, view)


def _because(incident: Incident, view: View) -> Html:
    return view.reason(result(incident.case, max_length=_LONGEST), most=_IN_THE_VERDICT)


def _by_person(act: Act, view: View) -> Part:
    return [
        name(person_in(act.who)),
        ", ",
        clock(act.when, view),
        ": ",
        el("bdi", shown(act.why, LONGEST_NAME)),
    ]


def _still(incident: Incident, also: Shown, view: View) -> Html:
    """Say whether the change still stands, by how the object was last read."""
    change, seen = incident.change, _last_read(incident)
    if change is None or also.rules is None:
        return joined(None)
    if seen is None or seen.at < change.at:
        return joined(view.say(texts.NOT_READ_SINCE))
    rules = also.rules
    steps = _steps(incident)
    stands = [is_same(rules, leaf, seen.leaves.get(leaf), new) for leaf, (_, new) in steps.items()]
    if not stands:
        return joined(None)
    at = clock(seen.until or seen.at, view)
    if any(stands):
        passed = view.say(texts.time_passed(view.now - change.at))
        return view.put(texts.STILL_IN_FORCE, time=passed, at=at)
    return view.put(texts.NO_LONGER_IN_FORCE, at=at)


def _last_read(incident: Incident) -> Version | None:
    state = incident.object_state
    if state is None:
        return None
    return state.versions[-1] if state.versions else state.origin


def _steps(incident: Incident) -> dict[str, Step]:
    """Give the leaves that the change wrote; of one that made or deleted the object, that it is there or not."""
    change = incident.change
    if change is None:
        return {}
    steps = {leaf: step for leaf, step in change.wrote.items() if step[0] != step[1]}
    if change.op is not Op.UPDATE and EXISTS not in steps:
        steps[EXISTS] = (None, True) if change.op is Op.CREATE else (True, None)
    return steps


# ---- who has it, and what to do --------------------------------------------------------------------------------------


def _acknowledgement(incident: Incident, view: View) -> Html:
    case = incident.case
    if case.acknowledged_at is None:
        asked = texts.NEXT_IS_PAGED if incident.state.needs_somebody else texts.NOBODY_IS_ASKED
        words = el("p", el("b", view.say(texts.NOBODY_HAS_IT), "."), Html("<br>"), view.say(asked))
        button = el("button", view.say(texts.ACKNOWLEDGE), class_="btn pri")
        return view.form(
            "acknowledge", case.id, words, button, action=view.link("i", case.id, "acknowledge"), class_="ack"
        )
    is_mine = bool(view.reader_id) and f"({view.reader_id})" in case.acknowledged_by
    who = (
        view.say(texts.YOU_HAVE_IT)
        if is_mine
        else view.put(texts.SOMEBODY_HAS_IT, name=name(person_in(case.acknowledged_by)))
    )
    since = view.put(texts.NO_MORE_PAGES, at=clock(case.acknowledged_at, view))
    words = el("p", el("b", who, "."), Html("<br>"), since)
    if not is_mine and not view.may_act:
        return el("div", words, class_="ack had")
    button = el("button", view.say(texts.TAKE_BACK), class_="btn")
    action = view.link("i", case.id, "take-back")
    return view.form("take-back", case.id, words, button, action=action, class_="ack had")


def _next(incident: Incident, also: Shown, view: View) -> Html:
    steps = [el("li", *each) for each in _steps_to_take(incident, also, view)]
    readers = el("p", view.say(texts.ONLY_READS), class_="s") if not view.may_act and _acts(incident) else None
    title = el("h2", view.say(texts.NEXT), id="h-next")
    return el("section", title, el("ol", steps), readers, class_="card next", aria_labelledby="h-next")


def _steps_to_take(incident: Incident, also: Shown, view: View) -> Iterator[tuple[Part, ...]]:
    """Give the steps, at most three, each with its buttons where the thought arises."""
    if object_of(incident.case) is None:
        for step in next_steps(incident.case, incident.detection, max_length=_LONGEST):
            yield (el("p", view.english(step)),)
        yield from _restrain(incident, also, view)
        for link in _approve(incident, also, view):
            yield (el("p", view.say(texts.WANTED)), link)
        return
    match incident.state.stage:
        case Stage.NEEDS | Stage.WATCHED | Stage.FAILED | Stage.UNKNOWN:
            yield (_ask(incident, view),)
            yield from _by_hand(incident, view)
            besides = [_to_sheet(texts.CONTAIN, "contain", incident, view)] if _may_be_taken(incident, also) else []
            yield _step(texts.NOT_WANTED, incident, view, _to_put_back(incident), is_main=True, besides=besides)
            yield _step(texts.WANTED, incident, view, (Verb.ACCEPT, Verb.LEAVE), besides=_approve(incident, also, view))
            yield from _contained(also, incident, view)
        case Stage.WAITS:
            because = incident.case.pending or incident.case.because
            yield (el("p", view.put(texts.IN_THE_WAY, because=view.reason(because, most=_LONGEST))),)
            yield from _by_hand(incident, view)
            yield _step(texts.KEEPS_TRYING, incident, view, (Verb.LEAVE, Verb.ACCEPT))
        case Stage.CHECK:
            yield (el("p", view.say(texts.LOOK_YOURSELF)), _portal(incident, view))
            yield _step(texts.WANTED, incident, view, (Verb.ACCEPT, Verb.LEAVE))
        case Stage.GOING:
            yield (el("p", view.say(texts.WAIT)),)
        case Stage.BACK:
            yield (_ask(incident, view),)
            yield from _restrain(incident, also, view)
            yield _step(texts.WANTED, incident, view, (Verb.UNDO,), besides=_approve(incident, also, view))
        case Stage.APPROVED | Stage.DECIDED:
            yield (el("p", view.say(texts.NOTHING_TO_DO)),)
            yield _step(texts.NOT_WANTED, incident, view, (Verb.DENY,))


def _to_put_back(incident: Incident) -> tuple[Verb, ...]:
    """Give the ways to take it back; who may or may not be approved can only be denied, since a person judges that."""
    return (Verb.PUT_BACK, Verb.DENY) if incident.case.standing is Standing.UNAPPROVED else (Verb.DENY,)


def _acts(incident: Incident) -> bool:
    return object_of(incident.case) is not None and incident.state.stage is not Stage.GOING


def _step(
    words: Words,
    incident: Incident,
    view: View,
    verbs: Sequence[Verb],
    *,
    is_main: bool = False,
    besides: Sequence[Part] = (),
) -> tuple[Part, ...]:
    text = el("p", view.say(words))
    if not view.may_act:
        return (text,)
    links: list[Part] = []
    for place, verb in enumerate(verbs):
        is_filled = is_main and not place and incident.state.look is Look.NEEDS and verb is Verb.PUT_BACK
        tone = " pri" if is_filled else ""
        links.append(
            el(
                "a",
                LABELS[verb].in_language(view.language),
                class_=f"btn{tone}",
                href=view.link("i", incident.case.id, verb),
            )
        )
    links += besides
    return (text, links[0]) if len(links) == 1 else (text, el("div", links, class_="row"))


def _ask(incident: Incident, view: View) -> Html:
    case = incident.case
    if not case.actor.id and not case.actor.name:
        return el("p", view.say(texts.FIND_OUT_WHO))
    who = in_headline(case.actor.name or case.actor.id)
    if case.actor.kind is ActorKind.SERVICE_PRINCIPAL:
        return el("p", el("b", view.put(texts.ASK_OWNERS, who=who)))
    return el("p", el("b", view.put(texts.CALL, who=who)), " ", view.say(texts.DO_NOT_WRITE))


def _may_be_taken(incident: Incident, also: Shown) -> bool:
    """Whether the actor's account can be taken from whoever uses it, and isn't yet."""
    is_held = also.containment is not None and also.containment.released is None
    return also.may_contain and not is_held and incident.case.standing is not Standing.APPROVED


def _approve(incident: Incident, also: Shown, view: View) -> list[Part]:
    """Give the way to approve the actor, where that is something else than it is now."""
    is_new = also.may_approve and incident.case.standing is not Standing.APPROVED
    return [_to_sheet(approval_texts.APPROVE, "approve", incident, view)] if is_new else []


def _restrain(incident: Incident, also: Shown, view: View) -> Iterator[tuple[Part, ...]]:
    """Give the step about the actor's account: to take it from whoever uses it, or to give it back."""
    if _may_be_taken(incident, also):
        yield (el("p", view.say(texts.NOT_THEM)), _to_sheet(texts.CONTAIN, "contain", incident, view))
    yield from _contained(also, incident, view)


def _contained(also: Shown, incident: Incident, view: View) -> Iterator[tuple[Part, ...]]:
    """Say what was taken from accounts because of it, with the way back."""
    kept = also.containment
    if kept is not None and kept.released is None:
        said = view.put(texts.CONTAINED, name=name(person_in(kept.asked.by)), at=clock(kept.asked.at, view))
        lines = [el("li", view.english(shown(line_of(step), _LONGEST))) for step in kept.steps]
        what = el("div", el("p", said), el("ul", lines, class_="why plain"))
        yield (what, _to_sheet(texts.RELEASE, "release", incident, view))


def _to_sheet(words: Words, act: str, incident: Incident, view: View) -> Part:
    if not view.may_act:
        return None
    return el("a", view.say(words), class_="btn", href=view.link("i", incident.case.id, act))


def _by_hand(incident: Incident, view: View) -> Iterator[tuple[Part, ...]]:
    if incident.case.by_hand:
        command = el("code", shown(incident.case.by_hand, 10 * _LONGEST), class_="pre")
        yield (el("p", view.say(texts.BY_HAND), command),)


def _portal(incident: Incident, view: View) -> Part:
    found = portal_link(incident.case, incident.detection.unless_actor_in)
    return el("a", view.say(texts.OPEN_PORTAL), href=found.url, class_="btn", rel="noreferrer") if found else None


# ---- what changed ----------------------------------------------------------------------------------------------------


def _changed(incident: Incident, also: Shown, view: View) -> Html:
    change, seen = incident.change, _last_read(incident)
    object_id = object_of(incident.case)
    unread = [
        el("p", view.put(texts.CHANGE_UNREAD, because=view.english(shown(why, _LONGEST))), class_="msg")
        for why in incident.unread
    ]
    if change is None:
        found = diff_of(incident.case.target.changes or incident.case.put_back, {})
        body = differences_shown(found, view.language) if found else el("p", view.say(texts.NO_VALUES), class_="s")
        return card(view.say(texts.CHANGED), unread, body, _link_to_object(object_id, view), id_="changed")
    steps = _steps(incident)
    leaves = seen.leaves if seen else {}
    total = max(len(leaves), len(steps))
    rows = leaf_rows(
        steps, also.named, view.language, stands=leaves, note=lambda leaf: _stands(leaf, steps, incident, also, view)
    )
    is_all = change.is_whole or change.op is not Op.UPDATE or bool(change.whole_properties)
    more = None if is_all else el("p", view.say(texts.MORE_WAS_WRITTEN), class_="s")
    count = view.say(texts.OF_SETTINGS, count=len(steps), total=total)
    nothing = None if steps else el("p", view.say(texts.NO_VALUES), class_="s")
    return card(
        view.say(texts.CHANGED),
        unread,
        rows,
        nothing,
        more,
        _link_to_object(object_id, view),
        id_="changed",
        side=count,
    )


def _link_to_object(object_id: ObjectId | None, view: View) -> Part:
    if object_id is None:
        return None
    link = el("a", view.say(texts.OBJECT_LINK), href=view.link("o", object_id.kind, object_id.key))
    return el("p", link, class_="more")


def _stands(leaf: str, steps: dict[str, Step], incident: Incident, also: Shown, view: View) -> Part:
    """Say how the leaf stands now, beside what the change made of it."""
    seen, change = _last_read(incident), incident.change
    if also.rules is None or change is None or seen is None or seen.at < change.at:
        return el("span", view.say(texts.NOW_UNREAD), class_="st unread")
    old, new = steps[leaf]
    value = seen.leaves.get(leaf)
    if is_same(also.rules, leaf, value, new):
        return el("span", view.say(texts.STILL_SO), class_="st wait")
    if is_same(also.rules, leaf, value, old):
        return el("span", view.say(texts.NOW_AS_BEFORE), class_="st back")
    return el("span", view.say(texts.NOW_OTHERWISE), class_="st check")


# ---- what happened ---------------------------------------------------------------------------------------------------


class _Line(Struct, frozen=True, kw_only=True):
    at: datetime
    who: str
    text: Part
    detail: Part = None


_ACTS: Final = {
    What.UNDO: Words(en="{name} had the put-back undone", ko="{name} 님이 되돌림을 취소"),
    What.ACCEPT: Words(en="{name} accepted it", ko="{name} 님이 수용"),
    What.DENY: Words(en="{name} denied it for good", ko="{name} 님이 계속 거부하기로 결정"),
    What.LEAVE: Words(en="{name} left it as it is", ko="{name} 님이 그대로 두기로 결정"),
    What.SETTLE: Words(en="{name} had it put back", ko="{name} 님이 되돌리기로 결정"),
}
_AT_FIRST: Final = 5
_BY_TENANT, _BY_RESPONDER, _BY_PEOPLE = "x", "r", "h"


def _happened(incident: Incident, view: View) -> Html:
    """Write what happened, oldest first: five lines, the rest folded."""
    lines = sorted(_lines(incident, view), key=lambda line: line.at)
    first, rest = lines[:_AT_FIRST], lines[_AT_FIRST:]
    more = (
        el("details", el("summary", view.say(texts.AND_MORE, count=len(rest))), _timeline(rest, view)) if rest else None
    )
    return card(view.say(texts.HAPPENED), _timeline(first, view), more, _note_form(incident, view), id_="happened")


def _note_form(incident: Incident, view: View) -> Part:
    """Write the folded form for a note."""
    if not view.reader_id:
        return None
    field = note_field("remark", texts.REMARK_HINT, view, required=True)
    button = el("button", view.say(texts.SAVE_NOTE), class_="btn")
    action = view.link("i", incident.case.id, "note")
    form = view.form("note", incident.case.id, field, el("div", button, class_="row fld"), action=action)
    return el("details", el("summary", view.say(texts.ADD_REMARK)), form)


def _what_was_it(incident: Incident, view: View) -> Html:
    """Say what people say that it was, with a button for each thing that it can have been."""
    case = incident.case
    last = next((one for one in reversed(case.remarks) if one.kind in texts.REMARK_KINDS), None)
    said: Part = view.say(texts.WAS_UNSAID)
    if last is not None:
        was = el("b", view.say(texts.REMARK_KINDS[last.kind]))
        said = view.put(texts.WAS_SAID, was=was, name=name(person_in(last.by)), at=clock(last.at, view))
    buttons = [
        el("button", view.say(words), class_="btn", name="was", value=kind)
        for kind, words in texts.REMARK_KINDS.items()
        if kind is not case.was
    ]
    action = view.link("i", case.id, "classify")
    form = view.form("classify", case.id, el("div", buttons, class_="row fld"), action=action) if view.may_act else None
    return card(view.say(texts.WHAT_WAS_IT), el("p", said), form, id_="was")


def _timeline(lines: Sequence[_Line], view: View) -> Html:
    return el(
        "ol",
        [
            el(
                "li",
                clock(line.at, view),
                el("div", line.text, el("span", line.detail, class_="s") if line.detail else None),
                class_=line.who,
            )
            for line in lines
        ],
        class_="tl",
    )


def _lines(incident: Incident, view: View) -> Iterator[_Line]:
    case = incident.case
    address = case.actor.address
    origin = view.put(texts.FROM_ADDRESS, address=el("bdi", shown(address, 60))) if address else None
    made: Part = view.say(texts.CHANGE_MADE)
    if case.actor.id or case.actor.name:
        words = texts.DONE_BY_SERVICE if case.actor.kind is ActorKind.SERVICE_PRINCIPAL else texts.CHANGED_BY
        made = view.put(words, name=name(case.actor.name or case.actor.id))
    yield _Line(at=case.at, who=_BY_TENANT, text=made, detail=origin)
    late = view.say(texts.AFTER_THE_CHANGE, time=texts.time_passed(case.opened_at - case.at))
    yield _Line(at=case.opened_at, who=_BY_RESPONDER, text=view.say(texts.RESPONDER_READ), detail=late)
    if case.decided_at is not None:
        decision = view.say(texts.DECISIONS[case.decision.value])
        # An object's case is written after the object.
        at = min(case.decided_at, case.acted_at or case.decided_at)
        yield _Line(at=at, who=_BY_RESPONDER, text=view.say(texts.RESPONDER_DECIDED, decision=decision))
    if case.acted_at is not None and case.outcome in {Outcome.DONE, Outcome.UNVERIFIED}:
        kept = view.say(texts.BEFORE_KEPT) if case.before else None
        yield _Line(at=case.acted_at, who=_BY_RESPONDER, text=view.say(texts.RESPONDER_WROTE), detail=kept)
    if case.closed_at is not None:
        proof = view.reason(case.proof, most=_LONGEST) if case.proof else None
        yield _Line(at=case.closed_at, who=_BY_RESPONDER, text=view.say(texts.RESPONDER_ENDED), detail=proof)
    if case.acknowledged_at is not None:
        who = name(person_in(case.acknowledged_by))
        yield _Line(at=case.acknowledged_at, who=_BY_PEOPLE, text=view.put(texts.SOMEBODY_ACKNOWLEDGED, name=who))
    for remark in case.remarks:
        said = view.put(texts.REMARKED[remark.kind], name=name(person_in(remark.by)))
        detail = el("bdi", shown(remark.text, _LONGEST)) if remark.text else None
        yield _Line(at=remark.at, who=_BY_PEOPLE, text=said, detail=detail)
    for act in incident.acts or ():
        said = view.put(_ACTS[act.what], name=name(person_in(act.who)))
        yield _Line(at=act.when, who=_BY_PEOPLE, text=said, detail=el("bdi", shown(act.why, _LONGEST)))


# ---- why, and who ----------------------------------------------------------------------------------------------------


def _why(incident: Incident, view: View) -> Html:
    case = incident.case
    reasons = [text for text in (case.because, case.standing_because, case.would, case.summary) if text]
    lines = [el("li", view.reason(f"{text[:1].upper()}{text[1:]}", most=_LONGEST)) for text in reasons]
    mode = view.put(texts.DETECTED_BY, id=el("code", case.detection), mode=el("b", case.mode.value))
    why = el("p", view.english(incident.detection.why), class_="s")
    return card(view.say(texts.WHY), el("ul", el("li", mode), lines, class_="why plain"), why, id_="why")


def _details(incident: Incident, also: Shown, view: View) -> Part:
    """Write what is known of something that isn't a change of a guarded object: its record has more than a sentence."""
    if object_of(incident.case) is not None:
        return None
    context = PageContext(tenant_name=also.tenant)
    found = facts(incident.case, incident.detection, context, max_length=_LONGEST)
    pairs = [el("div", el("dt", title), el("dd", el("bdi", text))) for title, text in found]
    reference = incident.detection.reference
    link = el("p", el("a", reference, href=reference, rel="noreferrer"), class_="more") if reference else None
    return card(view.say(texts.DETAILS), el("dl", pairs, class_="kv", lang="en"), link, id_="details")


_STANDINGS: Final = {
    Standing.APPROVED: ("ok", texts.APPROVED),
    Standing.UNAPPROVED: ("no", texts.NOT_APPROVED),
    Standing.UNKNOWN: ("wa", texts.MAYBE_APPROVED),
}


def _who_is_who(incident: Incident, also: Shown, view: View) -> Html:
    case = incident.case
    people: list[Part] = []
    if case.actor.id or case.actor.name:
        tone, words = _STANDINGS[case.standing]
        tag = el("span", view.say(words), class_=f"tag {tone}") if incident.detection.unless_actor_in else None
        people.append(who(case.actor.name, case.actor.id, tag, _others(also, view), view))
    object_id = object_of(case)
    noun = NOUNS[object_id.kind].in_language(view.language) if object_id else shown(case.target.kind, 60)
    about = incident.object_state.name if incident.object_state else case.target.name
    tag = el("span", noun, class_="tag") if noun else None
    people.append(who(about, case.target.id, tag, [also.tenant, ". ", _portal_text(incident, view)], view))
    people += [who(also.named(each), each, None, None, view) for each in _members(incident)]
    people.append(who(view.say(texts.THIS_INCIDENT), case.id, None, None, view))
    return card(view.say(texts.WHO_IS_WHO), people, id_="who")


def _members(incident: Incident) -> tuple[str, ...]:
    """Give the ids that the change added or removed, but the actor's own."""
    found = (member_of(leaf).lower() for leaf in _steps(incident))
    own = incident.case.actor.id.lower()
    return tuple(dict.fromkeys(each for each in found if each and each != own))[:10]


def _portal_text(incident: Incident, view: View) -> Part:
    found = portal_link(incident.case, incident.detection.unless_actor_in)
    return el("a", view.say(texts.OPEN_PORTAL), href=found.url, rel="noreferrer") if found else None


def _others(also: Shown, view: View) -> Part:
    if also.others is None:
        return None
    if not also.others:
        return view.say(texts.NO_OTHERS_OPEN)
    links = [[" ", el("a", f"{place}", href=view.link("i", each))] for place, each in enumerate(also.others[:10], 1)]
    return [view.say(texts.OTHERS_OPEN, count=len(also.others)), links]
