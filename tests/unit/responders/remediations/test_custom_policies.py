"""What is planned for custom policies, and what their inventory keeps."""

from typing import Any

import pytest

from responders.kinds.custom_policy_xml import document_of, is_same_document
from responders.remediations.custom_policies import (
    CUSTOM_POLICIES,
    DELETE_CUSTOM_POLICY,
    PUT_BACK_CUSTOM_POLICY,
    RESTORE_CUSTOM_POLICY,
)
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import Target
from shared.model.kinds import Image, TenantKind
from shared.model.remediations import Already, Plan, Put
from tests.fakes.situations import (
    CUSTOM_POLICY,
    NEVER_THERE,
    UNKNOWN,
    approved,
    custom_policy_xml,
    doubt,
    known,
    put,
    situation,
)
from tests.fakes.tenant import FakeTenant, answer_of

_BASE = "B2C_1A_TrustFrameworkBase"
_EXTENSIONS = "B2C_1A_TrustFrameworkExtensions"
_XML = custom_policy_xml(base=_EXTENSIONS)
_BASE_XML = custom_policy_xml(_BASE)
_EXTENSIONS_XML = custom_policy_xml(_EXTENSIONS, base=_BASE)
_TAMPERED = custom_policy_xml(base=_EXTENSIONS, content="<RelyingParty/>")
_BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
_PARENTS: list[Image] = [{"id": _BASE, "xml": _BASE_XML}, {"id": _EXTENSIONS, "xml": _EXTENSIONS_XML}]
_IMAGE: Image = {"id": CUSTOM_POLICY, "xml": _XML, "parents": _PARENTS}


class TestDocuments:
    def test_layout_comments_and_byte_order_mark_do_not_count(self) -> None:
        relaid = "\ufeff" + _XML.replace("\n", "\r\n   ").replace(
            "</TrustFrameworkPolicy>", "<!-- x --></TrustFrameworkPolicy>"
        )
        assert is_same_document(_XML, relaid.lstrip())

    def test_content_counts(self) -> None:
        assert not is_same_document(_XML, _TAMPERED)

    @pytest.mark.parametrize("text", [_BOMB, "", "<a", "plain", "<a>\ud800</a>", "<a>" * 9999 + "</a>" * 9999])
    def test_what_is_not_safe_is_not_read(self, text: str) -> None:
        with pytest.raises(ValueError, match="it is not"):
            document_of(text)
        assert not is_same_document(text, text)

    def test_the_parent_is_read(self) -> None:
        assert document_of(_XML).base == _EXTENSIONS
        assert document_of(_BASE_XML).base == ""


class TestDeleting:
    def plan(self, current: Image | None = None, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        baseline = more.pop("baseline", NEVER_THERE)
        return DELETE_CUSTOM_POLICY.plan(situation(current, target=CUSTOM_POLICY, baseline=baseline, **more))

    def current(self, **more: Any) -> Image:  # noqa: ANN401 - JSON
        found: Image = {"id": CUSTOM_POLICY, "xml": _XML, "children": [], "unread": []}
        return found | more

    def test_it_is_gone(self) -> None:
        assert isinstance(self.plan(None, baseline=UNKNOWN), Already)

    def test_it_is_new(self) -> None:
        assert put(self.plan(self.current())) == {"id": CUSTOM_POLICY}

    def test_it_is_not_known_to_be_new(self) -> None:
        assert UNKNOWN.because in doubt(self.plan(self.current(), baseline=UNKNOWN))
        assert "stood before" in doubt(self.plan(self.current(), baseline=known(_IMAGE)))

    def test_an_approved_change_came_after(self) -> None:
        assert "approved" in doubt(self.plan(self.current(), later=(approved(),)))

    def test_others_inherit_from_it(self) -> None:
        assert "B2C_1A_child" in doubt(self.plan(self.current(children=["B2C_1A_child"])))
        assert "B2C_1A_odd" in doubt(self.plan(self.current(unread=["B2C_1A_odd"])))


class TestPuttingBack:
    def plan(self, xml: str | None, **more: Any) -> Plan:  # noqa: ANN401 - handed on
        baseline = more.pop("baseline", known(_IMAGE))
        current = None if xml is None else {"id": CUSTOM_POLICY, "xml": xml}
        return PUT_BACK_CUSTOM_POLICY.plan(situation(current, target=CUSTOM_POLICY, baseline=baseline, **more))

    def test_it_is_as_before(self) -> None:
        assert isinstance(self.plan(_XML.replace("\n", "\n\n"), later=(approved(),)), Already)

    def test_it_was_changed(self) -> None:
        assert put(self.plan(_TAMPERED)) == {"uploads": [{"id": CUSTOM_POLICY, "xml": _XML}]}

    def test_what_cannot_be_read_is_written_over(self) -> None:
        assert put(self.plan(_BOMB)) == {"uploads": [{"id": CUSTOM_POLICY, "xml": _XML}]}

    def test_what_cannot_be_read_is_never_uploaded(self) -> None:
        assert "never uploaded" in doubt(self.plan(_TAMPERED, baseline=known({"id": CUSTOM_POLICY, "xml": _BOMB})))

    def test_it_is_not_known_how_it_was(self) -> None:
        assert UNKNOWN.because in doubt(self.plan(_TAMPERED, baseline=UNKNOWN))
        assert "itself created" in doubt(self.plan(_TAMPERED, baseline=NEVER_THERE))

    def test_it_is_gone(self) -> None:
        assert "no longer exists" in doubt(self.plan(None))

    def test_an_approved_change_came_after(self) -> None:
        assert "approved" in doubt(self.plan(_TAMPERED, later=(approved(),)))


class TestRestoring:
    def plan(self, xml: str | None = None, ids: tuple[str, ...] = (_BASE, _EXTENSIONS), **more: Any) -> Plan:  # noqa: ANN401 - handed on
        baseline = more.pop("baseline", known(_IMAGE))
        current = {"id": CUSTOM_POLICY, "xml": xml, "ids": list(ids)}
        return RESTORE_CUSTOM_POLICY.plan(situation(current, target=CUSTOM_POLICY, baseline=baseline, **more))

    def uploaded(self, plan: Plan) -> list[str]:
        return [upload["id"] for upload in put(plan)["uploads"]]

    def test_it_is_there(self) -> None:
        assert isinstance(self.plan(_XML), Already)

    def test_it_is_gone(self) -> None:
        assert self.uploaded(self.plan()) == [CUSTOM_POLICY]

    @pytest.mark.parametrize("present", [(), ("b2c_1a_OTHER",)])
    def test_missing_parents_come_first(self, present: tuple[str, ...]) -> None:
        plan = self.plan(ids=present)
        assert self.uploaded(plan) == [_BASE, _EXTENSIONS, CUSTOM_POLICY]
        assert isinstance(plan, Put)
        assert f"after {_BASE}, {_EXTENSIONS}" in plan.summary

    def test_a_parent_that_is_there_is_left_alone(self) -> None:
        assert self.uploaded(self.plan(ids=(_BASE.lower(),))) == [_EXTENSIONS, CUSTOM_POLICY]

    def test_a_parent_that_nobody_has(self) -> None:
        assert _EXTENSIONS.lower() in doubt(self.plan(ids=(), baseline=known({"id": CUSTOM_POLICY, "xml": _XML})))

    def test_parents_in_a_circle(self) -> None:
        circle = [{"id": _EXTENSIONS, "xml": custom_policy_xml(_EXTENSIONS, base=CUSTOM_POLICY)}]
        assert "neither" in doubt(self.plan(ids=(), baseline=known(_IMAGE | {"parents": circle})))

    def test_a_parent_that_cannot_be_read_is_never_uploaded(self) -> None:
        parents = [{"id": _EXTENSIONS, "xml": _BOMB}]
        assert "never uploaded" in doubt(self.plan(ids=(), baseline=known(_IMAGE | {"parents": parents})))

    def test_nor_is_the_policy_itself(self) -> None:
        assert "never uploaded" in doubt(self.plan(baseline=known({"id": CUSTOM_POLICY, "xml": _BOMB})))

    def test_it_did_not_exist_before(self) -> None:
        assert isinstance(self.plan(baseline=NEVER_THERE), Already)

    def test_it_is_not_known_how_it_was(self) -> None:
        assert UNKNOWN.because in doubt(self.plan(baseline=UNKNOWN))
        assert UNKNOWN.because in doubt(self.plan(_XML, baseline=UNKNOWN))

    def test_it_was_uploaded_again_with_another_content(self) -> None:
        assert "another document" in doubt(self.plan(_TAMPERED))

    def test_an_approved_change_came_after(self) -> None:
        assert "approved" in doubt(self.plan(later=(approved(),)))


class TestLooking:
    def tenant(self, **more: str) -> FakeTenant:
        return FakeTenant(custom_policies={_BASE: _BASE_XML, _EXTENSIONS: _EXTENSIONS_XML, CUSTOM_POLICY: _XML} | more)

    def test_children_are_found_whatever_their_case(self) -> None:
        tenant = self.tenant(B2C_1A_odd=_BOMB, B2C_1A_lower=custom_policy_xml("B2C_1A_lower", base=_EXTENSIONS.lower()))
        look = DELETE_CUSTOM_POLICY.look(tenant.edges(TenantKind.B2C), Target(id=_EXTENSIONS))
        assert look.current is not None
        assert sorted(look.current["children"]) == ["B2C_1A_lower", CUSTOM_POLICY]
        assert look.current["unread"] == ["B2C_1A_odd"]

    def test_a_policy_that_is_gone_costs_one_request(self) -> None:
        tenant = self.tenant()
        assert DELETE_CUSTOM_POLICY.look(tenant.edges(), Target(id="B2C_1A_gone")).current is None
        assert len(tenant.log) == 1

    def test_a_record_that_has_the_id_only_as_a_name(self) -> None:
        look = PUT_BACK_CUSTOM_POLICY.look(self.tenant().edges(), Target(id="", name=CUSTOM_POLICY))
        assert look.current == {"id": CUSTOM_POLICY, "xml": _XML}

    @pytest.mark.parametrize("name", ["", "B2C_1A_a/../b", "B2C_1A_a?x", "B2C_1A_a%2f", "B2C_1_flow"])
    def test_what_is_no_custom_policy_never_reaches_a_url(self, name: str) -> None:
        tenant = self.tenant()
        for remediation in (DELETE_CUSTOM_POLICY, PUT_BACK_CUSTOM_POLICY, RESTORE_CUSTOM_POLICY):
            with pytest.raises(BadIdentifier):
                remediation.look(tenant.edges(), Target(id=name, name="Policy"))
        assert tenant.log == []


class TestInventory:
    def test_each_policy_carries_those_that_it_inherits_from(self) -> None:
        documents = {CUSTOM_POLICY: _XML, _EXTENSIONS: _EXTENSIONS_XML, _BASE: _BASE_XML}
        found = CUSTOM_POLICIES.read(FakeTenant(custom_policies=documents).edges(TenantKind.B2C))
        assert found[CUSTOM_POLICY.lower()] == _IMAGE
        assert found[_BASE.lower()] == {"id": _BASE, "xml": _BASE_XML, "parents": []}

    def test_a_policy_that_cannot_be_read_does_not_blind_the_others(self) -> None:
        found = CUSTOM_POLICIES.read(FakeTenant(custom_policies={"B2C_1A_odd": _BOMB, CUSTOM_POLICY: _XML}).edges())
        assert found["b2c_1a_odd"]["unreadable"].startswith("it is not XML that is safe")
        assert found[CUSTOM_POLICY.lower()] == {"id": CUSTOM_POLICY, "xml": _XML, "parents": []}

    def test_policies_in_a_circle_end(self) -> None:
        documents = {"B2C_1A_a": custom_policy_xml("B2C_1A_a", base="B2C_1A_b")}
        documents["B2C_1A_b"] = custom_policy_xml("B2C_1A_b", base="B2C_1A_a")
        found = CUSTOM_POLICIES.read(FakeTenant(custom_policies=documents).edges())
        assert [parent["id"] for parent in found["b2c_1a_a"]["parents"]] == ["B2C_1A_b"]

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_a_failed_read_is_never_part_of_a_listing(self, number: int) -> None:
        tenant = FakeTenant(
            custom_policies={_BASE: _BASE_XML, _EXTENSIONS: _EXTENSIONS_XML},
            spoil=lambda at, _request: answer_of({"error": {"code": "x"}}, 400) if at == number else None,
        )
        with pytest.raises(EdgeError):
            CUSTOM_POLICIES.read(tenant.edges())

    def test_one_that_went_in_between_is_left_out(self) -> None:
        gone = answer_of({"error": {"code": "AADB2C90073"}}, 404)
        tenant = FakeTenant(
            custom_policies={_BASE: _BASE_XML, _EXTENSIONS: _EXTENSIONS_XML},
            spoil=lambda at, _request: gone if at == 1 else None,
        )
        assert CUSTOM_POLICIES.read(tenant.edges()).keys() == {_EXTENSIONS.lower()}
