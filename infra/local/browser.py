"""A person's browser, as far as signing in to the app needs one: cookies, redirects one at a time, and forms."""

import re
from collections.abc import Mapping
from html import unescape
from http import HTTPStatus
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from infra.local.world import Principal


class Browser:
    """One person's browser at the app with this address, without a script of any page run.

    It keeps the app's cookies although they are for HTTPS only: loopback counts as safe to browsers.
    """

    def __init__(self, app: str) -> None:
        self._web = httpx.Client(base_url=app, timeout=60)
        self._place = urlsplit(app).netloc
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()

    def get(self, url: str) -> httpx.Response:
        """Ask for a page; a redirect isn't followed."""
        return self._ask("GET", url)

    def post(self, url: str, fields: dict[str, str], *, origin: str = "") -> httpx.Response:
        """Send a form, from a page of this origin; a redirect isn't followed."""
        return self._ask("POST", url, fields=fields, origin=origin)

    def press(self, page: httpx.Response, act: str, fields: Mapping[str, str] = MappingProxyType({})) -> httpx.Response:
        """Send the form of a page of the app whose address ends with an act, with its hidden fields and these.

        Raises:
            SignInError: the page has no such form.
        """
        found = re.search(rf'<form method="post" action="([^"]*/{act})"[^>]*>(.*?)</form>', page.text, re.DOTALL)
        if found is None:
            raise SignInError(f"the page has no form for {act}: {page.text[:200]}")
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[2]))
        sent = {name: unescape(value) for name, value in hidden.items()} | dict(fields)
        return self.post(unescape(found[1]), sent, origin=str(self._web.base_url).rstrip("/"))

    def _ask(self, method: str, url: str, *, fields: dict[str, str] | None = None, origin: str = "") -> httpx.Response:
        is_ours = urlsplit(url).netloc in {"", self._place}
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items()) if is_ours else ""
        known = {"Accept": "text/html", "Cookie": cookies, "Origin": origin}
        headers = {name: value for name, value in known.items() if value}
        answer = self._web.request(method, url, headers=headers, data=fields)
        if is_ours:
            self._keep(answer.headers.get_list("set-cookie"))
        return answer

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            self.set_cookies.append(line)
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]

    def sign_in_page(self, url: str) -> str:
        """Ask for a page of the app and give the authority's page that one is led to.

        Raises:
            SignInError: one isn't led there.
        """
        return _where_to(self.get(_where_to(self.get(url))))

    def form_after(self, page: str, person: Principal) -> tuple[str, dict[str, str]]:
        """Say at the authority's page who one is; gives the address and the fields of the form for the app.

        Raises:
            SignInError: the authority refuses.
        """
        answer = self.post(page, {"principal": person.id})
        action = re.search(r'action="([^"]+)"', answer.text)
        if answer.status_code != HTTPStatus.OK or action is None:
            raise SignInError(f"the authority answered {answer.status_code}: {answer.text[-200:]}")
        fields = re.findall(r'name=(\w+) value="([^"]*)"', answer.text)
        return unescape(action[1]), {name: unescape(value) for name, value in fields}

    def open(self, url: str, person: Principal) -> httpx.Response:
        """Open a page of the app, signing in on the way.

        Raises:
            SignInError: that doesn't lead back.
        """
        return self.get(_where_to(self.post(*self.form_after(self.sign_in_page(url), person))))


class SignInError(Exception):
    """Signing in came to an end before its end."""


def _where_to(answer: httpx.Response) -> str:
    if answer.status_code != HTTPStatus.FOUND:
        raise SignInError(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}")
    return answer.headers["location"]
