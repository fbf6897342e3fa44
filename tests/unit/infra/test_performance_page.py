"""The page with the figures is made of what was measured, and says what each figure is."""

import json

import pytest

from tests.benchmarks.report import FIGURES, PAGE, SECTIONS, page

_COMPUTER = {"cores": 2, "processor": "one", "load": 0.5}


def test_the_page_is_as_the_figures_make_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(FIGURES.read_text(encoding="utf-8")))


def test_a_figure_stands_beside_what_it_means_and_its_aim() -> None:
    made = page({"computer": _COMPUTER, "figures": {"remedy": {"in_function_p50_ms": 41.5}}})
    assert "| ms from the begin of the function until the call, median | 41.5 | ≤ 50 |" in made


def test_how_it_grows_is_said() -> None:
    made = page({"computer": _COMPUTER, "figures": {"posture": {"read_seconds_for_ten_times_the_people": 1.5}}})
    assert "| seconds of the processor for reading: times as many for ten times the people | 1.5 |" in made


@pytest.mark.parametrize("figures", [{"nothing": {"ms": 1}}, {"remedy": {"nothing": 1}}])
def test_what_nobody_has_explained_is_not_shown(figures: dict[str, dict[str, float]]) -> None:
    with pytest.raises(KeyError):
        page({"computer": _COMPUTER, "figures": figures})


def test_no_figure_is_explained_twice() -> None:
    titles = [section.title for section in SECTIONS.values()]
    assert len(titles) == len(set(titles))
