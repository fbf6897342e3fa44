"""How the changes of guarded objects are put back, in words: what a detection names, docs and cards show.

The reconciler does it, by the object's kind.
"""

from functools import cache
from typing import Final

from shared.model.calls import Call
from shared.model.kinds import ObjectKind
from shared.model.remediations import Remediation


def _remediation(
    name: str, title: str, undo: str, kind: ObjectKind, *also: ObjectKind, destructive: bool = False
) -> Remediation:
    """Declare one; `also` are further kinds that the same detections are about, in the same kind of tenant."""
    kinds = (kind, *also)
    return Remediation(
        id=name,
        title=title,
        undo=undo,
        kind=kind,
        destructive=destructive,
        find_calls=lambda: _calls_of(kinds),
        also=also,
    )


@cache
def _calls_of(kinds: tuple[ObjectKind, ...]) -> tuple[Call, ...]:
    from responders.guarded_kinds import KINDS  # noqa: PLC0415 - to load them takes longer than all the detections

    kind_of = {each.kind: each for each in KINDS}
    return tuple(dict.fromkeys(call for kind in kinds for call in kind_of[kind].calls))


DISABLE_CA_POLICY: Final = _remediation(
    "disable-ca-policy",
    "Switch off the new conditional access policy",
    "Set the policy's state back to the one in the case's before-image, which the evidence container holds.",
    ObjectKind.CA_POLICY,
)
PUT_BACK_CA_POLICY: Final = _remediation(
    "put-back-ca-policy",
    "Put the conditional access policy's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.CA_POLICY,
)
RESTORE_CA_POLICY: Final = _remediation(
    "restore-ca-policy",
    "Restore the deleted conditional access policy",
    "Delete the policy again; it was gone before, as the case's before-image says.",
    ObjectKind.CA_POLICY,
)
SWITCH_SECURITY_DEFAULTS: Final = _remediation(
    "switch-security-defaults",
    "Switch security defaults back",
    "Switch them again, to what the case's before-image says; the evidence container holds it.",
    ObjectKind.SECURITY_DEFAULTS,
)
PUT_BACK_METHODS_POLICY: Final = _remediation(
    "put-back-methods-policy",
    "Put the changed methods of the authentication methods policy back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.METHODS_POLICY,
)
DELETE_CUSTOM_POLICY: Final = _remediation(
    "delete-custom-policy",
    "Delete the new custom policy",
    "Upload the policy's XML from the case's before-image, which the evidence container holds.",
    ObjectKind.CUSTOM_POLICY,
    destructive=True,
)
PUT_BACK_CUSTOM_POLICY: Final = _remediation(
    "put-back-custom-policy",
    "Put the custom policy's document back",
    "Upload the policy's XML from the case's before-image, which the evidence container holds.",
    ObjectKind.CUSTOM_POLICY,
)
RESTORE_CUSTOM_POLICY: Final = _remediation(
    "restore-custom-policy",
    "Upload the deleted custom policy again",
    "Delete the policy that the case names; it was gone before, as the case's before-image says.",
    ObjectKind.CUSTOM_POLICY,
)
DELETE_USER_FLOW: Final = _remediation(
    "delete-user-flow",
    "Delete the new user flow",
    "Make the flow again by hand; Graph doesn't have all of it, and the case's before-image says what it had of it.",
    ObjectKind.USER_FLOW,
    destructive=True,
)
PUT_BACK_USER_FLOW: Final = _remediation(
    "put-back-user-flow",
    "Put the user flow's language back; Graph has nothing else of it that can be changed",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.USER_FLOW,
)
MAKE_USER_FLOW_BY_HAND: Final = _remediation(
    "make-user-flow-by-hand",
    "Page the command that makes the user flow again, as far as Graph has it",
    "Nothing is done but to page, so there is nothing to undo.",
    ObjectKind.USER_FLOW,
)
DELETE_API_CONNECTOR: Final = _remediation(
    "delete-api-connector",
    "Delete the new API connector",
    "Make the connector again by hand, from the case's before-image; its secret can't be read, so it isn't in there.",
    ObjectKind.API_CONNECTOR,
    destructive=True,
)
PUT_BACK_API_CONNECTOR: Final = _remediation(
    "put-back-api-connector",
    "Put the API connector's address and name back; how it signs in can't be, and is paged with the command",
    "Set the properties named in the case to the values in its before-image, and give the connector another password:"
    " who ran the other address may know it.",
    ObjectKind.API_CONNECTOR,
)
MAKE_API_CONNECTOR_BY_HAND: Final = _remediation(
    "make-api-connector-by-hand",
    "Page the command that makes the API connector again, for somebody who knows its secret",
    "Nothing is done but to page, so there is nothing to undo.",
    ObjectKind.API_CONNECTOR,
)
DELETE_IDENTITY_PROVIDER: Final = _remediation(
    "delete-identity-provider",
    "Delete the new identity provider",
    "Make the provider again by hand, from the case's before-image; its secret can't be read, so it isn't in there.",
    ObjectKind.IDENTITY_PROVIDER,
    destructive=True,
)
PUT_BACK_IDENTITY_PROVIDER: Final = _remediation(
    "put-back-identity-provider",
    "Put the identity provider's changed properties back; the id by which B2C goes there is paged with the command",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.IDENTITY_PROVIDER,
)
MAKE_IDENTITY_PROVIDER_BY_HAND: Final = _remediation(
    "make-identity-provider-by-hand",
    "Page the command that makes the identity provider again, for somebody who knows its secret",
    "Nothing is done but to page, so there is nothing to undo.",
    ObjectKind.IDENTITY_PROVIDER,
)
REMOVE_ROLE_ASSIGNMENT: Final = _remediation(
    "remove-role-assignment",
    "Take the Azure role assignment away, or put it back as it was",
    "Write the role assignment again, under the same id, from the case's before-image in the evidence container.",
    ObjectKind.ROLE_ASSIGNMENT,
    destructive=True,
)
RECREATE_ROLE_ASSIGNMENT: Final = _remediation(
    "recreate-role-assignment",
    "Create the removed Azure role assignment again",
    "Delete the role assignment with the id that the case names; it was gone before, as the before-image says.",
    ObjectKind.ROLE_ASSIGNMENT,
)
REMOVE_DIRECTORY_ROLE: Final = _remediation(
    "remove-directory-role",
    "Take the directory role away again",
    "Give the role again by hand with the command on the case; the responder never gives a role of the directory.",
    ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
    destructive=True,
)
GIVE_DIRECTORY_ROLE_BY_HAND: Final = _remediation(
    "give-directory-role-by-hand",
    "Page the command that gives the directory role again",
    "Nothing is done but to page, so there is nothing to undo.",
    ObjectKind.DIRECTORY_ROLE_ASSIGNMENT,
    ObjectKind.DIRECTORY_ROLE_ELIGIBILITY,
)
REMOVE_APP_ROLE: Final = _remediation(
    "remove-app-role",
    "Take the application's permission away again",
    "Give the permission again by hand with the command on the case; the responder never gives one.",
    ObjectKind.APP_ROLE_ASSIGNMENT,
    destructive=True,
)
REMOVE_API_PERMISSION: Final = _remediation(
    "remove-api-permission",
    "Take the application's permission, or what it was allowed to do in everybody's name, away again",
    "Give it again by hand with the command on the case; the responder never gives an application a permission.",
    ObjectKind.APP_ROLE_ASSIGNMENT,
    ObjectKind.DELEGATED_GRANT,
    destructive=True,
)
GIVE_APP_ROLE_BY_HAND: Final = _remediation(
    "give-app-role-by-hand",
    "Page the command that gives the application its permission again",
    "Nothing is done but to page, so there is nothing to undo.",
    ObjectKind.APP_ROLE_ASSIGNMENT,
)
REMOVE_APP_CREDENTIAL: Final = _remediation(
    "remove-app-credential",
    "Remove the credential that was added to the application",
    "A credential can't come back: make a new one, and give it to whoever runs the application.",
    ObjectKind.APPLICATION,
    ObjectKind.SERVICE_PRINCIPAL,
    destructive=True,
)
SWITCH_SERVICE_PRINCIPAL: Final = _remediation(
    "switch-service-principal",
    "Switch the service principal off again; one that was switched off is paged with the command",
    "Switch it as the case's before-image says, which the evidence container holds.",
    ObjectKind.SERVICE_PRINCIPAL,
)
REMOVE_APP_OWNER: Final = _remediation(
    "remove-app-owner",
    "Take the owner away from the application again",
    "Make them an owner again by hand with the command on the case; the responder never makes anybody an owner.",
    ObjectKind.APPLICATION_OWNER,
    destructive=True,
)
PUT_BACK_APP_ADDRESSES: Final = _remediation(
    "put-back-app-addresses",
    "Put the application's addresses back",
    "Set the addresses named in the case to those in its before-image, which the evidence container holds.",
    ObjectKind.APPLICATION,
)
TAKE_DELEGATED_SCOPES: Final = _remediation(
    "take-delegated-scopes",
    "Take away what the application was allowed to do in everybody's name",
    "Allow it again by hand with the command on the case; the responder never allows an application anything.",
    ObjectKind.DELEGATED_GRANT,
    destructive=True,
)
TAKE_USER_SCOPES: Final = _remediation(
    "take-user-scopes",
    "Take away what the application was allowed to do in the user's name, as far as it is highly privileged",
    "Let the user consent again, or allow it with the command on the case; the responder never allows anything.",
    ObjectKind.USER_GRANT,
    destructive=True,
)
TAKE_OUT_OF_GROUP: Final = _remediation(
    "take-out-of-group",
    "Take the new member or owner out of the guarded group, and set its rule back",
    "Add the member or owner again with the command on the case, if that is right; or set the rule again.",
    ObjectKind.GUARDED_GROUP,
    destructive=True,
)
GIVE_BACK_TO_GROUP: Final = _remediation(
    "give-back-to-group",
    "Give the member back to the group that policies leave out",
    "Take the member out of the group again; who was in it is in the case's before-image.",
    ObjectKind.GUARDED_GROUP,
)
GIVE_BACK_TO_GROUP_BY_HAND: Final = _remediation(
    "give-back-to-group-by-hand",
    "Page the command that gives the member or owner back to the group",
    "Take the member or owner out of the group again; who was in it is in the case's before-image.",
    ObjectKind.GUARDED_GROUP,
)
DISTRUST_NAMED_LOCATION: Final = _remediation(
    "distrust-named-location",
    "Make the new named location untrusted",
    "Make the location trusted again, if the case's before-image says that it was.",
    ObjectKind.NAMED_LOCATION,
)
PUT_BACK_NAMED_LOCATION: Final = _remediation(
    "put-back-named-location",
    "Put the named location's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.NAMED_LOCATION,
)
RESTORE_NAMED_LOCATION: Final = _remediation(
    "restore-named-location",
    "Restore the deleted named location",
    "Delete the location again, untrusted first; it was gone before, as the case's before-image says.",
    ObjectKind.NAMED_LOCATION,
)
DELETE_AUTHENTICATION_STRENGTH: Final = _remediation(
    "delete-authentication-strength",
    "Delete the new authentication strength, if no policy uses it",
    "Make the strength again from the case's before-image, which the evidence container holds; no policy named it.",
    ObjectKind.AUTHENTICATION_STRENGTH,
    destructive=True,
)
PUT_BACK_AUTHENTICATION_STRENGTH: Final = _remediation(
    "put-back-authentication-strength",
    "Put the authentication strength's combinations and configurations back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.AUTHENTICATION_STRENGTH,
)
RESTORE_AUTHENTICATION_STRENGTH: Final = _remediation(
    "restore-authentication-strength",
    "Make the deleted authentication strength again",
    "Delete the strength that the case names; it was gone before, as the case's before-image says.",
    ObjectKind.AUTHENTICATION_STRENGTH,
)
UNPUBLISH_AUTHENTICATION_CONTEXT: Final = _remediation(
    "unpublish-authentication-context",
    "Unpublish the new authentication context",
    "Publish the context again, if the case's before-image says that it was.",
    ObjectKind.AUTHENTICATION_CONTEXT,
)
PUT_BACK_AUTHENTICATION_CONTEXT: Final = _remediation(
    "put-back-authentication-context",
    "Put the authentication context's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    ObjectKind.AUTHENTICATION_CONTEXT,
)
RESTORE_AUTHENTICATION_CONTEXT: Final = _remediation(
    "restore-authentication-context",
    "Make the deleted authentication context again",
    "Unpublish and delete the context; it was gone before, as the case's before-image says.",
    ObjectKind.AUTHENTICATION_CONTEXT,
)
PUT_BACK_RESTRICTED_UNIT: Final = _remediation(
    "put-back-restricted-unit",
    "Take out of the restricted unit who was put in, put in again who was taken out, delete a new unit",
    "Put the member in or take them out again with the command on the card; a deleted unit comes out of the bin.",
    ObjectKind.RESTRICTED_UNIT,
    destructive=True,
)
PUT_BACK_LOG_DESTINATION: Final = _remediation(
    "put-back-log-destination",
    "Put the diagnostic setting or event subscription back as it was, or make it again",
    "Write it again as in the case's before-image, which the evidence container holds; delete one that was made again.",
    ObjectKind.DIAGNOSTIC_SETTING,
    ObjectKind.EVENT_SUBSCRIPTION,
    ObjectKind.ENTRA_DIAGNOSTIC_SETTING,
    destructive=True,
)
