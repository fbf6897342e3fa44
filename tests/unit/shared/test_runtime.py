"""The runtime built from settings: connected to nothing until it is used."""

import base64
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import azure.identity
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from infra.local.stack import REPOSITORY
from infra.local.world import B2C_TENANT, RESPONDER, RESPONDER_B2C, WORKFORCE_TENANT
from shared.clients.credentials import TIME_LIMITS, LazyCredential
from shared.model.calls import Service
from shared.model.clock import utc_now
from shared.model.errors import Refused, Rejected
from shared.model.kinds import ObjectKind, TenantKind
from shared.model.settings import Settings
from shared.notify.paged import Channel
from shared.respond.components import Content
from shared.runtime import build_runtime
from tests.fakes.lamps import Lamps
from tests.fakes.runtime import SETTINGS, settings_with

_SCOPE: Final = "https://graph.microsoft.com/.default"
_NO_CONTENT: Final = Content(detections=())


def test_the_time_is_utc() -> None:
    assert utc_now().tzinfo is UTC
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_it_is_put_together_without_any_connection() -> None:
    """Sockets are closed to these tests except on loopback, where nobody listens at these ports."""
    lamps = Lamps()
    content = Content(detections=(lamps.detection(),), kinds=(lamps.kind(),))
    runtime = build_runtime(settings_with(), content, environment=SETTINGS)
    assert runtime.edges.keys() == {WORKFORCE_TENANT, B2C_TENANT}
    assert all(edges.transports.keys() == set(Service) for edges in runtime.edges.values())
    assert runtime.detections.keys() == {"lamp-switched"}
    assert runtime.kinds.keys() == {ObjectKind.CA_POLICY}


def test_the_apps_start_imports_neither_sdk() -> None:
    """Cold start is part of how late a case is."""
    slow = ("azure.", "msgraph", "httpx")
    code = f"import sys, shared.runtime; print([name for name in sys.modules if name.startswith({slow})])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("left_out", "channels"),
    [
        ((), [Channel.TEAMS, Channel.PAGERDUTY]),
        (("PAGERDUTY_ROUTING_KEY",), [Channel.TEAMS]),
        (("TEAMS_WEBHOOK_URL",), [Channel.PAGERDUTY]),
    ],
)
def test_the_channels_are_those_that_are_set(left_out: Sequence[str], channels: list[Channel]) -> None:
    settings = settings_with(**dict.fromkeys(left_out, ""))
    notifier = build_runtime(settings, _NO_CONTENT, environment=SETTINGS).notifier
    assert list(notifier._senders) == channels  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - sending would need both services


@pytest.mark.parametrize(
    ("lost", "channels"),
    [
        (("PAGERDUTY_ROUTING_KEY",), [Channel.TEAMS]),
        (("TEAMS_WEBHOOK_URL",), [Channel.PAGERDUTY]),
        (("TEAMS_WEBHOOK_URL", "PAGERDUTY_ROUTING_KEY"), []),
    ],
)
def test_a_channel_whose_secret_stayed_in_its_vault_is_dropped(lost: Sequence[str], channels: list[Channel]) -> None:
    settings = settings_with(**dict.fromkeys(lost, "@Microsoft.KeyVault(VaultName=kv;SecretName=s)"))
    notifier = build_runtime(settings, _NO_CONTENT, environment=SETTINGS).notifier
    assert list(notifier._senders) == channels  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - sending would need both services


# Credentials.


class _Made:
    """Stands for a credential class of azure-identity, and keeps how it was called."""

    def __init__(self, name: str, made: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> None:
        self.name = name
        self.made = made

    def __call__(self, *args: Any, **options: Any) -> "_Made":  # noqa: ANN401 - as the class takes
        self.made.append((self.name, args, options))
        return self

    def get_token(self, *scopes: str, **_: Any) -> str:  # noqa: ANN401
        return f"token of {self.name} for {scopes[0]}"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    for name in ("ManagedIdentityCredential", "CertificateCredential"):
        monkeypatch.setattr(azure.identity, name, _Made(name, calls))
    return calls


def _credential(settings: Settings, kind: TenantKind) -> LazyCredential:
    return LazyCredential(settings, next(tenant for tenant in settings.tenants if tenant.kind is kind))


@pytest.mark.parametrize(
    ("client_id", "options"), [("", {}), (RESPONDER.client_id or "", {"client_id": RESPONDER.client_id})]
)
def test_the_workforce_tenant_is_reached_by_managed_identity(
    made: list[Any], client_id: str, options: dict[str, str]
) -> None:
    credential = _credential(settings_with(WORKFORCE_CLIENT_ID=client_id), TenantKind.WORKFORCE)
    assert made == [], "nothing is made before the first token"
    tokens = {str(credential.get_token(_SCOPE)) for _ in range(3)}
    assert tokens == {f"token of ManagedIdentityCredential for {_SCOPE}"}
    assert made == [("ManagedIdentityCredential", (), {**options, **TIME_LIMITS})]


def test_the_b2c_tenant_is_reached_by_certificate_from_a_file_or_base64(made: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(b"a certificate")
    for setting in (str(file), base64.b64encode(b"a certificate").decode()):
        _credential(settings_with(B2C_CERTIFICATE=setting), TenantKind.B2C).get_token(_SCOPE)
    for _, args, options in made:
        assert args == (B2C_TENANT, RESPONDER_B2C.client_id)
        assert options["certificate_data"] == b"a certificate"
        assert options["authority"] == "https://login.microsoftonline.com"
        assert options["disable_instance_discovery"] is False
        assert options.items() >= TIME_LIMITS.items()
    assert len(made) == 2


def _certificate_without_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made-up.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    now = datetime.now(UTC)
    built = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "setting",
    [
        "no-such-file.pem",
        "not base64 at all!",
        base64.b64encode(b"not a certificate").decode(),
        base64.b64encode(_certificate_without_key()).decode(),
        "\0",
        "x" * 5_000,
    ],
    ids=["a file that isn't there", "text", "other bytes", "no key", "no path", "long"],
)
def test_a_certificate_that_cannot_be_used_is_refused_not_a_fault(setting: str) -> None:
    """A refusal is paged with its reason; a fault would only be tried again."""
    credential = _credential(settings_with(B2C_CERTIFICATE=setting), TenantKind.B2C)
    for _ in range(2):
        with pytest.raises(Refused, match="B2C_CERTIFICATE can't be used") as raised:
            credential.get_token(_SCOPE)
        assert setting not in str(raised.value)
        assert raised.value.__cause__ is None


def test_a_certificate_that_stayed_in_its_vault_is_refused_in_words_and_the_other_tenant_goes_on() -> None:
    settings = settings_with(B2C_CERTIFICATE="@Microsoft.KeyVault(VaultName=kv;SecretName=b2c-certificate)")
    with pytest.raises(Refused, match=r"B2C_CERTIFICATE didn't resolve \(secret b2c-certificate\)"):
        _credential(settings, TenantKind.B2C).get_token(_SCOPE)
    workforce = _credential(settings, TenantKind.WORKFORCE)
    assert isinstance(workforce._make(), azure.identity.ManagedIdentityCredential)  # pyright: ignore[reportPrivateUsage] - a token would need the network


def test_a_certificate_with_its_key_is_taken(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made-up.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    certificate = (
        builder.serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(pem)
    credential = _credential(settings_with(B2C_CERTIFICATE=str(file)), TenantKind.B2C)
    assert isinstance(credential._make(), azure.identity.CertificateCredential)  # pyright: ignore[reportPrivateUsage] - a token would need the network


def test_a_wrong_connection_string_is_told_when_it_is_used() -> None:
    runtime = build_runtime(settings_with(), _NO_CONTENT, environment={"AzureWebJobsStorage": "nonsense"})
    with pytest.raises(Rejected, match="should be a connection string"):
        runtime.storage.create_all()
