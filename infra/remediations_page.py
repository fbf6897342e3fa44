"""Writes `docs/remediations.md`: what of each kind of guarded object is put back, what isn't, by which permissions."""

from pathlib import Path
from typing import Final

from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.permissions import GRANTS
from shared.model.kinds import TenantKind
from shared.model.object_kinds import Kind
from shared.model.permissions import Tier
from shared.model.remediations import Remediation

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "remediations.md"

_HEAD: Final = """\
# What is put back, and what isn't

`make docs` writes this page from the declarations in `responders/kinds/` and `responders/remediations.py`. A change is
put back where its actor isn't approved, its detection's mode is `enforce`, and no guard objects; else people are paged.

*Permissions to act* are those of tier *act* that the kind's requests need. *By hand* are permissions that no tier has,
since each is as much as the whole tenant: the request is tried, and where nobody granted it the page has the command.

| kind | tenant | permissions to act | by hand |
|---|---|---|---|"""


def page() -> str:
    """Give the page as it should be."""
    table = [_row(kind) for kind in KINDS]
    return "\n".join([_HEAD, *table, "", *(line for kind in KINDS for line in _section(kind))])


def _row(kind: Kind) -> str:
    acting = {grant.permission for grant in GRANTS if grant.kind is kind.tenant_kind and grant.tier is Tier.ACT}
    needed = ", ".join(f"`{each}`" for each in kind.needs if each in acting) or "none"
    by_hand = ", ".join(dict.fromkeys(f"`{each}`" for call in kind.by_hand for each in call.needs)) or "none"
    tenant = "Azure AD B2C" if kind.tenant_kind is TenantKind.B2C else "workforce"
    return f"| [{kind.title}](#{kind.kind}) | {tenant} | {needed} | {by_hand} |"


def _section(kind: Kind) -> list[str]:
    used = dict.fromkeys(
        detection.remediation
        for detection in CATALOGUE
        if detection.remediation is not None and kind.kind in detection.remediation.kinds
    )
    acts = [_act(each) for each in used]
    limits = f"*What isn't put back*: {kind.limits}" if kind.limits else ""
    return [f'<a id="{kind.kind}"></a>', f"## {kind.title[0].upper()}{kind.title[1:]}", "", limits, "", *acts, ""]


def _act(remediation: Remediation) -> str:
    way = " (destructive)" if remediation.destructive else ""
    undo = f"{remediation.undo[0].lower()}{remediation.undo[1:]}"
    return f"- **{remediation.title}**{way}. To undo it: {undo}"
