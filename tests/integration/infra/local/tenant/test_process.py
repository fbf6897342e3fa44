import stat
from pathlib import Path

import httpx

from tests.integration.infra.local.tenant.conftest import started


def test_prints_where_everything_is_and_stops_cleanly_on_sigterm(tmp_path: Path, anonymous: httpx.Client) -> None:
    process, ready = started(tmp_path)
    with process:
        assert ready.ready
        assert anonymous.get(f"{ready.control}/state").status_code == 200
        assert ready.identity_endpoint == f"{ready.graph}/msi/token"
        assert ready.authority.startswith("https://localhost:")
        assert (Path(ready.ca_file), Path(ready.b2c_certificate)) == (tmp_path / "ca.pem", tmp_path / "b2c.pem")
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_keeps_the_private_key_to_its_owner(tmp_path: Path) -> None:
    process, ready = started(tmp_path)
    with process:
        process.terminate()
        assert stat.S_IMODE(Path(ready.b2c_certificate).stat().st_mode) == 0o600
