"""Fields that hold several values, as one text each: every value on a line of its own, folded.

A text begins and ends with a line break and holds no other break than those between values, since folding makes each
space in a value a blank. So whether one of the values *is*, begins with, ends with or holds something is, exactly,
whether the text holds it with a break before it, after it, both or neither. Without any value the text is "".
"""

from collections.abc import Callable, Iterable
from typing import Final

from shared.detect.fields.audit.changes import all_changes
from shared.model.conditions import KustoJoin, SigmaNames, Text, in_sigma
from shared.model.events import AuditEvent, fold, fold_whole

_TARGET_LABEL: Final = "coalesce(tostring(target.displayName), tostring(target.userPrincipalName))"


def as_lines(values: Iterable[str]) -> str:
    """Write values as the one text. Empty ones are left out."""
    kept = [folded for value in values if (folded := fold_whole(value))]
    return "\n{}\n".format("\n".join(kept)) if kept else ""


def _list(
    name: str,
    values: Callable[[AuditEvent], Iterable[str]],
    *,
    rows: str,
    value: str,
    sigma: tuple[SigmaNames, ...],
) -> Text[AuditEvent]:
    """Declare a field of several values; in Kusto they are `value` of each of `rows`."""
    lines = rf"""{rows}
    | extend line = Whole({value})
    | where isnotempty(line)
    | summarize lines = make_list(line) by Id
    | project Id, {name} = strcat("\n", strcat_array(lines, "\n"), "\n")"""
    return Text(
        name,
        lambda event: as_lines(values(event)),
        kusto=KustoJoin(rows=lines, value=f'coalesce({name}, "")'),
        is_list=True,
        sigma=sigma,
    )


class ListFields:
    """Fields of several values, of all targets and modified properties.

    - `target_ids`, `target_names` (labels that anybody can choose), `target_upns` (of users), `target_kinds`
    - `changed_properties`: the names of the modified properties; `old_values`, `new_values`: what they were and are.
    - `set_properties`: each modified property with what it is now, as `name=value`.
    - `details`: the additional details, each as `key=value`.
    """

    target_ids: Text[AuditEvent] = _list(
        "target_ids",
        lambda event: [target.id for target in event.targets],
        rows="Targets",
        value=f"coalesce(tostring(target.id), {_TARGET_LABEL})",
        sigma=in_sigma("targetResources.id"),
    )
    target_names: Text[AuditEvent] = _list(
        "target_names",
        lambda event: [target.name for target in event.targets],
        rows="Targets",
        value=_TARGET_LABEL,
        sigma=in_sigma("targetResources.displayName"),
    )
    target_upns: Text[AuditEvent] = _list(
        "target_upns",
        lambda event: [target.upn for target in event.targets],
        rows="Targets",
        value="tostring(target.userPrincipalName)",
        sigma=in_sigma("targetResources.userPrincipalName", "targetUserPrincipalName"),
    )
    target_kinds: Text[AuditEvent] = _list(
        "target_kinds",
        lambda event: [target.kind for target in event.targets],
        rows="Targets",
        value="tostring(target.type)",
        sigma=in_sigma("targetResources.type"),
    )
    changed_properties: Text[AuditEvent] = _list(
        "changed_properties",
        lambda event: [change.name for change in all_changes(event)],
        rows="Changes",
        value="property",
        sigma=in_sigma("targetResources.modifiedProperties.displayName", "modifiedProperties.displayName"),
    )
    old_values: Text[AuditEvent] = _list(
        "old_values",
        lambda event: [change.old or "" for change in all_changes(event)],
        rows="Changes",
        value="old",
        sigma=in_sigma("targetResources.modifiedProperties.oldValue", "modifiedProperties.oldValue", in_quotes=True),
    )
    new_values: Text[AuditEvent] = _list(
        "new_values",
        lambda event: [change.new or "" for change in all_changes(event)],
        rows="Changes",
        value="new",
        sigma=in_sigma("targetResources.modifiedProperties.newValue", "modifiedProperties.newValue", in_quotes=True),
    )
    set_properties: Text[AuditEvent] = _list(
        "set_properties",
        lambda event: [f"{fold(one.name)}={one.new}" for one in all_changes(event) if one.name and one.new],
        rows="""Changes
    | where isnotempty(property) and isnotempty(new)""",
        value='strcat(property, "=", new)',
        sigma=(
            *in_sigma("consentContext.isAdminConsent", key="consentcontext.isadminconsent"),
            *in_sigma("consentContext.isAppOnly", key="consentcontext.isapponly"),
            *in_sigma("consentContext.onBehalfOfAll", key="consentcontext.onbehalfofall"),
        ),
    )
    details: Text[AuditEvent] = _list(
        "details",
        lambda event: [f"{key}={value}" for key, value in event.details.items() if value],
        rows="""AuditLogs
    | mv-expand detail = AdditionalDetails
    | where isnotempty(tostring(detail.key)) and isnotempty(tostring(detail.value))""",
        value='strcat(tostring(detail.key), "=", tostring(detail.value))',
        sigma=(
            *in_sigma("additionalDetails.userAgent", "userAgent", key="user-agent"),
            *in_sigma("additionalDetails.additionalInfo", key="additionalinfo"),
        ),
    )
