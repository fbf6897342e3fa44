"""What a resource of Azure says of when it was made and written last (`systemData`); not every provider says it."""

from datetime import datetime
from typing import cast

from shared.model.kinds import Image
from shared.model.object_kinds import Made


def made(resource: Image) -> Made:
    """Give both instants. Whom the stamps name may be a name or an application's id, so that is left out."""
    stamps = cast("Image", resource.get("systemData") or {})
    return Made(at=instant(stamps.get("createdAt")), changed_at=instant(stamps.get("lastModifiedAt")))


def instant(text: object) -> datetime | None:
    """Read an instant; None where it is none, or has no zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
