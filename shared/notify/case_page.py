"""Builds the web page of a case, which a card links to: what happened, what to do, and a button to acknowledge it.

Every text from the tenant is escaped, and invisible characters in it are written as code points. The page has no
script, loads nothing, and may not be framed.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from shared.model.cases import Case
from shared.model.detections import AnyDetection
from shared.model.escape import shown
from shared.notify.diff import Difference, diff_of
from shared.notify.facts import facts
from shared.notify.next_steps import next_steps
from shared.notify.wording import PageContext, headline, result, subject, what_changed, when

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
    # With no-referrer the form's Origin would be null, and the server couldn't reject forms posted from other sites.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page_of(case: Case, detection: AnyDetection, page_context: PageContext, *, reader: str) -> str:
    """Build the page of a case for `reader`, the name of the person who is signed in."""
    title = headline(case, detection, max_length=_MOST)
    return _page(
        title,
        [
            f"<h1>{escape(title)}</h1>",
            f"<p><strong>{escape(subject(case, detection, page_context, max_length=_MOST))}</strong></p>",
            f"<p>{escape(result(case, max_length=_MOST))}</p>",
            _acknowledgement(case, reader),
            "<h2>What to do</h2><ol>",
            *(f"<li>{escape(step)}</li>" for step in next_steps(case, detection, max_length=_MOST)),
            "</ol>",
            *_changes(what_changed(detection), diff_of(case.target.changes, page_context.names)),
            *_changes("What was or would be put back", diff_of(case.put_back, page_context.names)),
            "<h2>Details</h2><dl>",
            *(
                f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>"
                for label, text in facts(case, detection, page_context, max_length=_MOST)
            ),
            _reference(detection),
            "</dl>",
        ],
    )


def message_page(title: str, text: str) -> str:
    """Build a page with a title and one paragraph."""
    return _page(title, [f"<h1>{escape(title)}</h1><p>{escape(text)}</p>"])


def reach_page(*, reader: str) -> str:
    """Build the page on which an owner, signed in as `reader`, says that the weekly test reached them."""
    title = "Can Teams reach you?"
    return _page(
        title,
        [
            f"<h1>{title}</h1><p>Nothing has happened. Once a week it is tried whether pages reach each owner.</p>",
            f'<form method="post"><p class="note">Signed in as {escape(shown(reader, _MOST))}.</p>',
            "<button>The card reached me</button></form>",
        ],
    )


def _page(title: str, parts: Iterable[str]) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
    )
    return f"{head}<body><main>{''.join(parts)}</main></body></html>"


def _reference(detection: AnyDetection) -> str:
    """Link to the page that documents the activity. Its address comes from the detection, not from the tenant."""
    if not detection.reference:
        return ""
    address = escape(detection.reference)
    return f'<dt>Reference</dt><dd><a href="{address}" rel="noreferrer">{address}</a></dd>'


def _acknowledgement(case: Case, reader: str) -> str:
    """Say who has acknowledged the case, or show the button for it."""
    if case.acknowledged_at is not None:
        by = shown(case.acknowledged_by, _MOST)
        return f'<p class="note">Read by {escape(by)}, {escape(when(case.acknowledged_at))}. Nobody else is paged.</p>'
    return (
        f'<form method="post"><p class="note">Signed in as {escape(shown(reader, _MOST))}.'
        " Until somebody acknowledges this case, the next owners are paged.</p>"
        "<button>I have read this and take care of it</button></form>"
    )


def _changes(title: str, found: tuple[Difference, ...]) -> Iterable[str]:
    if not found:
        return
    yield f"<h2>{escape(title)}</h2><table><thead><tr><th>What</th><th>Before</th><th>After</th></tr></thead><tbody>"
    for difference in found:
        cells = (shown(difference.path, _MOST), *_before_and_after(difference))
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _before_and_after(difference: Difference) -> tuple[str, str]:
    """Give the texts of the columns Before and After; for a list, the members that were removed and added."""
    if not difference.is_of_list:
        return _value(difference.old), _value(difference.new)
    kept = f"({difference.kept:,} unchanged)" if difference.kept else ""
    gone, come = (
        [f"{sign} {shown(each, _MOST)}" for each in members]
        for sign, members in (("-", difference.removed), ("+", difference.added))
    )
    return "\n".join([*gone, kept]).strip(), "\n".join([*come, kept]).strip()


def _value(text: str | None) -> str:
    return "—" if text is None else shown(text, _MOST * 10)
