"""The stack without its functions host, and what a host of a test needs to stand on it."""

from typing import Any
from uuid import uuid4

from infra.local.stack import HOST_ACCOUNT, Stack, StorageAccess, connection_string


def settings_of(parts: Stack, **changes: str) -> dict[str, str]:
    """Give the app settings for storage, by identity, and a corner of the account for this test alone."""
    storage = parts.storage_settings(StorageAccess.IDENTITY, parts.azurite.addresses)
    return {**storage, "AzureFunctionsWebHost__hostid": f"test-{uuid4().hex[:8]}", **changes}


def place_of(parts: Stack) -> dict[str, str]:
    """Give the environment in which the identity and the test authority are found."""
    return {
        "IDENTITY_ENDPOINT": parts.tenant["identity_endpoint"],
        "IDENTITY_HEADER": parts.tenant["identity_header"],
        "SSL_CERT_FILE": parts.tenant["ca_file"],
        "REQUESTS_CA_BUNDLE": parts.tenant["ca_file"],
    }


def trusting(parts: Stack) -> dict[str, Any]:
    return {"connection_verify": parts.tenant["ca_file"], "retry_total": 0}


def string_of(parts: Stack) -> str:
    return connection_string(parts.azurite.addresses, HOST_ACCOUNT, parts.azurite.keys[HOST_ACCOUNT])
