import sys
from pathlib import Path

import pytest

from infra import docs
from infra.detections_page import page
from responders.catalogue import CATALOGUE
from shared.detect.kusto.compile import why_no_query


def test_everything_generated_is_current() -> None:
    outdated = [path.name for path, text in docs.wanted_files().items() if path.read_text(encoding="utf-8") != text]
    assert outdated == []


def test_the_page_has_every_detection_with_what_it_does() -> None:
    text = page()
    for detection in CATALOGUE:
        section = text.partition(f"### {detection.id}\n")[2].partition("\n### ")[0]
        assert detection.title in section
        assert detection.why in section
        assert (f"(kql/{detection.id}.kql)" in section) is not bool(why_no_query(detection))
        assert detection.deviates in section
        assert all(f"`{permission}`" in section for permission in detection.needs)
        assert f"[{detection.id}](#{detection.id})" in text


def test_what_is_not_current_is_named_and_then_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {tmp_path / "page.md": "new\n", tmp_path / "kql" / "one.kql": "query\n"}
    monkeypatch.setattr(docs, "_ROOT", tmp_path)
    monkeypatch.setattr(docs, "_QUERIES", tmp_path / "kql")
    monkeypatch.setattr(docs, "wanted_files", lambda: wanted)
    (tmp_path / "kql").mkdir()
    (tmp_path / "kql" / "gone.kql").touch()
    (tmp_path / "page.md").write_text("old\n")
    monkeypatch.setattr(sys, "argv", ["docs", "--check"])
    assert docs.main() == 1
    assert sorted(line.split()[0] for line in capsys.readouterr().err.splitlines()) == sorted(
        ["page.md", "kql/one.kql", "kql/gone.kql"]
    )
    monkeypatch.setattr(sys, "argv", ["docs"])
    assert docs.main() == 0
    assert [path.name for path in (tmp_path / "kql").iterdir()] == ["one.kql"]
    monkeypatch.setattr(sys, "argv", ["docs", "--check"])
    assert docs.main() == 0
