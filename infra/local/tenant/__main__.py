"""`python -m infra.local.tenant --state DIR`: run the simulated tenant until SIGTERM or SIGINT."""

import argparse
import asyncio
import json
import signal
from pathlib import Path

from infra.local.tenant.certificates import make_certificates
from infra.local.tenant.server import Server
from infra.local.tenant.simulation import Simulation


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.tenant", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the certificates are written")
    parser.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
    parser.add_argument("--tls-port", type=int, default=0, help="HTTPS port of the token endpoint; 0 takes a free one")
    parser.add_argument("--verbose", action="store_true", help="write a line to stderr for each request")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    simulation = Simulation(make_certificates(arguments.state))
    server = Server(simulation, verbose=arguments.verbose)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port, tls_port = await server.start(port=arguments.port, tls_port=arguments.tls_port)
    print(json.dumps(_ready(simulation, port, tls_port)), flush=True)
    await stop.wait()
    await server.stop()


def _ready(simulation: Simulation, port: int, tls_port: int) -> dict[str, object]:
    """Say where everything is; the one line that goes to stdout."""
    root = f"http://127.0.0.1:{port}"
    return {
        "ready": True,
        "graph": root,
        "arm": root,
        "identity_endpoint": f"{root}/msi/token",
        "identity_header": simulation.identity_header,
        "authority": f"https://localhost:{tls_port}",
        "ca_file": str(simulation.certificates.ca_file.resolve()),
        "loopback_certificate": str(simulation.certificates.loopback_file.resolve()),
        "b2c_certificate": str(simulation.certificates.b2c_file.resolve()),
        "control": f"{root}/control",
    }


asyncio.run(_serve(_arguments()))
