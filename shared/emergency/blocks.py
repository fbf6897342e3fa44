"""A text made of headings, tables and lists, and how it is written as Markdown and as HTML.

Every text in it may come from a tenant or from people: both writers make it harmless, and show what is invisible.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

from msgspec import Struct

from shared.model.escape import shown

_MOST: Final = 4_000
"""Characters of one line."""
_MOST_LINES: Final = 200


class Heading(Struct, frozen=True, kw_only=True):
    """A heading; `level` 1 is the title."""

    text: str
    level: int = 2


class Paragraph(Struct, frozen=True, kw_only=True):
    """A paragraph, which may have several lines; `is_note` sets it apart, `is_alarm` more so."""

    text: str
    is_note: bool = False
    is_alarm: bool = False


class Items(Struct, frozen=True, kw_only=True):
    """A list of sentences, each of which may have several lines."""

    texts: tuple[str, ...]


class Point(Struct, frozen=True, kw_only=True):
    """Something that was found: a mark with one of the style's tones, what it is about, and what it is.

    `todo` is what a person does about it, "" for nothing, under the name `todo_name`. The texts may have several lines.
    """

    mark: str
    tone: str
    title: str
    text: str
    todo_name: str
    todo: str


class Points(Struct, frozen=True, kw_only=True):
    """A list of what was found."""

    points: tuple[Point, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """Names, each with the lines of what it stands for."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]


class Table(Struct, frozen=True, kw_only=True):
    """A table. Columns in `codes` hold sums, which may be broken anywhere, those in `unbroken` are kept on one line.

    `is_of_numbers` says that its cells are so short that it stays a table on a phone.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    codes: frozenset[int] = frozenset()
    unbroken: frozenset[int] = frozenset()
    is_of_numbers: bool = False


class Badge(Struct, frozen=True, kw_only=True):
    """A part that can be folded: its title, a state with one of the style's tones, and what is in it."""

    title: str
    state: str
    tone: str
    is_open: bool
    blocks: "tuple[Block, ...]"


type Block = Heading | Paragraph | Items | Points | Facts | Table | Badge


# ---- Markdown --------------------------------------------------------------------------------------------------------

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+.!|~$@:-])")


def markdown(blocks: Iterable[Block]) -> str:
    """Write it as Markdown."""
    return "\n\n".join(text for block in blocks for text in _markdown(block)) + "\n"


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Heading(text=text, level=level):
            yield f"{'#' * level} {_plain(text)}"
        case Paragraph(text=text, is_note=is_note, is_alarm=is_alarm):
            yield f"> {_plain_lines(text, '> ')}" if is_note or is_alarm else _plain_lines(text, "")
        case Items(texts=texts):
            yield "\n".join(f"- {_plain_lines(text, '  ')}" for text in texts)
        case Points(points=points):
            yield "\n".join(f"- {_markdown_point(point)}" for point in points)
        case Facts(pairs=pairs):
            yield "\n".join(f"- **{_plain(name)}**: {'; '.join(map(_plain, lines))}" for name, lines in pairs)
        case Table(head=head, rows=rows):
            lines = [head, tuple("---" for _ in head)]
            yield "\n".join(
                [
                    f"| {' | '.join(_plain(cell) for cell in lines[0])} |",
                    f"| {' | '.join(lines[1])} |",
                    *(f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows),
                ]
            )
        case Badge(title=title, state=state, blocks=inner):
            yield f"### {_plain(title)}: {_plain(state)}"
            for each in inner:
                yield from _markdown(each)


def _markdown_point(point: Point) -> str:
    todo = f"\\\n  {_plain(point.todo_name)}: {_plain_lines(point.todo, '  ')}" if point.todo else ""
    return f"{_plain(f'[{point.mark}]')} {_plain(point.title)}: {_plain_lines(point.text, '  ')}{todo}"


def _plain_lines(text: str, indent: str) -> str:
    return f"\\\n{indent}".join(map(_plain, _lines(text)))


def _plain(text: str) -> str:
    """Write a text so that Markdown and the HTML in it show it as it is."""
    return _MARKUP.sub(r"\\\1", escape(shown(text, _MOST), quote=False)) or "–"  # noqa: RUF001 - a dash


def _lines(text: str) -> list[str]:
    """Give the lines of a text that has some: those of ours, since parameters of a finding have none of their own."""
    return [line for line in text.split("\n") if line.strip()][:_MOST_LINES] or [""]


# ---- HTML ------------------------------------------------------------------------------------------------------------

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,'Noto Sans KR','NanumGothic','Malgun Gothic',sans-serif;margin:0;color:#1b1b1b;"
    "background:#fff}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0}h2{font-size:1.1rem;margin:1.75rem 0 .5rem}"
    "h3{font-size:1rem;margin:1rem 0 .25rem}"
    "h1,h2,h3,p,li,dd,td,summary{overflow-wrap:anywhere;word-break:keep-all}"
    "dl{margin:.5rem 0}dt{color:#555;font-size:.9rem;margin-top:.4rem}dd{margin:0;white-space:pre-wrap}"
    "ul{padding-left:1.2rem;margin:.25rem 0}li{margin:.25rem 0}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .5rem .35rem 0;border-top:1px solid #ccc}"
    "th{color:#555;font-size:.9rem;font-weight:600;overflow-wrap:normal}"
    ".code{font-family:ui-monospace,monospace;font-size:.8rem;word-break:break-all}"
    "table.numbers td,table.numbers th{padding:.25rem .3rem .25rem 0;font-size:.8rem}"
    ".note{background:#eef3fb;border-radius:.4rem;padding:.75rem}"
    ".alarm{background:#fdecea;border-left:.3rem solid #b3261e;border-radius:.4rem;padding:.75rem;font-weight:600}"
    "details{border:1px solid #ccc;border-left:.4rem solid #777;border-radius:.4rem;margin:.5rem 0;padding:0 .75rem}"
    "details[open]{padding-bottom:.75rem}"
    "summary{cursor:pointer;padding:.75rem 0;font-weight:600;display:flex;gap:.75rem;justify-content:space-between;"
    "align-items:baseline}"
    ".state{font-size:.85rem;border-radius:1rem;padding:.1rem .7rem;background:#e6e6e6;white-space:nowrap}"
    "details.good{border-left-color:#1e7d34}details.bad{border-left-color:#b3261e}"
    "details.busy{border-left-color:#0b57d0}"
    ".good>summary .state,li.good .state{background:#dff3e3}.bad>summary .state,li.bad .state{background:#fdecea}"
    ".busy>summary .state{background:#e2ecfb}li.doubt .state{background:#fff1cf}"
    ".about{font-weight:600}ul.points{list-style:none;padding:0}ul.points li{margin:.6rem 0}"
    "ul.points p{margin:.15rem 0}"
    ".todo{border-left:.2rem solid #999;padding-left:.6rem}"
    "@media (min-width:40rem){.line{white-space:nowrap}}"
    "@media (min-width:50rem){dl{display:grid;grid-template-columns:11rem 1fr;column-gap:1rem}"
    "dt,dd{margin-top:.35rem}}"
    "@media (max-width:40rem){table.wide thead{display:none}table.wide tr{display:block;border-top:1px solid #ccc;"
    "padding:.4rem 0}table.wide td{display:block;border:0;padding:.1rem 0}"
    "table.wide td.empty{display:none}"
    "table.wide td::before{content:attr(data-label);display:block;color:#555;font-size:.8rem}}"
    "@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}dt,th,table.wide td::before{color:#aaa}"
    "th,td,details,table.wide tr{border-color:#444}.note{background:#22304a}.alarm{background:#4a1f1c}"
    ".state{background:#333}.good>summary .state,li.good .state{background:#1d3a24}"
    ".bad>summary .state,li.bad .state{background:#4a1f1c}.busy>summary .state{background:#22304a}"
    "li.doubt .state{background:#4a3a10}}"
    "@media print{details{break-inside:avoid}}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'none'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""The headers of a page made here: it has no script and no form, loads nothing, and may not be framed."""

_WIDE: Final = 3
"""Tables with more columns become cards on a phone."""


def html(title: str, blocks: Iterable[Block], language: str) -> str:
    """Write it as a page of its own in a language ("en" or "ko")."""
    body = "".join(text for block in blocks for text in _html(block))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _html(block: Block) -> Iterator[str]:
    match block:
        case Heading(text=text, level=level):
            yield f"<h{level}>{_safe(text)}</h{level}>"
        case Paragraph(text=text, is_note=is_note, is_alarm=is_alarm):
            tone = ' class="alarm"' if is_alarm else ' class="note"' if is_note else ""
            yield f"<p{tone}>{_safe_lines(text)}</p>"
        case Items(texts=texts):
            yield f"<ul>{''.join(f'<li>{_safe_lines(text)}</li>' for text in texts)}</ul>"
        case Points(points=points):
            yield f'<ul class="points">{"".join(map(_html_point, points))}</ul>'
        case Facts(pairs=pairs):
            yield f"<dl>{''.join(_html_fact(name, lines) for name, lines in pairs)}</dl>"
        case Table():
            yield _html_table(block)
        case Badge(title=title, state=state, tone=tone, is_open=is_open, blocks=inner):
            is_open_now = " open" if is_open else ""
            yield f'<details class="{escape(tone)}"{is_open_now}><summary><span>{_safe(title)}</span>'
            yield f'<span class="state">{_safe(state)}</span></summary>'
            for each in inner:
                yield from _html(each)
            yield "</details>"


def _html_point(point: Point) -> str:
    todo = f'<p class="todo">{_about(f"{point.todo_name}:")} {_safe_lines(point.todo)}</p>' if point.todo else ""
    return (
        f'<li class="{escape(point.tone)}"><p><span class="state">{_safe(point.mark)}</span> {_about(point.title)}</p>'
        f"<p>{_safe_lines(point.text)}</p>{todo}</li>"
    )


def _about(text: str) -> str:
    return f'<span class="about"><bdi>{_safe(text)}</bdi></span>'


def _html_fact(name: str, lines: Iterable[str]) -> str:
    said = "<br>".join(f"<bdi>{_safe(line)}</bdi>" for line in lines)
    return f"<dt>{_safe(name)}</dt><dd>{said}</dd>"


def _html_table(table: Table) -> str:
    form = "numbers" if table.is_of_numbers else "wide" if len(table.head) >= _WIDE else ""
    wide = f' class="{form}"' if form else ""
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(_cells(table, row))}</tr>" for row in table.rows)
    return f"<table{wide}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(table: Table, row: tuple[str, ...]) -> Iterator[str]:
    for number, (name, cell) in enumerate(zip(table.head, row, strict=True)):
        names = [
            *(["code"] if number in table.codes else []),
            *(["line"] if number in table.unbroken else []),
            *([] if cell else ["empty"]),
        ]
        code = f' class="{" ".join(names)}"' if names else ""
        yield f'<td data-label="{_safe(name)}"{code}><bdi>{_safe(cell)}</bdi></td>'


def _safe_lines(text: str) -> str:
    return "<br>".join(map(_safe, _lines(text)))


def _safe(text: str) -> str:
    return escape(shown(text, _MOST))
