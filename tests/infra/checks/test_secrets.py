import pytest

from tests.infra.checks.breaking import broken, only

_KEY = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaWprbA=="


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "main.bicep",
            "param caseLink string = ''",
            f"param caseLink string = '{_KEY}'",
            "Zm9vYm… looks like a secret",
        ),
        (
            "main.bicep",
            "param caseLink string = ''",
            "param caseLink string = 'https://x/?code=ab'",
            "looks like a secret",
        ),
        ("modules/app.bicep", ": 'managedidentity'", ": 'AccountKey=abc'", "looks like a secret; keep it in the vault"),
        ("main.bicep", "@secure()\nparam teamsWebhookUrl", "param teamsWebhookUrl", "put @secure() before it"),
        ("modules/vault.bicep", "@secure()\nparam b2cCertificate", "param b2cCertificate", "put @secure() before it"),
        (
            "main.bicep",
            "param b2cCertificate string = ''",
            "param b2cCertificate string = 'x'",
            "its default may only be",
        ),
        (
            "modules/storage.bicep",
            "output name string = account.name",
            "output name string = account.listKeys().keys[0].value",
            "listKeys takes a key",
        ),
        (
            "modules/vault.bicep",
            "output name string = vault.name",
            "output name string = teamsWebhookUrl",
            "shows teamsWebh",
        ),
        (
            "main.bicep",
            "    caseLink: caseLink\n",
            "    caseLink: teamsWebhookUrl\n",
            "handed on as caseLink, which isn't secret",
        ),
    ],
)
def test_a_secret_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(one.startswith(f"infra/{file}:") and said in one for one in found), found


def test_ids_of_roles_are_not_taken_for_secrets() -> None:
    file = "modules/vault.bicep"
    found = broken(
        file,
        (
            "var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'",
            "var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e7'",
        ),
    )
    only(found, file, "the built-in role")
