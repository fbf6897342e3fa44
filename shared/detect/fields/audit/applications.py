"""What changed of an application: its credentials and its names."""

import re
from typing import Final

from shared.detect.fields.audit.changes import added, changes_of, items
from shared.detect.fields.kusto_terms import SPACES, flag
from shared.detect.prefilter import of_properties
from shared.model.conditions import KustoJoin, Text
from shared.model.events import AuditEvent

_KEY: Final = re.compile(r"\[KeyIdentifier=([^,\]]+)", re.IGNORECASE)


def _added_credential(event: AuditEvent) -> str:
    if any(added(change, _key) for change in changes_of(event, "keydescription")):
        return "key"
    federated = changes_of(event, "federatedidentitycredentials")
    return "federated" if any(added(change, str) for change in federated) else ""


def _key(item: str) -> str:
    """Give a key's identifier. It comes first: what follows holds a display name that anybody can choose."""
    found = _KEY.match(item)
    return found[1].strip().lower() if found else item


_ADDED_CREDENTIAL_KUSTO: Final = KustoJoin(
    rows=rf"""Items
    | where property in ("keydescription", "federatedidentitycredentials")
    | extend key = tolower(trim(@"{SPACES}", extract(@"(?i)^\[KeyIdentifier=([^,\]]+)", 1, text)))
    | extend key = iff(property == "keydescription" and isnotempty(key), key, text)
    | summarize olds = sum(olds), news = sum(news) by Id, property, key
    | where news > 0 and olds == 0 and isnotempty(key)
    | summarize keys = countif(property == "keydescription"), trusts = count() by Id""",
    value='case(keys > 0, "key", trusts > 0, "federated", "")',
)


def _identifier_uri(event: AuditEvent) -> str:
    for change in changes_of(event, "appidentifieruri", "serviceprincipalname"):
        if set(items(change.old)) != set(items(change.new)):
            return "changed"
    return ""


_IDENTIFIER_URI_KUSTO: Final = flag(
    "uri",
    """Items
    | where property in ("appidentifieruri", "serviceprincipalname")
    | summarize olds = sum(olds), news = sum(news) by Id, property, text
    | where olds == 0 or news == 0""",
    "changed",
)


class ApplicationFields:
    """Fields about what changed of an application.

    - `added_credential`: "key" for a new secret or certificate, "federated" for a trust in another issuer's tokens.
    - `identifier_uri`: "changed" where an application's ID addresses, or a service principal's names, aren't what they
      were.
    """

    added_credential: Text[AuditEvent] = Text(
        "added_credential",
        _added_credential,
        prefilter=of_properties("keydescription", "federatedidentitycredentials"),
        kusto=_ADDED_CREDENTIAL_KUSTO,
    )
    identifier_uri: Text[AuditEvent] = Text(
        "identifier_uri",
        _identifier_uri,
        prefilter=of_properties("appidentifieruri", "serviceprincipalname"),
        kusto=_IDENTIFIER_URI_KUSTO,
    )
