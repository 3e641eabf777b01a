"""Words for readers: bases, roles of deliveries, numbers as the Dutch write them."""

from __future__ import annotations

from collections.abc import Iterable

from kansenkaart.tables.provenance import Provenance

#: What a score was made from, and other codes of the tables, as a reader would say it.
BASIS_NL: dict[str, str] = {
    "lod22+dsm": "dakvlakken in 3D, met schaduw uit het hoogtemodel",
    "lod22": "dakvlakken in 3D, zonder schaduw",
    "lod12": "eenvoudige dakvorm, zonder schaduw",
    "dsm": "hoogtemodel, zonder dakvlakken",
    "footprint+dsm": "omtrek van gebouwen, met hoogtemodel",
    "footprint": "omtrek van gebouwen; daken onbekend",
    "bgt": "grootschalige kaart (BGT)",
    "nwb": "wegenbestand (NWB)",
    "addresses": "ligging van adressen",
    "gwsw": "riool zoals de gemeente het opgeeft",
    "era": "riool geschat naar bouwjaren",
    "cbs": "huishoudens van het CBS",
    "per home": "vast oppervlak per woning",
    "address": "straatnaam in het adres",
    "reference": "verwijzing in het register",
    "levels": "hoogte van de buis",
    "outlet": "kortste weg naar het uitlaatpunt",
    "centre": "weg naar het midden",
    "footprint+streets": "omtrek van gebouwen, met straten als rand",
    "address_points": "ligging van adressen",
    "address_points+streets": "ligging van adressen, met straten als rand",
    "name": "straatnaam in het adres",
    "land": "gemiddelde van Nederland",
    "nearest": "dichtstbijzijnde straat",
    "none: no street within reach": "geen straat in de buurt",
    "against_levels": "kortste weg, tegen de hoogten in",
    "lowest_level": "weg naar het laagste punt",
    "larger_pipe": "weg naar de grootste buis",
    "drawn": "zoals de leiding is getekend",
    "flat": "vlak of tegen de stroom in: telt als 1:1000",
    "assumed": "aangenomen: 1:500",
    "clean": "spoelt zichzelf schoon",
    "shrinks": "kleinere buis, daarin stroomt het sneller",
    "keeps_size_may_silt": "blijft even groot: er kan vuil blijven liggen",
    "silts_already": "stroomt bij droog weer nu al langzaam",
    "not_foul": "geen vuil water",
    "maatwerk": "alleen met maatwerk: riool binnen 40 m",
    "free": "onder voorwaarden: geen riool binnen 40 m",
    "verbeterd_gescheiden": "verbeterd gescheiden",
    "grey": "ja, zonder grijswater",
    "rain": "ja, zonder hemelwater",
    "both": "alleen zonder grijswater en hemelwater samen",
    "same": "nee, blijft even groot",
    "none": "geen riool gevonden",
    "unknown": "onbekend",
}
ROLE_NL: dict[str, str] = {
    "buurt": "grenzen van buurten",
    "statistics": "cijfers per buurt",
    "pand": "gebouwen",
    "home": "woningen",
    "roof_face": "dakvlakken",
    "dsm": "hoogten met gebouwen en bomen",
    "dtm": "hoogten van de grond",
    "terrain": "straten, groen en water",
    "street_line": "wegen",
    "sewer_pipe": "riolen",
    "sewer_node": "putten",
    "weather_hourly": "weer per uur",
    "weather_daily": "weer per dag",
}
_THOUSAND = 1000.0


def basis_words(text: str) -> str:
    """Say a basis in words; one that has none stays as it is."""
    return BASIS_NL.get(text, text)


def role_words(role: str) -> str:
    """Say what a delivery is used for."""
    return ROLE_NL.get(role, role)


def number(value: float, decimals: int = 0) -> str:
    """Write a number the Dutch way."""
    text = f"{float(value):,.{decimals}f}"
    return text.replace(",", "\0").replace(".", ",").replace("\0", ".")


def kwh_words(value: float) -> str:
    """Write an amount of energy [kWh] in the unit in which people can picture it."""
    steps = ((_THOUSAND**2, "GWh"), (_THOUSAND, "MWh"))
    by, unit = next(((by, unit) for by, unit in steps if abs(value) >= 10 * by), (1.0, "kWh"))
    return f"{number(value / by, 1 if by > 1 and abs(value) < 100 * by else 0)} {unit}"


def source_words(sources: Iterable[Provenance]) -> str:
    """Name the publishers behind some figures, each once."""
    names = sorted({one.credit for one in sources})
    return ", ".join(names[:-1]) + " en " + names[-1] if len(names) > 1 else "".join(names)
