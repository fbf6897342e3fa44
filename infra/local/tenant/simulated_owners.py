"""Who owns an application or a service principal, as a listing of either shows it where `$expand` asks for owners."""

from typing import Final

from infra.local.tenant.simulated_kind import Asked, Shelf
from infra.local.world import Json
from shared.model.kinds import ObjectKind

_MOST_EXPANDED: Final = 20
"""So many Graph shows with what they own, and no more."""


def owners_of(ownerships: Shelf, within: str, owned: str) -> list[Json]:
    """Print the owners of something; `within` is its collection in the path."""
    begins = f"{within}/{owned}/".lower()
    listed = ownerships.listed().items()
    return [{"id": each["principalId"]} for object_id, each in listed if object_id.startswith(begins)]


def expanded_owners(asked: Asked, within: str, owned: str) -> Json:
    """Give what a listing has besides where owners are asked for."""
    if not asked.query.get("$expand", "").startswith("owners"):
        return {}
    return {"owners": owners_of(asked.of(ObjectKind.APPLICATION_OWNER), within, owned)[:_MOST_EXPANDED]}
