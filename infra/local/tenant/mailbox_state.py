"""Who has a mailbox at first, and what is in it."""

from dataclasses import dataclass, field
from typing import Final

from infra.local import world
from infra.local.world import Json

_REPLIES: Final[Json] = {
    "status": "disabled",
    "externalAudience": "all",
    "internalReplyMessage": "",
    "externalReplyMessage": "",
}


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """What Graph shows of a mailbox here."""

    rules: list[Json] = field(default_factory=list[Json])
    replies: Json = field(default_factory=lambda: dict(_REPLIES))


def seeded_mailboxes(tenant: str) -> dict[str, Mailbox]:
    """Give each person of the workforce tenant a mailbox, without the emergency accounts and guests."""
    without = {world.BREAK_GLASS_1.id, world.BREAK_GLASS_2.id}
    return {
        principal.id: Mailbox()
        for principal in world.PRINCIPALS
        if principal.kind == "user"
        and principal.tenant == tenant == world.WORKFORCE_TENANT
        and not principal.is_guest
        and principal.id not in without
    }
