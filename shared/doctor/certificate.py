"""The certificate by which the B2C tenant knows the responder. Azure warns nobody before it expires."""

from datetime import datetime, timedelta
from typing import Final

from shared.checks.check import Check, Finding, Unread, failed, ok, warning
from shared.clients.credentials import certificate_bytes
from shared.doctor.context import DoctorContext, settings_of
from shared.model.kinds import TenantKind

_SOON: Final = timedelta(days=28)


def expiry_of(content: bytes) -> datetime:
    """Give the instant at which the certificate in a PEM or PFX file expires.

    Raises:
        ValueError: there is none in it.
    """
    from cryptography import x509  # noqa: PLC0415 - imported on first use, start-up is a feature
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates  # noqa: PLC0415

    if b"-----BEGIN CERTIFICATE-----" in content:
        return x509.load_pem_x509_certificate(content).not_valid_after_utc
    _, certificate, _ = load_key_and_certificates(content, None)
    if certificate is None:
        raise ValueError("there is no certificate in it")
    return certificate.not_valid_after_utc


def _lasting(context: DoctorContext) -> list[Finding]:
    if unresolved := context.settings.unresolved_of("B2C_CERTIFICATE"):
        raise Unread(unresolved.message, cure=unresolved.cure)
    tenants = context.tenants(TenantKind.B2C)
    return [_look(context, tenant.certificate) for tenant in tenants] or [ok("there is no B2C tenant")]


def _look(context: DoctorContext, setting: str) -> Finding:
    try:
        end = expiry_of(certificate_bytes(setting))
    except (ValueError, OSError) as error:
        # What these say may quote the certificate.
        raise Unread(f"B2C_CERTIFICATE can't be read ({type(error).__name__})") from None
    left = end - context.clock()
    text = f"the certificate is valid until {end:%Y-%m-%d}"
    if left <= timedelta():
        return failed(f"{text}: it has run out")
    return warning(f"{text}, {left.days} days more") if left < _SOON else ok(text)


CHECKS: Final = (
    Check(
        id="b2c-certificate-lasting",
        title="The certificate of the B2C tenant has time left",
        cure="infra/scripts/grant.sh --b2c --renew makes a new one beside it; the app takes it within a day, or when it"
        " is restarted.",
        reads=(settings_of,),
        run=_lasting,
    ),
)
