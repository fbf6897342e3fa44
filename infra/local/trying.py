"""`responder try STORY`: play one scene on the stack that `make up` left running, and say where to look.

Without a story it lists them.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from infra.local import story
from infra.local.desk import until
from infra.local.narrator import Narrator, Played
from infra.local.stack import REPOSITORY
from infra.local.story import Scene, State
from infra.local.tenant.control import TenantControl
from responders.commands.connection import CommandError, move_to_the_app, unknown, values_from
from responders.commands.tables import Format, add_output_option, print_list, print_table
from shared.clients.storage import Storage
from shared.model.cases import Case
from shared.model.clock import utc_now
from shared.model.settings import settings_from
from shared.respond.ledger import Ledger


def _as_it_was(_state: State) -> str:
    """Have nothing compared: what it stood at before depends on what was tried before."""
    return ""


STORIES: Final[Mapping[str, Scene]] = {
    "exclusion": story.SELF_EXCLUSION,
    "hidden-change": story.HIDDEN_BEHIND_ANOTHER,
    "policy-created": story.POLICY_CREATED,
    "policy-deleted": story.POLICY_DELETED,
    "custom-policy": story.CUSTOM_POLICY_UPLOADED,
    "owner-taken": story.OWNER_TAKEN,
    "weak-method": story.WEAK_METHOD,
    "impostor": replace(story.IMPOSTOR_CHANGE, check=_as_it_was),
    "approved-change": story.APPROVED_CHANGE,
    "passwords": story.PASSWORDS_GUESSED,
    "break-glass": story.BREAK_GLASS_USED,
}
"""What can be tried, by its name. Each can be tried again once it was put back."""

_SETTINGS: Final = REPOSITORY / ".local" / "settings.json"
_WITHIN_SECONDS: Final = 90.0
_NO_STACK: Final = "no stack of this folder is running: start it with `make up`, in another terminal"


def main(argv: Sequence[str] | None = None) -> int:
    """List the stories, or play one; gives the exit status."""
    parser = argparse.ArgumentParser(prog="responder try", description=__doc__)
    parser.add_argument("story", nargs="?", default="")
    add_output_option(parser)
    arguments = parser.parse_args(argv)
    if not arguments.story:
        rows = [(name, scene.summary) for name, scene in STORIES.items()]
        names = ("story", "what happens")
        if arguments.output == Format.TABLE:
            print_table(names, rows, none="no stories")  # whole sentences: nothing of them is cut
        else:
            print_list(arguments, names, rows, none="no stories")
        return 0
    try:
        return play(arguments.story, _SETTINGS)
    except CommandError as error:
        print(f"responder: {error}", file=sys.stderr)
        return error.exit_status


def play(name: str, settings: Path) -> int:
    """Play a story on the stack that wrote these settings; gives the exit status.

    Raises:
        CommandError: there is no such story, no such stack, or nothing came of it.
    """
    scene = STORIES.get(name)
    if scene is None:
        raise unknown("story", name, STORIES, listed_by="responder try")
    if not settings.exists():
        raise CommandError(_NO_STACK)
    # The file alone counts: the shell's own environment may be that of a real installation.
    values = values_from(argparse.Namespace(settings=str(settings)))
    move_to_the_app(values)
    narrator = Narrator()
    narrator.say(f"{scene.summary} …")
    try:
        with TenantControl(f"{values['GRAPH_URL']}/control") as tenant:
            played = Played(scene=scene, began=datetime.now(UTC), target_id=scene.act(tenant))
            storage = Storage(values)
            ledger = Ledger(storage, storage, clock=utc_now, lease=timedelta(minutes=1))
            tenants = settings_from(values).tenants
            played.case = until(
                lambda: played.case_among(case for each in tenants for case in ledger.cases(each.id, most=50)),
                within=_WITHIN_SECONDS,
                what="nothing came of it, perhaps since it was so already",
            )
            played.wrong = scene.check(tenant.state())
    except httpx.ConnectError as error:
        raise CommandError(_NO_STACK) from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise CommandError(f"the simulated tenant refuses it ({status}): was it done before?") from error
    except TimeoutError as error:
        raise CommandError(f"{error}; `responder cases` lists what there is, .local/logs what was done") from error
    narrator.print_scene(played)
    narrator.say(where_to_look(played.case, values))
    return 1 if played.wrong else 0


def where_to_look(case: Case, values: Mapping[str, str]) -> str:
    """Say where a person sees a case, and what can be done about it."""
    settings = "--settings .local/settings.json"
    lines = [
        ("console", values["CASE_LINK"].format(case=case.id)),
        ("card", "http://" + values["TEAMS_WEBHOOK_URL"].split("/")[2]),
        ("the case", f".venv/bin/responder cases {case.id} {settings}"),
    ]
    if case.put_back:
        lines.append(("undo it", f".venv/bin/responder undo {case.id} {settings}"))
    return "\n".join(f"  {name:<9} {text}" for name, text in lines)


if __name__ == "__main__":
    sys.exit(main())
