import json
import os
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from azure.identity import CertificateCredential, ManagedIdentityCredential
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.local import world
from infra.local.tenant.control import TenantControl
from tests.integration.infra.local.tenant.conftest import Ready

_GRAPH_SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture
def token_url(tenant: Ready) -> str:
    return f"{tenant.authority}/{world.B2C_TENANT}/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def key(tenant: Ready) -> rsa.RSAPrivateKey:
    """The app registration's private key."""
    key = load_pem_private_key(Path(tenant.b2c_certificate).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.fixture
def ask(tenant: Ready, control: TenantControl, token_url: str, key: rsa.RSAPrivateKey) -> Callable[..., httpx.Response]:
    """Ask for a token the way MSAL does, with what the test changes."""
    control.reset()

    def send(
        *, signed_with: rsa.RSAPrivateKey = key, claims: dict[str, object] | None = None, **form: str
    ) -> httpx.Response:
        now = int(time.time())
        client_id = world.RESPONDER_B2C.client_id
        own_claims = {"aud": token_url, "iss": client_id, "sub": client_id, "exp": now + 600, "jti": str(uuid.uuid4())}
        body: dict[str, object] = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "scope": _GRAPH_SCOPE,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(own_claims | (claims or {}), signed_with, algorithm="PS256"),
        }
        with httpx.Client(verify=ssl.create_default_context(cafile=tenant.ca_file)) as client:
            return client.post(token_url, data=body | form)

    return send


def _registration(tenant: Ready) -> dict[str, Any]:
    return {
        "tenant_id": world.B2C_TENANT,
        "client_id": world.RESPONDER_B2C.client_id,
        "certificate_path": tenant.b2c_certificate,
        "authority": tenant.authority,
        "disable_instance_discovery": True,
    }


@pytest.fixture
def get(tenant: Ready, anonymous: httpx.Client) -> Callable[[str, str], httpx.Response]:
    def read(token: str, path: str) -> httpx.Response:
        return anonymous.get(f"{tenant.graph}{path}", headers={"Authorization": f"Bearer {token}"})

    return read


def test_azure_identity_gets_the_managed_identitys_token(
    tenant: Ready,
    control: TenantControl,
    monkeypatch: pytest.MonkeyPatch,
    get: Callable[[str, str], httpx.Response],
) -> None:
    control.reset()
    monkeypatch.setenv("IDENTITY_ENDPOINT", tenant.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", tenant.identity_header)
    with ManagedIdentityCredential(client_id=world.RESPONDER.client_id) as credential:
        token = credential.get_token(_GRAPH_SCOPE)
        arm_token = credential.get_token("https://management.azure.com/.default")
    assert token.expires_on > time.time() + 3600
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["oid"], claims["tid"]) == (world.RESPONDER.id, world.WORKFORCE_TENANT)
    assert (claims["appid"], claims["idtyp"]) == (world.RESPONDER.client_id, "app")
    assert set(claims["roles"]) == world.GRAPH_ROLES[world.RESPONDER.id]
    assert get(token.token, "/v1.0/identity/conditionalAccess/policies").status_code == 200
    subscriptions = get(arm_token.token, "/subscriptions?api-version=2022-12-01")
    assert subscriptions.json()["value"][0]["subscriptionId"] == world.SUBSCRIPTION


def test_azure_identity_signs_in_to_the_b2c_tenant_with_the_certificate(
    tenant: Ready,
    control: TenantControl,
    monkeypatch: pytest.MonkeyPatch,
    get: Callable[[str, str], httpx.Response],
) -> None:
    control.reset()
    # azure-core sends through requests, which doesn't read SSL_CERT_FILE.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", tenant.ca_file)
    with CertificateCredential(**_registration(tenant)) as credential:
        token = credential.get_token(_GRAPH_SCOPE).token
    policies = get(token, "/beta/trustFramework/policies").json()["value"]
    assert {policy["id"] for policy in policies} == {policy.id for policy in world.CUSTOM_POLICIES}


_ASYNCHRONOUS = """
import asyncio, json, sys
from azure.identity.aio import CertificateCredential

async def sign_in(registration):
    async with CertificateCredential(**registration) as credential:
        return (await credential.get_token("https://graph.microsoft.com/.default")).token

print(asyncio.run(sign_in(json.loads(sys.argv[1]))))
"""


def test_azure_identity_signs_in_asynchronously_too(tenant: Ready) -> None:
    # Here azure-core sends through aiohttp, which reads SSL_CERT_FILE while it is imported: hence a process of its own.
    environment = os.environ | {"SSL_CERT_FILE": tenant.ca_file}
    command = [sys.executable, "-c", _ASYNCHRONOUS, json.dumps(_registration(tenant))]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    claims = jwt.decode(printed.strip(), options={"verify_signature": False})
    assert (claims["oid"], claims["tid"]) == (world.RESPONDER_B2C.id, world.B2C_TENANT)


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        ({"X-IDENTITY-HEADER": "wrong"}, {}, 401),
        ({}, {}, 401),
        (None, {"client_id": world.RELEASE_PIPELINE.client_id}, 400),
        (None, {"api-version": "2017-09-01"}, 400),
        (None, {"resource": "https://vault.example"}, 400),
    ],
)
def test_the_identity_endpoint_refuses(
    tenant: Ready, anonymous: httpx.Client, headers: dict[str, str] | None, params: dict[str, str], status: int
) -> None:
    asked = {"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"} | params
    sent = {"X-IDENTITY-HEADER": tenant.identity_header} if headers is None else headers
    answer = anonymous.get(tenant.identity_endpoint, params=asked, headers=sent)
    assert answer.status_code == status
    assert answer.json()["statusCode"] == status


def test_a_well_signed_assertion_is_taken(ask: Callable[..., httpx.Response]) -> None:
    assert ask().json()["token_type"] == "Bearer"


def test_a_wrong_key_is_refused(ask: Callable[..., httpx.Response]) -> None:
    answer = ask(signed_with=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (
        401,
        "invalid_client",
        [700027],
    )
    assert answer.json()["error_description"].startswith("AADSTS700027: Client assertion")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1_700_000_000}, 700024),
        ({"aud": "https://login.example/token"}, 700023),
        ({"iss": world.RELEASE_PIPELINE.client_id}, 700021),
    ],
)
def test_an_assertion_that_says_the_wrong_thing_is_refused(
    ask: Callable[..., httpx.Response], claims: dict[str, object], code: int
) -> None:
    answer = ask(claims=claims)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [code])


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_id": str(uuid.uuid4())}, 700016),
        ({"grant_type": "password"}, 70003),
        ({"scope": "https://graph.microsoft.com/Policy.Read.All"}, 1002012),
        ({"scope": "https://vault.example/.default"}, 500011),
        ({"client_assertion_type": "none"}, 7000218),
        ({"client_assertion": "no-token"}, 50027),
    ],
)
def test_a_request_that_asks_for_the_wrong_thing_is_refused(
    ask: Callable[..., httpx.Response], form: dict[str, str], code: int
) -> None:
    assert ask(**form).json()["error_codes"] == [code]


def test_the_app_registration_exists_in_the_b2c_tenant_only(
    tenant: Ready, ask: Callable[..., httpx.Response], token_url: str
) -> None:
    assert ask().status_code == 200
    with httpx.Client(verify=ssl.create_default_context(cafile=tenant.ca_file)) as client:
        form = {"grant_type": "client_credentials", "client_id": world.RESPONDER_B2C.client_id}
        elsewhere = client.post(token_url.replace(world.B2C_TENANT, world.WORKFORCE_TENANT), data=form)
        nowhere = client.post(token_url.replace(world.B2C_TENANT, str(uuid.uuid4())), data=form)
    assert elsewhere.json()["error_codes"] == [700016]
    assert nowhere.json()["error_codes"] == [90002]
