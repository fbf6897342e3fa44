"""Every app setting of the product, declared once.

The README's table and what a message about a wrong value says are made of these declarations; the sample and the Bicep
are checked against them (`tests/unit/responders/test_settings_sample.py`, `python -m infra.checks`). A new setting is
declared here and read in `settings.settings_from`. What the environment has besides is ignored.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from msgspec import Struct

from shared.model.bilingual import ENGLISH, KOREAN
from shared.model.contacts import lines, support_contact
from shared.model.profile import TenantProfile, profile_from
from shared.model.setting_values import (
    checked,
    digests,
    guid,
    guids,
    is_case_link,
    is_digest,
    is_hub_name,
    is_routing_key,
    number,
    resource_groups,
    resources,
    schedule,
    state_keys,
    text,
    url,
    webhook_secrets,
)


class Setting[T](Struct, frozen=True, kw_only=True):
    """One app setting.

    - `read` turns its text into a value. It takes "" too, and raises WrongValue or BadProfile.
    - `default` is what a setting that is left out or empty has; it is never a wrong value.
    - `required_as` says what a required setting should be; "" where the setting may be left out.
    - `required_with` is another setting beside which this one can't be left out.
    - `is_secret`: the value is never shown. `from_vault`: it is deployed as a Key Vault reference, and the app can do
      without it for a while.
    """

    name: str
    description: str
    read: Callable[[str], T]
    default: str = ""
    required_as: str = ""
    required_with: "Setting[Any] | None" = None
    is_secret: bool = False
    from_vault: bool = False


# ---- whom and what the app guards ------------------------------------------------------------------------------------

WORKFORCE_TENANT_ID: Final = Setting(
    name="WORKFORCE_TENANT_ID",
    description="The Entra tenant that is guarded.",
    read=guid,
    required_as="the id of the Entra tenant that is guarded",
)
WORKFORCE_RESPONDER_ID: Final = Setting(
    name="WORKFORCE_RESPONDER_ID",
    description="Object id of the app's managed identity there. Its own put-backs are approved.",
    read=guid,
    required_as="the object id of the app's managed identity, as Enterprise applications shows it",
)
SUBSCRIPTION_IDS: Final = Setting(
    name="SUBSCRIPTION_IDS",
    description="Subscriptions whose role assignments are guarded, separated by commas.",
    read=guids,
    required_as="the ids of the subscriptions whose role assignments are guarded, separated by commas",
)
EMERGENCY_ACCOUNT_IDS: Final = Setting(
    name="EMERGENCY_ACCOUNT_IDS",
    description="Object ids of the break-glass accounts, separated by commas. They are never touched.",
    read=guids,
    required_as="the object ids of the break-glass accounts, separated by commas; they are never touched",
)
WORKFORCE_CLIENT_ID: Final = Setting(
    name="WORKFORCE_CLIENT_ID",
    description="Client id of a user-assigned identity; empty for the system-assigned one.",
    read=guid,
)
B2C_TENANT_ID: Final = Setting(
    name="B2C_TENANT_ID",
    description="The Azure AD B2C tenant; empty when there is none.",
    read=guid,
)
B2C_RESPONDER_ID: Final = Setting(
    name="B2C_RESPONDER_ID",
    description="Object id of the app registration's service principal in the B2C tenant.",
    read=guid,
    required_with=B2C_TENANT_ID,
)
B2C_CLIENT_ID: Final = Setting(
    name="B2C_CLIENT_ID",
    description="Client id of that app registration.",
    read=guid,
    required_with=B2C_TENANT_ID,
)
B2C_CERTIFICATE: Final = Setting(
    name="B2C_CERTIFICATE",
    description="Its certificate with the key: a path to a PEM or PFX file, or the file in base64.",
    read=text,
    required_with=B2C_TENANT_ID,
    is_secret=True,
    from_vault=True,
)
PROTECTED_PRINCIPAL_IDS: Final = Setting(
    name="PROTECTED_PRINCIPAL_IDS",
    description="Object ids of further principals from which nothing is ever taken, separated by commas.",
    read=guids,
)
OWN_RESOURCE_GROUPS: Final = Setting(
    name="OWN_RESOURCE_GROUPS",
    description="Resource ids of the resource groups that the app is installed in, separated by commas. Each change in"
    " them by somebody unapproved is paged.",
    read=resource_groups,
)
LOGGED_RESOURCES: Final = Setting(
    name="LOGGED_RESOURCES",
    description="Resource ids of the app's own resources, and of the topics by which it hears, separated by commas."
    " Their diagnostic settings and event subscriptions are guarded.",
    read=resources,
)
OPERATORS_CLIENT_ID: Final = Setting(
    name="OPERATORS_CLIENT_ID",
    description="Client id of the registration by which people and programs call the app.",
    read=guid,
)
VOCABULARY: Final[Setting[TenantProfile]] = Setting(
    name="VOCABULARY",
    description="The tenant profile (ids, domains, conventions that differ by tenant): one JSON object, or a file's"
    " path.",
    read=profile_from,
)
SIGMA_RULES: Final = Setting(
    name="SIGMA_RULES",
    description="A folder of Sigma rules, deployed with the code, that run as detections beside the product's own.",
    read=checked("a folder of Sigma rules that is there", os.path.isdir),
)

# ---- whom the app pages ----------------------------------------------------------------------------------------------

TEAMS_WEBHOOK_URL: Final = Setting(
    name="TEAMS_WEBHOOK_URL",
    description="Workflows webhook that posts cards.",
    read=url,
    is_secret=True,
    from_vault=True,
)
PAGERDUTY_ROUTING_KEY: Final = Setting(
    name="PAGERDUTY_ROUTING_KEY",
    description="Events v2 integration key: the channel that doesn't need the tenant.",
    read=checked("the 32 characters of an Events v2 integration", is_routing_key),
    is_secret=True,
    from_vault=True,
)
PAGERDUTY_URL: Final = Setting(
    name="PAGERDUTY_URL",
    description="Where PagerDuty takes events; its EU region has an address of its own.",
    read=url,
    default="https://events.pagerduty.com/v2/enqueue",
)
PAGERDUTY_WEBHOOK_SECRETS: Final = Setting(
    name="PAGERDUTY_WEBHOOK_SECRETS",
    description="Secret of the webhook subscription that sends acknowledgements to `/api/emergency/pagerduty`; two,"
    " separated by a comma, while it is exchanged.",
    read=webhook_secrets,
    is_secret=True,
    from_vault=True,
)
CASE_LINK: Final = Setting(
    name="CASE_LINK",
    description="Where people open a case, `{case}` for its id; `https://HOST/api/console/i/{case}` is the console.",
    read=checked("an https:// address with {case} where the case id goes", is_case_link),
    is_secret=True,  # it may hold a function key
)
ACKNOWLEDGE_MINUTES: Final = Setting(
    name="ACKNOWLEDGE_MINUTES",
    description="After how long an unacknowledged page goes to the next owner and the other channel.",
    read=number(1, 1440),
    default="15",
)

MESSAGES_PER_HOUR: Final = Setting(
    name="MESSAGES_PER_HOUR",
    description="How many messages a channel gets in an hour at most; what is more is folded into digests.",
    read=number(1, 1000),
    default="20",
)
NOTICE_LANGUAGE: Final = Setting(
    name="NOTICE_LANGUAGE",
    description="`en` or `ko`: the language of messages about an emergency, its operators and who can be reached."
    " Messages about cases are in English.",
    read=checked("en or ko", {ENGLISH, KOREAN}.__contains__),
    default=ENGLISH,
)

# ---- whom an emergency needs -----------------------------------------------------------------------------------------

SUPPORT_CONTACT: Final = Setting(
    name="SUPPORT_CONTACT",
    description="Whom Microsoft's support calls back: a JSON object with `first_name`, `last_name`, `email`, `phone`,"
    " `country` (like `IRL`), and if you like `language` (`en-US`) and `time_zone` (`UTC`).",
    read=support_contact,
)
SUPPORT_PHONE: Final = Setting(
    name="SUPPORT_PHONE",
    description="Where you telephone Microsoft's support, and the contract or access id that it asks for.",
    read=text,
)
SEALED_CREDENTIAL: Final = Setting(
    name="SEALED_CREDENTIAL",
    description="Where the sealed credentials of the emergency accounts are and who holds them; never a credential.",
    read=text,
)
EMERGENCY_PHONES: Final = Setting(
    name="EMERGENCY_PHONES",
    description="Names with telephone numbers for the printed runbook, separated by semicolons.",
    read=lines,
)

# ---- who may call in an emergency ------------------------------------------------------------------------------------

EMERGENCY_KEY_HASH: Final = Setting(
    name="EMERGENCY_KEY_HASH",
    description="SHA-256 of the emergency key, in hexadecimal (`responder operator emergency-key` makes both); two"
    " separated by a comma while the key is exchanged. Empty: nobody calls without the platform's sign-in.",
    read=digests,
    is_secret=True,  # somebody may have entered the key itself
)
EMERGENCY_OPERATORS: Final = Setting(
    name="EMERGENCY_OPERATORS",
    description="The signed statements about operators, for when storage refuses (`responder operator list --setting`"
    " writes them); public halves only.",
    read=text,
)
EMERGENCY_GENESIS: Final = Setting(
    name="EMERGENCY_GENESIS",
    description="SHA-256 of the statement that founds the list of operators; no other counts then.",
    read=checked("the 64 hexadecimal digits that `responder operator list` shows", is_digest),
)
EMERGENCY_CODES: Final = Setting(
    name="EMERGENCY_CODES",
    description="Secrets of operators' one-time codes: a JSON object, operator's id to base32. Without it codes are"
    " refused, and signatures work.",
    read=text,
    is_secret=True,
    from_vault=True,
)

STATE_KEYS: Final = Setting(
    name="STATE_KEYS",
    description="The app's own key, by which it signs what it stores about guarded objects: 64 hexadecimal digits; two"
    " separated by a comma while it is exchanged, of which the first signs. Empty: whoever can write to storage is"
    " believed.",
    read=state_keys,
    is_secret=True,
    from_vault=True,
)

# ---- where the services are ------------------------------------------------------------------------------------------

GRAPH_URL: Final = Setting(
    name="GRAPH_URL",
    description="Address of Microsoft Graph, and the audience of its tokens. National clouds have their own.",
    read=url,
    default="https://graph.microsoft.com",
)
ARM_URL: Final = Setting(
    name="ARM_URL",
    description="Address of Azure Resource Manager, and the audience of its tokens.",
    read=url,
    default="https://management.azure.com",
)
AUTHORITY_URL: Final = Setting(
    name="AUTHORITY_URL",
    description="Where the B2C certificate gets tokens.",
    read=url,
    default="https://login.microsoftonline.com",
)
LOG_WORKSPACE_ID: Final = Setting(
    name="LOG_WORKSPACE_ID",
    description="Log Analytics workspace with the sign-in logs, which then counts in place of the app.",
    read=guid,
)
LOG_ANALYTICS_URL: Final = Setting(
    name="LOG_ANALYTICS_URL",
    description="Where that workspace is queried.",
    read=url,
    default="https://api.loganalytics.io",
)

# ---- how the app works -----------------------------------------------------------------------------------------------

SIGN_INS: Final = Setting(
    name="SIGN_INS",
    description="`poll` reads the sign-in logs by Graph, which needs Entra ID P1; `off` leaves them alone.",
    read=checked("poll or off", {"poll", "off"}.__contains__),
    default="poll",
)
AUDIT_STREAM_HUB: Final = Setting(
    name="AUDIT_STREAM_HUB",
    description="Event Hub to which diagnostic settings stream the logs, read beside the polls; empty for none."
    " `AUDIT_STREAM__fullyQualifiedNamespace` names its namespace, which is reached by identity.",
    read=checked("a hub's name: letters, digits, dots, dashes and underscores", is_hub_name),
)
REMEDIATIONS_PER_HOUR: Final = Setting(
    name="REMEDIATIONS_PER_HOUR",
    description="How many objects are put back in an hour for one actor, and twice as many in all; the rest waits.",
    read=number(0, 1000),
    default="10",
)
LEASE_SECONDS: Final = Setting(
    name="LEASE_SECONDS",
    description="After how long another run takes over a case or objects whose run stopped without finishing.",
    read=number(5, 3600),
    default="120",
)
READ_BACK_SECONDS: Final = Setting(
    name="READ_BACK_SECONDS",
    description="How long a change may take to show before it is reported as unverified.",
    read=number(1, 240),
    default="20",
)
REPORTS_PER_TEN_SECONDS: Final = Setting(
    name="REPORTS_PER_TEN_SECONDS",
    description="How many requests for sign-in and audit logs go to a tenant in ten seconds. Microsoft allows five.",
    read=number(1, 100),
    default="5",
)

RETENTION_DAYS: Final = Setting(
    name="RETENTION_DAYS",
    description="How many days cases, pages, changes and old versions are kept. Evidence has a policy of its own.",
    read=number(60, 3650),
    default="365",
)

# ---- when the timers run ---------------------------------------------------------------------------------------------

AUDIT_POLL_SCHEDULE: Final = Setting(
    name="AUDIT_POLL_SCHEDULE",
    description="When the audit logs are read (NCRONTAB, UTC).",
    read=schedule,
    default="0 */2 * * * *",
)
SIGN_IN_POLL_SCHEDULE: Final = Setting(
    name="SIGN_IN_POLL_SCHEDULE",
    description="When the sign-in logs are read.",
    read=schedule,
    default="30 */2 * * * *",
)
SNAPSHOT_SCHEDULE: Final = Setting(
    name="SNAPSHOT_SCHEDULE",
    description="When every guarded object is read, and looked at again if it isn't as it was.",
    read=schedule,
    default="30 */10 * * * *",
)
ROSTER_SCHEDULE: Final = Setting(
    name="ROSTER_SCHEDULE",
    description="When the app reads who is privileged and which groups roles can be given to.",
    read=schedule,
    default="0 */15 * * * *",
)
RESUME_SCHEDULE: Final = Setting(
    name="RESUME_SCHEDULE",
    description="When objects that are due and unfinished cases are taken up, and waiting pages are sent.",
    read=schedule,
    default="15 * * * * *",
)
NOON_SCHEDULE: Final = Setting(
    name="NOON_SCHEDULE",
    description="When people are told of a night without an answer, of what was only recorded, of unsafe addresses.",
    read=schedule,
    default="0 0 12 * * *",
)
REACH_SCHEDULE: Final = Setting(
    name="REACH_SCHEDULE",
    description="When each owner is asked to show that pages reach them: with its first run of a week.",
    read=schedule,
    default="0 0 9 * * *",
)


SETTINGS: Final[tuple[Setting[Any], ...]] = tuple(
    cast("Setting[Any]", value) for value in tuple(globals().values()) if isinstance(value, Setting)
)
"""Every setting, in the order of the declarations."""

SCHEDULES: Final[Mapping[str, str]] = {one.name: one.default for one in SETTINGS if one.read is schedule}
"""The schedules of timers, with their defaults: the settings that the app itself doesn't read."""
