"""What queries read from: a view of each log, and the functions and tables that expressions of fields name.

A view gives `events.fold` as far as Kusto can say it: dashes, spaces, case and the cut at 500 characters are the same;
Unicode's compatibility forms (NFKC) and the case folding of letters like the German sharp s are left out, since Kusto
has no function for them. A text of ASCII letters, Unicode dashes and Unicode spaces reads the same in both languages.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from shared.detect.fields.audit.activity import ACTOR_KUSTO
from shared.detect.fields.kusto_terms import IS_OBJECT_ID, SPACES, TENANT
from shared.detect.fields.resource import RESOURCE_KUSTO
from shared.detect.fields.sign_in.account import ACCOUNT_KUSTO, ACCOUNT_NAME_KUSTO
from shared.detect.fields.sign_in.client import COUNTRY_KUSTO
from shared.model.events import Log
from shared.normalize.resources import OUTCOMES

_DASHES: Final = r"[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}]"

DEFINITIONS: Final[dict[str, str]] = {
    "Fold": f"""let Fold = (text: string) {{
    tolower(trim(" ", substring(replace_regex(replace_regex(text,
        @"{_DASHES}", "-"),
        @"{SPACES}", " "),
        0, 500)))
}};
""",
    "Whole": f"""let Whole = (text: string) {{
    tolower(trim(" ", replace_regex(replace_regex(text, @"{_DASHES}", "-"), @"{SPACES}", " ")))
}};
""",
    "Outcome": f"""let Outcome = (word: string) {{
    case({", ".join(f'word == "{word}", "{outcome}"' for word, outcome in OUTCOMES.items())}, word)
}};
""",
    "Principal": rf"""let Principal = (text: string) {{
    replace_regex(tolower(trim(@"{SPACES}", text)), @"^[0-]{{36}}$", "")
}};
""",
    "Identifier": rf"""let Identifier = (text: string) {{
    replace_regex(iff(tolower(trim(@"{SPACES}", text)) {IS_OBJECT_ID},
        tolower(trim(@"{SPACES}", text)), trim(@"{SPACES}", text)), @"^[0-]{{36}}$", "")
}};
""",
    "Value": r"""let Value = (text: string) {
    case(text startswith "\"", tostring(parse_json(text)), text == "null", "", text)
};
""",
    "Targets": """let Targets = AuditLogs
| mv-expand with_itemindex=place target = TargetResources;
""",
    "Changes": """let Changes = Targets
| mv-expand change = target.modifiedProperties
| project Id, property = Fold(tostring(change.displayName)),
    old = Value(tostring(change.oldValue)), new = Value(tostring(change.newValue));
""",
    "Sides": """let Sides = union
    (Changes | project Id, property, value = old, olds = 1, news = 0),
    (Changes | project Id, property, value = new, olds = 0, news = 1)
| where isnotempty(value);
""",
    "Items": rf"""let Items = Sides
| mv-expand item = iff(value matches regex @"^\s*\[", parse_json(value), pack_array(value))
| where isnotempty(tostring(item))
| project Id, property, text = trim(@"{SPACES}", tostring(item)), olds, news;
""",
}
"""Functions and tables that queries share, by name, each after those that it needs.

`Changes` are the modified properties, unwrapped as the normaliser does. `Sides` has each property's old and new value
in a row of its own, and `Items` the members of those that are lists. `Whole` is `Fold` without the cut.
"""


class View(Struct, frozen=True, kw_only=True):
    """A log as its detections read it.

    `tables` are what it is made of; where there are several, each is reduced to the columns that are asked for before
    they are put together, since they give the same column different types. `shown` are expressions of the columns that
    a person sees of each match, beside the fields that the condition reads. `record_id` and `tenant_id` identify
    records and tenants where they are counted. `lacking` are columns that a table hasn't, each with the expression that
    is taken for it.
    """

    name: str
    tables: tuple[str, ...]
    shown: Mapping[str, str]
    record_id: str = "Id"
    tenant_id: str = TENANT
    lacking: Mapping[str, Mapping[str, str]] = {}


VIEWS: Final[Mapping[Log, View]] = {
    Log.AUDIT: View(
        name="AuditView",
        tables=("AuditLogs",),
        shown={
            "actor_id": ACTOR_KUSTO,
            "actor_name": (
                "coalesce(tostring(InitiatedBy.user.userPrincipalName), tostring(InitiatedBy.user.displayName),"
                " tostring(InitiatedBy.app.displayName))"
            ),
            "actor_address": "tostring(InitiatedBy.user.ipAddress)",
            "target_id": "tostring(TargetResources[0].id)",
            "target_name": (
                "coalesce(tostring(TargetResources[0].displayName), tostring(TargetResources[0].userPrincipalName))"
            ),
            "correlation_id": "CorrelationId",
        },
    ),
    Log.SIGN_IN: View(
        name="SignInView",
        tables=("SigninLogs", "AADNonInteractiveUserSignInLogs"),
        shown={
            "actor_id": ACCOUNT_KUSTO,
            "actor_name": ACCOUNT_NAME_KUSTO,
            "actor_address": "IPAddress",
            "signed_in_from": COUNTRY_KUSTO,
            "target_id": "tolower(AppId)",
            "target_name": "AppDisplayName",
            "correlation_id": "CorrelationId",
        },
        lacking={"AADNonInteractiveUserSignInLogs": {"AADTenantId": "ResourceTenantId"}},
    ),
    Log.RESOURCE: View(
        name="ResourceView",
        tables=("AzureActivity",),
        shown={
            "actor_id": (
                'tolower(tostring(parse_json(Claims)["http://schemas.microsoft.com/identity/claims/objectidentifier"]))'
            ),
            "actor_name": "Caller",
            "actor_address": "CallerIpAddress",
            "target_id": RESOURCE_KUSTO,
            "correlation_id": "CorrelationId",
        },
        record_id="EventDataId",
        tenant_id='""',
    ),
}
