"""Builds the page on which an owner says that the weekly test reached them, and the one that refuses.

Every text from the tenant is escaped, and invisible characters in it are written as code points. A page has no script,
loads nothing, and may not be framed.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from shared.model.escape import shown

_MOST: Final = 1000
"""Characters of a text from the tenant."""

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.35rem;line-height:1.3;margin:.5rem 0}h1,p{overflow-wrap:anywhere}"
    "button{font:inherit;min-height:3rem;width:100%;max-width:24rem;border:0;border-radius:.4rem;"
    "background:#0b57d0;color:#fff;cursor:pointer}"
    ".note{background:#eef3fb;border-radius:.4rem;padding:.75rem}"
    "@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}.note{background:#22304a}}"
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
