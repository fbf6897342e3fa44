"""`python -m infra.local.inbox`: start the pager inbox on loopback and say on one line of stdout where it is."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from aiohttp import web

from infra.local.inbox.app import ENQUEUE_PATH, SIGNATURE, WORKFLOW_PATH, Inbox, Libraries, application, new_inbox

_REPOSITORY = Path(__file__).resolve().parents[3]
_ADAPTIVE_CARDS = Path("adaptivecards/dist/adaptivecards.min.js")
_MARKDOWN_IT = Path("markdown-it/dist/markdown-it.min.js")


def find_script(script: Path, folders: tuple[Path, ...]) -> Path:
    """Find a script in the first folder that has it.

    Raises:
        FileNotFoundError: no folder has it; says where it looked and how to get it.
    """
    found = next((folder / script for folder in folders if (folder / script).is_file()), None)
    if found is None:
        looked = " and ".join(str(folder) for folder in folders)
        raise FileNotFoundError(f"{script} isn't in {looked}: run `npm ci`, or say where it is with --node-modules.")
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.inbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port (the default)")
    parser.add_argument("--webhook", default="", metavar="URL", help="where PagerDuty's webhook goes (nowhere)")
    parser.add_argument("--node-modules", type=Path, help="where to look besides the repository's node_modules")
    return parser.parse_args()


async def _serve(inbox: Inbox, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(inbox), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, bound = runner.addresses[0][:2]
        url = f"http://{host}:{bound}"
        ready = {
            "ready": True,
            "url": url,
            "teams": f"{url}{WORKFLOW_PATH}?sig={SIGNATURE}",
            "pagerduty": f"{url}{ENQUEUE_PATH}",
            "routing_key": inbox.routing_key,
            "webhook_secret": inbox.webhook.secret,
        }
        print(json.dumps(ready, separators=(",", ":")), flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> int:
    """Run until SIGTERM or SIGINT; 2 when it can't start."""
    options = _options()
    folders = (_REPOSITORY / "node_modules", *([options.node_modules] if options.node_modules else []))
    try:
        libraries = Libraries(
            adaptivecards=find_script(_ADAPTIVE_CARDS, folders),
            markdown_it=find_script(_MARKDOWN_IT, folders),
        )
        asyncio.run(_serve(new_inbox(libraries, webhook_url=options.webhook), options.port))
    except OSError as error:
        print(f"The inbox can't start: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
