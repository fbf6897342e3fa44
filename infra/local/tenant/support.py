"""Azure's support tickets: what there is help for, and tickets, which are made after their request was accepted.

A ticket's name is unique in its subscription; what is asked for under a name that is there is refused.
"""

import time
import uuid
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec

from infra.local.tenant.api_error import ApiError, bad_request, not_found
from infra.local.tenant.instants import instant
from infra.local.tenant.settings import Settings
from infra.local.world import Json

TYPE: Final = "Microsoft.Support/supportTickets"
SERVICES: Final = "/providers/Microsoft.Support/services"
_PLANS: Final = frozenset({"Professional Direct", "Premier", "Unified"})
_PLAN_REFUSED: Final = (
    "Your support plan doesn't allow creating technical support requests by this API. A Professional Direct, Premier or"
    " Unified plan is needed."
)

# Ids of services and problems change, so they are asked for; these are made up.
_ENTRA: Final = "5e4f1ce0-3a7d-4b96-8c21-f0d9e6b7a514"
_SERVICES: Final[Json] = {
    "5e4f1ce1-7b2c-4d58-9e36-a1c8f0d5b742": ("Billing", []),
    "5e4f1ce2-1d9a-4e73-b054-c6f2a8e3d917": ("Virtual Machine running Linux", ["MICROSOFT.COMPUTE/VIRTUALMACHINES"]),
    _ENTRA: ("Microsoft Entra Sign-in and Multifactor Authentication", []),
}
_PROBLEMS: Final[Json] = {
    "9b0b1e00-4c8f-4a17-9d62-3e5b7f1a0c84": "Adding or changing sign-in methods",
    "9b0b1e01-8e3d-4f60-a5b9-7c2d0f6e1a38": "Global administrator is locked out, all users cannot sign in",
    "9b0b1e02-2a6c-4b95-8f14-d07e3c9b5a61": "Users cannot sign in",
}


class _Contact(msgspec.Struct, frozen=True, kw_only=True):
    firstName: str  # noqa: N815 - Azure's names
    lastName: str  # noqa: N815
    primaryEmailAddress: str  # noqa: N815
    preferredContactMethod: Literal["email", "phone"]  # noqa: N815
    preferredTimeZone: str  # noqa: N815
    preferredSupportLanguage: str  # noqa: N815
    country: str
    phoneNumber: str = ""  # noqa: N815


class _Properties(msgspec.Struct, frozen=True, kw_only=True):
    serviceId: str  # noqa: N815
    problemClassificationId: str  # noqa: N815
    title: str
    description: str
    severity: Literal["minimal", "moderate", "critical", "highestcriticalimpact"]
    advancedDiagnosticConsent: Literal["Yes", "No"]  # noqa: N815
    contactDetails: _Contact  # noqa: N815
    problemStartTime: str | None = None  # noqa: N815


class _Body(msgspec.Struct, frozen=True):
    properties: _Properties


class Support:
    """Tickets by name in lower case, as long as the simulation runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tickets: dict[str, tuple[float, Json]] = {}
        self._operations: dict[str, tuple[float, str, str]] = {}

    def clear(self) -> None:
        """Remove all."""
        self._tickets.clear()
        self._operations.clear()

    def all(self) -> list[Json]:
        """List every ticket that was asked for and wasn't refused, whether it can be read yet or not."""
        return [ticket for _, ticket in self._tickets.values()]

    def services(self, name: str | None) -> Json:
        """List what there is help for, or give one; raises ApiError 404."""
        shown = [_service(key, *value) for key, value in _SERVICES.items()]
        return _one_or_all(shown, name)

    def problems(self, service: str, name: str | None) -> Json:
        """List the problems of a service, or give one; raises ApiError 404."""
        self.services(service)
        titles = _PROBLEMS if service.lower() == _ENTRA else {}
        return _one_or_all([_problem(service, key, title) for key, title in titles.items()], name)

    def get(self, name: str) -> Json | None:
        """Give a ticket; None while there is none to be seen."""
        at, ticket = self._tickets.get(name.lower(), (0.0, None))
        return ticket if ticket is not None and at <= time.monotonic() else None

    def create(self, subscription: str, name: str, body: object) -> str:
        """Accept the request for a ticket and give the operation's id; raises ApiError 400 or 409."""
        wanted = _checked(body)
        if name.lower() in self._tickets:
            raise ApiError(HTTPStatus.CONFLICT, "Conflict", f"A support ticket named '{name}' is there already.")
        is_refused = self._settings.support_plan not in _PLANS
        if is_refused and self._settings.support_plan_refuses == "at once":
            # The documentation says that another plan fails, and not with which code.
            raise bad_request(_PLAN_REFUSED, "InvalidSupportPlan")
        operation, ready = str(uuid.uuid4()), time.monotonic() + self._settings.support_delay
        self._operations[operation] = (ready, "Failed" if is_refused else "Succeeded", name)
        if not is_refused:
            self._tickets[name.lower()] = (ready, self._ticket(subscription, name, wanted))
        return operation

    def operation(self, operation: str) -> Json:
        """Give how far the making of a ticket is; raises ApiError 404."""
        if operation not in self._operations:
            raise not_found(f"The operation '{operation}' is not found.", "OperationNotFound")
        ready, status, name = self._operations[operation]
        if time.monotonic() < ready:
            return {"id": operation, "name": operation, "status": "InProgress"}
        ended: Json = {"id": operation, "name": operation, "status": status}
        if status == "Succeeded":
            return ended | {"properties": self.get(name)}
        return ended | {"error": {"code": "InvalidSupportPlan", "message": _PLAN_REFUSED}}

    def _ticket(self, subscription: str, name: str, wanted: _Properties) -> Json:
        created = instant()[:19] + "Z"
        properties: dict[str, Any] = msgspec.to_builtins(wanted)
        return {
            "id": f"/subscriptions/{subscription}/providers/{TYPE}/{name}",
            "name": name,
            "type": TYPE,
            "properties": properties
            | {
                "supportTicketId": f"26{int(time.time() * 1000) % 10**13:013d}",
                "status": "Open",
                "supportPlanType": self._settings.support_plan,
                "createdDate": created,
                "modifiedDate": created,
            },
        }


def _checked(body: object) -> _Properties:
    try:
        wanted = msgspec.convert(body, _Body).properties
    except msgspec.ValidationError as error:
        raise bad_request(
            f"The calling client sent a bad request to the service: {error}", "InvalidParameterValue"
        ) from error
    if wanted.severity in {"critical", "highestcriticalimpact"} and not wanted.contactDetails.phoneNumber:
        raise bad_request("A phone number is required for critical tickets.", "InvalidParameterValue")
    service = wanted.serviceId.rpartition("/")[2].lower()
    problem = wanted.problemClassificationId.rpartition("/")[2].lower()
    if service != _ENTRA or problem not in _PROBLEMS:
        raise bad_request("The service or the problem classification is not valid.", "InvalidParameterValue")
    return wanted


def _service(name: str, title: str, types: list[str]) -> Json:
    properties: Json = {"displayName": title, "resourceTypes": types}
    return {"id": f"{SERVICES}/{name}", "name": name, "type": "Microsoft.Support/services", "properties": properties}


def _problem(service: str, name: str, title: str) -> Json:
    return {
        "id": f"{SERVICES}/{service}/problemClassifications/{name}",
        "name": name,
        "type": "Microsoft.Support/problemClassifications",
        "properties": {"displayName": title, "secondaryConsentEnabled": []},
    }


def _one_or_all(shown: list[Json], name: str | None) -> Json:
    if name is None:
        return {"value": shown}
    for each in shown:
        if each["name"] == name.lower():
            return each
    raise not_found(f"'{name}' could not be found.", "NotFound")
