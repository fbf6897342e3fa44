"""Where unreadable records are kept, byte for byte, and counted."""

import hashlib
import logging
from datetime import datetime

from shared.clients.storage import Container, Storage

_log = logging.getLogger("responder.quarantine")


def quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> bool:
    """Keep a record that can't be read, once a day; False when these bytes are there already."""
    name = f"{tenant_id or 'unknown'}/{now:%Y%m%d}/{hashlib.sha256(raw).hexdigest()[:32]}.bin"
    reason = because.encode("ascii", "replace").decode()[:500]
    is_new = storage.keep(Container.QUARANTINE, name, raw, metadata={"because": " ".join(reason.split())})
    if is_new:
        _log.warning("an unreadable record is kept in quarantine/%s: %s", name, because[:300])
    return is_new
