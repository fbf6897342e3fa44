"""Where what can't be read or dealt with is kept, byte for byte."""

import hashlib
import logging
from datetime import datetime

from shared.clients.storage import Storage
from shared.clients.storage_names import Container

_log = logging.getLogger("responder.quarantine")


def is_kept(storage: Storage, raw: bytes, *, tenant_id: str, now: datetime) -> bool:
    """Whether these bytes were kept today. Raises EdgeError."""
    return storage.blob(Container.QUARANTINE, _name(raw, tenant_id, now)) is not None


def quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> None:
    """Keep a record that can't be read, once a day. Raises EdgeError."""
    name = keep_in_quarantine(storage, raw, because, tenant_id=tenant_id, now=now)
    _log.warning("an unreadable record is kept in quarantine/%s: %s", name, _as_header(because))


def keep_in_quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> str:
    """Keep these bytes, once a day, and give the name under which they lie. Raises EdgeError."""
    name = _name(raw, tenant_id, now)
    storage.keep(Container.QUARANTINE, name, raw, metadata={"because": _as_header(because)})
    return name


def _name(raw: bytes, tenant_id: str, now: datetime) -> str:
    return f"{tenant_id or 'unknown'}/{now:%Y%m%d}/{hashlib.sha256(raw).hexdigest()[:32]}.bin"


def _as_header(text: str) -> str:
    """Give a reason, which may quote the record, as a header can carry it."""
    return "".join(one if " " <= one <= "~" else "?" for one in " ".join(text.split()))[:500]
