"""The page of approvals: who may change what, until when, and what waits for a second operator."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.authority.acts import LONGEST_WAIT
from shared.authority.journal import Entry
from shared.authority.signed_entries import SignedEntry
from shared.authority.standing import Approval
from shared.authority.statements import Malformed
from shared.console import approval_texts, texts
from shared.console.approve_page import PASSKEY
from shared.console.frame import ROOT, View, card, clock, news, page
from shared.console.list_page import person_in
from shared.console.markup import Html, Part, el, joined, name
from shared.console.who import to_copy, who
from shared.model.bilingual import Words
from shared.model.escape import shown
from shared.model.kinds import ApprovalList

_LONGEST: Final = 300
_DIGITS: Final = 12

type Said = tuple[str, Approval | Malformed]
"""An actor's id, and what a list says of them."""


class Approved(Struct, frozen=True, kw_only=True):
    """What the page shows. `people` is None where the lists couldn't be read, for `unread`.

    `waiting` is what one operator has signed, None where that couldn't be read. `said` is what came of a press.
    """

    people: Mapping[str, Sequence[Said]] | None
    unread: str = ""
    waiting: Sequence[tuple[Entry, SignedEntry]] | None = ()
    is_founded: bool = False
    said: Words | None = None


def approvals_page(approved: Approved, view: View) -> str:
    """Write the page."""
    title = view.say(approval_texts.WHO_MAY)
    founded = None if approved.is_founded else el("p", view.say(approval_texts.NOT_FOUNDED), class_="s")
    body: Part
    if approved.people is None:
        because = view.english(shown(approved.unread, _LONGEST))
        body = el("p", view.put(approval_texts.LISTS_UNREAD, because=because), class_="err", role="alert")
    else:
        body = [_list(one, approved.people[one], view) for one in ApprovalList if approved.people.get(one)]
        body = [body, _empty([one for one in ApprovalList if not approved.people.get(one)], view)]
    main = el(
        "div",
        el("div", el("h1", title), founded, class_="page"),
        _waiting(approved, view) if approved.is_founded else None,
        body,
        _how(approved, view),
        class_="in",
    )
    return page(title, joined([news(view, approved.said), main]), view, up=(ROOT, view.say(texts.INCIDENTS)))


def _waiting(approved: Approved, view: View) -> Html:
    title = view.say(approval_texts.WAITING)
    if approved.waiting is None:
        because = view.english(shown(approved.unread, _LONGEST))
        unread = view.put(approval_texts.WAITING_UNREAD, because=because)
        return card(title, el("p", unread, class_="msg"), id_="waiting")
    if not approved.waiting:
        return card(title, el("p", view.say(approval_texts.NOTHING_WAITS)), id_="waiting")
    each = [el("li", _waits(entry, signed, view)) for entry, signed in approved.waiting]
    return card(title, el("ul", each, class_="rows"), id_="waiting", side=f"{len(each):,}")


def _waits(entry: Entry, signed: SignedEntry, view: View) -> Part:
    act = entry.act
    said = view.put(
        approval_texts.SIGNED_BY,
        name=name(act.who),
        at=clock(act.when, view),
        until=clock(act.when + LONGEST_WAIT, view),
    )
    command = f"responder journal sign {signed.digest[:_DIGITS]} --key KEY"
    about = [el("b", el("code", act.what)), " ", el("code", shown(act.subject, _LONGEST))]
    return [
        el("p", about),
        el("p", el("bdi", shown(act.why, _LONGEST)), class_="s"),
        el("p", said),
        to_copy(command, approval_texts.COPY_COMMAND, view),
    ]


def _list(one: ApprovalList, people: Sequence[Said], view: View) -> Html:
    counting = [said for said in people if not _is_over(said[1], view.now)]
    over = [said for said in people if _is_over(said[1], view.now)]
    approved = sum(_look(said, view.now)[0] == "ok" for _, said in people)
    folded = (
        el(
            "details",
            el("summary", view.say(approval_texts.NO_MORE, count=f"{len(over):,}")),
            _rows(over, view),
        )
        if over
        else None
    )
    return card(
        view.say(approval_texts.MAY_CHANGE[one]),
        el("p", el("code", one), class_="s"),
        _rows(counting, view),
        folded,
        id_=one,
        side=view.say(approval_texts.COUNT_ON, count=f"{approved:,}"),
    )


def _rows(people: Iterable[Said], view: View) -> list[Html]:
    found: list[Html] = []
    for actor_id, said in people:
        tone, words = _look(said, view.now)
        tag = el("span", view.say(words), class_=f"tag {tone}")
        called = said.name if isinstance(said, Approval) else ""
        found.append(who(called, actor_id, tag, _detail(said, view), view))
    return found


def _is_over(said: Approval | Malformed, now: datetime) -> bool:
    return isinstance(said, Approval) and (said.revoked_at is not None or said.valid_until <= now)


def _look(said: Approval | Malformed, now: datetime) -> tuple[str, Words]:
    """Give the tone and the words of how somebody stands."""
    match said:
        case Malformed():
            return "wa", approval_texts.UNKNOWN
        case Approval(revoked_at=datetime()):
            return "no", approval_texts.TAKEN_BACK
        case Approval(valid_until=until) if until <= now:
            return "no", approval_texts.PAST
        case Approval(valid_from=since) if since > now:
            return "wa", approval_texts.NOT_YET
        case Approval():
            return "ok", approval_texts.VALID


def _detail(said: Approval | Malformed, view: View) -> Part:
    if isinstance(said, Malformed):
        return view.put(approval_texts.NOT_KNOWN, because=view.english(shown(said.because, _LONGEST)))
    ticket, by = el("bdi", shown(said.ticket, _LONGEST)), name(person_in(said.approved_by))
    if said.revoked_at is not None:
        return view.put(approval_texts.BACK_AT, at=clock(said.revoked_at, view), ticket=ticket, by=by)
    words = approval_texts.ENDED_BY if said.valid_until <= view.now else approval_texts.UNTIL_BY
    until = view.put(words, until=clock(said.valid_until, view), ticket=ticket, by=by)
    targets = el("code", shown(" ".join(said.targets), _LONGEST))
    hours = el("bdi", shown(said.hours, _LONGEST))
    return [
        until,
        [" ", view.put(approval_texts.ONLY_FOR, targets=targets)] if said.targets else None,
        [" ", view.put(approval_texts.ONLY_AT, hours=hours)] if said.hours else None,
    ]


def _empty(lists: Sequence[ApprovalList], view: View) -> Part:
    if not lists:
        return None
    each = [el("li", view.say(approval_texts.MAY_CHANGE[one]), " ", el("code", one)) for one in lists]
    said = el("p", view.say(approval_texts.EMPTY_LIST))
    return card(view.say(approval_texts.EMPTY_LISTS), said, el("ul", each, class_="why plain"), id_="empty")


def _how(approved: Approved, view: View) -> Html:
    commands = "responder approve LIST OBJECT_ID …\nresponder revoke LIST OBJECT_ID"
    passkey = el("p", el("a", view.say(approval_texts.PASSKEY), href=view.link(PASSKEY)), class_="more")
    return el(
        "section",
        el("p", view.say(approval_texts.CHANGED_BY)),
        el("code", commands, class_="pre"),
        passkey if approved.is_founded and view.may_act else None,
        class_="card",
    )
