"""A credential that gives tokens, or fails."""

import time

from azure.core.credentials import AccessToken


class Holder:
    """A credential. `error` is raised in place of a token."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self._error = error

    def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        self.scopes.append(scopes)
        if self._error is not None:
            raise self._error
        return AccessToken("token", int(time.time()) + 3600)
