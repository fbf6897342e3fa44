"""What the text of an app setting may be: readers that give its value, and say of a wrong one what would be right."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_RESOURCE_GROUP: Final = re.compile(rf"/subscriptions/{_GUID.pattern}/resourceGroups/[^/,]{{1,90}}", re.IGNORECASE)
_RESOURCE: Final = re.compile(
    rf"{_RESOURCE_GROUP.pattern}/providers/[^/,]{{1,90}}(?:/[^/,]{{1,260}}){{2,12}}", re.IGNORECASE
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST_NUMBER: Final = 10
_MOST_SECRETS: Final = 2
_SHORTEST_SECRET: Final = 16
_STATE_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")


class WrongValue(ValueError):
    """A setting's value can't be used: each of `parts` is wrong, and should be what `right` says.

    `right` is "" for a value that names nothing: what it should name, the setting knows.
    """

    def __init__(self, right: str, *parts: str) -> None:
        self.right = right
        self.parts = parts
        super().__init__(right)


def text(value: str) -> str:
    """Take any text."""
    return value


def schedule(value: str) -> str:
    """Take an NCRONTAB text (UTC) as it is: the Functions host reads it, where a timer's binding names the setting."""
    return value


def guid(value: str) -> str:
    """Read an id, in lower case."""
    if value and _GUID.fullmatch(value) is None:
        raise WrongValue("a directory object id, like 00000000-0000-0000-0000-000000000000", value)
    return value.lower()


def guids(value: str) -> frozenset[str]:
    """Read ids that are separated by commas, in lower case."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if value and not parts:
        raise WrongValue("", value)
    if wrong := [part for part in parts if _GUID.fullmatch(part) is None]:
        raise WrongValue("ids separated by commas, like 00000000-0000-0000-0000-000000000000", *wrong)
    return frozenset(part.lower() for part in parts)


def resource_groups(value: str) -> frozenset[str]:
    """Read resource ids of resource groups that are separated by commas, in lower case."""
    parts = [part.strip().rstrip("/") for part in value.split(",") if part.strip()]
    if wrong := [part for part in parts if _RESOURCE_GROUP.fullmatch(part) is None]:
        raise WrongValue(
            "ids of resource groups separated by commas, like /subscriptions/ID/resourceGroups/NAME", *wrong
        )
    return frozenset(part.lower() for part in parts)


def resources(value: str) -> frozenset[str]:
    """Read resource ids that are separated by commas, in lower case."""
    parts = [part.strip().rstrip("/") for part in value.split(",") if part.strip()]
    if wrong := [part for part in parts if _RESOURCE.fullmatch(part) is None]:
        raise WrongValue(
            "ids of resources separated by commas, like /subscriptions/ID/resourceGroups/NAME/providers/…", *wrong
        )
    return frozenset(part.lower() for part in parts)


def url(value: str) -> str:
    """Read an https address, without a slash at its end. Plain http is for the local stack."""
    if value and not _is_address(value):
        raise WrongValue("an https:// address", value)
    return value.rstrip("/")


def is_loopback(address: str) -> bool:
    """Whether an address leads to this machine, where the local stack stands in for Azure."""
    return urlsplit(address).hostname in _LOOPBACK


def is_connection_string(value: str) -> bool:
    """Whether it has the form of a storage account's connection string."""
    pairs = [pair.split("=", 1) for pair in value.strip().rstrip(";").split(";")]
    if any(len(pair) != 2 or not pair[1] for pair in pairs):  # noqa: PLR2004 - a name and a value
        return False
    names = {pair[0].lower() for pair in pairs}
    return "usedevelopmentstorage" in names or (
        bool(names & {"accountname", "tableendpoint"}) and bool(names & {"accountkey", "sharedaccesssignature"})
    )


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def number(least: int, most: int) -> Callable[[str], int]:
    """Give a reader of whole numbers between two limits."""

    def read(value: str) -> int:
        is_number = value.isascii() and value.isdigit() and len(value) < _LONGEST_NUMBER
        if not is_number or not least <= int(value) <= most:
            raise WrongValue(f"a whole number from {least} to {most}", value)
        return int(value)

    return read


def checked(right: str, is_right: Callable[[str], bool]) -> Callable[[str], str]:
    """Give a reader of texts that are `right`."""

    def read(value: str) -> str:
        if value and not is_right(value):
            raise WrongValue(right, value)
        return value

    return read


def is_routing_key(value: str) -> bool:
    """Whether it has the form of a routing key of PagerDuty's Events API v2."""
    return re.fullmatch(r"[0-9A-Za-z]{32}", value) is not None


def webhook_secrets(value: str) -> tuple[str, ...]:
    """Read the secrets of a webhook: one, or two separated by a comma while the one is exchanged for the other."""
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    is_right = 0 < len(parts) <= _MOST_SECRETS and all(len(part) >= _SHORTEST_SECRET for part in parts)
    if value and not is_right:
        raise WrongValue("one secret of at least 16 characters, or two separated by a comma", value)
    return parts


def state_keys(value: str) -> tuple[bytes, ...]:
    """Read the app's own keys: one, or two separated by a comma while one is exchanged; the first signs."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if value and not (0 < len(parts) <= _MOST_SECRETS and all(map(_STATE_KEY.fullmatch, parts))):
        raise WrongValue("64 hexadecimal digits, as openssl rand -hex 32 gives, or two separated by a comma", value)
    return tuple(map(bytes.fromhex, parts))


def is_case_link(value: str) -> bool:
    """Whether it is an address with a place for the id of a case."""
    return _is_address(value) and "{case}" in value


def is_hub_name(value: str) -> bool:
    """Whether it can be the name of an Event Hub."""
    return re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?", value) is not None


def is_digest(value: str) -> bool:
    """Whether it is a SHA-256 in hexadecimal, in lower case."""
    return re.fullmatch(r"[0-9a-f]{64}", value) is not None


def digests(value: str) -> tuple[str, ...]:
    """Read SHA-256 sums in hexadecimal, separated by commas."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    wrong = [part for part in parts if not is_digest(part)]
    if wrong or (value and not parts):
        raise WrongValue(
            "SHA-256 sums: 64 hexadecimal digits in lower case each, separated by commas", *wrong or [value]
        )
    return tuple(parts)
