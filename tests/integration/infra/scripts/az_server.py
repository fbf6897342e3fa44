"""The `az` on the scripts' PATH: a few lines of bash that hand each call over to the simulated one."""

import socketserver
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.integration.infra.scripts.simulated_az import SimulatedAz

CLIENT: Final = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT
{ printf '%s\0' "$PWD" "$#" "$@"; env -0; printf '\0'; } >&3
read -r status out err <&3
cat "$out"
cat "$err" >&2
exit "$status"
"""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, AzServer)
        raw = b""
        while not raw.endswith(b"\0\0"):
            if not (chunk := self.connection.recv(65_536)):
                return
            raw += chunk
        folder, count, *rest = raw.decode().split("\0")
        argv, pairs = rest[: int(count)], rest[int(count) :]
        environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        with server.one_at_a_time:
            status, out, err = server.az.run(argv, folder=Path(folder), environment=environment)
        files = [server.az.folder / f"{uuid.uuid4().hex}.{kind}" for kind in ("out", "err")]
        for file, text in zip(files, (out, err), strict=True):
            file.write_text(text, encoding="utf-8")
        with suppress(BrokenPipeError):
            self.wfile.write(f"{status} {files[0]} {files[1]}\n".encode())


class AzServer(socketserver.ThreadingTCPServer):
    """Where the `az` on the scripts' PATH hands its calls over."""

    daemon_threads = True

    def __init__(self, az: SimulatedAz) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.az = az
        self.one_at_a_time = threading.Lock()

    def install(self, folder: Path) -> None:
        """Put the `az` into a folder."""
        client = folder / "az"
        client.write_text(CLIENT.replace("PORT", str(self.server_address[1])), encoding="utf-8")
        client.chmod(0o755)
