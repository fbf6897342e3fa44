"""Words that made readers guess stay out of names and sentences; each failure says which word to use instead.

Names are checked by their parts (`is_step_a` has three), sentences in docstrings, comments, strings, documentation,
Bicep, queries and scripts. The names of tests are sentences. What is stored or typed keeps its old name, and everyday
words keep their everyday sense: `KEPT` lists where, each with its reason.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).resolve().parents[2]
_FOLDERS: Final = ("shared", "responders", "infra", "tests", "docs", ".github", ".ci")
_KINDS: Final = frozenset(
    {".py", ".md", ".bicep", ".bicepparam", ".kql", ".sh", ".js", ".html", ".css", ".yml", ".yaml", ".toml"}
)
_NAME_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

IN_NAMES: Final[Mapping[str, str]] = {
    "told": "the thing itself: reported_state, message, recorded_policy, …",
    "telling": "the thing itself: report, equivalent, …",
    "tell": "what it does: report, notify, print, …",
    "speaks": "matches, raises_case_when, applies_to",
    "firsts": "steps_a",
    "tally": "report, or counts",
    "tallies": "reports, or counts",
    "trial": "read_probe",
    "trials": "read_probes",
    "ground": "context",
    "clue": "prefilter",
    "clues": "prefilter",
    "traces": "prefilter",
    "vocabulary": "profile: the tenant profile",
    "vocabularies": "profiles: tenant profiles",
    "surroundings": "object_history",
    "legible": "escaped",
    "bulletin": "system_notice",
    "bulletins": "system_notices",
    "switches": "controls",
    "machine": "runtime",
}
"""Parts of names, with the name to use."""

IN_NAMES_OF_MODULES_AND_CLASSES: Final[Mapping[str, str]] = {
    "counting": "threshold aggregation",
    "counters": "window store",
    "together": "union, or aggregation",
    "pairs": "sequences",
    "mark": "step A",
    "marks": "sequence store",
    "differences": "diff",
    "words": "required keys, or the tenant profile",
}
"""Everyday words that say nothing as the name of a module or a class."""

IN_SENTENCES: Final[Mapping[str, str]] = {
    "speaks?": "matches, raises a case, applies to",
    "asks? about no actor": "applies whoever did it",
    "firsts": "step A of a sequence",
    "second telling": "KQL equivalent",
    "matcher of the day": "cached matcher, rebuilt when rosters change",
    "tall(y|ies)": "report, or counts",
    "trials?": "read probe",
    "clues?": "prefilter",
    "(?-i:[vV]ocabular(y|ies))": "tenant profile",
    "surroundings": "object history",
    "legibl[ey]": "escaped",
    "bulletins?": "system notice",
    "the machine": "the app, or the runtime",
}
"""Patterns of whole words, in any case, with what to write."""

_SENTENCES: Final = {
    re.compile(rf"\b{words.replace(' ', r'\s+')}\b", re.IGNORECASE): (words, use) for words, use in IN_SENTENCES.items()
}
_STEMS: Final = tuple(max(re.findall("[a-z]+", re.sub(r".\?", "", words)), key=len) for words in IN_SENTENCES)
"""Of each of those patterns what stands in every text that it finds, in lower case."""

_CLASS: Final = re.compile(r"^\s*class\s+(\w+)", re.MULTILINE)
_VOCABULARY: Final = "(?-i:[vV]ocabular(y|ies))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a word stays: the beginning of the files' paths, a pattern of the line, and why."""

    word: str
    path: str
    line: str
    why: str


KEPT: Final = (
    Kept(word="vocabulary", path="", line=r"\bVOCABULARY\b", why="the setting that holds the tenant profile"),
    Kept(word=_VOCABULARY, path="infra/", line="vocabulary", why="the parameter of the deployment"),
    Kept(word=_VOCABULARY, path="docs/infrastructure.md", line="`vocabulary`", why="that parameter's row"),
    Kept(word=_VOCABULARY, path="responders/commands/catalogue.py", line='"vocabulary":', why="a key of its JSON"),
    Kept(word=_VOCABULARY, path="tests/unit/responders/commands/", line='vocabulary"', why="that key of the JSON"),
    Kept(word="speaks?", path="responders/commands/", line='"speaks"', why="a key of the JSON of two commands"),
    Kept(word="speaks?", path="tests/unit/responders/commands/", line="speaks", why="that key of the JSON"),
    Kept(word="words", path="shared/model/bilingual.py", line="class Words", why="a text in English and Korean"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A word that is to be replaced, where it was found."""

    path: str
    number: int
    line: str
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.word!r} in {self.line.strip()!r}: write {self.instead}"

    def is_kept(self, kept: Kept) -> bool:
        """Say whether an entry of `KEPT` lets the word stand here."""
        return kept.word == self.word and self.path.startswith(kept.path) and bool(re.search(kept.line, self.line))


def uses_in(path: str, text: str) -> list[Use]:
    """Find the words to be replaced in a file and its name."""
    lines = text.splitlines() or [""]
    found = {*_in_python(text), *_in_module_name(Path(path).stem)} if path.endswith(".py") else {*_in_sentence(text, 1)}
    return [
        Use(path=path, number=number, line=lines[number - 1], word=word, instead=instead)
        for number, word, instead in sorted(found)
    ]


def _in_module_name(name: str) -> Iterator[tuple[int, str, str]]:
    if not name.startswith("test_"):
        yield from _in_name(name, IN_NAMES | IN_NAMES_OF_MODULES_AND_CLASSES, 1)


def _in_python(text: str) -> Iterator[tuple[int, str, str]]:
    if not _may_have_any(text):
        return  # most files: to take them apart takes a hundred times as long as to see that
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.STRING, tokenize.COMMENT, tokenize.FSTRING_MIDDLE}:
            yield from _in_sentence(token.string, token.start[0])
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            yield from _in_sentence(token.string.replace("_", " "), token.start[0])
        elif token.type == tokenize.NAME:
            yield from _in_name(token.string, IN_NAMES, token.start[0])
            if before == "class":
                yield from _in_name(token.string, IN_NAMES_OF_MODULES_AND_CLASSES, token.start[0])
        before = token.string


def _may_have_any(text: str) -> bool:
    classes = frozenset[str]().union(*map(_parts_of, _CLASS.findall(text)))
    return _has_any((*IN_NAMES, *_STEMS), text) or not classes.isdisjoint(IN_NAMES_OF_MODULES_AND_CLASSES)


def _has_any(words: Iterable[str], text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in words)


def _in_name(name: str, words: Mapping[str, str], number: int) -> Iterator[tuple[int, str, str]]:
    yield from ((number, part, words[part]) for part in _parts_of(name) if part in words)


@cache
def _parts_of(name: str) -> frozenset[str]:
    return frozenset(part.lower() for part in _NAME_PART.findall(name))


def _in_sentence(text: str, number: int) -> Iterator[tuple[int, str, str]]:
    """Find phrases, also across the end of a line; `number` is the line on which the text begins."""
    if not _has_any(_STEMS, text):
        return
    for pattern, (word, instead) in _SENTENCES.items():
        for found in pattern.finditer(text):
            yield number + text.count("\n", 0, found.start()), word, instead


def _files() -> Iterator[Path]:
    for folder in _FOLDERS:
        yield from (path for path in (_ROOT / folder).rglob("*") if path.suffix in _KINDS)
    yield from (path for path in _ROOT.iterdir() if path.suffix in _KINDS or path.name == "Makefile")


@pytest.fixture(scope="module")
def uses() -> list[Use]:
    """Every use of one of the words in the repository, kept or not."""
    paths = [path for path in _files() if path != Path(__file__).resolve()]
    return [use for path in paths for use in uses_in(path.relative_to(_ROOT).as_posix(), path.read_text("utf-8"))]


def test_no_word_that_made_readers_guess_is_left(uses: list[Use]) -> None:
    wrong = [str(use) for use in uses if not any(use.is_kept(kept) for kept in KEPT)]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: f"{kept.word} in {kept.path or 'every file'}")
def test_what_is_kept_is_still_there(uses: list[Use], kept: Kept) -> None:
    assert any(use.is_kept(kept) for use in uses), "nothing needs this exception any more"


@pytest.mark.parametrize(
    ("path", "text", "word"),
    [
        ("shared/a.py", "told = read()\n", "told"),
        ("shared/a.py", "def is_told(): ...\n", "told"),
        ("shared/a.py", "class RecordTold: ...\n", "told"),
        ("shared/a.py", "note = f'{told}'\n", "told"),
        ("shared/a.py", "from shared import counts as tally\n", "tally"),
        ("shared/a.py", "VOCABULARIES = ()\n", "vocabularies"),
        ("shared/a.py", "class CountingOfRecords: ...\n", "counting"),
        ("shared/detect/counters.py", "", "counters"),
        ("shared/detect/read_trials.py", "a = 1\n", "trials"),
        ("shared/a.py", '"""What\n\nit speaks\nof."""\n', "speaks?"),
        ("shared/a.py", "a = 1  # the matcher of the day\n", "matcher of the day"),
        ("shared/a.py", "a = f'{1} bulletins'\n", "bulletins?"),
        ("tests/a.py", "def test_a_legible_text(): ...\n", "legibl[ey]"),
        ("docs/a.md", "# A\n\nA row asks about\nno actor.\n", "asks? about no actor"),
        ("docs/kql/a.kql", "// The second telling of a-b\n", "second telling"),
        ("infra/a.bicep", "@description('The Vocabulary of a tenant')\n", _VOCABULARY),
        ("infra/scripts/a.sh", "say 'the machine is up'\n", "the machine"),
    ],
)
def test_a_planted_word_is_found(path: str, text: str, word: str) -> None:
    (use,) = uses_in(path, text)
    assert use.word == word
    assert use.instead in str(use)
    assert not any(use.is_kept(kept) for kept in KEPT)


def test_a_planted_word_is_found_on_its_line() -> None:
    assert [use.number for use in uses_in("shared/a.py", '"""A.\n\nThe clues."""\n\nclue = 1\n')] == [3, 5]


@pytest.mark.parametrize("word", [*IN_NAMES, *IN_NAMES_OF_MODULES_AND_CLASSES])
def test_every_word_is_found_as_the_name_of_a_class(word: str) -> None:
    assert {use.word for use in uses_in("shared/a.py", f"class Some{word.capitalize()}: ...\n")} == {word}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shared/a.py", "seconds = 3  # counted together, at first\n"),
        ("shared/a.py", "marked = pytest.mark.stack\n"),
        ("shared/a.py", "background = intelligence = 1\n"),
        ("tests/a.py", "def test_people_are_told_once_an_hour(): ...\n"),
        ("tests/unit/test_counters.py", "a = 1\n"),
        ("shared/a.py", "text = 'it was told to stop, as VOCABULARY says'\n"),
        ("docs/a.md", "A new machine needs two commands. A switch switches.\n"),
    ],
)
def test_everyday_words_pass(path: str, text: str) -> None:
    assert uses_in(path, text) == []
