"""The page on which an operator makes a passkey for this console, and what to do with its public half."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.operator_keys import PublicKey, fingerprint, text_of
from shared.console import approval_texts
from shared.console.approve_page import PASSKEY
from shared.console.frame import View, card, page
from shared.console.markup import Html, Part, el
from shared.console.who import to_copy
from shared.model.bilingual import Words

_APPROVALS: Final = "approvals"


class OwnPasskeys(Struct, frozen=True, kw_only=True):
    """What the page shows: the passkeys that the reader has here. `operator` is the reader's id, "" for no operator.

    `local` is where the console is to be opened, where its address is one of figures. `said` is what came of a press.
    """

    keys: Sequence[PublicKey]
    operator: str
    local: str = ""
    said: Words | None = None


def challenge_in(token: str) -> bytes:
    """Give what a new passkey has to answer: it is another one for each page that was opened."""
    return hashlib.sha256(token.encode()).digest()


def passkey_page(own: OwnPasskeys, view: View) -> str:
    """Write the page."""
    alarm = el("p", view.say(own.said), class_="err", role="alert") if own.said else None
    refused = el("p", view.say(approval_texts.NOT_MADE), class_="err", role="alert", hidden=True, data_refused=True)
    local = el("p", view.put(approval_texts.NOT_AT_ADDRESS, host=el("code", own.local))) if own.local else None
    no_operator = None if own.operator else el("p", view.say(approval_texts.NO_OPERATOR))
    why = el("p", view.say(approval_texts.PASSKEY_WHY))
    return _page(
        approval_texts.PASSKEY_ASKS, [alarm, why, no_operator, local, _own(own.keys, view), refused, _form(view)], view
    )


def _own(keys: Sequence[PublicKey], view: View) -> Html:
    each = [el("li", el("code", fingerprint(key)), " ", el("span", key.host, class_="s")) for key in keys]
    body = el("ul", each, class_="why plain") if each else el("p", view.say(approval_texts.NO_PASSKEYS))
    return card(view.say(approval_texts.YOUR_PASSKEYS), body, id_="own")


def _form(view: View) -> Part:
    needs_script = el("noscript", el("p", view.say(approval_texts.PASSKEY_NEEDS_SCRIPT), class_="err"))
    challenge = text_of(challenge_in(view.make_token(PASSKEY, view.reader_id, "")))
    form = view.form(
        PASSKEY,
        view.reader_id,
        el(
            "input",
            type="hidden",
            name="credential",
            value="",
            data_make=challenge,
            data_user=text_of(view.reader_id.encode()),
            data_name=view.reader,
        ),
        el("input", type="hidden", name="client", value=""),
        el("input", type="hidden", name="attestation", value=""),
        el("div", el("button", view.say(approval_texts.MAKE), class_="btn big pri"), class_="acts"),
        action=view.link(PASSKEY),
    )
    return [needs_script, form]


def made_page(key: PublicKey, operator: str, view: View) -> str:
    """Write the page with the public half of a passkey that was just made."""
    public = msgspec.json.format(msgspec.json.encode(key), indent=1).decode()
    commands = (
        f"responder operator passkey {operator or 'ID'} passkey.json --reason WHY --to statement.json\n"
        "responder operator sign statement.json --key KEY\n"
        "responder operator keep statement.json"
    )
    print_ = el("code", fingerprint(key))
    parts: list[Part] = [
        el("p", view.say(approval_texts.MADE_NEXT)),
        el("section", to_copy(public, approval_texts.COPY_PASSKEY, view), class_="card"),
        el("p", view.put(approval_texts.FINGERPRINT, print=print_)),
        el("p", view.say(approval_texts.THEN_SIGN)),
        el("section", to_copy(commands, approval_texts.COPY_COMMAND, view), class_="card"),
    ]
    return _page(approval_texts.MADE, parts, view)


def _page(title: Words, parts: Part, view: View) -> str:
    heading = el("h1", view.say(title))
    main = el("div", el("div", heading, parts, class_="sheet"), class_="in")
    return page(view.say(title), main, view, up=(view.link(_APPROVALS), view.say(approval_texts.APPROVALS)))
