from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.storage import Storage
from shared.clients.storage_names import Container
from shared.ingest.quarantine import is_kept, quarantine
from shared.model.errors import EdgeError
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage

_TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"


def _names(storage: Storage) -> list[str]:
    return storage.blob_names(Container.QUARANTINE, "")


@pytest.mark.parametrize(
    "raw", [b"", b"not json", b"\xff\xfe\x00", b"{" * 100_000], ids=["empty", "text", "bytes", "long"]
)
def test_a_record_is_kept_byte_for_byte(storage: Storage, raw: bytes) -> None:
    assert not is_kept(storage, raw, tenant_id=_TENANT, now=NOW)
    quarantine(storage, raw, "it isn't JSON", tenant_id=_TENANT, now=NOW)
    assert is_kept(storage, raw, tenant_id=_TENANT, now=NOW)
    (name,) = _names(storage)
    assert storage.blob(Container.QUARANTINE, name) == raw


def test_the_same_bytes_are_kept_once_a_day(storage: Storage) -> None:
    for hours in (0, 1, 24):
        quarantine(storage, b"x", "it isn't JSON", tenant_id=_TENANT, now=NOW + timedelta(hours=hours))
    assert len(_names(storage)) == 2
    assert not is_kept(storage, b"x", tenant_id=_TENANT, now=NOW + timedelta(days=2))
    assert not is_kept(storage, b"x", tenant_id="another", now=NOW)


def test_a_record_of_no_tenant_is_kept_too(storage: Storage) -> None:
    quarantine(storage, b"x", "it isn't JSON", tenant_id="", now=NOW)
    assert _names(storage)[0].startswith("unknown/20260302/")


@settings(max_examples=20)
@given(because=st.text(max_size=600) | st.text(st.sampled_from("\0\r\n\x1b\x7fé\ud800 "), max_size=20))
def test_whatever_the_reason_quotes_the_record_is_kept(storage: Storage, because: str) -> None:
    """The reason becomes a header, which takes printable ASCII only."""
    raw = because.encode("utf-8", "surrogatepass")
    quarantine(storage, raw, because, tenant_id=_TENANT, now=NOW)
    assert is_kept(storage, raw, tenant_id=_TENANT, now=NOW)


def test_storage_that_fails_is_told() -> None:
    without_containers = MemoryStorage()
    with pytest.raises(EdgeError):
        is_kept(without_containers, b"x", tenant_id=_TENANT, now=NOW)
    with pytest.raises(EdgeError):
        quarantine(without_containers, b"x", "it isn't JSON", tenant_id=_TENANT, now=NOW)
