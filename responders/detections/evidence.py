"""How it is known that the audit log has a name: from real records, or from what others print.

A name that no record was seen with may never be logged, or be spelt otherwise. Its detection is kept, since it costs
nothing, but nobody should rely on it before a test on a real tenant. Operations of Azure are documented by each
resource provider and aren't graded here.

A name that isn't listed is presumed: a new detection's may stay so until somebody has seen it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Evidence(StrEnum):
    """The grades, the best first."""

    RECORDED = "in real records"
    VENDOR = "in detections that vendors wrote against real logs"
    DOCUMENTED = "in Microsoft's list of audit activities"
    PRESUMED = "presumed from the names of other activities"
    OWN = "given by the responder to records that have no name, as Microsoft documents their columns"


_NAMES: Final[Mapping[Evidence, str]] = {
    Evidence.RECORDED: """
add app role assignment grant to user
add app role assignment to service principal
add delegated permission grant
add member to group
add member to role
add owner to application
add service principal credentials
add user
delete conditional access policy
delete user
disable strong authentication
enable account
reset password (by admin)
set company information
set domain authentication
update application
update application - certificates and secrets management
update authorization policy
update conditional access policy
update user
user deleted security info
user has elevated their access to user access administrator for their azure resources
user registered security info
""",
    Evidence.VENDOR: """
add conditional access policy
add eligible member to role
add fido2 security key
add member to role completed (pim activation)
add named location
add owner to group
add owner to service principal
add passkey (device-bound)
add passkey (device-bound) security key
add windows hello for business credential
change user password
delete named location
disable account
disable pim alert
invite external user
register connector
remove delegated permission grant
remove member from role
reset user password
set federation settings on domain
update named location
update role setting in pim
update service principal
""",
    Evidence.DOCUMENTED: """
add a connector to connector group
add a partner to cross-tenant access setting
add administrative unit
add app role assignment to group
add authenticationcontextclassreference
add bypass user
add certificationbasedauthconfiguration
add connector group
add eligible member to role in pim completed (permanent)
add eligible member to role in pim completed (timebound)
add eligibleroleassignment to roledefinition
add member to restricted management administrative unit
add member to role in pim completed (permanent)
add member to role in pim completed (timebound)
add member to role outside of pim (permanent)
add member to role scoped over restricted management administrative unit
add multitenantorg tenant
add passwordless phone sign-in credential
add permission grant policy
add platform credential
add policy to service principal
add role assignment to role definition
add role definition
add scoped member to role
add users strong authentication phone app detail
admin deleted security info
admin registered security info
admin started password reset
admin updated security info
approve request - direct role assignment
assign hardware oath token
authentication methods policy reset
authentication methods policy update
authentication strength combination configuration create
authentication strength combination configuration delete
authentication strength combination configuration update
authentication strength policy create
authentication strength policy delete
authentication strength policy update
change password (self-service)
create a multitenantorg
create a partner cross-tenant identity sync setting
create api connector
create application password for user
create authenticationeventlistener
create authenticationeventsflow
create custom identity provider
create custom policy
create customauthenticationextension
create identity provider
create policy key
create rollout policy for feature
create user flow
deactivate pim alert
delete a partner cross-tenant identity sync setting
delete api connector
delete application password for user
delete authenticationcontextclassreference
delete authenticationeventlistener
delete authenticationeventsflow
delete certificationbasedauthconfiguration
delete connector group
delete custom policy
delete customauthenticationextension
delete fido2 security key(s)
delete identity provider
delete partner specific cross-tenant access setting
delete passwordless phone sign-in credential
delete permission grant policy
delete platform credential
delete policy key
delete role definition
delete rollout policy of feature
delete user flow
delete windows hello for business credential
disable application proxy
disable desktop sso
disable desktop sso for a specific domain
disable passthrough authentication
disable password writeback for directory
enable application proxy
enable desktop sso
enable desktop sso for a specific domain
enable passthrough authentication
enable password writeback for directory
enable strong authentication
fraud reported - no action taken
fraud reported - user is blocked for mfa
generate key
hard delete service principal
hard delete user
invite external user with reset invitation status
offboarded resource from pim
patch tenant.patch
pim policy removed
post tenant.createbypasseduser
remove app role assignment from service principal
remove eligible member from role
remove eligible member from role in pim completed (permanent)
remove eligible member from role in pim completed (timebound)
remove eligibleroleassignment from roledefinition
remove member from group
remove member from restricted management administrative unit
remove member from role in pim completed (permanent)
remove member from role in pim completed (timebound)
remove member from role scoped over restricted management administrative unit
remove permanent direct role assignment
remove permanent eligible role assignment
remove role assignment from role definition
remove scoped member from role
remove service principal
remove users strong authentication phone app detail
reset password
reset password (self-service)
reset the cross-tenant access default setting
restore eligible member from role in pim completed
restore member from role
restore member from role in pim completed
restore permanent direct role assignment
restore permanent eligible role assignment
restore policy key
restore user
role definition created
security info saved for self-service password reset
set dirsync feature
set dirsyncenabled flag
set force change user password
set group to be managed by user
suspicious activity reported
tenant joining multitenantorg tenant
tenant offboarded from pim
update a multitenant org identity sync policy template
update a multitenant org partner configuration template
update a multitenantorg
update a partner cross-tenant access setting
update a partner cross-tenant identity sync setting
update administrative unit
update api connector
update authentication flows policy
update authenticationcontextclassreference
update authenticationeventlistener
update authenticationeventsflow
update authenticationeventspolicy
update certificate to policy key
update connector group
update continuous access evaluation
update custom identity provider
update custom policy
update customauthenticationextension
update group
update identity provider
update identityprotectionpolicy
update local identity provider
update member in pim approved by admin (extend/renew)
update onattributecollectionstartcustomextension
update onattributecollectionsubmitcustomextension
update onpagerenderstartcustomextension
update permission grant policy
update pim alert setting
update policy key
update role definition
update rollout policy of feature
update secret into policy key
update security defaults
update sign-in risk policy
update the company default cross-tenant access setting
update user flow
update user risk and mfa registration policy
upload certificate to policy key
upload key to policy key
upload secret into policy key
user changed default security info
user registered all required security info
user started password change
user updated security info
""",
    Evidence.OWN: """
risk of a user detected
user at risk
""",
}

EVIDENCE: Final[Mapping[str, Evidence]] = {
    name: grade for grade, names in _NAMES.items() for name in names.strip().splitlines()
}
"""The grades of names of activities, folded, that detections match."""


def evidence_of(name: str) -> Evidence:
    """Give the grade of a name of an activity, folded."""
    return EVIDENCE.get(name, Evidence.PRESUMED)
