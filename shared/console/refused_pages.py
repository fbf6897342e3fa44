"""What somebody is shown who isn't let in, or whose press did nothing: why not, and what now?

No name of an operator, no tenant's id and no version stands here: they would be a list for attackers.
"""

from typing import Final
from urllib.parse import quote

from shared.authority.signed_in import Person
from shared.console import texts
from shared.console.frame import ROOT, SIGN_IN, SIGN_OUT, View, page
from shared.console.markup import Html, Part, el
from shared.console.visitors import Because, TurnedAway
from shared.model.bilingual import Words
from shared.model.escape import shown

_LONGEST: Final = 200
_WORDS: Final = {
    Because.NO_SIGN_IN_IN_FRONT: (texts.NOT_BEHIND_SIGN_IN, texts.NOT_BEHIND_SIGN_IN_TEXT),
    Because.NOBODY: (texts.SIGNED_OUT, texts.SIGNED_OUT_TEXT),
    Because.STRANGER: (texts.NOT_OPERATOR, texts.NOT_OPERATOR_TEXT),
    Because.UNKNOWN: (texts.UNKNOWN_OPERATOR, texts.UNKNOWN_OPERATOR_TEXT),
}


def sign_in_address(own_path: str) -> str:
    """Give the address at which the platform has somebody sign in, and leads them back to a path of the console."""
    return f"{SIGN_IN}?post_login_redirect_uri={quote(own_path, safe='')}"


def turned_away_page(turned: TurnedAway, own_path: str, view: View) -> str:
    """Write the page for who isn't let in."""
    title, text = _WORDS[turned.because]
    parts: list[Part] = [el("p", view.say(text))]
    if turned.because is Because.NOBODY:
        parts.append(_button(view.say(texts.SIGN_IN), sign_in_address(own_path)))
    if turned.because is Because.STRANGER:
        parts += [_signed_in_as(turned.person, view) if turned.person else None, _other_account(view)]
        parts += [_should_be(turned.person, view) if turned.person else None]
    return _page(title, parts, view)


def said_page(
    title: Words, view: View, *, text: Part = None, back: str = ROOT, button: Words = texts.TO_INCIDENTS
) -> str:
    """Write a page that says one thing, and leads on."""
    return _page(title, [el("p", text) if text else None, _button(view.say(button), back)], view)


def _page(title: Words, parts: Part, view: View) -> str:
    heading = el("div", el("h1", view.say(title)), class_="page")
    return page(view.say(title), el("div", el("div", heading, parts, class_="sheet"), class_="in"), view)


def _button(text: str, address: str) -> Html:
    return el("div", el("a", text, class_="btn pri big", href=address), class_="acts")


def _signed_in_as(person: Person, view: View) -> Html:
    who = el("p", el("bdi", shown(person.name, _LONGEST)), class_="nm")
    id_ = el("p", el("span", person.id, class_="id"))
    title = el("h2", view.say(texts.SIGNED_IN_AS), id="h-a")
    return el("section", title, el("div", who, id_, class_="who"), class_="card", aria_labelledby="h-a")


def _other_account(view: View) -> Html:
    return _button(view.say(texts.OTHER_ACCOUNT), f"{SIGN_OUT}?post_logout_redirect_uri={ROOT}")


def _should_be(person: Person, view: View) -> Part:
    read = 'responder owner "*" --name NAME --upn UPN'
    command = f"{read}\nresponder operator key KEY KEY --id NAME --object-id {person.id} --card FILE"
    return [
        el("h2", view.say(texts.SHOULD_BE), class_="grp"),
        el("p", view.say(texts.SHOULD_BE_TEXT)),
        el("code", command, class_="pre"),
    ]
