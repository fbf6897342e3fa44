"""What commands print: texts of others are escaped, and the ends of our own lines aren't."""

import ast
from collections.abc import Iterator
from pathlib import Path

from responders import commands

_FOLDER = Path(commands.__file__).parent


def _escaped_line_ends() -> Iterator[str]:
    """Find calls of `escaped` with a line's end of our own in the text: it would be shown by its name."""
    for path in sorted(_FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "escaped":
                texts = [each.value for one in node.args for each in ast.walk(one) if isinstance(each, ast.Constant)]
                if any(isinstance(text, str) and "\n" in text for text in texts):
                    yield f"{path.name}:{node.lineno}"


def test_no_end_of_a_line_is_shown_by_its_name() -> None:
    assert [*_escaped_line_ends()] == []
