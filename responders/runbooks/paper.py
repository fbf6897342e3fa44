"""The runbook on paper, kept with the sealed credential: what people do by hand when nothing else answers.

It has no secret: where the credential is, never what it is; fingerprints of keys, never keys. One page of HTML without
anything from elsewhere, made for A4, in English and Korean.
"""

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from responders.runbooks.playbooks import PLAYBOOKS
from shared.authority.operator_keys import KeyKind, fingerprint
from shared.authority.operators import Operators
from shared.emergency.runbook import RunbookStep
from shared.model.bilingual import Words


class Known(Struct, frozen=True, kw_only=True):
    """What an installation has to say on paper. Texts are "" and lists empty where it isn't set."""

    tenant: str
    subscriptions: tuple[str, ...]
    emergency_accounts: tuple[str, ...]
    app: str
    phones: tuple[str, ...]
    support_phone: str
    sealed_credential: str
    operators: Operators


_TITLE: Final = Words(en="Break-glass runbook", ko="비상 접근 런북")
_INTRODUCTION: Final = Words(
    en="For when nobody can sign in. Keep it with the sealed credentials, and print it anew when something changes.",
    ko="아무도 로그인할 수 없을 때 사용합니다. 봉인된 자격 증명과 함께 보관하고, 변경 사항이 있으면 다시 인쇄하세요.",
)
_NOT_SET: Final = Words(en="not set: write it here by hand", ko="설정되지 않음: 여기에 직접 적으세요")
_LABELS: Final[dict[str, Words]] = {
    "printed": Words(en="Printed", ko="인쇄 시각"),
    "tenant": Words(en="Tenant id", ko="테넌트 ID"),
    "subscriptions": Words(en="Subscriptions", ko="구독"),
    "accounts": Words(en="Emergency accounts (object ids)", ko="비상 계정(개체 ID)"),
    "credential": Words(en="Sealed credentials: where, and who holds them", ko="봉인된 자격 증명: 위치와 보관자"),
    "phones": Words(en="Telephones", ko="전화번호"),
    "support": Words(en="Microsoft's support", ko="Microsoft 지원"),
    "app": Words(en="The app", ko="앱 주소"),
    "genesis": Words(en="List of operators (SHA-256)", ko="운영자 목록(SHA-256)"),
}
_OPERATORS: Final = Words(en="Operators and the fingerprints of their keys", ko="운영자와 키 지문")
_STEPS: Final = Words(en="The steps", ko="단계")
_PLAYBOOKS: Final = Words(en="Playbooks for step 2", ko="2단계 플레이북")
_PERSON: Final = Words(en="You", ko="할 일")
_BY_HAND: Final = Words(en="By hand, without the app", ko="앱 없이 직접")
_CHECK: Final = Words(en="Done when", ko="완료 기준")
_DONE: Final = Words(en="Time and name", ko="시각과 이름")
_WITH_THE_APP: Final = Words(
    en="With the app, on a laptop with an operator's key; the emergency key goes into RESPONDER_EMERGENCY_KEY:",
    ko="앱이 응답하면, 운영자 키가 있는 노트북에서. 비상 키는 RESPONDER_EMERGENCY_KEY에 넣으세요:",
)
_LAPTOP: Final = Words(
    en="Without the app, on a laptop with its settings and an operator's key:",
    ko="앱 없이, 설정 파일과 운영자 키가 있는 노트북에서:",
)
_MERGE: Final = Words(en="When the app answers again:", ko="앱이 다시 응답하면:")
_AT_THE_APP: Final = 'responder emergency declare "WHAT HAPPENED" [--hybrid] --key KEY --app {app}'
_COMMAND: Final = 'responder emergency --offline --settings FILE --key KEY --declare "WHAT HAPPENED" [--hybrid]'
_LANGUAGES: Final = ("en", "ko")

_STYLE: Final = """
@page { size: A4; margin: 14mm 15mm; }
* { box-sizing: border-box; }
body { font: 10pt/1.4 "Noto Sans", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", sans-serif; color: #000;
  background: #fff; max-width: 180mm; margin: 8mm auto; padding: 0 4mm; }
@media print { body { max-width: none; margin: 0; padding: 0; } .language + .language { break-before: page; } }
h1 { font-size: 18pt; margin: 0 0 1mm; } h2 { font-size: 12.5pt; margin: 5mm 0 2mm; border-bottom: 1.5pt solid #000; }
p { margin: 1mm 0; } .language + .language { margin-top: 14mm; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 1mm 2mm 1mm 0; }
th { width: 50mm; font-weight: 600; } td { overflow-wrap: anywhere; }
.step { break-inside: avoid; border: 0.75pt solid #000; padding: 2mm 3mm; margin: 2mm 0; }
.step h3 { font-size: 11pt; margin: 0 0 1mm; } .label { font-weight: 600; }
.sign { border-top: 0.5pt solid #777; margin-top: 2mm; padding-top: 1mm; color: #333; min-height: 7mm; }
code, .key { font-family: "Noto Sans Mono", Consolas, monospace; font-size: 9pt; overflow-wrap: anywhere; }
.open { color: #444; border-bottom: 0.5pt solid #000; display: inline-block; min-width: 60mm; }
"""


def paper(steps: Sequence[RunbookStep], known: Known, *, now: datetime, languages: Sequence[str] = _LANGUAGES) -> str:
    """Give the page, in each language one after another."""
    title = " / ".join(_TITLE.in_language(language) for language in languages)
    parts = "".join(_part(steps, known, language, now) for language in languages)
    return (
        f'<!doctype html>\n<html lang="{html.escape(languages[0])}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>{parts}</body></html>\n"
    )


def _part(steps: Sequence[RunbookStep], known: Known, language: str, now: datetime) -> str:
    says = _In(language)
    return (
        f'<section class="language" lang="{language}"><h1>{says(_TITLE)}</h1><p>{says(_INTRODUCTION)}</p>'
        f"<table>{_facts(known, says, now)}</table>"
        f"<h2>{says(_OPERATORS)}</h2>{_operators(known.operators, says, now)}"
        f"<h2>{says(_STEPS)}</h2>{''.join(_step(step, says) for step in steps)}"
        f"<h2>{says(_PLAYBOOKS)}</h2>{_playbooks(says)}"
        f"<p>{says(_WITH_THE_APP)}<br><code>{html.escape(_AT_THE_APP.format(app=known.app or 'URL'))}</code></p>"
        f"<p>{says(_LAPTOP)}<br><code>{html.escape(_COMMAND)}</code></p>"
        f"<p>{says(_MERGE)}<br><code>responder emergency merge FILE --key KEY --app URL</code></p></section>"
    )


class _In:
    """Gives texts in one language, safe in HTML."""

    def __init__(self, language: str) -> None:
        self._language = language

    def __call__(self, words: Words) -> str:
        return html.escape(words.in_language(self._language))


def _facts(known: Known, says: _In, now: datetime) -> str:
    rows: tuple[tuple[str, Iterable[str]], ...] = (
        ("printed", (f"{now:%Y-%m-%d %H:%M} UTC",)),
        ("credential", (known.sealed_credential,)),
        ("phones", known.phones),
        ("support", (known.support_phone,)),
        ("tenant", (known.tenant,)),
        ("accounts", known.emergency_accounts),
        ("subscriptions", known.subscriptions),
        ("app", (known.app,)),
        ("genesis", (known.operators.genesis,)),
    )
    return "".join(f"<tr><th>{says(_LABELS[name])}</th><td>{_values(values, says)}</td></tr>" for name, values in rows)


def _values(values: Iterable[str], says: _In) -> str:
    shown = [html.escape(value) for value in values if value]
    return "<br>".join(shown) or f'<span class="open">{says(_NOT_SET)}</span>'


def _operators(operators: Operators, says: _In, now: datetime) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(operator.name)}</th><td>"
        + "<br>".join(
            f'<span class="key">{html.escape(fingerprint(key))}</span>'
            f" {'Ed25519' if key.kind is KeyKind.ED25519 else 'passkey'}"
            for key in operator.keys
        )
        + "</td></tr>"
        for operator in operators.acting(now)
    )
    return f"<table>{rows}</table>" if rows else f'<p><span class="open">{says(_NOT_SET)}</span></p>'


def _playbooks(says: _In) -> str:
    return "".join(f'<div class="step"><h3>{says(each.title)}</h3><p>{says(each.text)}</p></div>' for each in PLAYBOOKS)


def _step(step: RunbookStep, says: _In) -> str:
    lines = "".join(
        f'<p><span class="label">{says(label)}:</span> {says(text)}</p>'
        for label, text in ((_PERSON, step.person), (_BY_HAND, step.failed), (_CHECK, step.check))
    )
    title, sign = f"<h3>{step.number}. {says(step.title)}</h3>", f'<div class="sign">{says(_DONE)}:</div>'
    return f'<div class="step">{title}{lines}{sign}</div>'
