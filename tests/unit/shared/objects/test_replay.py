"""The baseline with its provenance, worked out by instants."""

from typing import Any, Final

import pytest

from shared.model.kinds import Json
from shared.model.objects import EXISTS, WHOLE, Op, Provenance
from tests.fakes.object_stories import Story, at


def baseline(story: Story, leaf: str, **stands: Any) -> tuple[Json, Provenance, float]:  # noqa: ANN401 - leaves
    found = story.plan(5000, **stands).baseline
    agreed = found.get(leaf, found[WHOLE])
    return agreed.value, agreed.provenance, (agreed.since - at(0)).total_seconds()


_UNWANTED: Final = (
    Story()
    .absent()
    .change(600, "Mallory", Op.CREATE, state=(None, "on"), colour=(None, "red"))
    .change(700, "Alice", state=("on", "dim"))
)


@pytest.mark.parametrize(
    ("story", "leaf", "stands", "expected"),
    [
        pytest.param(Story(), "state", {}, ("on", Provenance.ACCEPTED, 0), id="accepted from the beginning"),
        pytest.param(Story().first_seen(), "state", {}, ("on", Provenance.FIRST_SEEN, 0), id="only seen"),
        pytest.param(
            Story().first_seen(), "session", {}, (None, Provenance.FIRST_SEEN, 0), id="absence was only seen too"
        ),
        pytest.param(
            Story().first_seen().accepted(600), "state", {}, ("on", Provenance.ACCEPTED, 600), id="accepted later"
        ),
        pytest.param(
            Story().first_seen().accepted(600),
            "session",
            {},
            (None, Provenance.ACCEPTED, 600),
            id="and so is what was absent",
        ),
        pytest.param(
            Story().first_seen().accepted(600, "state"),
            "state",
            {},
            ("on", Provenance.FIRST_SEEN, 0),
            id="what an acceptance doesn't cover stays as it was",
        ),
        pytest.param(
            Story().accepted(600, colour=None), "colour", {}, (None, Provenance.ACCEPTED, 600), id="accepted as absent"
        ),
        pytest.param(
            Story().accepted(600, gone=True), EXISTS, {"gone": True}, (None, Provenance.ACCEPTED, 600), id="as gone"
        ),
        pytest.param(
            Story().change(600, "Alice", state=("on", "off")),
            "state",
            {},
            ("off", Provenance.APPROVED, 600),
            id="approved, whether it still stands or not",
        ),
        pytest.param(
            Story().change(700, "Alice", state=("off", "dim")).change(600, "Bob", state=("on", "off")),
            "state",
            {},
            ("dim", Provenance.APPROVED, 700),
            id="by instants",
        ),
        pytest.param(
            Story().change(600, "Alice", late=2000, state=("on", "off")).accepted(700, state="dim"),
            "state",
            {},
            ("dim", Provenance.ACCEPTED, 700),
            id="a late record doesn't undo what a person accepted after it",
        ),
        pytest.param(
            Story().change(600, "Alice", is_whole=False),
            "state",
            {"state": "off"},
            ("off", Provenance.BRACKETED, 600),
            id="only versions say so",
        ),
        pytest.param(
            Story().change(600, "Alice", is_whole=False, state=("on", "off")),
            "state",
            {"state": "off", "colour": "blue"},
            ("off", Provenance.APPROVED, 600),
            id="the part that a cut record tells",
        ),
        pytest.param(
            Story().change(600, "Alice", Op.DELETE),
            EXISTS,
            {"gone": True},
            (None, Provenance.APPROVED, 600),
            id="deleted by an approved actor",
        ),
        pytest.param(
            Story().change(600, "Alice", Op.DELETE).change(700, "Alice", Op.CREATE, state=(None, "dim")),
            "colour",
            {"state": "dim"},
            (None, Provenance.APPROVED, 700),
            id="made again by an approved actor, without that leaf",
        ),
        pytest.param(
            Story().change(600, "Mallory", state=("on", "off")).ours(650, state=("off", "on")),
            "state",
            {},
            ("on", Provenance.PUT_BACK, 650),
            id="put back by us",
        ),
        pytest.param(
            Story().change(600, "Mallory", state=("on", "off")).ours(650, is_proven=False, state=("off", "on")),
            "state",
            {},
            ("on", Provenance.ACCEPTED, 0),
            id="perhaps put back by us",
        ),
        pytest.param(
            Story().first_seen().change(600, "Mallory", state=("on", "off")).ours(650, state=("off", "on")),
            "state",
            {},
            ("on", Provenance.FIRST_SEEN, 0),
            id="a person had us write it: it is nobody's all the same",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", late=2000, state=("on", "dim"))
            .change(610, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on")),
            "state",
            {},
            ("dim", Provenance.APPROVED, 600),
            id="our own writes aren't replayed as somebody's",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on"))
            .change(700, "Alice", state=("on", "off"), colour=("red", "blue")),
            "state",
            {"state": "off", "colour": "blue"},
            ("on", Provenance.PUT_BACK, 650),
            id="what an approved actor brings back of what we took isn't the baseline",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", state=("on", "off"))
            .ours(650, state=("off", "on"))
            .change(700, "Alice", state=("on", "off"), colour=("red", "blue")),
            "colour",
            {"state": "off", "colour": "blue"},
            ("blue", Provenance.APPROVED, 700),
            id="... but the rest of his change is",
        ),
        pytest.param(
            Story()
            .change(600, "Alice", late=100, state=("on", "off"))
            .ours(650, state=("off", "on"))
            .change(700, "Bob", state=("on", "off")),
            "state",
            {"state": "off"},
            ("off", Provenance.APPROVED, 700),
            id="an approved value that we took by mistake may come back",
        ),
        pytest.param(
            Story().filled(600, "session", "x"),
            "session",
            {"session": "x"},
            ("x", Provenance.FIRST_SEEN, 600),
            id="filled in by the service",
        ),
        pytest.param(
            Story().filled(600, "session", "x").accepted(700, session="x"),
            "session",
            {"session": "x"},
            ("x", Provenance.ACCEPTED, 700),
            id="filled in, and accepted later",
        ),
        pytest.param(
            Story().accepted(500).filled(600, "session", "x"),
            "session",
            {"session": "x"},
            ("x", Provenance.FIRST_SEEN, 600),
            id="filled in after it was accepted",
        ),
        pytest.param(
            Story().filled(600, "session", "x").accepted(600),
            "session",
            {},
            (None, Provenance.ACCEPTED, 600),
            id="filled in at the very instant at which it was accepted as absent",
        ),
        pytest.param(
            Story().filled(500, "state", "x").filled(600, "session", "x"),
            "session",
            {"session": "x"},
            ("x", Provenance.FIRST_SEEN, 600),
            id="filled in beside a leaf that was there before",
        ),
        pytest.param(
            Story().accepted(600, state="dim").change(700, "Alice", state=("dim", "off")).accepted(800, "state"),
            "state",
            {"state": "off"},
            ("off", Provenance.APPROVED, 700),
            id="approved between two acceptances, of which the later one doesn't cover it",
        ),
        pytest.param(
            Story().accepted(600, state="dim").change(600, "Alice", state=("dim", "off")),
            "state",
            {"state": "off"},
            ("off", Provenance.APPROVED, 600),
            id="approved at the very instant of an acceptance",
        ),
        pytest.param(
            _UNWANTED.change(800, "Mallory", colour=("red", "blue")),
            "state",
            {"state": "dim", "colour": "blue"},
            ("dim", Provenance.APPROVED, 700),
            id="an approved actor's part of what shouldn't be there",
        ),
        pytest.param(
            _UNWANTED.change(800, "Mallory", Op.DELETE),
            "state",
            {"gone": True},
            (None, Provenance.ACCEPTED, 0),
            id="... goes with it",
        ),
        pytest.param(
            Story()
            .change(700, "Mallory", Op.DELETE)
            .ours(800, Op.CREATE, state=(None, "on"))
            .filled(800, "session", "x"),
            "session",
            {"session": "x"},
            ("x", Provenance.FIRST_SEEN, 800),
            id="filled in at the very instant at which we made it again",
        ),
        pytest.param(
            Story()
            .change(600, "Mallory", Op.DELETE)
            .change(700, "Mallory", Op.CREATE, state=(None, "on"))
            .ours(800, colour=(None, "red"))
            .change(900, "Alice", colour=("red", None)),
            "colour",
            {"colour": None},
            ("red", Provenance.PUT_BACK, 800),
            id="what stood before somebody made it again doesn't stand any more: we took that it was absent",
        ),
    ],
)
def test_the_baseline_is_replayed(
    story: Story, leaf: str, stands: dict[str, Any], expected: tuple[Json, Provenance, float]
) -> None:
    assert baseline(story, leaf, **stands) == expected
    assert baseline(story.backwards(), leaf, **stands) == expected
