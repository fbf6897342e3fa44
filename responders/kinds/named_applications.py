"""Who an application is of which a record has nothing but its name, as those of B2C do.

Anybody can call an application as he likes, so a name says who it was only where the tenant's own directory leaves no
doubt: exactly one application there has it, to the letter, and no other differs from it by case or blanks alone; it was
registered there; and the log has nobody who had the name, took it or gave it up since. The log is late, so whoever
approves by such an answer waits for `LOG_SHOWS_WITHIN`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.sources import DIRECTORY_AUDITS
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import fold, fold_whole
from shared.model.kinds import Image, TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.tenant_api import TenantApi
from shared.respond.components import FoundApplication

_WHOSE: Final = "id,displayName,appOwnerOrganizationId"
_MADE_OR_GONE: Final = ("Add service principal", "Remove service principal")
_CHANGED: Final = ("Update service principal", "Update application")
_CLOCKS_AGREE_WITHIN: Final = timedelta(minutes=5)
_NOT_ASKED: Final = FoundApplication(because="the record names the application only by its name")


def find_application(api: TenantApi, name: str, at: datetime) -> FoundApplication:
    """Give the one application that had this name at an instant, or why that can't be said."""
    if api.tenant.kind is not TenantKind.B2C:
        return _NOT_ASKED
    try:
        return _found(api, name, at)
    except (EdgeError, BadIdentifier) as error:
        return FoundApplication(because=f"who is called {name!r} could not be read: {error}", is_read=False)


def _found(api: TenantApi, name: str, at: datetime) -> FoundApplication:
    text = name.replace("'", "''")
    # `eq` would leave those out that have a blank more at the end.
    asked = {"$filter": f"startswith(displayName,'{text}')", "$select": _WHOSE}
    same = [one for one in api.list(LIST_SERVICE_PRINCIPALS, query=asked) if _is(one.get("displayName"), name)]
    if len(same) != 1:
        return FoundApplication(because=f"{len(same) or 'no'} applications of the tenant are called {name!r}")
    (one,) = same
    if one["displayName"] != name:
        return FoundApplication(because=f"no application of the tenant is called {name!r} to the letter")
    if str(one.get("appOwnerOrganizationId")).lower() != api.tenant.id.lower():
        return FoundApplication(because=f"{name!r} is not registered in the tenant itself")
    if what := _moved(api, name, at):
        return FoundApplication(because=f"since then the name {name!r} was given or taken away ({what})")
    return FoundApplication(id=str(one["id"]).lower())


def _moved(api: TenantApi, name: str, at: datetime) -> str:
    """Give the activity by which somebody got or lost the name since an instant, "" where there is none."""
    since = f"{(at - _CLOCKS_AGREE_WITHIN).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for activity in (*_MADE_OR_GONE, *_CHANGED):
        asked = {"$filter": f"activityDateTime ge {since} and activityDisplayName eq '{activity}'"}
        records = api.list(DIRECTORY_AUDITS, query=asked)
        if any(_is_about(record, name, is_renaming=activity in _CHANGED) for record in records):
            return activity
    return ""


def _is_about(record: Image, name: str, *, is_renaming: bool) -> bool:
    """Whether a record tells of the name: of one that was made or deleted, or of a name that was changed."""
    for target in _members_of(record.get("targetResources")):
        if not is_renaming and _is(target.get("displayName"), name):
            return True
        renamed = (one for one in _members_of(target.get("modifiedProperties")) if _is(one.get("displayName"), _NAME))
        values = (str(one.get(which) or "") for one in renamed for which in ("oldValue", "newValue"))
        if is_renaming and any(fold_whole(name) in fold_whole(value) for value in values):
            return True
    return False


_NAME: Final = "DisplayName"


def _is(said: object, name: str) -> bool:
    return isinstance(said, str) and fold(said) == fold(name)


def _members_of(value: object) -> Iterable[Mapping[str, Any]]:
    several = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", one) for one in several if isinstance(one, dict)]


READ_PROBES: Final = (ReadProbe(call=LIST_SERVICE_PRINCIPALS, kind=TenantKind.B2C, query={"$select": _WHOSE}),)
