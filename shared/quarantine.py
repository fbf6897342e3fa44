"""Where unreadable records are kept, byte for byte, and counted."""

import hashlib
import logging
from datetime import datetime

from shared.clients.storage import Container, Storage

_log = logging.getLogger("responder.quarantine")


def quarantine(storage: Storage, raw: bytes, because: str, *, tenant_id: str, now: datetime) -> str:
    """Keep a record that can't be read; gives the blob's name. The same bytes are kept once a day."""
    digest = hashlib.sha256(raw).hexdigest()
    name = f"{tenant_id or 'unknown'}/{now:%Y%m%d}/{digest[:32]}.bin"
    reason = because.encode("ascii", "replace").decode()[:500]
    storage.keep(Container.QUARANTINE, name, raw, metadata={"because": " ".join(reason.split())})
    _log.warning("an unreadable record is kept in quarantine/%s: %s", name, because[:300])
    return name
