"""Fields of resource events that are computed: each is text, "" where there is nothing to tell."""

from typing import Final

from shared.model.events import ResourceEvent
from shared.model.profile import TenantProfile

_SITES: Final = "/providers/microsoft.web/sites/"


def site(event: ResourceEvent, profile: TenantProfile) -> str:
    """Tell "own" for the function app that this runs in, "other" for another one."""
    _, found, below = event.resource_id.lower().partition(_SITES)
    if not found:
        return ""
    return "own" if below.partition("/")[0] == profile.own_site.lower() else "other"
