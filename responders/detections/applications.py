"""The guide's table "Applications": what an application signs in with, where its tokens go, who owns it."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import OF_DIRECTORY_ROLES, OUTSIDE_PIM, ROLE_GIVEN, succeeded
from responders.detections.application_grants import (
    APP_ROLE_GRANTED,
    DELEGATED_PERMISSION_GRANTED,
    PERMISSION_GRANTED_FOR_ALL,
    SENSITIVE_API_GRANTED,
)
from responders.detections.directory_samples import (
    APPLICATION,
    IMPOSTOR,
    MANAGED_IDENTITIES,
    TESTS,
    addresses,
    application_record,
    by_service,
    change,
    key,
    owner_record,
    pim_record,
    role_record,
)
from responders.detections.samples import BREAK_GLASS, BY_APP, diagnostic_record
from responders.detections.sign_in_samples import consumer_record, diagnostic_sign_in, privileged_record
from responders.remediations import (
    PUT_BACK_APP_ADDRESSES,
    REMOVE_APP_CREDENTIAL,
    REMOVE_APP_OWNER,
    REMOVE_DIRECTORY_ROLE,
)
from shared.detect.fields import Audit, SignIn
from shared.model.conditions import Not, all_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log, SignInEvent
from shared.model.kinds import ApprovalList, Image, Risk

_SECRETS: Final = "Update application \N{EN DASH} Certificates and secrets management "
_CREDENTIALS: Final = (_SECRETS, _SECRETS.replace("Update", "Create"), "Add service principal credentials")
_SPOOFED: Final = key(1, "[KeyIdentifier=00000002-5a1c-4e37-b9d0-82f64c7e0b15")
_TRUST: Final = [{"Name": "ci", "Issuer": "https://x.blob.core.windows.net/oidc", "Subject": "ci", "Id": "a7"}]


def _keys(*new: str, old: tuple[str, ...] = ()) -> Image:
    return change("KeyDescription", list(old), list(new))


def _redirect(*new: str, old: tuple[str, ...] = (), result: str = "success") -> Image:
    changed = change("AppAddress", addresses(*old), addresses(*new))
    return application_record("Update application", changed, result=result)


_NO_RENEWAL: Final = Not(
    all_of(
        Audit.actor_service.is_("managed-identities"),
        Audit.service_principal_type.one_of("ManagedIdentity", ""),
    )
)

APP_CREDENTIAL_ADDED: Detection[AuditEvent] = Detection(
    id="app-credential-added",
    seed_row="applications/1",
    title="Credential added to an application by an unapproved actor",
    why=(
        "Whoever has the credential can sign in as the application from anywhere, without multifactor authentication, "
        "until it expires."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        *_CREDENTIALS,
        "Update application",
        "Update service principal",
        also=(
            Audit.added_credential.one_of("key", "federated"),
            _NO_RENEWAL,
        ),
    ),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=REMOVE_APP_CREDENTIAL,
    deviates=(
        "The guide leaves out federated credentials. They count here, because they let somebody sign in as the "
        "application too. Certificates that Managed Service Identity renews don't count. It is recognised by its "
        "object id, which is configured."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_CREDENTIALS,),
    reference=references.APPLICATIONS_GUIDE,
    hits=(
        application_record(_SECRETS, _keys(key(1), key(2), old=(key(1),))),
        application_record(_SECRETS, _keys(_SPOOFED, key(2), old=(_SPOOFED,))),
        application_record("Add service principal credentials", _keys(key(3)), kind="ServicePrincipal"),
        application_record("Update application", change("FederatedIdentityCredentials", [], _TRUST)),
        application_record("Update service principal", _keys(key(1), key(2), old=(key(1),)), kind="ServicePrincipal"),
        diagnostic_record(application_record(_SECRETS, _keys(key(1)), initiatedBy=BY_APP)),
        application_record(
            _CREDENTIALS[2], _keys(key(4)), initiatedBy=by_service(IMPOSTOR, "Managed Service Identity")
        ),
    ),
    misses=(
        application_record(_SECRETS, targetResources=[]),
        application_record(_SECRETS, _keys(key(1), old=(key(1), key(2)))),
        application_record(_SECRETS, _keys(key(1)), result="failure"),
        application_record("Update application", change("RequiredResourceAccess", [], [{"ResourceAppId": "x"}])),
        application_record("Update application", change("FederatedIdentityCredentials", _TRUST, _TRUST)),
        application_record(
            "Add service principal credentials",
            _keys(key(4)),
            kind="ServicePrincipal",
            initiatedBy=by_service(MANAGED_IDENTITIES, "Managed Service Identity"),
        ),
    ),
)

APP_CREDENTIAL_TYPE_UNUSED: Detection[AuditEvent] = Detection(
    id="app-credential-type-unused",
    seed_row="applications/1/type",
    title="Credential added to an application, of a type that isn't used here",
    why="No application here signs in with such a credential, so whoever added it may come from outside.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        *_CREDENTIALS,
        "Update application",
        "Update service principal",
        also=(Audit.credential_use.is_("unused"), _NO_RENEWAL),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask whoever added it. If they don't know, delete the credential and look at what the application did.",
    deviates=(
        "Applies whoever added it, approved or not. Raises no case until the types that you use are configured. A key "
        "whose type the record doesn't say counts as unused."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_CREDENTIALS,),
    reference=references.APPLICATIONS_GUIDE,
    hits=(
        application_record("Update application", change("FederatedIdentityCredentials", [], _TRUST)),
        application_record(_SECRETS, _keys(key(1, kind="Hsm"))),
        application_record(_SECRETS, _keys(key(5, "x,KeyType=Password,KeyUsage=Verify]", kind="Hsm"))),
        application_record("Add service principal credentials", _keys(key(3, kind="Hsm")), kind="ServicePrincipal"),
    ),
    misses=(
        application_record(_SECRETS, _keys(key(1), key(2, kind="AsymmetricX509Cert"))),
        application_record(_SECRETS, _keys(key(1, kind="Hsm"), old=(key(1, kind="Hsm"),))),
        application_record(_SECRETS, _keys(key(1, kind="Hsm")), result="failure"),
        application_record("Update application", change("FederatedIdentityCredentials", _TRUST, _TRUST)),
    ),
)

APP_CREDENTIAL_OUTSIDE_SAML: Detection[AuditEvent] = Detection(
    id="app-credential-outside-saml",
    seed_row="applications/1/non-saml",
    title="Credential added to a service principal that isn't for SAML",
    why=(
        "Credentials belong to the application's registration. On the service principal no page of the portal shows "
        "them, and only SAML needs them there, to sign tokens."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Add service principal credentials",
        "Update service principal",
        also=(
            Audit.key_flow.is_("other"),
            Not(Audit.service_principal_type.is_("ManagedIdentity")),
            Not(Audit.actor_service.is_("managed-identities")),
        ),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask whoever added it. If they don't know, remove it with Graph (removePassword, removeKey), since the portal "
        "doesn't show it, and look at what the application did."
    ),
    deviates=(
        "Applies whoever added it, approved or not. A key whose usage is Sign is taken as SAML's own; the same "
        "certificate for verifying and its password come with it."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_CREDENTIALS,),
    reference=references.APPLICATIONS_GUIDE,
    hits=(
        application_record("Add service principal credentials", _keys(key(3)), kind="ServicePrincipal"),
        application_record(
            "Update service principal",
            _keys(key(6, "x,KeyType=AsymmetricX509Cert,KeyUsage=Sign]", kind="AsymmetricX509Cert")),
            kind="ServicePrincipal",
        ),
    ),
    misses=(
        application_record(
            "Add service principal credentials",
            _keys(
                key(7, "SSO", kind="AsymmetricX509Cert", usage="Sign"),
                key(8, "SSO", kind="AsymmetricX509Cert"),
                key(9, "SSO"),
            ),
            kind="ServicePrincipal",
        ),
        application_record("Add service principal credentials", _keys(key(3), old=(key(3),)), kind="ServicePrincipal"),
        application_record(_SECRETS, _keys(key(3))),
        application_record(
            "Add service principal credentials",
            _keys(key(4)),
            kind="ServicePrincipal",
            initiatedBy=by_service(MANAGED_IDENTITIES, "Managed Service Identity"),
        ),
    ),
)

APP_ROLE_HOLDER_ADDED: Detection[AuditEvent] = Detection(
    id="app-role-holder-added",
    seed_row="applications/2",
    title="Directory role assigned to an application by an unapproved actor",
    why="The application holds the role at all times and is never asked for a second factor.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*ROLE_GIVEN, OUTSIDE_PIM, also=(OF_DIRECTORY_ROLES, Audit.principal_kind.is_("ServicePrincipal"))),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=REMOVE_DIRECTORY_ROLE,
    deviates=(
        "The row also names Azure roles. They are left to rbac-role-assigned and azure-role-assigned-in-pim for every "
        "kind of principal, because the event of an assignment doesn't say who received the role. The guide grades "
        "high to medium; high is taken."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.APPLICATIONS_GUIDE,
    hits=(
        role_record("Add member to role", "ServicePrincipal", identity=APPLICATION),
        role_record("Add eligible member to role ", "ServicePrincipal", identity=APPLICATION),
        pim_record("Add member to role in PIM completed (permanent)", "ServicePrincipal", identity=APPLICATION),
        pim_record(OUTSIDE_PIM, "ServicePrincipal", identity=APPLICATION),
        diagnostic_record(role_record("Add scoped member to role", "ServicePrincipal", identity=APPLICATION)),
    ),
    misses=(
        role_record("Add member to role"),
        role_record("Add member to role", "ServicePrincipal", identity=APPLICATION, result="failure"),
        pim_record("Add member to role in PIM requested (permanent)", "ServicePrincipal", identity=APPLICATION),
        role_record("Remove member from role", "ServicePrincipal", identity=APPLICATION),
    ),
)

APP_SIGNS_IN_BY_PASSWORD: Detection[SignInEvent] = Detection(
    id="app-signs-in-by-password",
    seed_row="applications/7",
    title="Application signs in with its user's password (ROPC)",
    why=(
        "The application sees the password, and no second factor is asked for. Anybody who knows the password could do "
        "the same."
    ),
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(
        SignIn.error_code.is_("0"),
        SignIn.protocol.is_("ropc"),
        Not(SignIn.app_set.is_("consumer")),
        Not(SignIn.app_test.is_("test")),
        Not(SignIn.account_kind.is_("emergency")),
    ),
    one_case_by=(SignIn.app_id, SignIn.account),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask who runs the application. If nobody does, revoke the account's sessions and reset its password. If "
        "somebody does, have the application sign in another way."
    ),
    deviates=(
        "The protocol is in the records of diagnostic settings and of Graph's beta, not in those of Graph's v1.0. "
        "Sign-ins by B2C's own applications don't count, because B2C signs in local accounts this way. Nor do those of "
        "automated tests, which the guide allows: automated_tests of the tenant profile has them, each with its last "
        "day."
    ),
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.ROPC,
    hits=(
        consumer_record(0, appDisplayName="Order portal", authenticationProtocol="ropc"),
        diagnostic_sign_in(privileged_record(0, authenticationProtocol="ROPC")),
        consumer_record(
            0,
            appDisplayName="Tests",
            authenticationProtocol="ropc",
            appId=TESTS,
            createdDateTime="2026-04-01T00:00:00Z",
        ),
    ),
    misses=(
        consumer_record(0, authenticationProtocol="ropc"),
        consumer_record(50126, appDisplayName="Order portal", authenticationProtocol="ropc"),
        consumer_record(0, appDisplayName="Order portal", authenticationProtocol="deviceCode"),
        privileged_record(0, authenticationProtocol="ropc", userId=BREAK_GLASS),
        consumer_record(0, appDisplayName="Tests", authenticationProtocol="ropc", appId=TESTS),
    ),
)

APP_REDIRECT_DANGLING: Detection[AuditEvent] = Detection(
    id="app-redirect-dangling",
    seed_row="applications/8",
    title="Redirect URI that somebody else could take over added by an unapproved actor",
    why=(
        "Tokens are sent to this address. A name under a shared domain, such as azurewebsites.net, goes to whoever "
        "registers it after it was given up."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update application", also=(Audit.redirect_problem.one_of("shared-domain", "ownership-unknown"),)),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_APP_ADDRESSES,
    deviates=(
        "A record doesn't say whether a name still exists. So every address under a domain where anybody can register "
        "names counts. While no owned domains are configured, every address whose owner isn't known counts too."
    ),
    techniques=(attack.STEAL_APPLICATION_ACCESS_TOKEN, attack.COMPROMISE_DOMAINS),
    reference=references.DANGLING_DNS,
    hits=(
        _redirect("https://orders-old.azurewebsites.net/signin"),
        _redirect("https://fabrikam.example/a", "https://x.trafficmanager.net/", old=("https://fabrikam.example/a",)),
    ),
    misses=(
        _redirect("https://fabrikam.azurewebsites.net/signin"),
        _redirect("https://orders.fabrikam.example/signin"),
        _redirect("https://x.github.io/", old=("https://x.github.io/",)),
        _redirect("https://x.github.io/", result="failure"),
        _redirect(old=("https://x.github.io/",)),
    ),
)

APP_REDIRECT_CHANGED: Detection[AuditEvent] = Detection(
    id="app-redirect-changed",
    seed_row="applications/9",
    title="Redirect URI outside the tenant's own domains added by an unapproved actor",
    why="Tokens of everybody who signs in to the application are sent to this address, and they don't notice.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update application", also=(Audit.redirect_problem.one_of("wildcard", "not-https", "not-owned"),)),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_APP_ADDRESSES,
    deviates=(
        "A record doesn't say whether another application uses the same address. Loopback addresses and custom schemes "
        "don't count, because native applications are meant to sign in that way."
    ),
    techniques=(attack.STEAL_APPLICATION_ACCESS_TOKEN,),
    reference=references.REDIRECT_ADDRESSES,
    hits=(
        _redirect("https://evil.example/callback"),
        _redirect("https://fabrikam.example@evil.example/"),
        _redirect("https://evil.example\\@fabrikam.example/"),
        _redirect("https://fabrikam.example.evil.example/", "https://x.azurewebsites.net/"),
        _redirect("http://orders.fabrikam.example/signin"),
        _redirect("https://*.fabrikam.example/signin"),
        diagnostic_record(_redirect("HTTPS://EVIL.EXAMPLE", old=("https://fabrikam.example/",))),
    ),
    misses=(
        _redirect("https://orders.fabrikam.example:8443/signin"),
        _redirect("http://localhost:8080", "http://127.0.0.1/", "msal7a40c5d9://auth"),
        _redirect("https://evil.example/", old=("https://evil.example/", "https://fabrikam.example/")),
        _redirect("https://login.microsoftonline.com/common/oauth2/nativeclient"),
        _redirect("https://evil.example/", result="failure"),
    ),
)

APP_ID_URI_CHANGED: Detection[AuditEvent] = Detection(
    id="app-id-uri-changed",
    seed_row="applications/10",
    title="Application ID URI changed by an unapproved actor",
    why=(
        "The Application ID URI says which API a token is for. Whoever changes it can receive tokens that were meant "
        "for another API."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded("Update application", "Update service principal", also=(Audit.identifier_uri.is_("changed"),)),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_APP_ADDRESSES,
    techniques=(attack.STEAL_APPLICATION_ACCESS_TOKEN,),
    reference=references.APP_SECURITY,
    hits=(
        application_record("Update application", change("AppIdentifierUri", [], ["api://orders.fabrikam.example"])),
        application_record(
            "Update service principal",
            change("ServicePrincipalName", [APPLICATION], [APPLICATION, "api://payments.fabrikam.example"]),
            kind="ServicePrincipal",
        ),
    ),
    misses=(
        application_record("Update application", change("AppIdentifierUri", ["api://a"], ["api://a"])),
        application_record(
            "Update service principal",
            change("TargetId.ServicePrincipalNames", None, "api://orders.fabrikam.example"),
            kind="ServicePrincipal",
        ),
        application_record("Update application", change("AppIdentifierUri", [], ["api://a"]), result="failure"),
    ),
)

APP_OWNER_ADDED: Detection[AuditEvent] = Detection(
    id="app-owner-added",
    seed_row="applications/11",
    title="Owner added to an application by an unapproved actor",
    why="An owner can add credentials to the application and then sign in with all its permissions.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=succeeded("Add owner to application", "Add owner to service principal"),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=REMOVE_APP_OWNER,
    deviates=(
        "Whoever registers an application becomes its owner in the same action. That is only recorded, where the audit "
        "log has the registration of the same application by the same actor beside it."
    ),
    techniques=(attack.ACCOUNT_MANIPULATION,),
    reference=references.APP_OWNERS,
    hits=(
        owner_record("Add owner to application"),
        owner_record("Add owner to service principal", initiatedBy=BY_APP),
    ),
    misses=(
        owner_record("Add owner to application", result="failure"),
        owner_record("Add owner to group"),
        owner_record("Remove owner from application"),
    ),
)

APP_LOGOUT_URL_CHANGED: Detection[AuditEvent] = Detection(
    id="app-logout-url-changed",
    seed_row="applications/12",
    title="Log-out URL of an application changed by an unapproved actor",
    why="Users who sign out may stay signed in to the application, because its log-out page is no longer called.",
    risk=Risk.LOW,
    log=Log.AUDIT,
    when=succeeded("Update application", "Update service principal", also=(Audit.logout_url.is_("changed"),)),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.RECORD,
    deviates=(
        "The name of the property is documented nowhere. Every property whose name contains a configured word counts. "
        "An address that was removed is paged: see app-logout-url-blank."
    ),
    techniques=(attack.WEB_SESSION_COOKIE,),
    reference=references.SIGN_OUT,
    hits=(
        application_record("Update application", change("LogoutUrl", ["https://a.example"], ["https://b.example"])),
        application_record("Update service principal", change("SamlLogoutUrl", [], ["https://b.example"])),
    ),
    misses=(
        application_record("Update application", change("LogoutUrl", ["https://a.example"], ["https://a.example"])),
        application_record("Update application", change("Homepage", [], ["https://b.example"])),
        application_record("Update application", change("LogoutUrl", [], ["https://b.example"]), result="failure"),
    ),
)

APP_LOGOUT_URL_BLANK: Detection[AuditEvent] = Detection(
    id="app-logout-url-blank",
    seed_row="applications/12/blank",
    title="Log-out URL of an application removed by an unapproved actor",
    why="Without the address nobody can end their session with the application; a stolen session goes on as well.",
    risk=Risk.LOW,
    log=Log.AUDIT,
    when=succeeded("Update application", "Update service principal", also=(Audit.logout_url.is_("blank"),)),
    unless_actor_in=ApprovalList.APP_REGISTRATIONS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_APP_ADDRESSES,
    deviates=(
        "The guide names blank addresses and those of places that don't exist. The second can't be told from a record: "
        "see app-logout-url-changed."
    ),
    techniques=(attack.WEB_SESSION_COOKIE,),
    reference=references.SIGN_OUT,
    hits=(
        application_record("Update application", change("LogoutUrl", ["https://a.example"], [])),
        application_record("Update application", change("LogoutUrl", ["https://a.example"], [""])),
        application_record("Update application", change("LogoutUrl", "https://a.example", "")),
        application_record("Update service principal", change("SamlLogoutUrl", ["https://a.example"])),
    ),
    misses=(
        application_record("Update application", change("LogoutUrl", ["https://a.example"], ["https://b.example"])),
        application_record("Update application", change("LogoutUrl", [], [])),
        application_record("Update application", change("Homepage", ["https://a.example"], [])),
        application_record("Update application", change("LogoutUrl", ["https://a.example"], []), result="failure"),
    ),
)

APPLICATIONS: Final[tuple[AnyDetection, ...]] = (
    APP_CREDENTIAL_ADDED,
    APP_CREDENTIAL_TYPE_UNUSED,
    APP_CREDENTIAL_OUTSIDE_SAML,
    APP_ROLE_HOLDER_ADDED,
    APP_ROLE_GRANTED,
    DELEGATED_PERMISSION_GRANTED,
    SENSITIVE_API_GRANTED,
    PERMISSION_GRANTED_FOR_ALL,
    APP_SIGNS_IN_BY_PASSWORD,
    APP_REDIRECT_DANGLING,
    APP_REDIRECT_CHANGED,
    APP_ID_URI_CHANGED,
    APP_OWNER_ADDED,
    APP_LOGOUT_URL_CHANGED,
    APP_LOGOUT_URL_BLANK,
)
