"""The page and the report of an emergency: what people need is on them, and no text of a tenant acts."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Final, override

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clients.storage_names import Container
from shared.emergency import labels, mailbox_findings
from shared.emergency.blocks import HEADERS, Badge, Block, Facts, Heading, Items, Paragraph, Table, html, markdown
from shared.emergency.entries import Answer, Finding, StepState
from shared.emergency.evidence import EvidenceBox
from shared.emergency.labels import language_of
from shared.emergency.manifest import StoredFiles, verify
from shared.emergency.page import emergency_page, points_of
from shared.emergency.report import LANGUAGES, Ending, ending_of, keep_reports, minutes_of, report_of
from shared.emergency.state import Emergency, fold
from shared.model.bilingual import ENGLISH, KOREAN
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.emergencies import EMERGENCY, ENTRIES, declared
from tests.fakes.emergency_pages import ALL_STEPS, HOSTILE, closing, finished_drill, full, run
from tests.fakes.memory_storage import MemoryStorage

ENDING: Final = Ending(at=NOW + timedelta(minutes=30), by="Carol Chen, Dave Diaz", summary=f"Over. {HOSTILE}")
SOON: Final = NOW + timedelta(minutes=12)
EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


class _Elements(HTMLParser):
    """Collects the elements and attributes of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser


_TAGS: Final = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd"}
    | {"bdi", "br", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "span"}
)
_ATTRIBUTES: Final = frozenset({"lang", "charset", "name", "content", "class", "open", "data-label"})


def report(emergency: Emergency, language: str = ENGLISH, *former: Emergency) -> str:
    blocks = report_of(emergency, ALL_STEPS, language=language, ending=ENDING, former=former)
    return markdown(blocks)


# ---- what is harmless --------------------------------------------------------------------------------------------


@EACH_LANGUAGE
def test_no_text_of_a_tenant_becomes_an_element_or_stays_invisible(language: str) -> None:
    blocks = tuple(report_of(full(), ALL_STEPS, language=language, ending=ENDING))
    for page in (
        emergency_page(full(), ALL_STEPS, now=SOON, language=language),
        html("A report", blocks, language),
    ):
        found = parsed(page)
        assert set(found.tags) <= _TAGS
        assert found.attributes <= _ATTRIBUTES
        assert "<script>alert(1)</script>" in found.text
        assert "[U+202E]" in found.text
        assert "\u202e" not in page
        assert "\u200b" not in page


@EACH_LANGUAGE
def test_no_text_of_a_tenant_becomes_markup_in_markdown(language: str) -> None:
    text = report(full(), language)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert r"\*\*bold\*\*" in text
    assert r"\[a\]\(http\://evil\.example\)" in text
    assert "\u202e" not in text


_TEXT: Final = st.text(max_size=40) | st.sampled_from([HOSTILE, "|", "\n# a", "`", "</details>", '"><img src=x>'])
_BLOCKS: Final = st.lists(
    st.one_of(
        st.builds(Heading, text=_TEXT, level=st.sampled_from([1, 2, 3])),
        st.builds(Paragraph, text=_TEXT, is_note=st.booleans(), is_alarm=st.booleans()),
        st.builds(Items, texts=st.lists(_TEXT, max_size=3).map(tuple)),
        st.builds(Facts, pairs=st.lists(st.tuples(_TEXT, st.tuples(_TEXT)), max_size=3).map(tuple)),
        st.builds(Table, head=st.tuples(_TEXT, _TEXT), rows=st.lists(st.tuples(_TEXT, _TEXT), max_size=3).map(tuple)),
        st.builds(
            Badge,
            title=_TEXT,
            state=_TEXT,
            tone=st.just("good"),
            is_open=st.booleans(),
            blocks=st.tuples(st.builds(Paragraph, text=_TEXT)),
        ),
    ),
    max_size=5,
)


@given(_BLOCKS)
@settings(max_examples=80, deadline=None)
def test_whatever_the_texts_are_the_page_has_its_own_elements_only(blocks: list[Block]) -> None:
    found = parsed(html("A title", blocks, ENGLISH))
    assert set(found.tags) <= _TAGS
    assert found.attributes <= _ATTRIBUTES
    for line in markdown(blocks).splitlines():
        unescaped = re.sub(r"\\.", "", line)
        assert "<" not in unescaped
        assert "`" not in unescaped
        assert not re.search(r"\[.*\]\(", unescaped)


def test_a_table_in_markdown_has_the_same_columns_in_each_row() -> None:
    table = Table(head=("a", "b"), rows=((" | ", "\n"), ("x\ny", "`|`")))
    for line in markdown([table]).splitlines():
        if line:
            assert len(re.findall(r"(?<!\\)\|", line)) == 3, line


def test_the_headers_allow_the_style_alone() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert HEADERS["Cache-Control"] == "no-store"


@given(st.lists(ENTRIES, max_size=12))
@settings(max_examples=30, deadline=None)
def test_whatever_happened_there_is_a_page_and_a_report(entries: list[object]) -> None:
    emergency = fold(EMERGENCY, [declared(), *entries])  # pyright: ignore[reportArgumentType] - entries of the strategy
    assert emergency is not None
    for language in LANGUAGES:
        assert parsed(emergency_page(emergency, ALL_STEPS, now=SOON, language=language)).text
        assert report(emergency, language)


# ---- the page ----------------------------------------------------------------------------------------------------


@EACH_LANGUAGE
def test_the_page_says_what_is_next_what_waits_and_how_far_each_step_is(language: str) -> None:
    emergency = full()
    text = parsed(emergency_page(emergency, ALL_STEPS, now=SOON, language=language)).text
    for label in (labels.NEXT, labels.WAITS, labels.IF_IT_FAILS, labels.STEPS):
        assert label.in_language(language) in text
    for step in ALL_STEPS:
        assert f"{step.number}. {step.title.in_language(language)}" in text
    for state in (StepState.DONE, StepState.FAILED, StepState.BLOCKED, StepState.RUNNING):
        assert labels.STATES[state].in_language(language) in text
    for one in emergency.agreements:
        assert one.text in text
        assert one.digest in text
    assert "ab" * 32 in text, "the manifest's head, not just the last file"


def test_what_needs_somebody_is_open_and_the_rest_folded() -> None:
    page = emergency_page(full(), ALL_STEPS, now=SOON, language=ENGLISH)
    opened = re.findall(r'<details class="\w+" open><summary><span>(\d)', page)
    assert opened == ["2", "3", "4", "6", "7"]


def test_an_emergency_that_expired_or_is_closed_says_so() -> None:
    late = emergency_page(full(), ALL_STEPS, now=NOW + timedelta(hours=9), language=ENGLISH)
    assert "is over and it isn" in late
    assert "DRILL" in emergency_page(full(drill=True), ALL_STEPS, now=SOON, language=ENGLISH)
    assert "DRILL" not in emergency_page(full(), ALL_STEPS, now=SOON, language=ENGLISH)
    done = finished_drill(1)
    assert labels.ALL_FINISHED.en in emergency_page(done, ALL_STEPS, now=NOW, language=ENGLISH)


def test_what_waits_no_longer_is_not_shown_as_waiting() -> None:
    assert labels.WAITS.en not in emergency_page(full(), ALL_STEPS, now=NOW + timedelta(hours=1), language=ENGLISH)


def test_the_worst_finding_comes_first_and_the_new_before_the_old() -> None:
    found = [
        Finding(answer=Answer.FINE, about="a", text="a"),
        Finding(answer=Answer.WRONG, about="b", text="b"),
        Finding(answer=Answer.UNKNOWN, about="c", text="c", what_to_do="Do it."),
        Finding(answer=Answer.WRONG, about="d", text="d", is_new=True),
    ]
    points = points_of(found, ENGLISH).points
    assert [(point.mark, point.title) for point in points] == [
        ("wrong, new", "d"),
        ("wrong", "b"),
        ("unknown", "c"),
        ("fine", "a"),
    ]
    many = points_of(found * 100, ENGLISH).points
    assert (len(many), many[-1].text) == (201, "and 200 more")


def test_what_to_do_about_a_finding_is_apart_from_it_and_its_lines_stay_lines() -> None:
    found = Finding(answer=Answer.UNKNOWN, about="c", text="One.\nTwo <b>.", what_to_do="Do it.")
    points = points_of([found], ENGLISH)
    assert markdown([points]) == "- \\[unknown\\] c: One\\.\\\n  Two &lt;b&gt;\\.\\\n  What to do: Do it\\.\n"
    page = html("", [points], ENGLISH)
    assert "<p>One.<br>Two &lt;b&gt;.</p>" in page
    assert '<p class="todo"><span class="about"><bdi>What to do:</bdi></span> Do it.</p>' in page


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", ENGLISH),
        ("ko", KOREAN),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", KOREAN),
        ("en-US,en;q=0.9,ko;q=0.8", ENGLISH),
        ("de-DE,ko;q=0.5", KOREAN),
        ("de-DE,fr", ENGLISH),
        ("ko;q=0,en", ENGLISH),
        ("KO-kr", KOREAN),
        ("en;q=0.1,ko;q=0.2", KOREAN),
        ("ko;q=x", ENGLISH),
        (";;;,,,=", ENGLISH),
        ("ko;q=nan", ENGLISH),
    ],
)
def test_the_language_is_the_one_that_the_browser_prefers(asked: str, language: str) -> None:
    assert language_of(asked) == language


def test_every_text_is_there_in_both_languages() -> None:
    from shared.model.bilingual import Words  # noqa: PLC0415 - looked for here only

    found = {name: text for name, text in vars(labels).items() if isinstance(text, Words)}
    assert len(found) > 50
    for name, text in found.items():
        assert text.ko, name
        assert text.en or name == "FINDINGS_IN_ENGLISH"
        assert re.search("[\uac00-\ud7a3]", text.ko), name


# ---- the report --------------------------------------------------------------------------------------------------


@EACH_LANGUAGE
def test_the_report_has_the_timeline_people_evidence_what_was_blocked_and_follow_ups(language: str) -> None:
    emergency = closing(full())
    blocks = tuple(report_of(emergency, ALL_STEPS, language=language, ending=ENDING))
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    for label in (labels.TIMELINE, labels.PEOPLE, labels.EVIDENCE, labels.BLOCKED, labels.FOLLOW_UPS, labels.STEPS):
        assert label.in_language(language) in headings
    text = parsed(html("r", blocks, language)).text
    assert "Carol Chen (ca401000-0000-4000-8000-000000000001)" in text
    assert "cd" * 32 in text
    assert "1,234,567" in text
    assert labels.ROTATE.in_language(language) in text
    assert mailbox_findings.RISKY_RULE.what_to_do.in_language(language) in text
    for entry in emergency.entries:
        assert f"{entry.at:%Y-%m-%d %H:%M:%S}" in text
    tables = [block for block in blocks if isinstance(block, Table)]
    assert len(tables[2].rows) == len(emergency.entries)


def test_what_is_not_known_is_no_success_in_the_report() -> None:
    text = report(full())
    blocked = text.split("What was blocked")[1].split("## People")[0]
    assert "emergency\\-2@contoso" in blocked.replace(r"\@", "@")
    assert "failed" in blocked
    assert "blocked" in blocked
    assert "running" in blocked


def test_a_step_that_was_not_finished_is_a_follow_up_with_what_a_person_does() -> None:
    follow_ups = report(full()).split("## Follow")[1].split("##")[0]
    assert "Telephone Microsoft's support yourself" in follow_ups
    assert "6\\. Sign in without the federation" in follow_ups


def test_only_a_drill_has_the_minutes_of_former_drills() -> None:
    assert labels.TREND.en not in report(full())
    text = report(
        finished_drill(0, minutes=1.2), ENGLISH, finished_drill(90, minutes=2), finished_drill(180, minutes=3)
    )
    assert "faster than the drill before by 6" in text
    assert text.index("2025\\-12\\-02") < text.index("2025\\-09\\-03")
    assert "| 2\\.0 |" in text
    assert "16\\.0 |" in text


def test_the_trend_says_slower_first_and_unknown() -> None:
    assert "slower than the drill before by 8" in report(finished_drill(0, minutes=2), ENGLISH, finished_drill(90))
    assert labels.NO_FORMER.en.rstrip(".") in report(finished_drill(0), ENGLISH)
    unfinished = report(finished_drill(0, closes=False), ENGLISH, finished_drill(90))
    assert "faster" not in unfinished
    assert "slower" not in unfinished


def test_real_emergencies_and_later_drills_are_no_former_drills() -> None:
    text = report(finished_drill(10), ENGLISH, full(), finished_drill(1), finished_drill(10))
    assert labels.NO_FORMER.en.rstrip(".") in text


def test_a_step_took_from_its_first_start_until_it_was_first_finished() -> None:
    drill = finished_drill(0, minutes=3)
    assert minutes_of(drill.steps[4]) == timedelta(minutes=3)
    assert minutes_of(full().steps[3]) is None
    assert minutes_of(full().steps[1]) == timedelta(minutes=0.5)


def test_the_reports_are_kept_with_the_evidence_under_the_manifests_chain() -> None:
    storage = MemoryStorage()
    storage.create_all()
    box = EvidenceBox(storage, EMERGENCY, clock=FakeClock())
    emergency = closing(full())
    ending = ending_of(emergency, at=NOW + timedelta(minutes=31))
    assert ending.by == "Carol Chen, Dave Diaz"
    assert ending.summary == "Close it"
    kept = keep_reports(box, emergency, ALL_STEPS, ending=ending)
    assert [one.blob.rsplit(".", 1)[1] for one in kept] == ["md", "html", "md", "html", "json"]
    for one in kept:
        assert len(storage.containers[Container.EVIDENCE][one.blob]) == one.size
    assert keep_reports(box, emergency, ALL_STEPS, ending=ending) == kept, "once, however often it is asked for"
    checked = verify(StoredFiles(storage, EMERGENCY), head=kept[-1].sha256)
    assert (checked.problems, checked.files) == ((), 4)


@EACH_LANGUAGE
def test_what_was_found_is_in_the_language_of_the_page(language: str) -> None:
    other = KOREAN if language == ENGLISH else ENGLISH
    emergency = full()
    page = parsed(emergency_page(emergency, ALL_STEPS, now=SOON, language=language)).text
    kept = parsed(html("", report_of(emergency, ALL_STEPS, language=language, ending=ENDING), language)).text
    found = [one for step in emergency.steps for one in step.findings]
    assert len(found) > 7
    for one in found:
        said, not_said = (one.texts(each).text.split("\n")[0] for each in (language, other))
        assert said in page
        assert said in kept
        assert not_said not in page + kept
    assert not re.search("영어|in English", page)


def test_a_finding_that_was_kept_in_english_alone_is_shown_and_the_page_says_so() -> None:
    old = msgspec.json.decode(b'{"answer":"wrong","about":"a mailbox","text":"it forwards"}', type=Finding)
    assert markdown([points_of([old], KOREAN)]) == "- \\[이상\\] a mailbox: it forwards\n"
    emergency = fold(EMERGENCY, [declared(), *run(1, StepState.DONE, old)])
    assert emergency is not None
    assert "영어" in emergency_page(emergency, ALL_STEPS, now=SOON, language=KOREAN)
    assert "in English" not in emergency_page(emergency, ALL_STEPS, now=SOON, language=ENGLISH)


def test_a_report_says_nobody_acknowledged_where_the_page_says_that_pages_go_on() -> None:
    drill = finished_drill(1, closes=False)
    assert labels.NOBODY_YET.en in emergency_page(drill, ALL_STEPS, now=SOON, language=ENGLISH)
    said = parsed(html("", report_of(drill, ALL_STEPS, language=ENGLISH, ending=ENDING), ENGLISH)).text
    assert labels.NOBODY_YET.en not in said
    assert labels.EXPIRES_AT.en not in said
    assert f"{labels.FINDINGS.en}nothing" in said


def test_the_next_act_is_said_with_its_command() -> None:
    page = parsed(emergency_page(full(), ALL_STEPS, now=SOON, language=ENGLISH)).text
    asked = full().agreements[-1]
    assert "responder emergency step 4 --done --note NOTE" in page, "the app failed, so a person does it"
    assert f"responder emergency confirm {asked.what} {asked.digest}" in page
    (proposal,) = full().step(6).proposals
    assert f"responder emergency ask federation {proposal.digest}" in page
    assert page.count("Do this instead") == 1, "a step that waits for two operators isn't done by hand"
