"""B2C custom policies: documents by their digest, encodings, families, and what is uploaded."""

from collections.abc import Callable
from typing import Any

import pytest

from responders.kinds.custom_policies import CUSTOM_POLICY, leaves
from shared.model.errors import DoneAlready, Rejected
from shared.model.events import AuditEvent, Target
from shared.model.kinds import Image, TenantKind
from shared.model.object_kinds import Search
from shared.model.objects import EXISTS, WHOLE, ObjectId, Op, Step
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT, MALLORY, custom_policy_xml
from tests.fakes.situations import CUSTOM_POLICY as POLICY
from tests.fakes.tenant import TENANT_ID, Answer, FakeTenant, Request, answer_of

_BASE = "B2C_1A_base"


def _image(policy_id: str = POLICY, **parts: str) -> Image:
    return {"id": policy_id, "xml": custom_policy_xml(policy_id, **parts)}


def _tenant(*images: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - fields of the fake
    return FakeTenant(custom_policies={image["id"]: image["xml"] for image in images}, **more)


# Leaves.


def test_a_document_is_one_leaf_whatever_its_layout_and_encoding() -> None:
    plain = _image(base=_BASE, content="<A x='1' y='2'/>")
    other = {"id": POLICY.upper(), "xml": "\ufeff" + plain["xml"].replace("utf-8", "utf-16").replace("\n", "\r\n  ")}
    other["xml"] = other["xml"].replace("<A x='1' y='2'/>", "<!-- x --><A y='2' x='1'></A>")
    assert leaves(plain) == leaves(other)
    assert leaves(plain)["base"] == _BASE.lower()
    assert leaves(plain) != leaves(_image(base=_BASE, content="<A x='1' y='3'/>"))
    assert "base" not in leaves(_image())
    assert CUSTOM_POLICY.named_by_digest == {"document"}


@pytest.mark.parametrize("xml", ["", "<open>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a\ud800"])
def test_what_is_not_safe_to_read_is_told_apart_and_never_uploaded(xml: str) -> None:
    values = leaves({"id": POLICY, "xml": xml})
    assert str(values["document"]).startswith("unreadable ")
    assert values != leaves({"id": POLICY, "xml": f"{xml} "})
    found = objections(CUSTOM_POLICY, _tenant().edges(TenantKind.B2C), POLICY, None, values)[WHOLE]
    assert (found.guard, found.can_pass) == ("unreadable", False)


# Records.


def _event(activity: str, *, identity: str = POLICY, name: str = "", **more: Any) -> AuditEvent:  # noqa: ANN401 - fields
    fields: dict[str, Any] = {"service": "B2C", "outcome": "success"} | more
    return AuditEvent(
        id="a",
        tenant_id=TENANT_ID,
        at=AT,
        activity=activity,
        category="ResourceManagement",
        reason="",
        correlation_id="c",
        actor=MALLORY,
        targets=(Target(id=identity, name=name),),
        **fields,
    )


@pytest.mark.parametrize(
    ("activity", "op", "wrote"),
    [
        ("Create custom policy", Op.CREATE, {EXISTS: (None, True)}),
        ("update custom policy\N{NO-BREAK SPACE}", Op.UPDATE, {}),
        ("Delete custom policy", Op.DELETE, {EXISTS: (True, None)}),
    ],
)
@pytest.mark.parametrize("target", [{"identity": POLICY.upper()}, {"identity": "", "name": POLICY}])
def test_a_record_tells_that_something_was_done_and_not_what(
    activity: str,
    op: Op,
    wrote: dict[str, Step],
    target: dict[str, str],
) -> None:
    (recorded,) = CUSTOM_POLICY.recorded(_event(activity, **target))
    spelled = target["identity"] or POLICY
    assert (recorded.object_id, recorded.op, recorded.wrote, recorded.is_whole) == (spelled, op, wrote, False)


@pytest.mark.parametrize(
    "event",
    [
        _event("Get custom policies"),
        _event("Update custom policy", outcome="failure"),
        _event("Update custom policy", service="Core Directory"),
        _event("Update custom policy", identity="a tenant's name"),
    ],
)
def test_other_records_tell_nothing(event: AuditEvent) -> None:
    assert CUSTOM_POLICY.recorded(event) == ()


# Reading.


type Spoiler = Callable[[int, Request], Answer | None]


def _raw(bodies: dict[str, bytes]) -> Spoiler:
    def spoil(_number: int, request: Request) -> Answer | None:
        for policy_id, body in bodies.items():
            if request.method == "GET" and request.url.endswith(f"/{policy_id}/$value"):
                return Answer(status=200, headers={}, body=body)
        return None

    return spoil


def _document(encoding: str, text: str = "x") -> str:
    return custom_policy_xml(content=f"<A>{text}</A>").replace("utf-8", encoding)


@pytest.mark.parametrize(
    ("body", "readable"),
    [
        (_document("utf-8", "\N{LATIN SMALL LETTER E WITH ACUTE}").encode(), True),
        (_document("utf-8").encode("utf-8-sig"), True),
        (_document("utf-16").encode("utf-16"), True),
        (_document("iso-8859-1", "\N{LATIN SMALL LETTER E WITH ACUTE}").encode("latin-1"), True),
        (_document("Windows-1252", "\N{RIGHT SINGLE QUOTATION MARK}").encode("cp1252"), True),
        (_document("utf-16").encode(), True),
        (_document("utf-8", "\N{RIGHT SINGLE QUOTATION MARK}").encode("cp1252"), False),
        (_document("utf-16").encode("utf-16-be"), True),
        (_document("utf-16").encode("utf-16-le"), True),
        (_document("rot13", "\N{RIGHT SINGLE QUOTATION MARK}").encode("cp1252"), False),
    ],
)
def test_one_document_in_another_encoding_blinds_no_listing(*, body: bytes, readable: bool) -> None:
    tenant = _tenant(_image(), _image(_BASE), spoil=_raw({POLICY: body}))
    read = CUSTOM_POLICY.inventory.read(tenant.edges(TenantKind.B2C))
    assert set(read) == {POLICY.lower(), _BASE.lower()}
    assert ("unreadable" in read[POLICY.lower()]) != readable
    assert str(leaves(read[POLICY.lower()])["document"]).startswith("unreadable") != readable


def test_one_odd_id_blinds_no_listing() -> None:
    tenant = _tenant(_image(), _image("B2C_1A_odd name"))
    assert "unreadable" in CUSTOM_POLICY.inventory.read(tenant.edges(TenantKind.B2C))["b2c_1a_odd name"]


def test_one_odd_name_blinds_no_listing() -> None:
    body = rb'{"value": [{"id": "B2C_1A_base", "x": "a\ud800b\\ud800"}]}'
    tenant = _tenant(_image(_BASE), spoil=_listing(body))
    assert list(CUSTOM_POLICY.inventory.read(tenant.edges(TenantKind.B2C))) == [_BASE.lower()]


def _listing(body: bytes) -> Spoiler:
    def spoil(_number: int, request: Request) -> Answer | None:
        return Answer(status=200, headers={}, body=body) if request.url.endswith("/policies") else None

    return spoil


def _refused_after(count: int) -> Spoiler:
    refused = answer_of({"error": {"code": "x", "message": ""}}, 403)
    return lambda number, _request: refused if number >= count else None


def test_what_fails_for_another_reason_is_raised() -> None:
    tenant = _tenant(_image(), spoil=_refused_after(1))
    with pytest.raises(Exception, match="x"):
        CUSTOM_POLICY.inventory.read(tenant.edges(TenantKind.B2C))


def test_it_is_found_by_its_id_alone() -> None:
    api = _tenant(_image()).edges(TenantKind.B2C)
    target = leaves(_image())
    assert CUSTOM_POLICY.found(api, Search(ids=(_BASE, POLICY), name="", target=target)) is not None
    assert CUSTOM_POLICY.found(api, Search(ids=(_BASE,), name=POLICY, target=target)) is None


def test_a_tenants_policies_share_a_lane() -> None:
    of = ObjectId(tenant_id="t", kind=CUSTOM_POLICY.kind, key="k")
    assert {CUSTOM_POLICY.lane(of, each, None) for each in (POLICY, _BASE)} == {"t|custom-policy"}


# Guards and writes.


def _judged(tenant: FakeTenant, policy_id: str, stands: Image | None, target: Any) -> Any:  # noqa: ANN401 - objections
    return objections(CUSTOM_POLICY, tenant.edges(TenantKind.B2C), policy_id, stands, target)


def test_a_policy_that_others_inherit_from_stays_until_they_are_gone() -> None:
    base, child = _image(_BASE), _image(base=_BASE.upper())
    found = _judged(_tenant(base, child), _BASE, base, {})[WHOLE]
    assert (found.guard, found.can_pass) == ("inherited-from", True)
    assert POLICY in found.because
    assert _judged(_tenant(base), _BASE, base, {}) == {}
    assert _judged(_tenant(base, child), POLICY, child, {}) == {}


_NAMED = "<open><BasePolicy><PolicyId>{}</PolicyId>"


@pytest.mark.parametrize("name", [_BASE, _BASE.upper(), "B2C_1A_b&#97;se"])
def test_who_inherits_is_unknown_where_a_document_that_names_it_is_not_safe_to_read(name: str) -> None:
    base = _image(_BASE)
    found = _judged(_tenant(base, {"id": POLICY, "xml": _NAMED.format(name)}), _BASE, base, {})[WHOLE]
    assert found.can_pass
    assert "could not be read" in found.because


def test_who_inherits_is_unknown_where_a_document_cannot_be_read_at_all() -> None:
    base = _image(_BASE)
    tenant = _tenant(base, _image(), spoil=_raw({POLICY: b"\xff\xfe\xff"}))
    found = _judged(tenant, _BASE, base, {})[WHOLE]
    assert (found.guard, found.can_pass) == ("inherited-from", True)


def test_who_inherits_is_known_however_deep_a_document_is_nested() -> None:
    base, deep = _image(_BASE), "<!-- B2C_1A_base -->" + "<a>" * 200 + "</a>" * 200
    other, child = _image(content=deep), _image(base=_BASE, content=deep)
    assert _judged(_tenant(base, other), _BASE, base, {}) == {}
    assert "other policies inherit from it" in _judged(_tenant(base, child), _BASE, base, {})[WHOLE].because


def test_a_document_that_is_not_safe_to_read_keeps_no_other_one_that_it_does_not_name() -> None:
    """Else an attacker would make two, and each would keep the other."""
    odd = {"id": POLICY, "xml": _NAMED.format("B2C_1A_other")}
    evil = {"id": _BASE, "xml": "<open>"}
    tenant = _tenant(odd, evil)
    assert _judged(tenant, _BASE, evil, {}) == _judged(tenant, POLICY, odd, {}) == {}


@pytest.mark.parametrize("stands", [None, _image()])
def test_a_policy_waits_for_the_one_that_it_inherits_from(stands: Image | None) -> None:
    target = leaves(_image(base=_BASE))
    tenant = _tenant(*([stands] if stands else []))
    found = _judged(tenant, POLICY, stands, target)[WHOLE]
    assert (found.guard, found.can_pass) == ("base-gone", True)
    assert _BASE.lower() in found.because
    tenant.custom_policies[_BASE.upper()] = custom_policy_xml(_BASE)
    assert _judged(tenant, POLICY, stands, target) == {}


def test_a_policy_of_which_nothing_is_known_is_not_written() -> None:
    found = _judged(_tenant(_image()), POLICY, _image(), {EXISTS: True})[WHOLE]
    assert (found.guard, found.can_pass) == ("source-missing", True)


def test_a_listing_that_fails_is_unknown() -> None:
    tenant = _tenant(spoil=_refused_after(0))
    assert _judged(tenant, POLICY, None, leaves(_image()))[WHOLE].can_pass


@pytest.mark.parametrize("stands", [None, _image(content="<Evil/>")])
def test_afterwards_it_shows_exactly_the_target_in_the_encoding_that_it_declares(stands: Image | None) -> None:
    source = {"id": POLICY, "xml": "\ufeff" + _document("utf-16", "\N{LATIN SMALL LETTER E WITH ACUTE}")}
    tenant = _tenant(*([stands] if stands else []))
    api = tenant.edges(TenantKind.B2C)
    CUSTOM_POLICY.write(api, write_of(CUSTOM_POLICY, POLICY, stands, leaves(source), source=source))
    after = CUSTOM_POLICY.read(api, POLICY)
    assert after is not None
    assert leaves(after) == leaves(source)
    assert 'encoding="utf-8"' in after["xml"]


@pytest.mark.parametrize("source", [None, _image(content="<Other/>")])
def test_without_the_version_that_has_the_document_nothing_is_sent(source: Image | None) -> None:
    tenant = _tenant(_image())
    write = write_of(CUSTOM_POLICY, POLICY, _image(), leaves(_image(content="<Right/>")), source=source)
    with pytest.raises(Rejected) as refused:
        CUSTOM_POLICY.write(tenant.edges(TenantKind.B2C), write)
    assert (refused.value.code, tenant.writes) == ("SourceMissing", [])


def test_it_is_deleted_and_one_that_is_gone_already_was_deleted_by_somebody_else() -> None:
    tenant, write = _tenant(_image()), write_of(CUSTOM_POLICY, POLICY, _image(), {})
    CUSTOM_POLICY.write(tenant.edges(TenantKind.B2C), write)
    assert tenant.custom_policies == {}
    with pytest.raises(DoneAlready):
        CUSTOM_POLICY.write(tenant.edges(TenantKind.B2C), write)
