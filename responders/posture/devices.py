"""Who becomes administrator of joined devices, and whether each has a local administrator's password of its own."""

from typing import Final, cast

from msgspec import Struct

from responders.posture.accounts import PEOPLE, WORKLOADS, name_of
from responders.posture.names import some_of
from responders.posture.roles import ASSIGNMENTS, ELIGIBILITIES
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.model.calls import Call, Permission, Service
from shared.model.kinds import Image

GET_DEVICE_REGISTRATION: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/policies/deviceRegistrationPolicy",
    needs=(Permission.DEVICE_POLICY_READ,),
)

DEVICE_ADMINISTRATOR: Final = "9f06204d-73c1-4d4c-880a-6edb90606fd8"
"""Template id of the role that is in the local administrators' group of each joined device."""

_NOBODY: Final = "#microsoft.graph.nodeviceregistrationmembership"
_EVERYBODY: Final = "#microsoft.graph.alldeviceregistrationmembership"


class Registration(Struct, frozen=True, kw_only=True):
    """What the tenant says of devices that join it."""

    may_join: bool
    """Whether anybody may join a device."""
    global_administrators: bool
    """Whether each Global Administrator is administrator of it."""
    everybody: bool
    """Whether whoever joins a device is administrator of it."""
    passwords_managed: bool


def _read_registration(reading: Reading) -> Registration:
    policy = reading.api.get(GET_DEVICE_REGISTRATION)
    if policy is None:
        raise Unread("Graph gave no device registration policy")
    join = _within(policy, "azureADJoin")
    administrators = _within(join, "localAdmins")
    return Registration(
        may_join=_type_of(_within(join, "allowedToJoin")) != _NOBODY,
        global_administrators=_flag(administrators, "enableGlobalAdmins"),
        everybody=_type_of(_within(administrators, "registeringUsers")) == _EVERYBODY,
        passwords_managed=_flag(_within(policy, "localAdminPassword"), "isEnabled"),
    )


def _within(image: Image, name: str) -> Image:
    found = image.get(name)
    if not isinstance(found, dict):
        raise Unread(f"Graph gave no {name} in the device registration policy")
    return cast("Image", found)


def _type_of(membership: Image) -> str:
    kind = str(membership.get("@odata.type") or "").lower()
    if not kind:
        raise Unread("Graph didn't say whom the device registration policy is about")
    return kind


def _flag(image: Image, name: str) -> bool:
    if not isinstance(image.get(name), bool):
        raise Unread(f"Graph didn't say {name} in the device registration policy")
    return image[name] is True


REGISTRATION: Final = Part(
    id="device-registration",
    title="what becomes of devices that join",
    read=_read_registration,
    calls=(GET_DEVICE_REGISTRATION,),
)

PARTS: Final = (REGISTRATION,)


def _administrators(snapshot: Snapshot) -> list[Finding]:
    registration = snapshot.of(REGISTRATION)
    if not registration.may_join:
        return [not_applicable("nobody may join a device")]
    found: list[Finding] = []
    if registration.everybody:
        found.append(failed("whoever joins a device becomes its administrator"))
    if registration.global_administrators:
        found.append(failed("each Global Administrator becomes administrator of every device that joins"))
    held = (*snapshot.of(ASSIGNMENTS), *(snapshot.of(ELIGIBILITIES) or ()))
    holders = {each.principal for each in held if each.role == DEVICE_ADMINISTRATOR}
    names = some_of(name_of(snapshot, each) for each in holders)
    return found or [ok(f"administrators of joined devices: {names or 'nobody by a role'}")]


def _passwords(snapshot: Snapshot) -> list[Finding]:
    registration = snapshot.of(REGISTRATION)
    if not registration.may_join:
        return [not_applicable("nobody may join a device")]
    if not registration.passwords_managed:
        return [failed("Windows LAPS is off for joined devices")]
    return [ok("Windows LAPS is on for joined devices")]


CHECKS: Final = (
    PostureCheck(
        id="local-admin-passwords-on",
        stage=Stage.WEEKS,
        title="Each joined device has a local administrator's password of its own",
        why="One password for all computers is one computer for all of them.",
        passages=(52,),
        parts=(REGISTRATION,),
        cure="In Devices, Device settings, enable Windows LAPS, and a policy for it in Intune.",
        run=_passwords,
    ),
    PostureCheck(
        id="device-administrators-few",
        stage=Stage.HALF_A_YEAR,
        title="Only whom a role names is administrator of joined devices",
        why="Malware that a user starts is administrator of the device, and reads who else signs in there.",
        passages=(96,),
        parts=(REGISTRATION, ASSIGNMENTS, ELIGIBILITIES, PEOPLE, WORKLOADS),
        cure=(
            "In Devices, Device settings, let no registering user and no Global Administrator become local"
            " administrator; give the role Microsoft Entra Joined Device Local Administrator to those who need it."
        ),
        run=_administrators,
    ),
)
