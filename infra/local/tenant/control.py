"""The client of `/control`, for tests and scenarios."""

import re
import ssl
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from infra.local import world
from infra.local.tenant.event_grid import Schema
from infra.local.world import Json, Principal

# The tenant listens on plain HTTP, and loading the public authorities for each client takes longer than a call.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

type Resource = Literal["graph", "arm", "storage", "operators"]


class TenantControl:
    """One method for each call; every one raises httpx.HTTPStatusError when the tenant refuses it.

    `url` is the `control` address of the line the tenant prints when it is ready.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, verify=_NO_TLS)
        self._root = url.removesuffix("/control")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    # -- people --

    def token(
        self, principal: Principal, resource: Resource = "graph", *, unthrottled: bool = False, lifetime: int = 3600
    ) -> str:
        """Make an access token for anybody; a negative `lifetime` (seconds) makes one that has run out."""
        wanted = {"principal": principal.id, "resource": resource, "unthrottled": unthrottled, "lifetime": lifetime}
        return str(self._post("/token", wanted)["access_token"])

    def as_principal(
        self, principal: Principal, resource: Resource = "graph", *, unthrottled: bool = True
    ) -> httpx.Client:
        """Make a client that acts as `principal` on Graph (paths from /v1.0 or /beta) or on ARM (from /subscriptions).

        People in a story aren't throttled unless asked for. The caller closes the client.
        """
        token = self.token(principal, resource, unthrottled=unthrottled)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self._root, headers=headers, timeout=30, verify=_NO_TLS)

    def grant(self, principal: Principal, *names: str) -> None:
        """Give Graph permissions (`Policy.Read.All`) or Azure actions (they hold a slash)."""
        self._post("/grants", {"principal": principal.id, "add": names})

    def revoke(self, principal: Principal, *names: str) -> None:
        """Take Graph permissions or Azure actions away; an action is refused whatever role carries it."""
        self._post("/grants", {"principal": principal.id, "remove": names})

    # -- the world --

    def settings(self, **changes: Any) -> Json:  # noqa: ANN401 - values of all the settings' types
        """Change settings (`settings.Settings` lists them) and answer all of them."""
        return self._post("/settings", changes)

    def reset(self) -> None:
        """Go back to the seed: state, settings, grants, faults, subscriptions and the request log."""
        self._post("/reset", {})

    def state(self) -> Json:
        """Dump the truth by tenant: `directory.Directory.state` names the parts; workforce: roleAssignments too."""
        return self._get("/state")

    def requests(self, *, since: int = 0, principal: Principal | None = None) -> list[Json]:
        """List the requests seen with a `number` above `since`, oldest first; status 0 is a cut connection."""
        params: dict[str, str | int] = {"since": since}
        if principal is not None:
            params["principal"] = principal.id
        return self._get("/log", params)

    # -- the logs --

    def make_noise(self, count: int, *, tenant: str) -> None:
        """Log ordinary records."""
        self._post("/noise", {"count": count, "tenant": tenant})

    def double_next_records(self, count: int, *, tenant: str) -> None:
        """Make the next `count` audit records appear twice, under the same id."""
        self._post("/audit/duplicates", {"count": count, "tenant": tenant})

    def plan_records(self, match: str = "", *, tenant: str, **options: Any) -> None:  # noqa: ANN401 - see the fields
        """Say what happens to the next audit records that match; `options` are fields of `record_log.RecordPlan`."""
        self._post("/audit/plans", {"tenant": tenant, "plan": {"match": match} | options})

    def add_record(self, record: Json, *, tenant: str) -> None:
        """Log a record of your own; it needs `id` and `activityDateTime`."""
        self._post("/audit/records", {"record": record, "tenant": tenant})

    def add_sign_in(self, record: Json, *, tenant: str) -> None:
        """Log a sign-in (`sign_in_records.sign_in_record` makes one); it needs `id` and `createdDateTime`."""
        self._post("/sign-ins", {"record": record, "tenant": tenant})

    # -- faults --

    def fault(self, match: str, status: int | None = None, **options: Any) -> None:  # noqa: ANN401 - see the fields
        """Spoil requests whose `METHOD path` matches; `options` are the other fields of `faults.Fault`."""
        self._post("/faults", {"match": match, "status": status} | options)

    def unreadable(self, object_id: str, status: int = 403) -> None:
        """Refuse every GET of one object by its id, until the faults are cleared; listings still show it."""
        self.fault(rf"(?i)^GET .*/{re.escape(object_id)}(/\$value)?$", status, times=-1)

    def write(self, by: Principal, kind: str, object_id: str, image: Json | None) -> None:
        """Write an object of a kind in `infra.local.tenant.simulated` as somebody of its tenant; None deletes it.

        `image` is the object as that module keeps it; the log tells of it as of what is done in the portal.
        """
        self._post("/objects", {"by": by.id, "kind": kind, "id": object_id, "image": image})

    def stale(self, object_id: str, *, seconds: float) -> None:
        """Show an object to every reader as it is seen now, for so long: by its id in Graph, its path in Azure."""
        self._post("/stale", {"id": object_id, "seconds": seconds})

    def make_hybrid(self, domain: str = world.COMPANY_DOMAIN) -> None:
        """Synchronize the workforce tenant with a directory on the premises, and federate one of its domains.

        `settings.is_hybrid` and those below it say how synchronization goes.
        """
        self._post("/hybrid", {"domain": domain})

    def expire_activations(self) -> None:
        """Let the time of every Azure role assignment that has an end run out now."""
        self._post("/pim/expire", {})

    def storm(self) -> None:
        """Keep the published limits of Azure Resource Manager, conditional access and the reports."""
        self.settings(arm_is_throttled=True, ca_requests_per_second=1, audit_requests_per_10_seconds=5)

    def clear_faults(self) -> None:
        """Spoil nothing more."""
        self._http.delete("/faults").raise_for_status()

    # -- Event Grid --

    def subscribe(self, queue: str, schema: Schema = "EventGridSchema", *, token: str = "") -> Json:
        """Have events delivered to a storage queue: its address, with a shared access signature in it or a token."""
        return self._post("/eventgrid/subscriptions", {"queue": queue, "schema": schema, "token": token})

    def subscriptions(self) -> list[Json]:
        """List the event subscriptions."""
        return self._get("/eventgrid/subscriptions")

    def unsubscribe(self, subscription_id: str) -> None:
        """Delete an event subscription."""
        self._http.delete(f"/eventgrid/subscriptions/{subscription_id}").raise_for_status()

    def plan_next_event(self, *, copies: int = 1, delay: float = 0.0, reorder: int = 0) -> None:
        """Deliver the next event `copies` times, after `delay` seconds; or hold `reorder` events, last one first."""
        self._post("/eventgrid/next", {"copies": copies, "delay": delay, "reorder": reorder})

    def dead_letters(self) -> list[Json]:
        """List the events that were given up."""
        return self._get("/eventgrid/deadletters")

    def delivery_attempts(self) -> list[Json]:
        """List every delivery attempt: subscription, event, attempt, status (0 for no answer)."""
        return self._get("/eventgrid/attempts")

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Any:  # noqa: ANN401 - an object or a list
        return self._http.get(path, params=params or {}).raise_for_status().json()

    def _post(self, path: str, body: Json) -> Json:
        return self._http.post(path, json=body).raise_for_status().json()
