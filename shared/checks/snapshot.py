"""What posture checks judge: everything is read first, in one phase, then judged without a request.

A snapshot has parts. Each is read once; what couldn't be read keeps the reason, and every check that needs it is
unknown.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from shared.checks.check import Unread
from shared.checks.posture_texts import UNREAD
from shared.model.calls import Call
from shared.model.errors import EdgeError
from shared.model.kinds import TenantKind
from shared.model.settings import Settings, Tenant
from shared.model.tenant_api import TenantApi
from shared.respond.components import Runtime

_log = logging.getLogger("responder.posture")

_READ_IT: Final = UNREAD.en


WORKFORCE: Final = frozenset({TenantKind.WORKFORCE})
EVERY_TENANT: Final = frozenset(TenantKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part[T]:
    """One thing that is read of a tenant or of the installation.

    `calls` are the requests that it takes, `kinds` those of tenants that it is read of. `read` may ask for other parts
    that stand before it, and raises Unread or EdgeError where it can't be read whole: part of it is never given.
    """

    id: str
    title: str
    read: "Callable[[Reading], T]"
    calls: tuple[Call, ...] = ()
    kinds: frozenset[TenantKind] = WORKFORCE


class Snapshot:
    """The parts of one tenant, as they were read at an instant."""

    def __init__(self, *, tenant: Tenant, settings: Settings, at: datetime, parts: Mapping[str, Any]) -> None:
        """`parts` are what was read, by the parts' ids, and Unread in the place of what couldn't be."""
        self.tenant: Final = tenant
        self.settings: Final = settings
        self.at: Final = at
        self._parts = parts

    def of[T](self, part: Part[T]) -> T:
        """Give a part. Raises Unread where it couldn't be read."""
        found = self._parts.get(part.id, Unread(f"{part.title} wasn't asked for"))
        if isinstance(found, Unread):
            raise Unread(f"{part.title}: {found}", cure=found.cure or _READ_IT)
        return cast("T", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a part is read from: the tenant's API, the app's own storage, and the parts that were read before it."""

    api: TenantApi
    runtime: Runtime
    before: Snapshot

    @property
    def now(self) -> datetime:
        """The instant of the snapshot."""
        return self.before.at

    def of[T](self, part: Part[T]) -> T:
        """Give a part that was read before. Raises Unread where it couldn't be read."""
        return self.before.of(part)


def read_snapshot(
    parts: Sequence[Part[Any]],
    runtime: Runtime,
    tenant: Tenant,
    *,
    progress: Callable[[int, Part[Any]], None] = lambda _number, _part: None,
) -> Snapshot:
    """Read each part of a tenant, in this order; what fails keeps no other from being read.

    `progress` is told the number of each part, from 0, before it is read.
    """
    read: dict[str, Any] = {}
    snapshot = Snapshot(tenant=tenant, settings=runtime.settings, at=runtime.clock(), parts=read)
    reading = Reading(api=runtime.edges[tenant.id], runtime=runtime, before=snapshot)
    for number, part in enumerate(parts):
        progress(number, part)
        try:
            read[part.id] = part.read(reading)
        except Unread as unread:
            read[part.id] = unread
        except EdgeError as error:
            read[part.id] = Unread(str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one part must not hide what the others find
            _log.exception("the part %s of the posture is broken", part.id)
            read[part.id] = Unread(f"a bug in the app ({type(error).__name__}); its log says more")
    return snapshot
