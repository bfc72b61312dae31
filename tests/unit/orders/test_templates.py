"""Templates as delivered may stand in orders, and fit the categories they are for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders.errors import UnknownField, ValueRefused
from orders.templates import check, shipped


def test_every_template_fits_its_own_category_and_what_lies_below() -> None:
    for template in shipped():
        assert template.fits(template.category)
        assert template.fits(f"{template.category}/夜间") or not template.category
    power = next(one for one in shipped() if one.template_id == "power_cut")
    assert not power.fits("城乡建设/供电所")
    assert not power.fits("城乡建设")


def test_a_template_that_could_not_stand_in_an_order_is_refused() -> None:
    template = shipped()[0]
    with pytest.raises(UnknownField):
        check(replace(template, fields={"colour": "red"}))
    with pytest.raises(ValueRefused):
        check(replace(template, fields={"type": "闲聊"}))
