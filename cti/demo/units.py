"""The demo city's units (承办单位) in five levels, made from the gazetteer."""

from __future__ import annotations

from collections.abc import Sequence

from cti.database import open_engine
from cti.demo.script import City, load_city
from cti.settings import Settings
from orders.unit_store import UnitStore
from orders.unit_table import Unit, read_units, shipped_units

__all__ = ["demo_units", "ensure_units"]

PROVINCE = "云山省12345协调办公室"
CITY = "云州市人民政府"
COMMUNITY = "社区居民委员会"


def demo_units(city: City | None = None) -> tuple[Unit, ...]:
    """Province, city, its departments and companies, districts, streets, and a community for each estate."""
    city = city or load_city()
    rows: list[Sequence[str]] = [(PROVINCE, "省级", "", "", ""), (CITY, "市级", PROVINCE, "", "")]
    rows += [
        (one.name, "企业" if one.kind == "企业" else "市级", CITY, "；".join(one.aliases), "")
        for one in city.organisations
        if one.kind in ("部门", "企业")
    ]
    rows += [(f"{one.name}人民政府", "区县", CITY, "", one.name) for one in city.districts]
    rows += [
        (one.name, "街道乡镇", f"{one.district}人民政府", "", f"{one.district}；{one.name}")
        for one in city.streets
    ]
    rows += [
        (f"{one.name}{COMMUNITY}", "村社", one.street, one.name, one.street)
        for one in city.places
        if one.kind == "小区"
    ]
    text = "\n".join(",".join(row) for row in (("name", "level", "parent", "duties", "areas"), *rows))
    return read_units(text, standard=shipped_units())


async def ensure_units(settings: Settings) -> int:
    """Put the city's units into the demo's migrated database, unless there are some; return how many are.

    Raises SQLAlchemyError when there is no database.
    """
    engine = open_engine(settings.database)
    try:
        store = UnitStore(engine)
        if not await store.units():
            await store.replace_units(demo_units())
        return len(await store.units())
    finally:
        await engine.dispose()
