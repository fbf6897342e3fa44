"""The channels that pages go out by, each with its own form of a page."""

from shared.bulletins import Bulletin, bulletin_alert, bulletin_card
from shared.cards import alert_of, card_of
from shared.cases import Case
from shared.catalog import AnyDetection
from shared.clients.pagerduty import PagerDuty
from shared.clients.teams import Teams
from shared.owners import Owner
from shared.settings import Settings
from shared.wording import notice_for


class TeamsSender:
    """Posts an Adaptive Card to the Workflows webhook."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._teams = Teams(url=settings.teams_webhook_url)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send it, once; the answer 202 says only that the webhook took it."""
        notice = notice_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._teams.post(card_of(case, detection, notice))

    def tell(self, bulletin: Bulletin) -> None:
        """Post a bulletin."""
        self._teams.post(bulletin_card(bulletin))


class PagerDutySender:
    """Triggers an alert in PagerDuty, which doesn't depend on the tenant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pagerduty = PagerDuty(url=settings.pagerduty_url, routing_key=settings.pagerduty_routing_key)

    def send(self, case: Case, detection: AnyDetection, owner: Owner | None, *, place: int) -> None:
        """Send it; PagerDuty folds what has the same case id into one alert."""
        notice = notice_for(case, self._settings, owners=(owner,) if owner else (), place=place)
        self._pagerduty.trigger(alert_of(case, detection, notice))

    def tell(self, bulletin: Bulletin) -> None:
        """Trigger an alert for a bulletin."""
        self._pagerduty.trigger(bulletin_alert(bulletin))
