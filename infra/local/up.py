"""`make up`: start the local stack on its usual ports and leave it running until Ctrl-C.

Its settings are in `.local/settings.json`. SIGHUP starts the functions host anew, as a deployment does.
"""

import fcntl
import os
import signal
import sys
import threading
from typing import Final

import httpx

from infra.local.desk import settle_in
from infra.local.programs import ProgramError
from infra.local.stack import REPOSITORY, Stack
from infra.local.story import BREAK_GLASS_USED, SELF_EXCLUSION


def main() -> int:
    """Start the stack on its usual ports, with what a team enters on its first day, and keep it until Ctrl-C."""
    folder = REPOSITORY / ".local"
    folder.mkdir(exist_ok=True)
    # Two would write the same settings and certificates: the first would fail from then on, and not show it.
    lock = (folder / "running").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        print(
            f"a stack of this folder is running already (process {lock.read().strip()}): stop it first", file=sys.stderr
        )
        return 1
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    done, redeploying = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: done.set())
    signal.signal(signal.SIGHUP, lambda _number, _frame: redeploying.set())
    try:
        with Stack(folder, ports={"host": 7071, "tenant": 7072, "inbox": 7073}) as stack:
            settle_in(stack)
            print(
                _WELCOME.format(
                    host=stack.host["url"],
                    inbox=stack.inbox["url"],
                    tenant=stack.tenant["graph"],
                    process=os.getpid(),
                ),
                flush=True,
            )
            if not done.is_set():
                _look_around(stack)
            while not done.wait(1) and stack.host_program.is_running():
                if redeploying.is_set():
                    redeploying.clear()
                    stack.redeploy()
                    print("The functions host runs the code as it is now.", flush=True)
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _look_around(stack: Stack) -> None:
    """Have something to see from the start: a change that is put back, a page, and how the tenant stands."""
    try:
        for scene in (SELF_EXCLUSION, BREAK_GLASS_USED):
            scene.act(stack.control)
            print(f"Just now: {scene.summary}. The inbox and the console show what comes of it.", flush=True)
        headers = stack.operator_headers()
        httpx.post(f"{stack.host['url']}/api/posture", headers=headers, timeout=_LOOK_SECONDS).raise_for_status()
    except httpx.HTTPError as error:
        print(f"Not all of it could be shown: {error}", flush=True)


_LOOK_SECONDS: Final = 120

_WELCOME: Final = """
The local stack is up. Ctrl-C stops it; `kill -HUP {process}` deploys the code as it is now.
It plays what is deployed: storage by managed identity, events through a queue, sign-in in front of the app.

  pager inbox       {inbox}
  functions host    {host}
  console           {host}/api/console
  simulated tenant  {tenant}
  settings          .local/settings.json
  logs              .local/logs

A link in a card asks who you are: Alice Alvarez is let in.

Things to try, in another terminal:

  .venv/bin/responder try                                            what can happen, like: responder try owner-taken
  .venv/bin/responder cases --settings .local/settings.json          what happened, and what was done
  .venv/bin/responder posture --settings .local/settings.json        how the tenant stands against the roadmap
"""

if __name__ == "__main__":
    sys.exit(main())
