"""Settings and storage, which everything else needs."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from shared.checks.check import Check, Finding, Unread, failed, ok
from shared.clients.storage_names import QUEUES, Container, Table, poison_queue
from shared.detect.aggregation.thresholds import threshold_problems
from shared.doctor.context import DoctorContext, storage_of
from shared.model.errors import Rejected, SettingsError
from shared.model.settings import settings_from

if TYPE_CHECKING:
    from shared.clients.storage import Storage

_NOTHING: Final = "the doctor looks for nothing here/"
_MISSING: Final = frozenset({"TableNotFound", "ContainerNotFound", "QueueNotFound", "ResourceNotFound"})


def _settings(context: DoctorContext) -> list[Finding]:
    try:
        settings = settings_from(context.environment)
    except SettingsError as error:
        return [failed(problem) for problem in error.problems]
    if problems := threshold_problems(settings.profile, context.content.detections):
        return [failed(problem) for problem in problems]
    guarded = " and ".join(tenant.name for tenant in settings.tenants)
    if settings.unresolved:
        return [failed(one.message, cure=one.cure) for one in settings.unresolved]
    return [ok(f"every setting can be used; the app guards {guarded}")]


def _reachable(context: DoctorContext) -> list[Finding]:
    try:
        storage_of(context)
    except Unread as unread:
        return [failed(f"the storage account can't be used: {unread}")]
    return [ok("the storage account answers")]


def _missing(names: Iterable[str], read: Callable[[str], object]) -> list[str]:
    """Give those of `names` that storage says it doesn't have. Raises any other EdgeError."""
    missing: list[str] = []
    for name in names:
        try:
            read(name)
        except Rejected as rejected:
            if rejected.code not in _MISSING:
                raise
            missing.append(name)
    return missing


def _are_there(what: str, names: Iterable[str], missing: list[str]) -> list[Finding]:
    if missing:
        return [failed(f"{what} {name} is missing") for name in missing]
    return [ok(f"every {what} is there: {', '.join(names)}")]


def _tables(context: DoctorContext) -> list[Finding]:
    storage = context.storage

    def read(name: str) -> object:
        return storage.row(Table(name), "doctor", "doctor")

    return _are_there("table", Table, _missing(Table, read))


def _containers(context: DoctorContext) -> list[Finding]:
    places: dict[Container, Storage] = dict.fromkeys(Container, context.storage)
    places[Container.EVIDENCE] = context.evidence

    def read(name: str) -> object:
        return places[Container(name)].blob_names(Container(name), _NOTHING)

    return _are_there("container", Container, _missing(Container, read))


def _queues(context: DoctorContext) -> list[Finding]:
    names = [name for queue in QUEUES for name in (queue, poison_queue(queue))]
    return _are_there("queue", names, _missing(names, context.storage.queue_length))


_MADE_AT_START: Final = (
    "The app makes it when it starts: restart the app (az functionapp restart). What it held is lost: enter approvals"
    " (table ApprovedActors), owners (Owners) and modes (Switches) again."
)

CHECKS: Final = (
    Check(
        id="settings-right",
        title="The settings can be used",
        cure="Correct it in the parameters of infra/main.bicepparam, then deploy again (infra/scripts/deploy.sh).",
        run=_settings,
    ),
    Check(
        id="storage-reachable",
        title="The storage account answers",
        cure="Check AzureWebJobsStorage…, the account's firewall, and the identity's three data roles on it"
        " (infra/modules/storage.bicep). On your own machine: az login, with the same roles.",
        run=_reachable,
    ),
    Check(id="tables-there", title="Every table is there", cure=_MADE_AT_START, reads=(storage_of,), run=_tables),
    Check(
        id="containers-there",
        title="Every blob container is there",
        cure="Deploy infra/main.bicep again, or restart the app, which makes the containers of its own account.",
        reads=(storage_of,),
        run=_containers,
    ),
    Check(id="queue-there", title="Every queue is there", cure=_MADE_AT_START, reads=(storage_of,), run=_queues),
)
