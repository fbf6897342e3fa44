"""The requests of blobs that answering a change takes: keep one that isn't there yet, and read one.

https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from shared.clients.storage_requests import Request, StorageService

VERSION: Final = "2021-12-02"
_SIGNED: Final = ("Date", "If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range")


def text_to_sign(resource: str, request: Request, headers: Mapping[str, str]) -> str:
    """Give what a key signs of a request for a blob."""
    length = str(len(request.body)) if request.body else ""
    named = [headers.get(name, "") for name in _SIGNED]
    lines = [request.method, "", "", length, "", headers.get("Content-Type", ""), *named]
    own = sorted((name.lower(), value) for name, value in headers.items() if name.lower().startswith("x-ms-"))
    return "\n".join([*lines, *(f"{name}:{value}" for name, value in own), resource])


class BlobRequests:
    """One container of an account. Each method raises EdgeError where storage gives an error or no answer."""

    def __init__(self, service: StorageService, container: str) -> None:
        self._service = service
        self._container = container

    def keep(self, what: str, name: str, content: bytes, metadata: Mapping[str, str]) -> None:
        """Write a blob; one that is there already is an error (409 BlobAlreadyExists)."""
        headers = {
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
            "x-ms-blob-type": "BlockBlob",
            **{f"x-ms-meta-{key}": value for key, value in metadata.items()},
        }
        self._service.send(what, Request(method="PUT", path=self._path(name), headers=headers, body=content))

    def read(self, what: str, name: str) -> bytes:
        """Read a blob; one that isn't there is an error (404 BlobNotFound)."""
        return self._service.send(what, Request(method="GET", path=self._path(name))).data

    def _path(self, name: str) -> str:
        return f"/{self._container}/{quote(name, safe='/~')}"
