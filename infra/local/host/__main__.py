"""`python -m infra.local.host`: run a function app on this machine.

Ctrl-C stops it cleanly, giving running functions ten seconds; a second Ctrl-C ends it at once. Exit 0 after a clean
stop, 2 when an argument, the settings or the keys are wrong, 3 when the app can't be loaded.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from infra.local.host.app_settings import settings_from
from infra.local.host.auth_settings import auth_settings_from
from infra.local.host.console import claim_stdout, log_to_stderr
from infra.local.host.errors import AppError, SettingsError
from infra.local.host.host import USUAL, Options, Ready, run_host
from infra.local.host.instances import Scaling
from infra.local.host.keys import Keys, fresh_keys, keys_from

_WRONG_SETTINGS = 2
_WRONG_APP = 3
_INTERRUPTED = 130


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.host", description="Run a function app locally.")
    parser.add_argument("--app", type=Path, required=True, metavar="DIR", help="the folder with function_app.py")
    parser.add_argument(
        "--settings", type=Path, required=True, metavar="FILE", help="the app settings, as in local.settings.json"
    )
    parser.add_argument("--port", type=int, default=0, help="the port on loopback; 0, the default, takes any free one")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="the access keys; without it fresh ones are printed")
    parser.add_argument(
        "--hide-messages",
        type=_seconds,
        metavar="SECONDS",
        help="how long a message is hidden while its function runs, and so after a crash; 600 without it, as in Azure",
    )
    parser.add_argument(
        "--start-limit",
        type=_seconds,
        default=USUAL.start_limit,
        metavar="SECONDS",
        help="how long the app may take to initialise; as many as in Azure by default",
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=USUAL.grace,
        metavar="SECONDS",
        help="how long running functions may go on once the host was told to stop",
    )
    parser.add_argument(
        "--authentication",
        type=Path,
        metavar="FILE",
        help="App Service authentication in front: the properties of authsettingsV2; off without it",
    )
    parser.add_argument(
        "--cold-start",
        type=_seconds,
        metavar="SECONDS",
        help="let functions scale to zero, and start an instance in that time when one is needed; never without it",
    )
    parser.add_argument(
        "--idle",
        type=_seconds,
        default=timedelta(seconds=30),
        metavar="SECONDS",
        help="after how long without a run a function's last instance goes, with --cold-start",
    )
    parser.add_argument(
        "--always-ready", nargs="*", default=(), metavar="NAME", help="what never goes: http, function:NAME"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but warnings and failures")
    return parser.parse_args()


def _run(arguments: argparse.Namespace, stdout: TextIO) -> int:
    try:
        app: Path = arguments.app.resolve()
        for name, value in settings_from(arguments.settings).items():
            os.environ.setdefault(name, value)
        keys = keys_from(arguments.keys) if arguments.keys else fresh_keys()
        shown = None if arguments.keys else keys
        options = Options(
            start_limit=arguments.start_limit,
            grace=arguments.grace,
            hide_messages=arguments.hide_messages,
            authentication=auth_settings_from(arguments.authentication) if arguments.authentication else None,
            scaling=_scaling(arguments),
            is_quiet=arguments.quiet,
        )
        asyncio.run(
            run_host(
                app=app,
                port=arguments.port,
                keys=keys,
                announce=lambda ready: _announce(ready, shown, stdout),
                options=options,
            )
        )
    except SettingsError as refused:
        return _refuse(f"{refused}", _WRONG_SETTINGS)
    except AppError as refused:
        return _refuse(f"The app can't be loaded. {refused}", _WRONG_APP)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _scaling(arguments: argparse.Namespace) -> Scaling | None:
    if arguments.cold_start is None:
        return None
    return Scaling(idle=arguments.idle, cold_start=arguments.cold_start, always_ready=frozenset(arguments.always_ready))


def _announce(ready: Ready, keys: Keys | None, stdout: TextIO) -> None:
    line = {"ready": True, "url": ready.url, "functions": ready.functions}
    print(json.dumps(line | ({"keys": keys.to_json()} if keys else {})), file=stdout, flush=True)


def _refuse(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


def _leave(code: int) -> None:
    """End the process even when the app, or a function that never ends, holds a thread."""
    others = [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
    if others:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    given = _arguments()
    real_stdout = claim_stdout(quiet=given.quiet)
    log_to_stderr(quiet=given.quiet)
    _leave(_run(given, real_stdout))
