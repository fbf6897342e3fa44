from dataclasses import replace

import pytest

from tests.infra.checks.breaking import broken, intact, only, problems_in, says

_ALERTS = "modules/alerts.bicep"
_CASES = "modules/queries/cases.kql"
_SOURCES = "modules/queries/sources.kql"
_POISON = "modules/queries/poison-messages.kql"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_CASES, "startswith 'case '", "startswith 'Case '", "no log line of the app has 'Case '"),
        (_CASES, "' closed: ' Decision", "' finished: ' Decision", "no log line of the app has"),
        (_SOURCES, "'resume_cases'", "'resume_case'", "no function is called resume_case; there is"),
        (
            _ALERTS,
            "function: 'take_snapshots'",
            "function: 'take_snapshot'",
            "nobody notices when the timer take_snapshots",
        ),
        (_ALERTS, "    name: 'dead-letters'\n", "    name: 'letters'\n", "there is no alert dead-letters; add it"),
        (_POISON, "/cases-poison/", "/case-poison/", "the alert poison-messages doesn't look at /cases-poison/"),
        (
            _ALERTS,
            "      actions: {\n        actionGroups: [\n          people.id\n        ]\n      }\n",
            "",
            "tells nobody",
        ),
    ],
)
def test_a_watch_that_would_not_see_is_found(file: str, old: str, new: str, said: str) -> None:
    found = broken(file, (old, new))
    assert any(said in one for one in found), found


def test_a_log_line_that_changes_in_the_code_is_noticed() -> None:
    changed = tuple(text.replace(" closed: ", " ended: ") for text in says().log_texts)
    found = problems_in(dict(intact().files), by=replace(says(), log_texts=changed))
    assert {one.partition(":")[0] for one in found} == {f"infra/{_CASES}", "infra/modules/queries/time-to-put-back.kql"}


def test_a_new_timer_asks_for_an_alert() -> None:
    more = replace(says(), functions={**says().functions, "read_posture": "timer_trigger"})
    only(problems_in(dict(intact().files), by=more), _ALERTS, "nobody notices when the timer read_posture stops")


def test_the_alert_on_changes_may_not_be_missing() -> None:
    text = intact().files[_ALERTS]
    start = text.index("resource changed ")
    end = text.index("\n}\n", start) + 3
    found = problems_in({**intact().files, _ALERTS: text[:start] + text[end:]})
    assert any("nobody is told when the app is changed or stopped" in one for one in found), found
