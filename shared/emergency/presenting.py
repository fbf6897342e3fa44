"""The page and the report as the engine and the routes are handed them."""

from collections.abc import Callable, Sequence

from shared.emergency.engine import Engine, WriteReport
from shared.emergency.entries import Evidence
from shared.emergency.evidence import EvidenceBox
from shared.emergency.labels import language_of
from shared.emergency.page import emergency_page
from shared.emergency.report import ending_of, keep_reports
from shared.emergency.routes import Page
from shared.emergency.runbook import RunbookStep
from shared.emergency.state import Emergency
from shared.respond.components import Runtime


def page_of(engine: Engine) -> Page:
    """Give what makes the page of an emergency for a browser, in the language of its Accept-Language."""

    def made(emergency: Emergency, accept_language: str) -> str:
        return emergency_page(emergency, engine.steps, now=engine.now, language=language_of(accept_language))

    return made


def report_writer(
    runtime: Runtime, steps: Sequence[RunbookStep], *, former: Callable[[], Sequence[Emergency]]
) -> WriteReport:
    """Give what keeps the report of an emergency that is about to be closed. `former` gives drills that were done."""

    def write(emergency: Emergency) -> tuple[Evidence, ...]:
        box = EvidenceBox(runtime.ledger.evidence, emergency.id, clock=runtime.clock)
        box.adopt()
        ending = ending_of(emergency, at=runtime.clock())
        drills = tuple(former()) if emergency.drill else ()
        return keep_reports(box, emergency, steps, ending=ending, former=drills)

    return write
