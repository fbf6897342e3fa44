"""How the changes of guarded objects are put back, in words: what a detection names, docs and cards show.

The reconciler does it, by the object's kind.
"""

from typing import Final

from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.custom_policies import CUSTOM_POLICY
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
