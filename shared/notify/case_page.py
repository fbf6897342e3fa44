"""A case as a page for whoever opens it from a card, on a phone as well: what happened, what to do, and one button.

Every text from the tenant is escaped, and what can't be seen in it is written out. The page holds no script, loads
nothing, and may not be framed.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.escape import told
from shared.notify.diff import Difference, differences
from shared.notify.wording import Notice, facts, headline, next_steps, result, subject, what_changed, when

_MOST: Final = 1000
"""Characters of a text from the tenant."""

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0}h2{font-size:1.05rem;margin:1.5rem 0 .5rem}"
    "h1,p,li,dd,td{overflow-wrap:anywhere}"
    "dt{color:#555;margin-top:.5rem}dd{margin:0;white-space:pre-wrap}"
    "table{border-collapse:collapse;width:100%;table-layout:fixed}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem;border-top:1px solid #ccc;white-space:pre-wrap}"
    "button{font:inherit;min-height:3rem;width:100%;max-width:24rem;border:0;border-radius:.4rem;"
    "background:#0b57d0;color:#fff;cursor:pointer}"
    ".note{background:#eef3fb;border-radius:.4rem;padding:.75rem}"
    "@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}dt{color:#aaa}th,td{border-color:#444}"
    ".note{background:#22304a}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: the form's own Origin would be null then, and the button could not be told from a forged one.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page_of(case: Case, detection: AnyDetection, notice: Notice, *, reader: str) -> str:
    """Write the page of a case for `reader`, the name of whoever is signed in."""
    title = headline(case, detection, most=_MOST)
    return _page(
        title,
        [
            f"<h1>{escape(title)}</h1>",
            f"<p><strong>{escape(subject(case, detection, notice, most=_MOST))}</strong></p>",
            f"<p>{escape(result(case, most=_MOST))}</p>",
            _acknowledgement(case, reader),
            "<h2>What to do</h2><ol>",
            *(f"<li>{escape(step)}</li>" for step in next_steps(case, detection, most=_MOST)),
            "</ol>",
            *_changes(what_changed(detection), differences(case.target.changes, notice.names)),
            *_changes("What was or would be put back", differences(case.put_back, notice.names)),
            "<h2>Details</h2><dl>",
            *(
                f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
                for label, text in facts(case, detection, notice, most=_MOST)
            ),
            _reference(detection),
            "</dl>",
        ],
    )


def message_page(title: str, text: str) -> str:
    """Write a page that says one thing."""
    return _page(title, [f"<h1>{escape(title)}</h1><p>{escape(text)}</p>"])


def _page(title: str, parts: Iterable[str]) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
    )
    return f"{head}<body><main>{''.join(parts)}</main></body></html>"


def _reference(detection: AnyDetection) -> str:
    """Link to the page that documents what was found; its address is the declaration's, so nobody else chose it."""
    if not detection.reference:
        return ""
    address = escape(detection.reference)
    return f'<dt>Reference</dt><dd><a href="{address}" rel="noreferrer">{address}</a></dd>'


def _acknowledgement(case: Case, reader: str) -> str:
    """Say who has read it, or offer the button: nothing else on the page does anything."""
    if case.acknowledged_at is not None:
        by = told(case.acknowledged_by, _MOST)
        return f'<p class="note">Read by {escape(by)}, {escape(when(case.acknowledged_at))}. Nobody else is paged.</p>'
    return (
        f'<form method="post"><p class="note">Signed in as {escape(told(reader, _MOST))}.'
        " Until somebody takes it, the next owner is paged.</p>"
        "<button>I have read this and take care of it</button></form>"
    )


def _changes(title: str, found: tuple[Difference, ...]) -> Iterable[str]:
    if not found:
        return
    yield f"<h2>{escape(title)}</h2><table><thead><tr><th>What</th><th>Before</th><th>After</th></tr></thead><tbody>"
    for difference in found:
        cells = (told(difference.path, _MOST), *_sides(difference))
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _sides(difference: Difference) -> tuple[str, str]:
    """Tell what stood before and after; of a list, what went and what came."""
    if not difference.is_of_list:
        return _value(difference.old), _value(difference.new)
    kept = f"({difference.kept:,} unchanged)" if difference.kept else ""
    gone, come = (
        [f"{sign} {told(each, _MOST)}" for each in members]
        for sign, members in (("-", difference.removed), ("+", difference.added))
    )
    return "\n".join([*gone, kept]).strip(), "\n".join([*come, kept]).strip()


def _value(text: str | None) -> str:
    return "—" if text is None else told(text, _MOST * 10)
