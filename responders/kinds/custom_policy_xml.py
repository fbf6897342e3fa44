"""B2C custom policies as XML: what a document says about itself, and when two documents are the same.

Documents come from the tenant, where an attacker may have written them, so nothing with a DTD or entities is read.
"""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAMESPACE: Final = "{http://schemas.microsoft.com/online/cpim/schemas/2013/06}"
_DEEPEST: Final = 100
"""No policy comes near it; making a document canonical takes time by the square of its depth."""

_BASE: Final = f"{_NAMESPACE}BasePolicy/{_NAMESPACE}PolicyId"


class PolicyDocument(Struct, frozen=True, kw_only=True):
    """What a document says: its own id, and the id of the policy that it inherits from ("" for a root).

    `canonical` is equal for equal documents.
    """

    id: str
    base: str
    canonical: str


def document_of(xml: str) -> PolicyDocument:
    """Read a document.

    Raises:
        ValueError: it isn't well-formed, or it has a DTD or entities, or is nested too deep.
    """
    from xml.etree.ElementTree import canonicalize  # noqa: PLC0415 - not needed to start

    root = _parsed(xml)
    _refuse_too_deep(root)
    # Only what passed the safe parser is parsed again. Comments, byte order mark and layout don't count.
    canonical = canonicalize(xml.removeprefix("\ufeff"), strip_text=True)
    return PolicyDocument(id=root.get("PolicyId", "").strip(), base=_base_in(root), canonical=canonical)


def base_of(xml: str) -> str:
    """Give the id of the policy that a document inherits from, "" for a root, however deep it is nested.

    Raises:
        ValueError: it isn't well-formed, or it has a DTD or entities.
    """
    return _base_in(_parsed(xml))


def _parsed(xml: str) -> "Element":
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415 - not needed to start

    from defusedxml.ElementTree import fromstring  # noqa: PLC0415 - the same

    try:
        return fromstring(xml.removeprefix("\ufeff"), forbid_dtd=True)
    except ParseError as error:
        raise ValueError(f"it is not well-formed XML: {error}") from error
    except ValueError as error:
        raise ValueError(f"it is not XML that is safe to read: {error}") from error


def _base_in(root: "Element") -> str:
    return root.findtext(_BASE, default="").strip()


def _refuse_too_deep(root: "Element") -> None:
    level = list(root)
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
    if level:
        raise ValueError(f"it is not XML that is safe to read: elements are nested more than {_DEEPEST} deep")
