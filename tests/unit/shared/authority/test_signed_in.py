"""Who is signed in is believed of the platform alone."""

import base64
import json
from typing import Any, Final

import pytest

from shared.authority.signed_in import NotSignedIn, Person, person_from, session_from

_TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
_ALICE: Final = "a11ce000-3b5d-4c8e-9f21-7d60b4e8a115"
_LONG: Final = "http://schemas.microsoft.com/identity/claims/"
_ON: Final = {"WEBSITE_AUTH_ENABLED": "True"}


def principal(**claims: str) -> str:
    typed = [{"typ": name.replace("long_", _LONG), "val": value} for name, value in claims.items()]
    body = {"auth_typ": "aad", "claims": typed, "name_typ": "name", "role_typ": "roles"}
    return base64.b64encode(json.dumps(body).encode()).decode()


def headers(**changes: str | None) -> dict[str, str]:
    """Give what the platform sends for Alice; None leaves one out."""
    every: dict[str, Any] = {
        "X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE, tid=_TENANT),
        "X-MS-CLIENT-PRINCIPAL-ID": _ALICE,
        "X-MS-CLIENT-PRINCIPAL-NAME": "alice@contoso.example",
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    } | {f"X-MS-CLIENT-PRINCIPAL{'-' + name if name else ''}": value for name, value in changes.items()}
    return {name: value for name, value in every.items() if value is not None}


@pytest.mark.parametrize("on", ["true", "True", " TRUE "])
@pytest.mark.parametrize(
    "claims", [principal(oid=_ALICE, tid=_TENANT), principal(long_objectidentifier=_ALICE, long_tenantid=_TENANT)]
)
def test_whoever_the_platform_names_is_known(on: str, claims: str) -> None:
    found = person_from(
        {**headers(), "X-MS-CLIENT-PRINCIPAL": claims}, {"WEBSITE_AUTH_ENABLED": on}, tenant_id=_TENANT.upper()
    )
    assert found == Person(id=_ALICE, name="alice@contoso.example")


@pytest.mark.parametrize("environment", [{}, {"WEBSITE_AUTH_ENABLED": "false"}, {"WEBSITE_AUTH_ENABLED": "1"}])
def test_without_authentication_in_front_every_header_may_be_forged(environment: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn, match="App Service authentication is not enabled for this app"):
        person_from(headers(), environment, tenant_id=_TENANT)


_OTHER: Final = "0badc0de-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    "forged",
    [
        {},
        headers(ID=None),
        headers(IDP=None),
        headers(IDP="github"),
        headers(ID=_OTHER),
        {**headers(), "X-MS-CLIENT-PRINCIPAL": ""},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": "%%%"},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"[]").decode()},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"\xff").decode()},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"[" * 100_000).decode()},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE)},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": principal(tid=_TENANT)},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE, tid=_OTHER)},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE, tid=_TENANT, long_objectidentifier=_OTHER)},
        {**headers(), "X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE, tid=_TENANT, long_tenantid=_OTHER)},
    ],
)
def test_who_can_not_be_told_is_nobody(forged: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn):
        person_from(forged, _ON, tenant_id=_TENANT)


def test_somebody_without_a_name_is_called_by_their_id() -> None:
    assert person_from(headers(NAME=None), _ON, tenant_id=_TENANT).name == _ALICE


def test_a_name_is_cut() -> None:
    assert len(person_from(headers(NAME="x" * 5000), _ON, tenant_id=_TENANT).name) == 200


@pytest.mark.parametrize("claim", ["nonce", "iat", "sid", "uti", "auth_time"])
def test_each_sign_in_is_a_session_of_its_own(claim: str) -> None:
    one, other = (principal(oid=_ALICE, **{claim: value}) for value in ("1", "2"))
    first = session_from({"X-MS-CLIENT-PRINCIPAL": one})
    assert first == session_from({"X-MS-CLIENT-PRINCIPAL": one})
    assert first.id != session_from({"X-MS-CLIENT-PRINCIPAL": other}).id


@pytest.mark.parametrize(
    ("end", "until"),
    [("1772445901", 1772445901), ("", None), ("soon", None), ("-1", None), ("9" * 40, None), ("²", None)],
)
def test_a_session_ends_when_its_token_says(end: str, until: int | None) -> None:
    found = session_from({"X-MS-CLIENT-PRINCIPAL": principal(oid=_ALICE, exp=end)}).until
    assert (found and int(found.timestamp())) == until


def test_of_a_header_that_can_not_be_read_no_session_is_known() -> None:
    assert session_from({}) == session_from({"X-MS-CLIENT-PRINCIPAL": "bm90IGpzb24="})
