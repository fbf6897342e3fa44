"""What steps find and what people are sent is declared, in English and Korean, with the same parameters."""

import ast
import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec
import pytest

import responders.runbooks
import shared.emergency
import shared.notify
from infra.local.inbox.cards import refusal_of
from infra.local.inbox.pagerduty import errors_in
from shared.emergency import finding_texts
from shared.emergency.entries import Answer, FoundTexts
from shared.emergency.finding_texts import FindingText
from shared.model.bilingual import ENGLISH, KOREAN, Value, Words, filled, quoted, same, some
from shared.model.escape import unlinked
from shared.model.notices import NoticeText, Owner
from shared.notify.messages import NoticeCall, NoticeDigest
from shared.notify.system_notices import (
    notice_call_alert,
    notice_call_card,
    notice_digest_alert,
    notice_digest_card,
    system_notice_alert,
    system_notice_card,
)
from tests.fakes.card_parts import lines

_VARIABLE_PARTICLE: Final = re.compile(r"\}\)?(?:은|는|이|가|을|를|과|와|으로|로|이나|나|이라|라)(?![가-힣])")
"""Korean particles whose form depends on how the word before them ends, right behind a parameter."""

_HANGUL: Final = re.compile(r"[가-힣]")
_WITHOUT_WORDS: Final = frozenset(
    f"shared.emergency.evidence_step.{place}" for place in ("_SOURCE", "RECORDS_KEPT.about", "LOG_NOT_READ.about")
)
"""Texts that need no word in Korean: a name with another one in brackets."""


def _modules() -> Iterator[ModuleType]:
    for package in (responders.runbooks, shared.emergency, shared.notify):
        for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(each.name)


def _named[T](kind: type[T]) -> dict[str, T]:
    """Give everything of a kind that the modules name, each once, though it may be imported elsewhere."""
    named = {f"{module.__name__}.{name}": one for module in _modules() for name, one in vars(module).items()}
    return dict({id(one): (place, one) for place, one in named.items() if isinstance(one, kind)}.values())


def _words() -> dict[str, Words]:
    """Give every text: those of declarations, and those that their parameters may have."""
    texts = _named(Words)
    for place, one in _DECLARED.items():
        texts |= {f"{place}.about": one.about, f"{place}.text": one.text, f"{place}.what_to_do": one.what_to_do}
    for place, one in _NOTICES.items():
        texts |= {f"{place}.title": one.title, f"{place}.text": one.text, f"{place}.what_to_do": one.what_to_do}
        texts[f"{place}.link_title"] = one.link_title
    return texts


_OWNER: Final = Owner(scope="emergency", order=0, name="7", upn="7@contoso.example")
_KEY: Final = "0" * 32
_OUR_ENGLISH: Final = re.compile("What|DRILL|Paged|Before|Nobody|messages|acknowledged")
_DECLARED: Final = _named(FindingText)
_NOTICES: Final = _named(NoticeText)
_WORDS: Final = _words()


def _parameters(text: str) -> list[tuple[str, str]]:
    return sorted((name, form or "") for _, name, form, _ in string.Formatter().parse(text) if name is not None)


def _own_letters(text: str) -> str:
    """Give a text without its parameters and without what isn't a letter."""
    return re.sub(r"\{[^}]*\}|[^A-Za-z가-힣]", "", text)


def test_all_steps_declare_what_they_find() -> None:
    assert len(_DECLARED) > 90, "where are they?"
    assert len(_NOTICES) > 20, "where are they?"


@pytest.mark.parametrize("declared", [_DECLARED, _NOTICES], ids=["findings", "notices"])
def test_each_has_an_id_of_its_own(declared: dict[str, FindingText | NoticeText]) -> None:
    ids = [one.id for one in declared.values()]
    assert sorted(ids) == sorted(set(ids))
    assert [each for each in ids if not re.fullmatch(r"[a-z]+(-[a-z]+)*", each)] == []


def test_both_languages_have_the_same_parameters() -> None:
    assert [place for place, words in _WORDS.items() if _parameters(words.en) != _parameters(words.ko)] == []


def test_both_languages_are_there() -> None:
    english = {place: _own_letters(words.en) for place, words in _WORDS.items()}
    korean = {place: _own_letters(words.ko) for place, words in _WORDS.items()}
    assert [place for place, text in english.items() if _HANGUL.search(text)] == []
    untranslated = [place for place, text in korean.items() if not _HANGUL.search(text) and (text or english[place])]
    assert sorted(set(untranslated)) == sorted(_WITHOUT_WORDS & _WORDS.keys())


def test_no_particle_hangs_on_a_parameter() -> None:
    assert {place: words.ko for place, words in _WORDS.items() if _VARIABLE_PARTICLE.search(words.ko)} == {}


@pytest.mark.parametrize("kind", ["Finding", "SystemNotice"])
def test_none_is_made_in_another_way(kind: str) -> None:
    made: list[str] = []
    for module in _modules():
        path = Path(str(module.__file__))
        if path == Path(finding_texts.__file__):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        made += [f"{path}:{call.lineno}" for call in calls if getattr(call.func, "id", "") == kind]
    assert made == [], "declare a FindingText or NoticeText, with both languages"


@pytest.mark.parametrize("place", sorted(_NOTICES))
def test_both_channels_take_each_notice_in_either_language(place: str) -> None:
    declared = _NOTICES[place]
    texts = (declared.title, declared.text, declared.what_to_do)
    values: dict[str, Value] = {name: 7 for words in texts for name, _ in _parameters(words.en)}
    notice = msgspec.structs.replace(declared.notice("key", **values), drill=True)
    call = NoticeCall(key="page", system_notice=notice, owners=(_OWNER,), place=1)
    digest = NoticeDigest(key="digest", system_notices=(notice, notice))
    for language, title in ((ENGLISH, f"DRILL: {notice.title}"), (KOREAN, f"훈련: {notice.texts(KOREAN).title}")):
        cards = (
            system_notice_card(notice, language=language),
            notice_call_card(call, language=language),
            notice_digest_card(digest, language=language),
        )
        alerts = (
            system_notice_alert(notice, language=language),
            notice_call_alert(call, language=language),
            notice_digest_alert(digest, language=language),
        )
        assert [refusal_of(msgspec.json.encode(card)) for card in cards] == [None] * len(cards)
        errors = [errors_in({**alert, "routing_key": _KEY}, routing_key=_KEY) for alert in alerts]
        assert errors == [()] * len(alerts)
        assert {card["attachments"][0]["content"]["lang"] for card in cards} == {language}
        assert [title in lines(card) for card in cards] == [True] * len(cards)
        assert {alert["payload"]["summary"] for alert in alerts[:2]} == {unlinked(title)}
        said = [str(one) for one in (*cards, *alerts)]
        assert [bool(_HANGUL.search(text)) for text in said] == [language == KOREAN] * len(said)
        assert language == ENGLISH or not _OUR_ENGLISH.search("".join(said))


_ONE: Final = FindingText(
    id="one",
    answer=Answer.WRONG,
    about=Words(en="{who} in {where}", ko="{where}의 {who}"),
    text=Words(en="{count:,} rules{more}", ko="규칙 {count:,}개{more}"),
    what_to_do=Words(en="Look.", ko="확인하세요."),
)


def test_a_finding_reads_in_either_language_with_the_same_values() -> None:
    more = filled(Words(en=", {n} new", ko=", 새 규칙 {n}개"), n=2)
    found = _ONE.found(who="Mallory {0} {x.y}", where=same("contoso"), count=1200, more=more, is_new=True)
    assert found.texts("en") == FoundTexts(
        about="Mallory {0} {x.y} in contoso", text="1,200 rules, 2 new", what_to_do="Look."
    )
    assert found.texts("ko") == FoundTexts(
        about="contoso의 Mallory {0} {x.y}", text="규칙 1,200개, 새 규칙 2개", what_to_do="확인하세요."
    )
    assert (found.id, found.answer, found.is_new) == ("one", Answer.WRONG, True)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85"])
def test_what_is_quoted_begins_no_line_of_its_own(end: str) -> None:
    evil = f"Mallory{end}What to do: nothing"
    for who in (evil, quoted(evil), some([evil], 2)):
        found = _ONE.found(who=who, where="contoso", count=1, more="")
        for language in ("en", "ko"):
            assert len(found.texts(language).about.splitlines()) == 1
            assert "Mallory↵What to do" in found.texts(language).about


def test_a_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="more"):
        _ONE.found(who="Mallory", where="contoso", count=1)


@pytest.mark.parametrize(
    ("names", "english", "korean"),
    [(["a"], "a", "a"), (["a", "b"], "a, b", "a, b"), (["a", "b", "c", "d"], "a, b, and 2 more", "a, b 외 2개")],
)
def test_a_long_list_says_how_many_more_there_are(names: list[str], english: str, korean: str) -> None:
    assert some(names, 2) == Words(en=english, ko=korean)
