"""What step 8 exports: the logs in windows of time, and what the app itself knows, a line of JSON each.

Records arrive up to hours late, so a window is read again until it has been over for longer than that. A window that
was never read whole goes before those that are only looked at again: a run that has too little time for all of them is
gone on with where it stopped.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.clients.storage import Row
from shared.clients.storage_names import Container
from shared.emergency.evidence import Part
from shared.emergency.manifest import ManifestEntry
from shared.model.calls import Call
from shared.model.cases import Case
from shared.model.errors import EdgeError, Refused, ResponderError
from shared.model.kinds import TenantKind
from shared.model.objects import ObjectId, ObjectState, Version
from shared.model.settings import Tenant
from shared.respond.components import Runtime

WINDOW: Final = timedelta(hours=6)
LATE: Final = timedelta(hours=6)
"""How long after its end a window is read again: records of the logs come that late."""


class LogExport(Struct, frozen=True, kw_only=True):
    """A log that is exported, and how it is queried.

    `name` is shown to people; `korean` is the same in Korean. `time_field` is what the windows filter on, in `quotes`
    where the service wants an instant in quotation marks; `only` is a further condition. `query` has more options of
    the request. `each` gives the ids of each listing that there is (a subscription); one listing, where there is only
    one. `no_licence` is the error code that means that the tenant has no licence for the log.
    """

    name: str
    korean: str
    call: Call
    kinds: tuple[TenantKind, ...]
    time_field: str
    quotes: str = ""
    page_size: int = 0
    only: str = ""
    query: Mapping[str, str] = {}
    each: Callable[[TenantEdges], Iterable[Mapping[str, str]]] = lambda _api: ({},)
    no_licence: str = ""

    def asked(self, since: datetime, until: datetime) -> dict[str, str]:
        """Give the query of a window, both ends included."""
        instants = [f"{self.quotes}{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}{self.quotes}" for at in (since, until)]
        terms = [f"{self.time_field} ge {instants[0]}", f"{self.time_field} le {instants[1]}"]
        terms += [self.only] if self.only else []
        top = {"$top": str(self.page_size)} if self.page_size else {}
        return {"$filter": " and ".join(terms), **top, **self.query}


class Window(Struct, frozen=True, kw_only=True):
    """A window of a log of one tenant."""

    export: LogExport
    tenant: Tenant
    ids: Mapping[str, str]
    part: Part
    since: datetime
    until: datetime

    @property
    def order(self) -> tuple[str, str, datetime]:
        """Their order where nothing else counts."""
        return self.export.name, self.tenant.id, self.since


def windows(
    exports: Iterable[LogExport],
    apis: Iterable[TenantEdges],
    *,
    since: datetime,
    until: datetime,
) -> Iterator[Window]:
    """Give every window of every log, from `since` until `until`; they lie on a grid, so that each run has the same."""
    listed = tuple(apis)
    for export in exports:
        for api in listed:
            if api.tenant.kind not in export.kinds:
                continue
            for ids in export.each(api):
                for begin, end in _grid(since, until):
                    yield _window(export, api.tenant, ids, begin, end)


def _grid(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    hours = int(WINDOW.total_seconds()) // 3600
    start = since.astimezone(UTC)
    start = start.replace(hour=start.hour // hours * hours, minute=0, second=0, microsecond=0)
    while start < until:
        yield max(start, since), min(start + WINDOW, until)
        start += WINDOW


def _window(export: LogExport, tenant: Tenant, ids: Mapping[str, str], begin: datetime, end: datetime) -> Window:
    name = "-".join([*ids.values(), f"{begin.astimezone(UTC):%Y%m%dT%H%M}"])
    part = Part(source=export.name, tenant=tenant.id, part=name, since=begin, until=end)
    return Window(export=export, tenant=tenant, ids=ids, part=part, since=begin, until=end)


class Turns(Struct, frozen=True, kw_only=True):
    """The windows to read, in order: first `never`, which were never read whole, then `once_more`."""

    never: tuple[Window, ...]
    once_more: tuple[Window, ...]


def in_turn(found: Iterable[Window], entries: Iterable[ManifestEntry], *, again: bool) -> Turns:
    """Give the windows that are to be read; those that were tried last come last, so that none waits for ever.

    `again` has all of them read; else those that were read when the last late record had come are left.
    """
    ordered = tuple(entries)
    tried = {(entry.source, entry.tenant, entry.part): entry.at for entry in ordered}
    read = {(entry.source, entry.tenant, entry.part): entry for entry in ordered if not entry.not_read}
    long_ago = datetime.min.replace(tzinfo=UTC)
    turns = sorted(found, key=lambda window: (tried.get(window.part.key, long_ago), window.order))
    once_more = (window for window in turns if window.part.key in read)
    return Turns(
        never=tuple(window for window in turns if window.part.key not in read),
        once_more=tuple(each for each in once_more if again or _may_grow(each, read[each.part.key])),
    )


def _may_grow(window: Window, entry: ManifestEntry) -> bool:
    """Say whether records of a window may have come after it was read."""
    return entry.until is None or entry.until < window.until or entry.at < window.until + LATE


def log_lines(api: TenantEdges, window: Window, *, go_on: Callable[[], None]) -> Iterator[bytes]:
    """Give the records of a window, each on one line, as they came. Raises EdgeError at the page that fails."""
    asked = window.export.asked(window.since, window.until)
    for page in api.records(window.export.call, query=asked, **window.ids):
        go_on()
        for record in page:
            yield one_line(record)


def one_line(record: msgspec.Raw | bytes) -> bytes:
    """Give a JSON text without line breaks, otherwise as it is."""
    return msgspec.json.format(bytes(record), indent=-1)


def why_not(export: LogExport, error: EdgeError | str) -> str:
    """Say why a log can't be read, in words."""
    if isinstance(error, Refused) and export.no_licence and error.code == export.no_licence:
        return "the tenant has no licence for this log (Entra ID P1), so that it can't be exported"
    if isinstance(error, Refused):
        return f"the app may not read it: {error}"
    return str(error)


# ---- what the app knows ----------------------------------------------------------------------------------------------


def case_lines(runtime: Runtime, tenant_id: str, *, since: datetime) -> Iterator[bytes]:
    """Give the cases of the window; one that can't be read, as its row is."""
    broken: list[Row] = []
    for case in runtime.ledger.each_case(tenant_id, since=since, unreadable=broken.append):
        yield from _unreadable(broken)
        yield msgspec.json.encode({"case": case}, order="sorted")
    yield from _unreadable(broken)


def _unreadable(rows: list[Row]) -> Iterator[bytes]:
    while rows:
        row = rows.pop(0)
        columns = {
            name: value if isinstance(value, str | int | bool) else str(value) for name, value in row.columns.items()
        }
        yield msgspec.json.encode({"unreadable_case": row.key, "columns": columns}, order="sorted")


def change_lines(runtime: Runtime, tenant_id: str, *, since: datetime, go_on: Callable[[], None]) -> Iterator[bytes]:
    """Give the changes of guarded objects in the window; where those of an object can't be read, a line says so."""
    for object_id, name in _objects(runtime, tenant_id, go_on):
        try:
            changes = runtime.objects.changes(object_id, since=since)
        except ResponderError as error:
            yield _line(object_id, name, {"unreadable_changes": str(error)})
            continue
        for change in changes:
            yield _line(object_id, name, {"change": change})


def image_lines(runtime: Runtime, tenant_id: str, *, since: datetime, go_on: Callable[[], None]) -> Iterator[bytes]:
    """Give each guarded object as it stood before the window, and each time that it was read otherwise in it.

    Then what was kept before each write of the app that belongs to a case of the window.
    """
    for object_id, name in _objects(runtime, tenant_id, go_on):
        try:
            kept = runtime.objects.read(object_id)
            for version in _of_window(kept.state, since) if kept is not None else ():
                image = runtime.objects.version(object_id, version.digest) if version.digest else None
                yield _line(object_id, name, {"read_at": version.at, "image": image})
        except ResponderError as error:
            yield _line(object_id, name, {"unreadable_image": str(error)})
    for case in runtime.ledger.each_case(tenant_id, since=since, unreadable=lambda _row: None):
        if case.before:
            go_on()
            yield _before(runtime, case)


def _before(runtime: Runtime, case: Case) -> bytes:
    try:
        content = runtime.ledger.evidence.blob(Container.EVIDENCE, case.before)
    except EdgeError as error:
        return msgspec.json.encode({"case": case.id, "before": case.before, "unreadable_image": str(error)})
    if content is None:
        missing = {"case": case.id, "before": case.before, "unreadable_image": "the blob is gone"}
        return msgspec.json.encode(missing)
    return msgspec.json.encode({"case": case.id, "before": case.before, "image": msgspec.Raw(content)})


def _of_window(state: ObjectState, since: datetime) -> Sequence[Version]:
    versions = state.versions or (state.origin,)
    before = [version for version in versions if version.at < since][-1:]
    return [*before, *(version for version in versions if version.at >= since)]


def _objects(runtime: Runtime, tenant_id: str, go_on: Callable[[], None]) -> Iterator[tuple[ObjectId, str]]:
    for kind in runtime.kinds:
        for seen in runtime.objects.seen(tenant_id, kind):
            go_on()
            yield seen.id, seen.name


def _line(object_id: ObjectId, name: str, more: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"kind": object_id.kind, "object": object_id.key, "name": name, **more}, order="sorted")
