"""The sums of docs/cost.md, worked out once more, and its quantities against the Bicep."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from infra.checks.declared import declared

_PAGE: Final = Path(__file__).resolve().parents[4] / "docs" / "cost.md"
_SUMS: Final = re.findall(r"`([^`=]+) = ([\d.,]+)`", _PAGE.read_text("utf-8"))
_OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _worked_out(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_worked_out(left), _worked_out(right))
        case _:
            raise AssertionError(f"not arithmetic: {ast.unparse(node)}")


@pytest.mark.parametrize(("terms", "result"), _SUMS)
def test_a_sum_is_right(terms: str, result: str) -> None:
    tree = ast.parse(terms.replace("\N{MULTIPLICATION SIGN}", "*").replace(",", ""), mode="eval")
    assert _worked_out(tree.body) == pytest.approx(float(result.replace(",", "")), rel=0.012)


def test_there_are_sums() -> None:
    assert len(_SUMS) > 30


@pytest.fixture(scope="module")
def timers() -> Mapping[str, str]:
    """Give the schedule of each timer."""
    return declared().timers


@pytest.mark.parametrize(
    ("timer", "said"),
    [
        ("resume_cases", "each minute"),
        ("poll_directory_audits", "each 2 minutes"),
        ("poll_sign_ins", "each 2 minutes"),
        ("take_snapshots", "each 10 minutes"),
        ("sweep_rosters", "each 15 minutes"),
        ("count_in_log_analytics", "each 10 minutes"),
        ("backfill_directory_audits", "each 15 minutes"),
        ("backfill_sign_ins", "each 15 minutes"),
        ("purge_old_data", "daily"),
        ("keep_lists", "daily"),
    ],
)
def test_the_runs_are_those_of_the_schedules(timers: Mapping[str, str], timer: str, said: str) -> None:
    assert f"`{timer}`, {said}" in _PAGE.read_text("utf-8")
    every = {
        "each minute": r"\d+ \*",
        "each 2 minutes": r"\d+ \*/2",
        "each 10 minutes": r"\d+ \*/10",
        "each 15 minutes": r"\d+ \*/15",
        "daily": r"0 \d+ \d+",
    }
    assert re.match(every[said], timers[timer])
