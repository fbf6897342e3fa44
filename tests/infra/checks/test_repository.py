import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from infra.checks.declared import declared
from infra.checks.deployments import Infrastructure
from infra.checks.problems import Problem
from tests.infra.checks.breaking import INFRA, intact, problems_in, says

_REPOSITORY = INFRA.parent


def test_nothing_is_wrong_in_the_repository() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "infra.checks"], cwd=_REPOSITORY, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert re.fullmatch(r"infra: \d+ files, \d+ resources, nothing wrong\n", finished.stdout)


def test_every_file_of_the_folder_is_read() -> None:
    there = {path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep*") if path.suffix != ".json"}
    assert there == set(intact().templates)


def test_a_problem_names_the_place_what_is_wrong_and_what_would_be_right() -> None:
    problem = Problem(file="modules/app.bicep", line=7, wrong="it leaks", right="close it")
    assert str(problem) == "infra/modules/app.bicep:7: it leaks; close it"
    assert str(Problem(file="../sample.json", line=1, wrong="no", right="yes")) == "sample.json:1: no; yes"


def test_the_sample_settings_are_asked_for() -> None:
    missing = problems_in(dict(intact().files), by=replace(says(), sample=None))
    assert missing == ["local.settings.sample.json:1: there is no such file; it carries every setting once"]


def test_the_sample_settings_have_each_setting_and_no_other() -> None:
    sample = says().settings - {"LEASE_SECONDS"} | {"LEASE_SECOND", "AzureWebJobsStorage"}
    assert problems_in(dict(intact().files), by=replace(says(), sample=sample)) == [
        "local.settings.sample.json:1: LEASE_SECOND is read by nobody; leave it out",
        "local.settings.sample.json:1: LEASE_SECONDS is missing; shared/settings.py has it",
    ]


def test_without_any_file_everything_is_missing_and_nothing_breaks(tmp_path: Path) -> None:
    empty = Infrastructure.read(tmp_path)
    assert empty.roots == ()
    assert "infra/main.bicep:1: no app settings are made; the app needs its settings" in problems_in(dict(empty.files))


def test_what_the_code_declares_is_read_from_the_code() -> None:
    found = declared()
    assert found.functions["subscription_events"] == "queue_trigger"
    assert found.functions_of("timer_trigger") >= {"resume_cases", "poll_directory_audits"}
    assert found.functions["list_cases"] == "route"
    assert "case %s closed: %s, %s" in found.log_texts
    assert found.operations >= {"microsoft.authorization/roleassignments/write"}
    assert "Microsoft.Authorization/roleAssignments/read" in found.watch_actions
    assert "Microsoft.Authorization/roleAssignments/delete" in found.act_actions
    assert not found.watch_actions & found.act_actions
