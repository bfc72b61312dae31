"""Which telephone can be rung where."""

from __future__ import annotations

from types import MappingProxyType
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from cti.ami import AmiEvent, AmiLink, AmiNodes
from cti.control.phones import REACHABLE, Phones, extension_of_channel


class NoNodes:
    def __init__(self) -> None:
        self.links: dict[str, object] = {}


class Listing:
    """A node's link that lists these contacts."""

    def __init__(self, name: str, *contacts: tuple[str, str]) -> None:
        self.name = name
        self._contacts = contacts

    async def listing(self, name: str, fields: object, *, deadline: float) -> tuple[AmiEvent, ...]:
        return tuple(
            AmiEvent(
                "ContactList",
                MappingProxyType({"Endpoint": endpoint, "Uri": uri, "Status": "Reachable"}),
                self.name,
            )
            for endpoint, uri in self._contacts
        )


def contact(endpoint: str, uri: str, status: str, node: str = "a") -> AmiEvent:
    fields = {"EndpointName": endpoint, "URI": uri, "ContactStatus": status}
    return AmiEvent("ContactStatus", MappingProxyType(fields), node)


async def phones(*nodes: str) -> Phones:
    """Phones whose nodes have told that nobody is registered."""
    made = Phones(cast("AmiNodes", NoNodes()))
    for node in nodes:
        await made.list_contacts(cast("AmiLink", Listing(node)))
    return made


def test_as_long_as_no_node_could_be_asked_every_telephone_may_be_tried() -> None:
    made = Phones(cast("AmiNodes", NoNodes()))
    assert made.registered("8001")
    assert made.targets("8001", "a") == "PJSIP/8001&PJSIP/8001p"


async def test_only_registered_telephones_are_rung_on_the_node_that_has_them() -> None:
    made = await phones("a", "b")
    assert not made.registered("8001")
    made.contact_event(contact("8001p", "sip:1", "Reachable"))
    assert made.registered("8001")
    assert made.targets("8001", "a") == "PJSIP/8001p"
    assert made.targets("8001", "b") == ""
    made.contact_event(contact("8001", "sip:2", "NonQualified"))
    assert made.targets("8001", "a") == "PJSIP/8001&PJSIP/8001p"


async def test_only_a_change_of_the_whole_extension_is_told() -> None:
    made = await phones("a")
    assert made.contact_event(contact("8001", "sip:1", "Reachable")) == "8001"
    assert made.contact_event(contact("8001p", "sip:2", "Reachable")) is None
    assert made.contact_event(contact("8001", "sip:1", "Removed")) is None
    assert made.contact_event(contact("8001p", "sip:2", "Unreachable")) == "8001"


async def test_a_node_whose_link_is_down_may_have_any_telephone() -> None:
    made = await phones("a")
    made.contact_event(contact("8001p", "sip:1", "Reachable"))
    made.node_down("a")
    assert made.targets("8001", "a") == "PJSIP/8001&PJSIP/8001p"
    await made.list_contacts(cast("AmiLink", Listing("a", ("8002", "sip:9"))))
    assert made.targets("8001", "a") == ""  # gone while the link was down
    assert made.targets("8002", "a") == "PJSIP/8002"


STATUSES = [*sorted(REACHABLE), "Unreachable", "Removed", "Unknown"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["8001", "8001p"]),
            st.sampled_from(["sip:1", "sip:2"]),
            st.sampled_from(STATUSES),
            st.sampled_from(["a", "b"]),
        ),
        max_size=30,
    )
)
def test_an_extension_is_registered_while_any_contact_of_it_is_reachable(
    events: list[tuple[str, str, str, str]],
) -> None:
    made = Phones(cast("AmiNodes", NoNodes()))
    made._known |= {"a", "b"}
    reachable: set[tuple[str, str, str]] = set()
    for endpoint, uri, status, node in events:
        before = bool(reachable)
        (reachable.add if status in REACHABLE else reachable.discard)((endpoint, uri, node))
        told = made.contact_event(contact(endpoint, uri, status, node))
        assert told == ("8001" if bool(reachable) is not before else None)
        assert made.registered("8001") == bool(reachable)
        for where in ("a", "b"):
            wanted = {f"PJSIP/{e}" for e, _, n in reachable if n == where}
            assert set(filter(None, made.targets("8001", where).split("&"))) == wanted


def test_the_extension_of_a_channel_is_found_for_both_telephones() -> None:
    known = ("8001", "8002")
    assert extension_of_channel("PJSIP/8001-0000002a", known) == "8001"
    assert extension_of_channel("PJSIP/8002p-0000002b", known) == "8002"
    assert extension_of_channel("PJSIP/city-0000002c", known) is None
    assert extension_of_channel("PJSIP/80010-0000002d", known) is None
