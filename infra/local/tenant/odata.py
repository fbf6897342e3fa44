"""Paging, `$select` and the simplest `$filter`, as Graph does them."""

import re
from collections.abc import Mapping, Sequence

from aiohttp import web

from infra.local.tenant.api_error import bad_request
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.graph import Call
from infra.local.world import Json

_OPTIONS = frozenset({"$top", "$select", "$skiptoken"})
_ONE_OF = re.compile(r"(\w+) in \(('[^']*'(?:,'[^']*')*)\)")
_MOST_IN = 15
_BEGINS = re.compile(r"startswith\((\w+),'((?:[^']|'')*)'\)")
_EQUALS = re.compile(r"(\w+) eq (?:'([^']*)'|(true|false))")


def list_page(
    call: Call,
    values: list[Json],
    *,
    size: int,
    context: str,
    filters: Sequence[str] = (),
    options: Sequence[str] = (),
) -> web.Response:
    """Answer one page of `values`, with an absolute nextLink while there are more.

    `filters` are the properties of which `$filter` may ask whether one has a value. `options` are further query
    options that are taken and change nothing here.
    """
    query = call.request.query
    known = {*_OPTIONS, *options, *(("$filter",) if filters else ())}
    if unknown := sorted(query.keys() - known):
        raise bad_request(f"Query option '{unknown[0]}' is not played here.")
    if "$filter" in query:
        values = filtered(values, query["$filter"], filters)
    size = _top(query["$top"]) if "$top" in query else size
    start = skipped(query)
    page, rest = values[start : start + size], values[start + size :]
    body: Json = {"@odata.context": call.context(context), "value": [selected(call, value) for value in page]}
    if rest:
        body["@odata.nextLink"] = str(call.request.url.update_query({"$skiptoken": str(start + size)}))
    return json_answer(body)


def filtered(values: list[Json], text: str, filters: Sequence[str]) -> list[Json]:
    """Keep the values that a `$filter` asks for; raises ApiError 400 where it asks for another property."""
    if listed := _ONE_OF.fullmatch(text):
        among = {each.strip("'") for each in listed[2].split(",")}
        if listed[1] not in filters or len(among) > _MOST_IN:
            raise bad_request(f"Invalid filter clause: '{text}'.", "Request_UnsupportedQuery")
        return [value for value in values if value[listed[1]] in among]
    if (begins := _BEGINS.fullmatch(text)) and begins[1] in filters:
        beginning = begins[2].replace("''", "'").lower()
        return [value for value in values if str(value[begins[1]]).lower().startswith(beginning)]
    found = _EQUALS.fullmatch(text)
    if found is None or found[1] not in filters:
        raise bad_request(f"Invalid filter clause: '{text}'.", "Request_UnsupportedQuery")
    wanted = found[2] if found[3] is None else found[3] == "true"
    return [value for value in values if value[found[1]] == wanted]


def selected(call: Call, value: Json) -> Json:
    """Keep the properties that `$select` names, and the one that `$expand` does; all of them without `$select`."""
    names = call.request.query.get("$select")
    if names is None:
        return value
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in value]:
        raise bad_request(f"Could not find a property named '{unknown[0]}'.", "Request_BadRequest")
    expanded = call.request.query.get("$expand", "").partition("(")[0]
    return {name: value[name] for name in (*wanted, expanded) if name in value}


def _top(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise bad_request(f"Invalid value '{text}' for $top query option.")
    return int(text)


def skipped(query: Mapping[str, str]) -> int:
    """Tell how many values earlier pages showed, from `$skiptoken`."""
    token = query.get("$skiptoken", "0")
    if not token.isdecimal():
        raise bad_request("Skip token is not valid.")
    return int(token)
