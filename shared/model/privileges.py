"""Which permissions and directory roles give power over others, as data."""

from collections.abc import Mapping
from typing import Final

HIGH_PRIVILEGE_PERMISSIONS: Final = frozenset(
    {
        "accessreview.readwrite.membership",
        "application.readwrite.ownedby",
        "full_access_as_app",
        "full_access_as_user",
        "exchange.manage",
        "exchange.manageasapp",
        "imap.accessasapp",
        "mailboxsettings.readwrite",
        "policy.readwrite.applicationconfiguration",
        "policy.readwrite.authenticationflows",
        "policy.readwrite.authenticationmethod",
        "policy.readwrite.authorization",
        "policy.readwrite.conditionalaccess",
        "policy.readwrite.consentrequest",
        "policy.readwrite.crosstenantaccess",
        "policy.readwrite.permissiongrant",
        "policy.readwrite.securitydefaults",
        "policy.readwrite.trustframework",
        "pop.accessasapp",
        "privilegedaccess.readwrite.azuread",
        "privilegedaccess.readwrite.azureadgroup",
        "privilegedaccess.readwrite.azureresources",
        "privilegedassignmentschedule.readwrite.azureadgroup",
        "privilegedeligibilityschedule.readwrite.azureadgroup",
        "roleassignmentschedule.readwrite.directory",
        "roleeligibilityschedule.readwrite.directory",
        "rolemanagement.read.directory",
        "rolemanagement.readwrite.directory",
        "rolemanagementpolicy.readwrite.azureadgroup",
        "rolemanagementpolicy.readwrite.directory",
        "smtp.send",
        "smtp.sendasapp",
        "user_impersonation",
    }
)
"""Permissions that are high privilege although their names don't say so by `.All` or `Mail.`, folded.

From "Microsoft Graph permissions reference", "Authenticate an IMAP, POP or SMTP connection using OAuth" and "Control
access to EWS in Exchange".
"""


def is_highly_privileged(permission: str) -> bool:
    """Apply the guide's rule: a high permission holds `.All` or starts with `Mail.`, or is on a list."""
    folded = permission.casefold()
    return ".all" in folded or folded.startswith("mail.") or folded in HIGH_PRIVILEGE_PERMISSIONS


API_NAMES: Final = {
    "00000003-0000-0000-c000-000000000000": "microsoft-graph",
    "00000002-0000-0000-c000-000000000000": "entra-id",
    "00000002-0000-0ff1-ce00-000000000000": "exchange",
    "00000003-0000-0ff1-ce00-000000000000": "sharepoint",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2": "office-365-management",
}
"""APIs of which every grant counts, by app id, the same in every tenant. Names can be copied, app ids can't."""

GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"

PRIVILEGED_ROLES: Final = frozenset(
    {
        GLOBAL_ADMINISTRATOR,
        "e8611ab8-c189-46e8-94e1-60213ab1f814",  # Privileged Role Administrator
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",  # Privileged Authentication Administrator
        "c4e39bd9-1100-46d3-8c65-fb160da0071f",  # Authentication Administrator
        "0526716b-113d-4c15-b2c8-68e3c22b9f80",  # Authentication Policy Administrator
        "25a516ed-2fa0-40ea-a2d0-12923a21473a",  # Authentication Extensibility Administrator
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
        "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
        "cf1c38e5-3621-4004-a7cb-879624dced7c",  # Application Developer
        "aaf43236-0c0d-4d5f-883a-6955382ac081",  # B2C IEF Keyset Administrator
        "3edaf663-341e-4475-9f94-5c398ef6c070",  # B2C IEF Policy Administrator
        "7698a772-787b-4ac8-901f-60d6b08affd2",  # Cloud Device Administrator
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",  # Conditional Access Administrator
        "d29b2b05-8046-44ba-8758-1e26182fcf32",  # Directory Synchronization Accounts
        "9360feb5-f418-4baa-8175-e2a00bac4301",  # Directory Writers
        "8329153b-31d0-4727-b945-745eb3bc5f31",  # Domain Name Administrator
        "be2f45a1-457d-42af-a067-6ec1fa63bc45",  # External Identity Provider Administrator
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451",  # Global Reader
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",  # Helpdesk Administrator
        "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",  # Hybrid Identity Administrator
        "3a2c62db-5318-420d-8d74-23affee5d9d5",  # Intune Administrator
        "4ba39ca4-527c-499a-b93d-d9b492c50246",  # Partner Tier1 Support
        "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",  # Partner Tier2 Support
        "966707d0-3269-4727-9be2-8c3a10f19b9d",  # Password Administrator
        "194ae4cb-b126-40b2-bd5b-6091b380977d",  # Security Administrator
        "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",  # Security Operator
        "5d6b6bb7-de71-4623-b4af-96380a352509",  # Security Reader
        "fe930be7-5e62-47db-91af-98c3a49a38b1",  # User Administrator
        "29232cdf-9323-42fd-ade2-1d097af3e4de",  # Exchange Administrator
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",  # SharePoint Administrator
    }
)
"""Template ids of the directory roles that "Microsoft Entra built-in roles" labels as privileged; of the two that
govern identity providers and B2C policies, without the label there but with its power in a B2C tenant; and of the two
that the guide "Securing privileged access" names besides, whose holders can read everybody's mail and files."""

AZURE_ADMINISTRATOR_ROLES: Final = frozenset(
    {
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",  # Owner
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",  # User Access Administrator
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",  # Role Based Access Control Administrator
    }
)
"""Definitions of the Azure roles whose holders can give anybody any role: the guide's subscription administrators."""

READING_AZURE_ROLES: Final = frozenset(
    {
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",  # Reader
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",  # Monitoring Reader
        "fa23ad8b-c56e-40d8-ac0c-ce449e1d2c64",  # Billing Reader
        "72fafb9e-0641-4937-9268-a91bfd8191a3",  # Cost Management Reader
        "39bc4728-0917-49c7-9d2c-d95423bc2eb4",  # Security Reader
    }
)
"""Azure's own roles whose holders can read how resources are set up, and no secret or content of them."""

WELL_KNOWN_NAMES: Final[Mapping[str, str]] = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "00000000-0000-0000-0000-000000000002": "Multifactor authentication",
    "00000000-0000-0000-0000-000000000003": "Passwordless MFA",
    "00000000-0000-0000-0000-000000000004": "Phishing-resistant MFA",
}
"""Names of ids that are the same in every tenant: directory roles, Azure roles, authentication strengths."""
