"""What a diagnostic setting is made of: where it sends, and which logs and metrics.

Destinations are ids of other resources, never keys. Each category, or group of categories, that is switched on is a
leaf; one that is switched off is the same as one that isn't there, as services print them in both ways. How long a
storage account keeps what it is sent is left to the service, which is to retire that (Microsoft's page "Migrate from
diagnostic settings storage retention"): what stands, or stood, is sent again.
"""

import shlex
from collections.abc import Iterator
from typing import Any, Final, cast

from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import member
from shared.model.kinds import Image, Json
from shared.model.object_kinds import LeafRules, Write
from shared.model.objects import EXISTS, Leaves, list_of

ARM: Final = "https://management.azure.com"
LISTS: Final = ("logs", "metrics")
_GROUP: Final = "group "
"""Before the name of a group of categories: `allLogs` and `audit` are groups."""

_DESTINATIONS: Final = (
    "workspaceId",
    "storageAccountId",
    "eventHubAuthorizationRuleId",
    "marketplacePartnerId",
    "serviceBusRuleId",
)


def properties(setting: Image) -> Image:
    """Give a setting's properties, empty where it has none."""
    found = setting.get("properties")
    return cast("Image", found) if isinstance(found, dict) else {}


def leaves(setting: Image) -> dict[str, Json]:
    """Split a setting into its destinations and what it sends."""
    found: dict[str, Json] = {EXISTS: True}
    for name, value in properties(setting).items():
        if name in LISTS:
            found |= {member(name, each): each for each in _switched_on(value)}
        elif value not in (None, "", [], {}):
            found[name] = value.strip() if isinstance(value, str) else value
    return found


def _switched_on(listed: object) -> Iterator[str]:
    for each in _entries(listed):
        if each.get("enabled") is True:
            yield _name(each)


def _entries(listed: object) -> list[Image]:
    return [cast("Image", each) for each in cast("list[Any]", listed) if isinstance(each, dict)] if listed else []


def _name(entry: Image) -> str:
    category = str(entry.get("category") or "")
    return category or f"{_GROUP}{entry.get('categoryGroup')}"


def _same(leaf: str, one: Json, other: Json) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return bool(list_of(leaf)) or one.casefold() == other.casefold()
    return one == other


RULES: Final = LeafRules(same=_same, is_joint=lambda leaf: leaf == EXISTS, tells_creations=False)


def body(write: Write) -> Image:
    """Give the whole setting as it is to be: the service replaces it, and switches off what isn't named."""
    return {"properties": wanted(write.target, write.source or write.stands)}


def wanted(target: Leaves, known: Image | None = None) -> Image:
    """Give the properties of a setting with these leaves; of what is `known` already, how long it is kept."""
    found: Image = {leaf: value for leaf, value in sorted(target.items()) if leaf != EXISTS and not list_of(leaf)}
    for each in LISTS:
        names = sorted(str(value) for leaf, value in target.items() if list_of(leaf) == each)
        if names:
            before = {_name(entry).casefold(): entry for entry in _entries(properties(known or {}).get(each))}
            found[each] = [_entry(name, before.get(name.casefold(), {})) for name in names]
    return found


def _entry(name: str, before: Image) -> Image:
    kept = {key: before[key] for key in ("retentionPolicy", "timeGrain") if before.get(key)}
    which = {"categoryGroup": name.removeprefix(_GROUP)} if name.startswith(_GROUP) else {"category": name}
    return {**which, "enabled": True, **kept}


def words(target: Leaves) -> str:
    """Say where a setting sends: the names of its destinations."""
    ends = [str(target[name]).rpartition("/")[2] for name in _DESTINATIONS if target.get(name)]
    return ", ".join(ends) or "nowhere"


def is_named_as_ours(setting_id: str) -> bool:
    """Whether a setting is named as the deployment names those of the responder; that only decides what goes first."""
    return setting_id.lower().rpartition("/")[2].startswith("entra-responder-")


# Commands for a person.


def _url(setting_id: str, version: str) -> str:
    return f"{ARM}{setting_id}?api-version={version}"


def showing(setting_id: str, *, version: str) -> str:
    """Give the command that lists the settings that stand beside one."""
    return f"az rest --url {shlex.quote(_url(setting_id.rpartition('/')[0], version))}"


def writing(setting_id: str, target: Leaves, *, version: str) -> str:
    """Give the command that makes a setting again or writes it, or with an empty target deletes it."""
    url = _url(setting_id, version)
    return az_rest("PUT", url, {"properties": wanted(target)}) if target else az_rest("DELETE", url)
