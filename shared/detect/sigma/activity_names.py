"""The names of activities in Entra's audit log, as Microsoft's reference lists them, without reads by B2C's portal.

learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities (15 April 2024), and what records have
had since. Microsoft adds names without notice: that one isn't here says that it is worth a look, not that it is wrong.
"""

from functools import cache
from typing import Final

from shared.model.events import fold


@cache
def known_activities() -> frozenset[str]:
    """Give the names, folded."""
    pim = (f"{verb} {whom} in PIM {state} ({kind})" for verb, whom, state, kind in _pim())
    return frozenset(fold(name) for name in (*_NAMES.strip().splitlines(), *pim))


def _pim() -> list[tuple[str, str, str, str]]:
    given = ("member to role", "eligible member to role")
    taken = ("member from role", "eligible member from role")
    kinds = ("permanent", "timebound", "renew")
    return [
        *(
            ("Add", whom, state, kind)
            for whom in given
            for state in ("requested", "canceled", "completed")
            for kind in kinds
        ),
        *(("Remove", whom, state, kind) for whom in taken for state in ("requested", "completed") for kind in kinds),
        *(
            ("Update", whom, state, "extend")
            for whom in ("member", "eligible member")
            for state in ("requested", "canceled")
        ),
        *(("Update", "member", f"{state} by admin", "extend/renew") for state in ("approved", "denied")),
    ]


_NAMES: Final = """
A self-service sign-up request was completed
Accept Terms Of Use
Access review ended
Add AuthenticationContextClassReference
Add BitLocker key
Add CertificationBasedAuthConfiguration
Add EligibleRoleAssignment to RoleDefinition
Add Entitlement Management role assignment
Add FIDO2 security key
Add MultiTenantOrg tenant
Add PrivateEndpoint
Add PrivateLinkResource
Add SOA policy
Add V2 application permissions
Add Windows Hello for Business credential
Add a Connector to Connector Group
Add a group to feature rollout
Add a partner to cross-tenant access setting
Add administrative unit
Add agreement
Add an attribute set
Add app role assignment grant to user
Add app role assignment to group
Add app role assignment to service principal
Add application
Add application SSL certificate
Add blocked user
Add bypass user
Add conditional access policy
Add connector Group
Add contact
Add custom security attribute definition in an attribute set
Add delegated permission grant
Add device
Add device configuration
Add device from DeviceTemplate
Add eligible member to role
Add execution conditions
Add group
Add kerberos domain
Add label
Add member to administrative unit
Add member to group
Add member to restricted management administrative unit
Add member to role
Add member to role approval requested (PIM activation)
Add member to role canceled (PIM activation)
Add member to role completed (PIM activation)
Add member to role outside of PIM (permanent)
Add member to role request approved (PIM activation)
Add member to role request denied (PIM activation)
Add member to role requested (PIM activation)
Add member to role scoped over Restricted Management Administrative Unit
Add named location
Add owner to application
Add owner to group
Add owner to policy
Add owner to service principal
Add partner to company
Add passwordless phone sign-in credential
Add permission grant policy
Add platform credential
Add policy
Add policy to application
Add policy to service principal
Add provisioning configuration
Add registered owner to device
Add registered users to device
Add role assignment to role definition
Add role definition
Add role from template
Add scoped member to role
Add service principal
Add service principal credentials
Add sharedEmailDomainInvitation
Add task to workflow
Add unverified domain
Add user
Add user to feature rollout
Add users strong authentication phone app detail
Add verified domain
Add workflow version
Admin deleted security info
Admin registered security info
Admin started password reset
Admin updated security info
Administrator directly assigns user to access package
Administrator directly removes user access package assignment
An API was called as part of a user flow
Apply decision
Apply review
Approval approved
Approval removed
Approval stage completed for access package assignment request
Approve a pending request to join a group
Approve access package assignment request
Approve all requests in business flow
Approve decision
Approve request - direct role assignment
Assign Hardware Oath Token
Assign label to group
Assign user as external sponsor
Assign user as internal sponsor
Authentication Methods Policy Reset
Authentication Methods Policy Update
Authentication Strength Combination Configuration Create
Authentication Strength Combination Configuration Delete
Authentication Strength Combination Configuration Update
Authentication Strength Policy Create
Authentication Strength Policy Delete
Authentication Strength Policy Update
Auto apply review
Auto approve access package assignment request
Auto review
Autorenew group
Blocked from self-service password reset
Bulk Approve decisions
Bulk Deny decisions
Bulk Reset decisions
Bulk add authentication devices - finished (bulk)
Bulk add members to administrative unit - finished (bulk)
Bulk create users - finished (bulk)
Bulk delete users - finished (bulk)
Bulk download hardware tokens - finished (bulk)
Bulk import group members - finished (bulk)
Bulk invite users - finished (bulk)
Bulk mark decisions as don't know
Bulk remove group members - finished (bulk)
Bulk remove members to administrative unit - finished (bulk)
Bulk restore deleted users - finished (bulk)
Bulk upload Hardware Oath Token
Cancel a pending request to join a group
Cancel access package assignment request
Cancel application update with safe rollout
Cancel request
Cancel request for role removal
Cancel request for role update
Change password (self-service)
Change user license
Change user password
Clear block on user
Complete application update after safe rollout
ConfirmAccountCompromised
ConfirmCompromised
ConfirmSafe
ConfirmServicePrincipalCompromised
Consent to application
Convert federated user to managed
Create API connector
Create Branch
Create Company
Create ExternalUserProfile
Create Filtering Policy
Create Filtering Policy Profile
Create Forwarding Policy
Create Hardware Oath Token
Create Identity Provider
Create PendingExternalUserProfile
Create Terms Of Use
Create V2 application
Create a MultiTenantOrg
Create a partner cross-tenant identity sync setting
Create access package
Create access package assignment policy
Create access package assignment user update request
Create access package catalog
Create access review
Create application - Certificates and secrets management
Create application collection
Create application password for user
Create authenticationEventListener
Create authenticationEventsFlow
Create authority
Create business flow
Create company settings
Create conditional access policy
Create connected organization
Create contract
Create custom extension
Create custom identity provider
Create custom policy
Create custom task extension
Create customAuthenticationExtension
Create governance policy template
Create group settings
Create incompatible access package
Create incompatible group
Create issuance policy
Create lifecycle management policy
Create or update a B2C directory resource
Create or update a B2C directory tenant and resource
Create or update localized resource
Create policy key
Create program
Create request
Create resource environment
Create resource remove request
Create resource request
Create rollout policy for feature
Create starter pack
Create user attribute
Create user flow
Create workflow
Deactivate PIM alert
Decline Terms Of Use
Delete API connector
Delete AuthenticationContextClassReference
Delete B2C directory resource
Delete BitLocker key
Delete CertificationBasedAuthConfiguration
Delete Connector Group
Delete Consent
Delete DeviceTemplate
Delete ExternalUserProfile
Delete FIDO2 security key(s)
Delete Filtering Policy
Delete Filtering Policy Profile
Delete Hardware Oath Token
Delete Identity Provider
Delete MultiTenantOrg tenant
Delete PendingExternalUserProfile
Delete PrivateEndpoint
Delete PrivateLinkResource
Delete SSL binding
Delete Terms Of Use
Delete V2 application
Delete V2 application permission grant
Delete Windows Hello for Business credential
Delete a partner cross-tenant identity sync setting
Delete a pending request to join a group
Delete access package
Delete access package assignment policy
Delete access package assignment policy for a deleted user
Delete access package assignment request
Delete access package catalog
Delete access review
Delete administrative unit
Delete agreement
Delete all available strong authentication devices
Delete application
Delete application collection
Delete application password for user
Delete approvals
Delete authenticationEventListener
Delete authenticationEventsFlow
Delete business flow
Delete company allowed data location
Delete company settings
Delete conditional access policy
Delete connected organization
Delete contact
Delete custom extension
Delete custom identity provider
Delete custom policy
Delete custom task extension
Delete customAuthenticationExtension
Delete device
Delete device configuration
Delete external user
Delete governance policy template
Delete group
Delete group settings
Delete incompatible access package
Delete incompatible group
Delete issuance policy
Delete kerberos domain
Delete label
Delete lifecycle management policy
Delete localized resource
Delete named location
Delete partner specific cross-tenant access setting
Delete passwordless phone sign-in credential
Delete permission grant policy
Delete platform credential
Delete policy
Delete policy key
Delete pre-created device
Delete provisioning configuration
Delete role definition
Delete rollout policy of feature
Delete subscription
Delete user
Delete user attribute
Delete user flow
Delete workflow
Demote partner
Deny access package assignment request
Deny all decisions
Deny all requests in business flow
Deny decision
Device no longer compliant
Device no longer managed
Directory deleted
Directory deleted permanently
Directory scheduled for deletion (Lifecycle)
Directory scheduled for deletion (UserRequest)
Disable Desktop Sso
Disable Desktop Sso for a specific domain
Disable PIM alert
Disable Strong Authentication
Disable account
Disable application proxy
Disable passthrough authentication
Disable password writeback for directory
Disable task
Disable workflow
Disable workflow schedule
Disable/pause provisioning configuration
Dismiss recommendation
DismissServicePrincipal
DismissUser
Don't know decision
Download devices - finished (bulk)
Download group members - finished (bulk)
Download groups - finished (bulk)
Download registration and reset events - finished (bulk)
Download role assignments - finished (bulk)
Download service principals - finished (bulk)
Download user registration details - finished (bulk)
Download users - finished (bulk)
Edit Terms Of Use
Email not sent, user unsubscribed
Email subscribed
Email unsubscribed
Enable Desktop Sso
Enable Desktop Sso for a specific domain
Enable PIM alert
Enable Strong Authentication
Enable account
Enable application proxy
Enable passthrough authentication
Enable password writeback for directory
Enable task
Enable workflow
Enable workflow schedule
Enable/restart provisioning configuration
Enable/start provisioning configuration
Entitlement Management creates access package assignment request for user
Entitlement Management removes access package assignment request for user
Evaluate Conditional Access policies
Exchange token
Execute custom extension
Export
Export summary data - finished (bulk)
Export summary data new - finished (bulk)
Extend access package assignment
Failed access package assignment request
Federate with an identity provider
Finish applying group based license to user
Fraud reported - no action taken
Fraud reported - user is blocked for MFA
Fulfill access package assignment request
Fulfill access package resource assignment
Generate key
Generate one time password
Get cross-cloud verification code for domain
Get passkey creation options
Grant contextual consent to application
Hard Delete ExternalUserProfile
Hard Delete MultiTenantOrg
Hard Delete MultiTenantOrg tenant
Hard Delete PendingExternalUserProfile
Hard Delete administrative unit
Hard Delete application
Hard Delete group
Hard Delete user
Hard delete agreement
Hard delete service principal
Hard delete workflow
Import
Initialize tenant
Invite external user
Invite external user with reset invitation status
Invite internal user to B2B collaboration
Issue a SAML assertion to the application
Issue an access token to the application
Issue an authorization code to the application
Issue an id_token to the application
Link program control
Make phone call to verify phone number
Mark recommendation as complete
Migrated partner cross-tenant access settings to the scalable model
Move resources
Offboarded resource from PIM
On-demand workflow execution completed
Onboarded resource from PIM
Onboarded resource to PIM
Onboarding Process Started
PIM activation request expired
PIM policy removed
Partially fulfill access package assignment request
Postpone recommendation
Process escrow
Process request
Process role removal request
Process role update request
Promote company to partner
Promote sub domain to root domain
Publish Terms Of Use
Quarantine
Read BitLocker key
Ready to fulfill access package assignment request
Redeem extern user invite
Redeem external user invite
Refresh PIM alert
Register TOTP secret
Register connector
Register device
Reject a pending request to join a group
Remediate user
Remove EligibleRoleAssignment from RoleDefinition
Remove Entitlement Management role assignment
Remove a group from feature rollout
Remove access package resource assignment
Remove app role assignment from group
Remove app role assignment from service principal
Remove app role assignment from user
Remove bypassed user
Remove delegated permission grant
Remove eligible member from role
Remove label from group
Remove member from administrative unit
Remove member from group
Remove member from restricted management administrative unit
Remove member from role
Remove member from role (PIM activation expired)
Remove member from role completed (PIM deactivate)
Remove member from role requested (PIM deactivate)
Remove member from role scoped over Restricted Management Administrative Unit
Remove owner from application
Remove owner from group
Remove owner from policy
Remove owner from service principal
Remove partner from company
Remove permanent direct role assignment
Remove permanent eligible role assignment
Remove policy credentials
Remove policy from application
Remove policy from service principal
Remove registered owner from device
Remove registered users from device
Remove request
Remove role assignment from role definition
Remove scoped member from role
Remove service principal
Remove service principal credentials
Remove task from workflow
Remove unverified domain
Remove user as external sponsor
Remove user as internal sponsor
Remove user from feature rollout
Remove users strong authentication phone app detail
Remove verified domain
Renew group
Request approved
Request canceled
Request created
Request denied
Request expired
Request rejected
Request to join a group
Reset a multitenant org identity sync policy template
Reset a multitenant org partner configuration template
Reset decision
Reset password
Reset password (by admin)
Reset password (self-service)
Reset the cross-tenant access default setting
Reset user password
Resolve PIM alert
Resource updated
Restore ExternalUserProfile
Restore administrative unit
Restore application
Restore conditional access policy
Restore consent
Restore eligible member from role in PIM completed
Restore group
Restore kerberos domain
Restore member from role
Restore member from role in PIM completed
Restore permanent direct role assignment
Restore permanent eligible role assignment
Restore policy key
Restore service principal
Restore user
Restore workflow
Reveal local administrator password
Revoke credential
Role definition created
Rotate signing key
Schedule Add sharedEmailDomain
Schedule Remove sharedEmailDomain
Schedule a future access package assignment
Schedule workflow execution completed
Schedule workflow execution started
Security info saved for self-service password reset
Self-service password reset flow activity progress
Send SMS to verify phone number
Send verification email
Set Company Information
Set DirSync feature
Set DirSyncEnabled flag
Set Partnership
Set accidental deletion threshold
Set company allowed data location
Set company multinational feature enabled
Set device registration policies
Set directory feature on tenant
Set domain authentication
Set federation settings on domain
Set force change user password
Set group license
Set group to be managed by user
Set password policy
Set user manager
Set user oath token metadata enabled
Set verified publisher
Set workflow for on-demand execution
Start applying group based license to users
Suspicious activity reported
Synchronization rule action
Tenant joining MultiTenantOrg tenant
Tenant offboarded from PIM
Tenant onboarding
Tenant opt-out
Trigger group license recalculation
Triggered PIM alert
Unlink program control
Unlock user account (self-service)
Unregister device
Unset verified publisher
Update API connector
Update Adaptive Access Policy
Update AuthenticationContextClassReference
Update B2C directory resource
Update Branch
Update Connector Group
Update DeviceTemplate
Update Enriched Audit Logs Settings
Update ExternalUserProfile
Update Filtering Policy
Update Filtering Policy Profile
Update Filtering Profile
Update Forwarding Options Policy
Update Forwarding Policy
Update Forwarding Profile
Update Hardware Oath Token
Update Identity Provider
Update IdentityProtectionPolicy
Update MultiTenantOrg tenant
Update MyAccount settings
Update MyStaff feature value
Update NotificationSettings
Update PIM alert setting
Update PendingExternalUserProfile
Update PrivateLinkResource
Update Sign-In Risk Policy
Update StsRefreshTokenValidFrom Timestamp
Update User Risk and MFA Registration Policy
Update V2 application
Update V2 application permission grant
Update a MultiTenantOrg
Update a multitenant org identity sync policy template
Update a multitenant org partner configuration template
Update a partner cross-tenant access setting
Update a partner cross-tenant identity sync setting
Update access package
Update access package assignment policy
Update access package assignment request
Update access package catalog
Update access package catalog resource
Update access review
Update administrative unit
Update age gating configuration
Update agreement
Update an attribute set
Update application
Update application - Certificates and secrets management
Update application collection
Update application collection order
Update application with safe rollout
Update attribute mappings or scope
Update attribute values assigned to a servicePrincipal
Update attribute values assigned to a user
Update authentication flows policy
Update authenticationEventListener
Update authenticationEventsFlow
Update authenticationEventsPolicy
Update authority
Update authorization policy
Update business flow
Update certificate to policy key
Update company
Update company settings
Update conditional access policy
Update connected organization
Update contact
Update continuous access evaluation
Update contract
Update custom extension
Update custom identity provider
Update custom policy
Update custom security attribute definition in an attribute set
Update custom task extension
Update customAuthenticationExtension
Update device
Update device configuration
Update domain
Update execution conditions
Update external secrets
Update governance policy template
Update group
Update group settings
Update issuance policy
Update kerberos domain
Update label
Update lifecycle management policy
Update linked domains
Update local administrator password
Update local identity provider
Update mobility management policy
Update named location
Update partner directory settings
Update permission grant policy
Update policy
Update policy key
Update preview settings
Update provisioning setting or credentials
Update request
Update request answers by approver
Update role
Update role definition
Update role setting in PIM
Update rollout policy of feature
Update secret into policy key
Update security defaults
Update service principal
Update sharedEmailDomain
Update sharedEmailDomainInvitation
Update subscription status
Update task
Update tenant setting
Update tenant settings
Update the company default cross-tenant access setting
Update user
Update user attribute
Update user flow
Update workflow
Updated ConvergedUXV2 feature value
Updated MyApps feature value
Updated SSPRConvergence feature value
Updated SignInReports feature value
Upload certificate to policy key
Upload key to policy key
Upload secret into policy key
User Password Registration
User Password Reset
User Provisioning
User canceled security info registration
User changed default security info
User deleted security info
User has elevated their access to User Access Administrator for their Azure Resources
User registered all required security info
User registered security info
User requests access package assignment
User requests an access package assignment on behalf of service principal
User requests to extend access package assignment
User requests to remove access package assignment
User reviewed security info
User started password change
User started password reset
User started security info registration
User updated security info
Validate Client Credentials
Validate local account credentials
Validate user authentication
Verify domain
Verify email address
Verify email verified domain
Verify one time password
Verify phone number
Viral user creation
pre-create device
started (bulk)
"""
