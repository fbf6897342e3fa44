"""Reads the CSV files that the portal downloads of the audit log and the sign-in logs, as records of Microsoft Graph.

Of a record the portal writes at most three targets, five properties of each, and six details; what is beyond that isn't
in the file. It writes no id for audit records, and of a sign-in not whether a person or a program signed in. Headings
are those of the portal in English, as files have them that people took apart publicly; Microsoft documents none.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from msgspec.json import encode

_LONGEST_HEADING: Final = 1 << 16
_TARGETS: Final = range(1, 4)
_PROPERTIES: Final = range(1, 6)
_DETAILS: Final = range(1, 7)
_DATE: Final = "date (utc)"
_OF_A_LOG: Final = ({"activity", "category"}, {"request id", "sign-in error code"})
"""Headings that tell the portal's files from any other with a date: of the audit log, and of the sign-in logs."""

_REQUIREMENTS: Final = {
    "single-factor authentication": "singleFactorAuthentication",
    "multifactor authentication": "multiFactorAuthentication",
    "multi-factor authentication": "multiFactorAuthentication",
}
_POLICIES: Final = {"success": "success", "failure": "failure", "not applied": "notApplied"}
_CROSSINGS: Final = {
    "none": "none",
    "b2b collaboration": "b2bCollaboration",
    "b2b direct connect": "b2bDirectConnect",
    "microsoft support": "microsoftSupport",
    "service provider": "serviceProvider",
}
"""The portal's words, in lower case, and those of Graph."""

type _Row = Mapping[str, str]


def csv_as_json(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give a text in chunks unchanged; where it is such a file, give each row as a line of JSON instead."""
    coming = iter(chunks)
    first = _beginning(coming)
    whole = chain([first], coming)
    return _lines(whole) if _is_portal_csv(first) else whole


def _beginning(chunks: Iterator[bytes]) -> bytes:
    """Read until the first line is whole."""
    read = b""
    for chunk in chunks:
        read += chunk
        if b"\n" in read or len(read) > _LONGEST_HEADING:
            break
    return read


def _is_portal_csv(text: bytes) -> bool:
    line = text.partition(b"\n")[0].removeprefix(codecs.BOM_UTF8)
    if _DATE.encode() not in line[:_LONGEST_HEADING].lower() or line.lstrip().startswith((b"{", b"[")):
        return False
    headings = {_heading(one) for one in next(csv.reader([line.decode("utf-8", "replace")]), list[str]())}
    return _DATE in headings and any(of_it <= headings for of_it in _OF_A_LOG)


def _heading(text: str) -> str:
    return " ".join(text.split()).lower()


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give a line for each row; one that can't be taken apart is given as an object that has no shape."""
    rows = csv.reader(_texts(chunks))
    headings = [_heading(one) for one in next(rows)]
    is_audit = _OF_A_LOG[0] <= set(headings)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield encode({"row of a CSV file": str(error)}) + b"\n"
            continue
        if any(cells):
            # The first column of a heading counts where several have the same.
            row = dict(reversed([*zip(headings, (cell.strip() for cell in cells), strict=False)]))
            yield encode(_audit(row) if is_audit else _sign_in(row)) + b"\n"


def _texts(chunks: Iterable[bytes]) -> Iterator[str]:
    """Give the lines of a text in UTF-8, each with its end."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in lines)
    if rest:
        yield rest


def _audit(row: _Row) -> dict[str, Any]:
    return {
        "category": row.get("category"),
        "correlationId": row.get("correlationid"),
        "result": row.get("result"),
        "resultReason": row.get("resultreason"),
        "activityDisplayName": row.get("activity", ""),
        "activityDateTime": row.get(_DATE) or None,
        "loggedByService": row.get("service"),
        "initiatedBy": _initiator(row),
        "targetResources": [target for number in _TARGETS if (target := _target(row, f"target{number}"))],
        "additionalDetails": _details(row),
    }


def _initiator(row: _Row) -> dict[str, Any]:
    """Say who acted. An application has the id of its service principal or none: another id may be its app id."""
    names = ("actorserviceprincipalid", "actorserviceprincipalname")
    kind = row.get("actortype", "").lower()
    if kind.startswith(("app", "service")) or (not kind and any(map(row.get, names))):
        identity, name = map(row.get, names)
        app = {"servicePrincipalId": identity, "servicePrincipalName": name, "displayName": row.get("actordisplayname")}
        return {"app": _filled(app)}
    user = {
        "id": row.get("actorobjectid"),
        "displayName": row.get("actordisplayname"),
        "userPrincipalName": row.get("actoruserprincipalname"),
        "ipAddress": row.get("ipaddress"),
    }
    return {"user": _filled(user)}


def _target(row: _Row, place: str) -> dict[str, Any]:
    """Give the target in a place; empty where the record has no target there."""
    columns = {
        "type": f"{place}type",
        "displayName": f"{place}displayname",
        "id": f"{place}objectid",
        "userPrincipalName": f"{place}userprincipalname",
    }
    target = _filled({name: row.get(column) for name, column in columns.items()})
    changes = [change for number in _PROPERTIES if (change := _change(row, f"{place}modifiedproperty{number}"))]
    return {**target, "modifiedProperties": changes} if target or changes else {}


def _change(row: _Row, place: str) -> dict[str, Any]:
    name = row.get(f"{place}name")
    if not name:
        return {}
    old, new = row.get(f"{place}oldvalue") or None, row.get(f"{place}newvalue") or None
    return {"displayName": name, "oldValue": old, "newValue": new}


def _details(row: _Row) -> list[dict[str, Any]]:
    columns = ((f"additionaldetail{number}key", f"additionaldetail{number}value") for number in _DETAILS)
    found = [{"key": row[key], "value": row.get(value, "")} for key, value in columns if row.get(key)]
    agent = row.get("user agent") or row.get("useragent")
    if agent and not any(one["key"].lower() == "user-agent" for one in found):
        found.append({"key": "User-Agent", "value": agent})
    return found


def _sign_in(row: _Row) -> dict[str, Any]:
    record = {
        "id": row.get("request id"),
        "createdDateTime": row.get(_DATE),
        "correlationId": row.get("correlation id"),
        "userId": row.get("user id"),
        "userDisplayName": row.get("user"),
        "userPrincipalName": row.get("username"),
        "servicePrincipalId": row.get("service principal id"),
        "servicePrincipalName": row.get("service principal name"),
        "appId": row.get("application id"),
        "appDisplayName": row.get("application"),
        "resourceDisplayName": row.get("resource"),
        "ipAddress": row.get("ip address"),
        "clientAppUsed": row.get("client app"),
        "conditionalAccessStatus": _in_graphs_words(row, "conditional access", _POLICIES),
        "authenticationProtocol": row.get("authentication protocol"),
        "authenticationRequirement": _in_graphs_words(row, "authentication requirement", _REQUIREMENTS),
        "userAgent": row.get("user agent"),
        "crossTenantAccessType": _in_graphs_words(row, "cross tenant access type", _CROSSINGS),
        "homeTenantId": row.get("home tenant id"),
        "resourceTenantId": row.get("resource tenant id"),
    }
    return _filled(record) | {"status": _status(row), "location": _location(row), "deviceDetail": _device(row)}


def _status(row: _Row) -> dict[str, Any]:
    """Give how it ended; the portal leaves the code of a success out."""
    code = row.get("sign-in error code") or ("0" if row.get("status", "").lower() == "success" else None)
    detail = row.get("multifactor authentication result") or None
    return {"errorCode": code, "failureReason": row.get("failure reason") or None, "additionalDetails": detail}


def _location(row: _Row) -> dict[str, Any]:
    """Take the place apart: city, state and country, of which the first two may be missing."""
    parts = [part.strip() for part in row.get("location", "").split(",")]
    country = parts[-1]
    return _filled({"countryOrRegion": country, "city": parts[0] if len(parts) > 1 else ""})


def _device(row: _Row) -> dict[str, Any]:
    return _filled(
        {
            "deviceId": row.get("device id"),
            "browser": row.get("browser"),
            "operatingSystem": row.get("operating system"),
            "isCompliant": row.get("compliant"),
            "isManaged": row.get("managed"),
            "trustType": row.get("join type"),
        }
    )


def _in_graphs_words(row: _Row, column: str, words: Mapping[str, str]) -> str:
    text = row.get(column, "")
    return words.get(text.lower(), text)


def _filled(columns: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: text for name, text in columns.items() if text}
