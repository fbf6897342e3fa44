"""What a B2C custom policy must be before it is taken in."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

_NAMESPACE = "{http://schemas.microsoft.com/online/cpim/schemas/2013/06}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHeader:
    """What the document says about itself; `base` is None for a root policy."""

    id: str
    tenant: str
    base: str | None


def read_header(document: str) -> PolicyHeader:
    """Read the header; raises ValueError with the words for the uploader."""
    root = _root(document)
    if root.tag != f"{_NAMESPACE}TrustFrameworkPolicy":
        raise ValueError(f"The root element is '{root.tag}', expected 'TrustFrameworkPolicy'.")
    policy_id, tenant = root.get("PolicyId"), root.get("TenantId")
    if not policy_id or not tenant:
        raise ValueError("The required attribute 'PolicyId' or 'TenantId' is missing.")
    if not policy_id.startswith("B2C_1A_"):
        raise ValueError(f"The policy id '{policy_id}' must start with 'B2C_1A_'.")
    base = root.find(f"{_NAMESPACE}BasePolicy/{_NAMESPACE}PolicyId")
    return PolicyHeader(id=policy_id, tenant=tenant, base=(base.text or "").strip() if base is not None else None)


def _root(document: str) -> Element:
    try:
        return fromstring(document.encode(), forbid_dtd=True)
    except ParseError as error:
        raise ValueError(f"The policy is not well-formed XML: {error}.") from error
    except DefusedXmlException as error:
        raise ValueError("For security reasons DTD is prohibited in this XML document.") from error
