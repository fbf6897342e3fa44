"""The techniques of MITRE ATT&CK that the detections find, each with its name (Enterprise matrix, version 19).

https://attack.mitre.org/matrices/enterprise/. A technique that a release of ATT&CK revokes leads to its successor at
the same address, so an old number stays readable until it is replaced here.
"""

from typing import Final

from shared.model.detections import Technique

CLEAR_PERSISTENCE: Final = Technique(id="T1070.009", name="Clear Persistence")
CLOUD_ACCOUNTS: Final = Technique(id="T1078.004", name="Cloud Accounts")
ACCOUNT_MANIPULATION: Final = Technique(id="T1098", name="Account Manipulation")
ADDITIONAL_CLOUD_CREDENTIALS: Final = Technique(id="T1098.001", name="Additional Cloud Credentials")
ADDITIONAL_CLOUD_ROLES: Final = Technique(id="T1098.003", name="Additional Cloud Roles")
DEVICE_REGISTRATION: Final = Technique(id="T1098.005", name="Device Registration")
BRUTE_FORCE: Final = Technique(id="T1110", name="Brute Force")
PASSWORD_GUESSING: Final = Technique(id="T1110.001", name="Password Guessing")
PASSWORD_SPRAYING: Final = Technique(id="T1110.003", name="Password Spraying")
CREDENTIAL_STUFFING: Final = Technique(id="T1110.004", name="Credential Stuffing")
CREATE_CLOUD_ACCOUNT: Final = Technique(id="T1136.003", name="Cloud Account")
TENANT_POLICY_MODIFICATION: Final = Technique(id="T1484", name="Domain or Tenant Policy Modification")
TRUST_MODIFICATION: Final = Technique(id="T1484.002", name="Trust Modification")
STEAL_APPLICATION_ACCESS_TOKEN: Final = Technique(id="T1528", name="Steal Application Access Token")
ACCOUNT_ACCESS_REMOVAL: Final = Technique(id="T1531", name="Account Access Removal")
TEMPORARY_ELEVATED_CLOUD_ACCESS: Final = Technique(id="T1548.005", name="Temporary Elevated Cloud Access")
WEB_SESSION_COOKIE: Final = Technique(id="T1550.004", name="Web Session Cookie")
MODIFY_AUTHENTICATION_PROCESS: Final = Technique(id="T1556", name="Modify Authentication Process")
MODIFY_MULTI_FACTOR_AUTHENTICATION: Final = Technique(id="T1556.006", name="Multi-Factor Authentication")
CONDITIONAL_ACCESS_POLICIES: Final = Technique(id="T1556.009", name="Conditional Access Policies")
COMPROMISE_DOMAINS: Final = Technique(id="T1584.001", name="Domains")
FORGE_WEB_CREDENTIALS: Final = Technique(id="T1606", name="Forge Web Credentials")
FORGE_SAML_TOKENS: Final = Technique(id="T1606.002", name="SAML Tokens")
MFA_REQUEST_GENERATION: Final = Technique(id="T1621", name="Multi-Factor Authentication Request Generation")
CLOUD_APPLICATION_INTEGRATION: Final = Technique(id="T1671", name="Cloud Application Integration")
DISABLE_TOOLS: Final = Technique(id="T1685", name="Disable or Modify Tools")
DISABLE_CLOUD_LOG: Final = Technique(id="T1685.002", name="Disable or Modify Cloud Log")
