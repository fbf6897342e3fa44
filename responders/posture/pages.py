"""The console's page about the posture, with all that is declared about it."""

from responders.posture import sign_in_policies, undoing
from responders.posture.korean import KOREAN
from responders.posture.korean_findings import FINDINGS
from shared.checks.posture_console import PosturePages, Topics
from shared.clients.storage import Storage
from shared.model.settings import Settings


def pages_of(storage: Storage, settings: Settings) -> PosturePages:
    """Give what writes the page. It reads nothing until asked."""
    topics = Topics(
        gaps=frozenset(check.id for check in sign_in_policies.CHECKS),
        undoing=frozenset(check.id for check in undoing.CHECKS),
    )
    return PosturePages(storage=storage, settings=settings, topics=topics, korean=KOREAN, findings=FINDINGS)
