"""Documents of custom policies: what is safe to read, and when two are the same."""

from typing import Final

import pytest

from responders.kinds.custom_policy_xml import document_of
from tests.fakes.situations import custom_policy_xml

_BASE: Final = "B2C_1A_TrustFrameworkBase"
_EXTENSIONS: Final = "B2C_1A_TrustFrameworkExtensions"
_XML: Final = custom_policy_xml(base=_EXTENSIONS)
_BOMB: Final = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


def test_layout_comments_and_byte_order_mark_do_not_count() -> None:
    relaid = "\ufeff" + _XML.replace("\n", "\r\n   ").replace(
        "</TrustFrameworkPolicy>", "<!-- x --></TrustFrameworkPolicy>"
    )
    assert document_of(_XML).canonical == document_of(relaid.lstrip()).canonical


def test_content_counts() -> None:
    tampered = custom_policy_xml(base=_EXTENSIONS, content="<RelyingParty/>")
    assert document_of(_XML).canonical != document_of(tampered).canonical


@pytest.mark.parametrize("text", [_BOMB, "", "<a", "plain", "<a>\ud800</a>", "<a>" * 9999 + "</a>" * 9999])
def test_what_is_not_safe_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="it is not"):
        document_of(text)


def test_the_parent_is_read() -> None:
    assert document_of(_XML).base == _EXTENSIONS
    assert document_of(custom_policy_xml(_BASE)).base == ""
