"""The fields of an audit record that hold several values, in Kusto: the second telling of `listed_fields`."""

from collections.abc import Mapping
from typing import Final

from shared.detect.kusto.terms import Field, Looked, same

_TARGET_LABEL: Final = "coalesce(tostring(target.displayName), tostring(target.userPrincipalName))"
_SET: Final = """Changes
    | where isnotempty(property) and isnotempty(new)"""
_DETAILS: Final = """AuditLogs
    | mv-expand detail = AdditionalDetails
    | where isnotempty(tostring(detail.key)) and isnotempty(tostring(detail.value))"""


def _listed(name: str, rows: str, value: str) -> Field:
    """Write a field: `value` of each of `rows`, folded, on a line of its own."""
    lines = rf"""{rows}
    | extend line = Whole({value})
    | where isnotempty(line)
    | summarize lines = make_list(line) by Id
    | project Id, {name} = strcat("\n", strcat_array(lines, "\n"), "\n")"""
    return same(Looked(rows=lines, value=f'coalesce({name}, "")'))


LISTED_FIELDS: Final[Mapping[str, Field]] = {
    "target_ids": _listed("target_ids", "Targets", f"coalesce(tostring(target.id), {_TARGET_LABEL})"),
    "target_names": _listed("target_names", "Targets", _TARGET_LABEL),
    "target_upns": _listed("target_upns", "Targets", "tostring(target.userPrincipalName)"),
    "target_kinds": _listed("target_kinds", "Targets", "tostring(target.type)"),
    "changed_properties": _listed("changed_properties", "Changes", "property"),
    "old_values": _listed("old_values", "Changes", "old"),
    "new_values": _listed("new_values", "Changes", "new"),
    "set_properties": _listed("set_properties", _SET, 'strcat(property, "=", new)'),
    "details": _listed("details", _DETAILS, 'strcat(tostring(detail.key), "=", tostring(detail.value))'),
}
"""By name of the Text field."""
