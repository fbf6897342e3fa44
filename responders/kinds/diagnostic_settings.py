"""Diagnostic settings of Azure: where the activity log of a subscription goes, and the logs of the app's own resources.

Whoever deletes one, or redirects it, isn't seen by those who read there. So a deleted one is made again under its name,
and one that was changed gets its destinations and categories back. Settings of all other resources aren't guarded:
there are as many as there are resources, and Azure Policy writes them.

A new setting sends logs to somebody besides. It is deleted where the setting itself says when it was made
(`systemData`). Else nothing says that the write was a creation, so that it is paged with the command: events call a
creation and a change alike a write, and an absence isn't believed on a listing's word alone.

To write one, Azure asks for rights on the destination too: for a workspace `workspaces/sharedKeys/action`, for the
others their keys (Microsoft's page "Diagnostic settings in Azure Monitor"). The identity has the former on the app's
own workspace, whose keys open nothing. It isn't given those of storage accounts and hubs: whoever has them can read or
forge what lies there. Where a destination refuses it, or is gone, people get the command.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from msgspec import Struct

from responders.kinds import activity_log, azure_locks, azure_stamps
from responders.kinds.diagnostic_setting_leaves import RULES, body, is_named_as_ours, leaves, showing, words, writing
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError, Locked, Refused, Rejected
from shared.model.events import Event, Log, ResourceEvent
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, GuardFacts, Kind, Objections, Write
from shared.model.objects import EXISTS, WHOLE, ObjectChange, ObjectId, Objection, Op, Recorded, Step
from shared.model.read_probes import Ids, ReadProbe
from shared.model.remediations import Inventory
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi, delete

_VERSION: Final = "2021-05-01-preview"
_SETTINGS: Final = "/providers/Microsoft.Insights/diagnosticSettings"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.ARM, path=path, needs=(needs,), api_version=_VERSION)


LIST_DIAGNOSTIC_SETTINGS: Final = _call("GET", f"{{scope}}{_SETTINGS}", Permission.DIAGNOSTIC_SETTING_READ)
GET_DIAGNOSTIC_SETTING: Final = _call("GET", "{diagnostic_setting}", Permission.DIAGNOSTIC_SETTING_READ)
WRITE_DIAGNOSTIC_SETTING: Final = _call("PUT", "{diagnostic_setting}", Permission.DIAGNOSTIC_SETTING_WRITE)
DELETE_DIAGNOSTIC_SETTING: Final = _call("DELETE", "{diagnostic_setting}", Permission.DIAGNOSTIC_SETTING_DELETE)

_OPERATIONS: Final[Mapping[str, Op]] = {
    "microsoft.insights/diagnosticsettings/write": Op.UPDATE,
    "microsoft.insights/diagnosticsettings/delete": Op.DELETE,
}
"""A write is told as an update: the event doesn't say whether the setting was there before."""

_ID: Final = re.compile(
    r"(?P<scope>/subscriptions/.+?)/providers/(?:microsoft\.insights|azureresourcemanager)/diagnosticsettings/(?P<name>[^/]+)",
    re.IGNORECASE,
)
"""Azure prints settings of a subscription below a provider that isn't theirs, in its own examples."""

MOST: Final = 5
"""Settings that one resource, or a subscription, may have."""


def id_at(scope: str, name: str) -> str:
    """Give the id of a setting, in lower case: ARM ignores case, and of subscriptions its own spelling isn't one."""
    return f"{scope}{_SETTINGS}/{name}".lower()


def id_of(setting: Image) -> str:
    """Give the id of a setting."""
    return str(setting["id"]).lower()


def _scope_of(setting_id: str) -> str:
    return setting_id[: setting_id.lower().rindex(_SETTINGS.lower())]


def _name_of(setting: Image) -> str:
    return f"{setting.get('name')} of {_scope_of(id_of(setting)).rpartition('/')[2]}, to {words(leaves(setting))}"


def _recorded(event: Event) -> tuple[Recorded, ...]:
    if not isinstance(event, ResourceEvent) or event.outcome != "success":
        return ()
    op = _OPERATIONS.get(event.operation.lower())
    found = _ID.fullmatch(event.resource_id.strip())
    if op is None or found is None:
        return ()
    wrote: dict[str, Step] = {EXISTS: (True, None)} if op is Op.DELETE else {}
    return (Recorded(object_id=id_at(found["scope"], found["name"]), name=event.target.name, op=op, wrote=wrote),)


def is_configured(tenant: Tenant, setting_id: str) -> bool:
    """Whether a setting is of a watched subscription itself, or of one of the app's own resources."""
    return ID_SHAPES["diagnostic_setting"].fullmatch(setting_id) is not None and (
        _scope_of(setting_id).lower() in {*tenant.logged, *map("/subscriptions/{}".format, tenant.subscriptions)}
    )


def _is_ours(tenant: Tenant, setting_id: str) -> bool:
    """Whether a setting is of one of the app's own resources, or is named as the deployment names it."""
    return _scope_of(setting_id).lower() in tenant.logged or is_named_as_ours(setting_id)


# Reading.


def _read(api: TenantApi, setting_id: str) -> Image | None:
    found = api.get(GET_DIAGNOSTIC_SETTING, diagnostic_setting=setting_id)
    return found and found | {"id": setting_id.lower()}


def _scopes(tenant: Tenant) -> Iterator[str]:
    yield from (f"/subscriptions/{each}" for each in sorted(tenant.subscriptions))
    yield from sorted(tenant.logged)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    listed = (each for scope in _scopes(api.tenant) for each in _list(api, scope))
    return {id_of(each): each for each in listed}


_NOT_FOUND: Final = 404


def _list(api: TenantApi, scope: str) -> list[Image]:
    """List the settings at a scope; none of a resource that is gone."""
    try:
        listed = api.list(LIST_DIAGNOSTIC_SETTINGS, scope=scope)
    except Rejected as rejected:
        if rejected.status != _NOT_FOUND:
            raise
        return []
    return [each | {"id": id_at(scope, str(each["name"]))} for each in listed]


def _each_scope(api: TenantApi) -> list[Ids]:
    return [{"scope": each} for each in _scopes(api.tenant)]


def _first_setting(api: TenantApi) -> Iterator[Ids]:
    for scope in _scopes(api.tenant):
        for each in api.first_page(LIST_DIAGNOSTIC_SETTINGS, scope=scope)[:1]:
            yield {"diagnostic_setting": id_at(scope, str(each["name"]))}


# Guards.


class Around(Struct, frozen=True, kw_only=True):
    """How many other settings there are at the scope; None where it isn't known."""

    others: int | None = 0
    because: str = ""


def _look_around(api: TenantApi, facts: GuardFacts) -> Around:
    if facts.op is not Op.CREATE:
        return Around()
    try:
        listed = _list(api, _scope_of(facts.object_id))
    except (EdgeError, BadIdentifier) as error:
        return Around(others=None, because=str(error))
    return Around(others=sum(id_of(each) != facts.object_id.lower() for each in listed))


def _objections(facts: GuardFacts) -> Objections:
    around = cast("Around", facts.around)
    if around.others is None:
        because = f"how many other settings there are could not be read: {around.because}"
        return {WHOLE: Objection(guard="most-settings", because=because, can_pass=True)}
    if around.others >= MOST:
        because = f"there are {around.others} other settings, and Azure allows {MOST}: one of them has to go first"
        by_hand = showing(facts.object_id, version=_VERSION)
        return {WHOLE: Objection(guard="most-settings", because=because, can_pass=True, by_hand=by_hand)}
    return {}


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Make a setting again, write it as it is to be, or delete it.

    Raises:
        Locked: a management lock forbids it; `by_hand` lifts the lock.
        Refused: the identity may not write settings, or may not use the destination; `by_hand` has the command.
        Rejected: the destination is gone, or the service wants it otherwise; likewise.
        DoneAlready: somebody was faster and deleted it.
    """
    setting = write.object_id
    try:
        if write.op is Op.DELETE:
            delete(api, DELETE_DIAGNOSTIC_SETTING, setting, diagnostic_setting=setting)
        else:
            api.send(WRITE_DIAGNOSTIC_SETTING, body=body(write), diagnostic_setting=setting)
    except Locked as locked:
        raise azure_locks.named(api, locked) from locked
    except (Refused, Rejected) as refused:
        refused.by_hand = writing(setting, write.target, version=_VERSION)
        raise
    return setting


def _confirm(api: TenantApi, change: ObjectChange, _image: Image | None) -> Confirmation:
    """Ask the subscription's own log: neither the event nor the object proves who wrote it."""
    return activity_log.confirmed(api, change, _OPERATIONS, shape="diagnostic_setting")


def _events_of(
    api: TenantApi, object_id: str, since: datetime, until: datetime
) -> Sequence[tuple[bytes, ResourceEvent]]:
    return activity_log.records_about(api, object_id, shape="diagnostic_setting", since=since, until=until)


def _is_first_write(api: TenantApi, change: ObjectChange, since: datetime) -> bool | None:
    return activity_log.is_first_write(api, change, since, _OPERATIONS, shape="diagnostic_setting")


def _lane(of: ObjectId, setting_id: str, _image: Image | None) -> str:
    """One lane a scope: how many settings there may be is judged over all of them."""
    return f"{of.tenant_id}|{of.kind}|{_scope_of(setting_id).lower()}"


DIAGNOSTIC_SETTING: Final = Kind(
    kind=ObjectKind.DIAGNOSTIC_SETTING,
    title="diagnostic setting",
    tenant_kind=TenantKind.WORKFORCE,
    rules=RULES,
    calls=(
        LIST_DIAGNOSTIC_SETTINGS,
        GET_DIAGNOSTIC_SETTING,
        WRITE_DIAGNOSTIC_SETTING,
        DELETE_DIAGNOSTIC_SETTING,
        *azure_locks.CALLS,
        *activity_log.CALLS,
    ),
    inventory=Inventory(
        kind=ObjectKind.DIAGNOSTIC_SETTING,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_DIAGNOSTIC_SETTINGS,),
        read=_read_all,
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.RESOURCE,
    activities=frozenset(_OPERATIONS),
    recorded=_recorded,
    read=_read,
    lane=_lane,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    made=azure_stamps.made,
    confirm=_confirm,
    events_of=_events_of,
    is_first_write=_is_first_write,
    is_configured=is_configured,
    skips_others=True,
    is_ours=_is_ours,
    limits=(
        "Guarded are those of the watched subscriptions themselves, which export the activity log, and those of the "
        "app's own resources; changes of others are paged. A new one is deleted only where Azure says when it was "
        "made, else it is paged. The identity may name the app's own workspace as a destination, but no storage "
        "account or event hub, whose keys it would have to be given: there the page has the command."
    ),
    undo=(
        "Write the diagnostic setting again from the version before, which the evidence container holds; delete one "
        "that was made again."
    ),
    read_probes=(
        ReadProbe(call=LIST_DIAGNOSTIC_SETTINGS, kind=TenantKind.WORKFORCE, ids=_each_scope),
        ReadProbe(call=GET_DIAGNOSTIC_SETTING, kind=TenantKind.WORKFORCE, ids=_first_setting, is_listing=False),
        *azure_locks.READ_PROBES,
        *activity_log.READ_PROBES,
    ),
)
