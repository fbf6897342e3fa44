"""Stores records that can't be read and messages that always failed, unchanged, in blob container `quarantine`."""

import hashlib
import logging
from datetime import datetime

from shared.clients.storage import Storage
from shared.clients.storage_names import Container

_log = logging.getLogger("responder.quarantine")


def is_kept(storage: Storage, raw: bytes, *, tenant_id: str, now: datetime) -> bool:
    """Whether these bytes were stored today. Raises EdgeError."""
    return storage.blob(Container.QUARANTINE, _name(raw, tenant_id, now)) is not None


def quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> None:
    """Store a record that can't be read, once a day, and log a warning. Raises EdgeError."""
    name = keep_in_quarantine(storage, raw, because, tenant_id=tenant_id, now=now)
    _log.warning("an unreadable record is kept in quarantine/%s: %s", name, _as_header(because))


def keep_in_quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> str:
    """Store these bytes, once a day, and give the blob's name. Raises EdgeError."""
    name = _name(raw, tenant_id, now)
    storage.keep(Container.QUARANTINE, name, raw, metadata={"because": _as_header(because)})
    return name


def _name(raw: bytes, tenant_id: str, now: datetime) -> str:
    return f"{tenant_id or 'unknown'}/{now:%Y%m%d}/{hashlib.sha256(raw).hexdigest()[:32]}.bin"


def _as_header(text: str) -> str:
    """Make a reason, which may quote the record, valid as the value of a header."""
    return "".join(one if " " <= one <= "~" else "?" for one in " ".join(text.split()))[:500]
