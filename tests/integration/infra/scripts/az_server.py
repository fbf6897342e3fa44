"""The `az` on the scripts' PATH: a few lines of bash that hand each call over to the simulated one."""

import socketserver
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.integration.infra.scripts.simulated_az import SimulatedAz

_CLIENT: Final = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT
printf '%s\0' "$PWD" "$$" "$#" "$@" >&3
[ -e "/proc/$$/environ" ] || env -0 >&3
printf '\0' >&3
read -r status out err <&3
IFS= read -r -d '' text <"$out"
printf '%s' "$text"
IFS= read -r -d '' text <"$err"
printf '%s' "$text" >&2
exit "$status"
"""
"""It runs some ten thousand times in the tests, so it starts no other program."""


class _Handler(socketserver.StreamRequestHandler):
    _unread = b""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, AzServer)
        try:
            folder, process, count = (self._field() for _ in range(3))
            argv = [self._field() for _ in range(int(count))]
            environment = dict(pair.split("=", 1) for pair in self._variables(process) if "=" in pair)
        except (EOFError, FileNotFoundError, ProcessLookupError):  # whoever called has ended meanwhile
            return
        with server.one_at_a_time:
            status, out, err = server.az.run(argv, folder=Path(folder), environment=environment)
        files = [server.az.folder / f"{uuid.uuid4().hex}.{kind}" for kind in ("out", "err")]
        for file, text in zip(files, (out, err), strict=True):
            file.write_text(text, encoding="utf-8")
        with suppress(BrokenPipeError):
            self.wfile.write(f"{status} {files[0]} {files[1]}\n".encode())

    def _field(self) -> str:
        """Read up to the next NUL."""
        while b"\0" not in self._unread:
            if not (chunk := self.connection.recv(65_536)):
                raise EOFError("the az on the PATH broke off")
            self._unread += chunk
        field, _, self._unread = self._unread.partition(b"\0")
        return field.decode()

    def _variables(self, process: str) -> Iterator[str]:
        """Give the process's variables with their values: from the system where it shows them, else from itself."""
        shown = Path(f"/proc/{process}/environ")
        if shown.exists():
            yield from shown.read_text(encoding="utf-8").split("\0")
        else:
            yield from iter(self._field, "")


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
        client.write_text(_CLIENT.replace("PORT", str(self.server_address[1])), encoding="utf-8")
        client.chmod(0o755)
