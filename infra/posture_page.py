"""Writes docs/posture.md: every check of the roadmap and every manual item, from their declarations."""

from pathlib import Path
from typing import Final

from responders.posture.declared import DECLARED
from shared.checks.posture import WITHIN, ManualItem, PostureCheck, Stage
from shared.checks.snapshot import EVERY_TENANT
from shared.model.kinds import TenantKind

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "posture.md"

_HEAD: Final = """\
# Posture

<!-- Written from the declarations in responders/posture: change those, then run make docs. -->

What the guide *Securing privileged access* asks for, stage by stage. The app checks it each morning at 05:40 UTC,
keeps the result of each day for a year, notifies people of what passed before and fails now, and sends how all of it
stands on Mondays. `responder posture` shows the last result, `responder posture --app URL` has the app look now, and
`GET /api/posture` gives it as JSON. Nothing is changed in the tenant.

Every check has one of four answers: it passes, it fails, it can't be told, because something it needs couldn't be read,
or it doesn't apply. A check that can't be told never counts as passed. A policy that only reports protects nobody, and
conditional access is judged by what all enabled policies do together after their exclusions: whether somebody who has a
password and nothing else gets in, from anywhere and on any device. Where somebody does, the smallest example is named:
"a guest in no group signs in with a password to Teams on Linux".

`nobody-else-could-undo-us` names whoever could change the app itself, its approvals or its baselines, each by the
shortest way: by a role of the directory or of Azure, as a member or owner of a group that holds one, or as the owner of
an application that does. Meant to are the emergency accounts, the app, and whoever is approved on list `rbac-roles` or
`directory-roles`. It doesn't look at who may only activate an Azure role, at who could reset such a person's password,
and at what runs on a machine with a managed identity.

`responder posture accept CHECK --reason TEXT --until DATE` takes the risk of a check that fails: it still fails, and
nobody is asked to mend it until that day. What no API shows is a manual item: `responder posture confirm ITEM --reason
TEXT` says that a person has looked, and it is asked for again when that ends. Both are in the journal.

A check doesn't apply where there is nothing that it could judge, such as provisioning where nothing is provisioned; the
declaration of one that applies to every tenant says why.

The numbers are the guide's passages; [guides.md](guides.md) has each of them with what answers it.
"""


_ABOUT: Final = {EVERY_TENANT: " (B2C too)", frozenset({TenantKind.B2C}): " (B2C only)"}


def page() -> str:
    """Write the page."""
    stages = "\n".join(_stage(stage) for stage in Stage)
    return f"{_HEAD}\n{stages}"


def _stage(stage: Stage) -> str:
    checks = [each for each in DECLARED.checks if each.stage is stage]
    items = [each for each in DECLARED.items if each.stage is stage]
    rows = [*map(_check, checks)]
    lines = [
        f"## Stage {stage}: within {WITHIN[stage].days} days of the start",
        "",
        "| check | it passes where | why | needs | guide |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
    if items:
        lines += ["| to confirm | what | how | lasts | guide |", "|---|---|---|---|---|", *map(_item, items), ""]
    return "\n".join(lines)


def _check(check: PostureCheck) -> str:
    needed = dict.fromkeys(one for part in check.parts for call in part.calls for one in call.needs)
    needs = ", ".join(f"`{one}`" for one in needed) or "storage only"
    about = _ABOUT.get(check.kinds, "")
    return f"| `{check.id}`{about} | {check.title} | {check.why} {check.cure} | {needs} | {_passages(check.passages)} |"


def _item(item: ManualItem) -> str:
    days = f"{item.lasts.days} days"
    return f"| `{item.id}` | {item.title}. {item.why} | {item.how} | {days} | {_passages(item.passages)} |"


def _passages(passages: tuple[int, ...]) -> str:
    return ", ".join(map(str, passages))
