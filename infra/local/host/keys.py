"""The access keys of the app, which Azure keeps for it."""

import hmac
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.host.app_settings import json_object_from
from infra.local.host.errors import SettingsError

_NEEDED = ("function", "master")
_NAMES = (*_NEEDED, "host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One key of each kind. The master key opens everything."""

    function: str
    host: str
    master: str

    def opens_function(self, key: str) -> bool:
        """Say whether the key may call a function of level `function`."""
        return _is_one_of(key, (self.function, self.host, self.master))

    def opens_admin(self, key: str) -> bool:
        """Say whether the key may call a function of level `admin` and the host's own admin addresses."""
        return _is_one_of(key, (self.master,))

    def to_json(self) -> dict[str, str]:
        """Give the keys by name, as a keys file holds them."""
        return asdict(self)


def fresh_keys() -> Keys:
    """Make random keys."""
    return Keys(**{name: secrets.token_urlsafe(30) for name in _NAMES})


def keys_from(path: Path) -> Keys:
    """Read a keys file: `{"function": …, "master": …}`, and `host` if wanted.

    Raises:
        SettingsError: a key is missing, empty or unknown.
    """
    given = json_object_from(path)
    unknown = sorted(set(given) - set(_NAMES))
    wrong = [name for name in _NAMES if not (isinstance(given.get(name), str) and given[name])]
    wrong = [name for name in wrong if name in given or name in _NEEDED]
    if unknown or wrong:
        raise SettingsError(
            f"{path} must give texts for {', '.join(_NEEDED)} and may give host;"
            f" look at {', '.join((*unknown, *wrong))}."
        )
    # Without a host key given none is known, so none is accepted.
    return Keys(**{"host": secrets.token_urlsafe(30)} | {name: str(value) for name, value in given.items()})


def _is_one_of(key: str, accepted: tuple[str, ...]) -> bool:
    return any(hmac.compare_digest(key.encode(), right.encode()) for right in accepted)
