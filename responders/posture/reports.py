"""What Microsoft's own reports say of the tenant: its secure score, and accounts that applications didn't take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from responders.posture.names import some_of
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import Rejected
from shared.model.kinds import Image

LIST_SECURE_SCORES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/security/secureScores",
    needs=(Permission.SECURITY_EVENTS_READ,),
)
"""One for each day, the newest first; `$top` and `$skip` count days. Graph keeps 90."""

FILTERED_IN_BETA: Final = "Microsoft's pages filter this log by its status in beta only"
LIST_PROVISIONING: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/auditLogs/provisioning",
    needs=(Permission.AUDIT_LOG_READ,),
    lane=Lane.REPORTS,
    why_beta=FILTERED_IN_BETA,
)

LATEST_SCORE: Final = {"$top": "1"}
_TREND: Final = 30
_EARLIER_SCORE: Final = {"$top": "1", "$skip": str(_TREND)}
_FRESH: Final = timedelta(days=7)
_MOST_LOST: Final = 5.0
"""Points of a hundred: what a single recommendation of some weight gives."""

_LOOKED_BACK: Final = timedelta(days=1)


class Score(Struct, frozen=True, kw_only=True):
    """The secure score of a day: points, of how many."""

    at: datetime
    points: float
    most: float

    @property
    def share(self) -> float:
        """How much of all points it is, of a hundred."""
        return 100 * self.points / self.most


def _read_scores(reading: Reading) -> Sequence[Score]:
    """Read the newest score and that of a month before; fewer where there are no more."""
    listed = [
        *reading.api.first_page(LIST_SECURE_SCORES, query=LATEST_SCORE)[:1],
        *reading.api.first_page(LIST_SECURE_SCORES, query=_EARLIER_SCORE)[:1],
    ]
    return [_score(each) for each in listed]


def _score(image: Image) -> Score:
    try:
        score = Score(
            at=datetime.fromisoformat(str(image["createdDateTime"])),
            points=float(image["currentScore"]),
            most=float(image["maxScore"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"a secure score isn't as Graph writes it: {error!r}") from error
    if score.most <= 0:
        raise Unread("Graph gave a secure score of no points at all")
    return score


SCORES: Final = Part(id="secure-scores", title="the secure score", read=_read_scores, calls=(LIST_SECURE_SCORES,))


class Failures(Struct, frozen=True, kw_only=True):
    """How often provisioning failed within a day, by the name of the application; each that provisions is there."""

    by_application: Mapping[str, int]


def _read_failures(reading: Reading) -> Failures | None:
    """Read what failed within a day; None where nothing is provisioned at all."""
    since = f"{reading.now - _LOOKED_BACK:%Y-%m-%dT%H:%M:%SZ}"
    query = {"$filter": f"statusInfo/status eq 'failure' and activityDateTime ge {since}"}
    failures = reading.api.list(LIST_PROVISIONING, query=query)
    if not failures and not reading.api.first_page(LIST_PROVISIONING, query={"$top": "1"}):
        return None
    return Failures(by_application=Counter(map(_application_of, failures)))


def _application_of(record: Image) -> str:
    application = cast("Image", record.get("servicePrincipal") or {})
    if isinstance(application, list):  # beta gives a list of one
        application = cast("list[Image]", application)[0] if application else {}
    name = application.get("displayName") or application.get("name") or application.get("id")
    return str(name or "an application that the record doesn't name")


FAILURES: Final = Part(
    id="provisioning-failures",
    title="what couldn't be provisioned to applications",
    read=_read_failures,
    calls=(LIST_PROVISIONING,),
)

PARTS: Final = (SCORES, FAILURES)


def _kept(snapshot: Snapshot) -> list[Finding]:
    scores = snapshot.of(SCORES)
    if not scores:
        return [not_applicable("Microsoft has worked out no secure score for this tenant")]
    latest, *earlier = scores
    if latest.at < snapshot.at - _FRESH:
        raise Unread(f"the newest secure score is of {latest.at:%Y-%m-%d}")
    said = f"{latest.points:g} of {latest.most:g} points ({latest.share:.0f} %)"
    if not earlier:
        return [ok(f"{said}; there is none of {_TREND} days before")]
    said = f"{said}, {earlier[0].share:.0f} % at {earlier[0].at:%Y-%m-%d}"
    if latest.share < earlier[0].share - _MOST_LOST:
        return [failed(said)]
    return [ok(said)]


def _provisioned(snapshot: Snapshot) -> list[Finding]:
    failures = snapshot.of(FAILURES)
    if failures is None:
        return [not_applicable("nothing is provisioned to an application")]
    by_application = failures.by_application
    if not by_application:
        return [ok("nothing failed to be provisioned within a day")]
    names = some_of(f"{name} ({times:,})" for name, times in by_application.items())
    return [failed(f"what failed within a day, by application: {names}")]


CHECKS: Final = (
    PostureCheck(
        id="secure-score-kept",
        stage=Stage.WEEKS,
        title="The secure score hasn't fallen within a month",
        why="A fall of some points is a protection that somebody switched off.",
        passages=(43, 44),
        parts=(SCORES,),
        cure="Open Secure Score in the Defender portal, History, and see which recommendation lost points.",
        run=_kept,
    ),
    PostureCheck(
        id="provisioning-without-failures",
        stage=Stage.MONTHS,
        title="Accounts come and go in applications as in the tenant",
        why="Whoever was disabled here goes on in an application that didn't hear of it.",
        passages=(87,),
        parts=(FAILURES,),
        cure="In Monitoring, Provisioning logs, filter by Failure: each has the reason and what is recommended.",
        run=_provisioned,
    ),
)
