"""How the changes of guarded objects are put back, in words: what a detection names, docs and cards show.

The reconciler does it, by the object's kind.
"""

from typing import Final

from responders.kinds.app_role_assignments import APP_ROLE_ASSIGNMENT
from responders.kinds.authentication_contexts import AUTHENTICATION_CONTEXT
from responders.kinds.authentication_strengths import AUTHENTICATION_STRENGTH
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.custom_policies import CUSTOM_POLICY
from responders.kinds.directory_role_assignments import DIRECTORY_ROLE_ASSIGNMENT
from responders.kinds.named_locations import NAMED_LOCATION
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.model.object_kinds import Kind
from shared.model.remediations import Remediation


def _remediation(name: str, title: str, undo: str, kind: Kind, *, destructive: bool = False) -> Remediation:
    return Remediation(id=name, title=title, undo=undo, kind=kind.kind, destructive=destructive, calls=kind.calls)


DISABLE_CA_POLICY: Final = _remediation(
    "disable-ca-policy",
    "Switch off the new conditional access policy",
    "Set the policy's state back to the one in the case's before-image, which the evidence container holds.",
    CA_POLICY,
)
PUT_BACK_CA_POLICY: Final = _remediation(
    "put-back-ca-policy",
    "Put the conditional access policy's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    CA_POLICY,
)
RESTORE_CA_POLICY: Final = _remediation(
    "restore-ca-policy",
    "Restore the deleted conditional access policy",
    "Delete the policy again; it was gone before, as the case's before-image says.",
    CA_POLICY,
)
DELETE_CUSTOM_POLICY: Final = _remediation(
    "delete-custom-policy",
    "Delete the new custom policy",
    "Upload the policy's XML from the case's before-image, which the evidence container holds.",
    CUSTOM_POLICY,
    destructive=True,
)
PUT_BACK_CUSTOM_POLICY: Final = _remediation(
    "put-back-custom-policy",
    "Put the custom policy's document back",
    "Upload the policy's XML from the case's before-image, which the evidence container holds.",
    CUSTOM_POLICY,
)
RESTORE_CUSTOM_POLICY: Final = _remediation(
    "restore-custom-policy",
    "Upload the deleted custom policy again",
    "Delete the policy that the case names; it was gone before, as the case's before-image says.",
    CUSTOM_POLICY,
)
REMOVE_ROLE_ASSIGNMENT: Final = _remediation(
    "remove-role-assignment",
    "Take the Azure role assignment away, or put it back as it was",
    "Write the role assignment again, under the same id, from the case's before-image in the evidence container.",
    ROLE_ASSIGNMENT,
    destructive=True,
)
RECREATE_ROLE_ASSIGNMENT: Final = _remediation(
    "recreate-role-assignment",
    "Create the removed Azure role assignment again",
    "Delete the role assignment with the id that the case names; it was gone before, as the before-image says.",
    ROLE_ASSIGNMENT,
)
REMOVE_DIRECTORY_ROLE: Final = _remediation(
    "remove-directory-role",
    "Take the directory role away again",
    "Give the role again by hand with the command on the case; the responder never gives a role of the directory.",
    DIRECTORY_ROLE_ASSIGNMENT,
    destructive=True,
)
GIVE_DIRECTORY_ROLE_BY_HAND: Final = _remediation(
    "give-directory-role-by-hand",
    "Page the command that gives the directory role again",
    "Nothing is done but to page, so there is nothing to undo.",
    DIRECTORY_ROLE_ASSIGNMENT,
)
REMOVE_APP_ROLE: Final = _remediation(
    "remove-app-role",
    "Take the application's permission away again",
    "Give the permission again by hand with the command on the case; the responder never gives one.",
    APP_ROLE_ASSIGNMENT,
    destructive=True,
)
GIVE_APP_ROLE_BY_HAND: Final = _remediation(
    "give-app-role-by-hand",
    "Page the command that gives the application its permission again",
    "Nothing is done but to page, so there is nothing to undo.",
    APP_ROLE_ASSIGNMENT,
)
DISTRUST_NAMED_LOCATION: Final = _remediation(
    "distrust-named-location",
    "Make the new named location untrusted",
    "Make the location trusted again, if the case's before-image says that it was.",
    NAMED_LOCATION,
)
PUT_BACK_NAMED_LOCATION: Final = _remediation(
    "put-back-named-location",
    "Put the named location's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    NAMED_LOCATION,
)
RESTORE_NAMED_LOCATION: Final = _remediation(
    "restore-named-location",
    "Restore the deleted named location",
    "Delete the location again, untrusted first; it was gone before, as the case's before-image says.",
    NAMED_LOCATION,
)
DELETE_AUTHENTICATION_STRENGTH: Final = _remediation(
    "delete-authentication-strength",
    "Delete the new authentication strength, if no policy uses it",
    "Make the strength again from the case's before-image, which the evidence container holds; no policy named it.",
    AUTHENTICATION_STRENGTH,
    destructive=True,
)
PUT_BACK_AUTHENTICATION_STRENGTH: Final = _remediation(
    "put-back-authentication-strength",
    "Put the authentication strength's combinations and configurations back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    AUTHENTICATION_STRENGTH,
)
RESTORE_AUTHENTICATION_STRENGTH: Final = _remediation(
    "restore-authentication-strength",
    "Make the deleted authentication strength again",
    "Delete the strength that the case names; it was gone before, as the case's before-image says.",
    AUTHENTICATION_STRENGTH,
)
UNPUBLISH_AUTHENTICATION_CONTEXT: Final = _remediation(
    "unpublish-authentication-context",
    "Unpublish the new authentication context",
    "Publish the context again, if the case's before-image says that it was.",
    AUTHENTICATION_CONTEXT,
)
PUT_BACK_AUTHENTICATION_CONTEXT: Final = _remediation(
    "put-back-authentication-context",
    "Put the authentication context's changed properties back",
    "Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    AUTHENTICATION_CONTEXT,
)
RESTORE_AUTHENTICATION_CONTEXT: Final = _remediation(
    "restore-authentication-context",
    "Make the deleted authentication context again",
    "Unpublish and delete the context; it was gone before, as the case's before-image says.",
    AUTHENTICATION_CONTEXT,
)
