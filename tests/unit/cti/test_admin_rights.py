"""Who may change what in the administration pages."""

from __future__ import annotations

import pytest

from cti.edition_set import PLACES
from cti.message_base import Role
from cti.web.admin_rights import may_edit


@pytest.mark.parametrize("kind", [*PLACES, "flow:night", "prompt:welcome"])
def test_every_document_has_somebody_who_may_publish_it(kind: str) -> None:
    assert may_edit(Role.ADMIN, kind)
    assert not may_edit(Role.AGENT, kind)


@pytest.mark.parametrize("kind", ["privacy", "retention", "assessment"])
def test_who_sees_what_goes_and_counts_is_not_a_supervisors_to_change(kind: str) -> None:
    assert not may_edit(Role.SUPERVISOR, kind)
