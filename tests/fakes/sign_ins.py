"""Sign-ins, few fields of which matter: who, from where, when, and with what result."""

from datetime import datetime
from typing import Any, Final

from infra.local.world import WORKFORCE_TENANT
from shared.detect.fields import SignIn
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import Actor, ActorKind, Log, SignInEvent
from shared.model.kinds import Image, Risk
from tests.fakes.clock import NOW
from tests.fakes.record_strategies import sign_in_record

ACCOUNTS: Final = tuple(f"ac000000-0000-4000-8000-00000000000{number}" for number in range(3))
ADDRESSES: Final = ("198.51.100.1", "198.51.100.2")


def failures(**differences: Any) -> AnyDetection:  # noqa: ANN401 - the fields of a detection
    """Declare a detection of wrong passwords; `differences` are its fields by name."""
    fields: dict[str, Any] = {
        "id": "many-failures",
        "seed_row": "sign-ins/1",
        "title": "Many failed sign-ins",
        "why": "Somebody tries passwords.",
        "risk": Risk.HIGH,
        "log": Log.SIGN_IN,
        "when": SignIn.error_code.is_("50126"),
        "unless_actor_in": None,
        "answer": Answer.PAGE,
    }
    return Detection(**fields | differences)


def failure(number: int, *, at: datetime = NOW, account: str = ACCOUNTS[0], address: str = ADDRESSES[0]) -> SignInEvent:
    """Make the event of a wrong password; its id follows from its number."""
    return SignInEvent(
        id=f"sign-in-{number}",
        tenant_id=WORKFORCE_TENANT,
        at=at,
        correlation_id=f"correlation-{number}",
        actor=Actor(id=account, name=f"{account[:8]}@contoso.example", kind=ActorKind.USER, address=address),
        app_id="",
        app_name="",
        resource_name="",
        error_code="50126",
        failure_reason="",
        country="",
        client_app="",
        authentication_protocol="",
        conditional_access="",
    )


def sign_in(number: int, *, at: datetime, account: str, address: str = ADDRESSES[0], code: int = 50126) -> Image:
    """Make Graph's record of a sign-in; its id follows from its number."""
    return sign_in_record(
        id=f"{number:08x}-0000-4000-8000-000000000000",
        correlationId=f"c{number:07x}-0000-4000-8000-000000000000",
        createdDateTime=at.isoformat().replace("+00:00", "Z"),
        userId=account,
        userPrincipalName=f"{account[-1:]}@contoso.example",
        ipAddress=address,
        status={"errorCode": code, "failureReason": ""},
    )
