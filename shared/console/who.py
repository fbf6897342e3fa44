"""How somebody or something is named with their id, and a command that people copy."""

from shared.console import texts
from shared.console.frame import View
from shared.console.markup import Html, Part, el, name
from shared.model.bilingual import Words
from shared.model.escape import shown

_LONGEST = 1_000
_IN_A_LABEL = 60


def who(called: str, id_: str, tag: Part, detail: Part, view: View) -> Html:
    """Write somebody or something: the name, the id on a line of its own, and a button to copy it where scripts run."""
    unknown = el("span", view.say(texts.NAME_NOT_READ), class_="s")
    shown_name = name(called) if called else unknown
    copied = _copy(texts.COPY, id_, called or id_, view) if id_ else None
    line = el("p", el("span", shown_name, " ", tag), copied, class_="nm")
    return el(
        "div",
        line,
        el("p", detail, class_="s") if detail else None,
        el("p", el("span", shown(id_, _LONGEST), class_="id")) if id_ else None,
        class_="who",
    )


def to_copy(text: str, words: Words, view: View) -> Html:
    """Write a command, or what goes into a file, with a button to copy it where scripts run."""
    return el("div", el("code", text, class_="pre id"), el("p", _copy(words, text, "", view)), class_="who")


def _copy(words: Words, text: str, about: str, view: View) -> Html:
    return el(
        "button",
        view.say(words),
        el("span", f" {shown(about, _IN_A_LABEL)}", class_="vh") if about else None,
        class_="cp",
        type="button",
        data_copy=text,
        data_done=view.say(texts.COPIED),
        hidden=True,
    )
