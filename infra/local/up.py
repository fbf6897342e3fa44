"""`make up`: start the local stack on its usual ports and leave it running until Ctrl-C.

Its settings are in `.local/settings.json`. SIGHUP starts the functions host anew, as a deployment does.
"""

import fcntl
import os
import signal
import sys
import threading
from typing import Final

from infra.local.desk import settle_in
from infra.local.programs import ProgramError
from infra.local.stack import REPOSITORY, Stack


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
            while not done.wait(1) and stack.host_program.is_running():
                if redeploying.is_set():
                    redeploying.clear()
                    stack.redeploy()
                    print("The functions host runs the code as it is now.", flush=True)
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


_WELCOME: Final = """
The local stack is up. Ctrl-C stops it; `kill -HUP {process}` deploys the code as it is now.
It plays what is deployed: storage by managed identity, events through a queue, sign-in in front of the app.

  pager inbox       {inbox}
  functions host    {host}
  console           {host}/api/console
  simulated tenant  {tenant}
  settings          .local/settings.json   (for example: responder cases --settings .local/settings.json)
  logs              .local/logs

A link in a card asks who you are: Alice Alvarez is let in.
"""

if __name__ == "__main__":
    sys.exit(main())
