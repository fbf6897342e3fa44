"""Commands with which a person sends a request of Microsoft Graph by hand."""

import json
import shlex
from typing import Final

from shared.model.kinds import Image

GRAPH: Final = "https://graph.microsoft.com/v1.0"


def az_rest(method: str, url: str, body: Image | None = None) -> str:
    """Give the command that sends a request, with a JSON body or none; each of both stays one word of the shell."""
    command = f"az rest --method {method} --url {shlex.quote(url)}"
    return command if body is None else f"{command} --body {shlex.quote(json.dumps(body, ensure_ascii=False))}"


def restoring(object_id: str) -> str:
    """Give the command that takes an object of the directory out of the bin."""
    return az_rest("POST", f"{GRAPH}/directory/deletedItems/{object_id}/restore")
