"""Names by which a reader can call a thing: a pipe by its street and size, a roof face by its slope, a block by its street."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import chain, count
from typing import Any

import pandas as pd

from kansenkaart.wording.nl import codes, counted, homes_nl, number, share

_POINTS = ("noorden", "noordoosten", "oosten", "zuidoosten", "zuiden", "zuidwesten", "westen", "noordwesten")
_FLAT_DEG = 5.0
_FULL_DEG = 360.0


def short_id(uri: str) -> str:
    """Give the part of a register's address that tells things apart: what follows the last # or /.

    Parameters
    ----------
    uri : str
        An address as in GWSW, or any other text.

    Returns
    -------
    str
        Its last part.
    """
    return uri.replace("#", "/").rstrip("/").rsplit("/", 1)[-1]


def pipe_names(frame: pd.DataFrame, streets: Mapping[str, str]) -> pd.Series[str]:
    """Name pipes by their street, system and size.

    Parameters
    ----------
    frame : DataFrame
        Pipes with pipe_id and system; street_id, street_name and diameter_mm [mm] where they are known.
    streets : mapping
        Names of streets by their street_id.

    Returns
    -------
    Series of str
        One name per pipe.
    """
    return pd.Series([_pipe(row, streets) for row in frame.to_dict("records")], index=frame.index, dtype="str")


def _pipe(row: Mapping[Hashable, Any], streets: Mapping[str, str]) -> str:
    street = row.get("street_name")
    if not isinstance(street, str):
        street = streets.get(str(row.get("street_id")), "")
    kind = codes("system_name").get(str(row["system"]), "riool")
    size = row.get("diameter_mm")
    own = kind if size is None or pd.isna(size) else f"{kind} {number(size)} mm"
    return f"{street}: {own}" if street else f"{own}, streng {short_id(str(row['pipe_id']))}"


def pand_names(panden: pd.Series[str], homes: pd.DataFrame | None) -> pd.Series[str]:
    """Name buildings by the addresses in them: one, or the first and how many more; by their number where there is none.

    Parameters
    ----------
    panden : Series of str
        Numbers of panden in the register.
    homes : DataFrame or None
        Homes with pand_id, street_name, postcode, house_number and house_letter.

    Returns
    -------
    Series of str
        One name per pand.
    """
    number_of = panden.astype(str).str[-6:]
    if homes is None or "house_number" not in homes or "pand_id" not in homes:
        return "gebouw " + number_of  # whether homes are in it is not known
    words = ("gebouw " + number_of).where(panden.isin(homes["pand_id"]), "gebouw zonder woning " + number_of)
    text = addresses(homes)
    rows = homes.assign(text=text)[text.notna()].sort_values(["street_name", "house_number", "text"])
    each = rows.groupby("pand_id")["text"].agg(["first", "nunique"])
    more = each["nunique"] - 1
    named = each["first"].where(more == 0, each["first"] + " en nog " + more.astype(str))
    return panden.map(named).fillna(words)


def addresses(homes: pd.DataFrame) -> pd.Series[str]:
    """Write the address of each home: street (or postcode), number and letter; unknown where the register gives no number.

    Parameters
    ----------
    homes : DataFrame
        With street_name, postcode, house_number and house_letter.
    """
    street = homes["street_name"].astype("string").fillna(homes["postcode"].astype("string"))
    number_of = homes["house_number"].astype("Int64").astype("string")
    return street + " " + number_of + homes["house_letter"].astype("string").fillna("")


def face_names(frame: pd.DataFrame) -> pd.Series[str]:
    """Name roof faces by their slope: flat, or the direction that they look at.

    Parameters
    ----------
    frame : DataFrame
        Roof faces with tilt_deg [deg] and azimuth_deg [deg] (0 is north, clockwise).

    Returns
    -------
    Series of str
        One name per face.
    """
    return pd.Series(
        [_face(tilt, turn) for tilt, turn in zip(frame["tilt_deg"], frame["azimuth_deg"], strict=True)],
        index=frame.index,
        dtype="str",
    )


def _face(tilt: float, turn: float) -> str:
    if pd.isna(tilt):
        return "dakvlak"
    if tilt < _FLAT_DEG or pd.isna(turn):
        return "plat dakvlak"
    point = _POINTS[round(turn / _FULL_DEG * len(_POINTS)) % len(_POINTS)]
    return f"schuin dakvlak op het {point}"


def commonest(keys: pd.Series[Any], values: pd.Series[Any]) -> pd.Series[str]:
    """Give what stands most often beside each key, the first of the alphabet where two do so alike.

    Parameters
    ----------
    keys, values : Series
        In pairs; pairs with an unknown one are left out.

    Returns
    -------
    Series of str
        By key.
    """
    pairs = pd.DataFrame({"key": keys.to_numpy(), "value": values.to_numpy()}).dropna()
    often = pairs.value_counts().reset_index(name="times")
    often = often.sort_values(["times", "value"], ascending=[False, True]).drop_duplicates("key")
    return often.set_index("key")["value"].astype("string")


def spaced(postcodes: pd.Series[Any]) -> pd.Series[str]:
    """Write postcodes as on an envelope: 2592 VA.

    Parameters
    ----------
    postcodes : Series of str
        With or without a blank between digits and letters.
    """
    return postcodes.astype("string").str.replace(r"(\d{4}) ?([A-Z]{2})", r"\1 \2", regex=True)


def block_names(frame: pd.DataFrame, postcodes: pd.Series[Any]) -> pd.Series[str]:
    """Name blocks by the streets on which their homes stand; without any by a postcode in them, else by their buurt.

    Parameters
    ----------
    frame : DataFrame
        Blocks with block_id, streets and place_name.
    postcodes : Series of str
        The commonest postcode in a block by its block_id, as text; may be empty.

    Returns
    -------
    Series of str
        One name per block; with its number where more than one have the name, or where only the buurt is known.
    """
    key = frame["block_id"].astype("string")
    streets = frame["streets"].astype("string").fillna("").str.split("; ?", regex=True)
    name = streets.str[:2].str.join(" en ").astype("string")
    code = "bij " + spaced(key.map(postcodes)).astype("string")
    name = name.mask(name == "", code)
    bare = name.isna()
    name = name.fillna(frame["place_name"].astype("string")).fillna("blok zonder buurt")
    alike = name.duplicated(keep=False) | bare
    named: pd.Series[str] = name.mask(alike, name + ", blok " + key).astype("str")
    return named


def distinct_names(names: Sequence[str]) -> list[str]:
    """Tell names apart that come more than once: number them from the second on.

    Parameters
    ----------
    names : sequence of str
        In the order in which they are shown.

    Returns
    -------
    list of str
        No two alike.
    """
    used: set[str] = set()
    out = []
    for name in names:
        wishes = chain([name], (f"{name}, {n}" for n in count(2)))
        out.append(next(one for one in wishes if one.casefold() not in used))
        used.add(out[-1].casefold())
    return out


_SIDES = ("oost", "noordoost", "noord", "noordwest", "west", "zuidwest", "zuid", "zuidoost")
_MIDDLE = 0.25


def side_nl(east_m: float, north_m: float, reach_m: float) -> str:
    """Say on which side of a buurt a place lies.

    Parameters
    ----------
    east_m, north_m : float
        From the middle of the buurt to that of the place [m].
    reach_m : float
        Radius of a circle as large as the buurt [m].

    Returns
    -------
    str
        One of eight winds, ``midden`` within a quarter of the reach; empty where the buurt has no shape.
    """
    if math.isnan(east_m) or math.isnan(north_m):
        return ""
    if math.hypot(east_m, north_m) < _MIDDLE * reach_m:
        return "midden"
    return _SIDES[round(math.atan2(north_m, east_m) / (math.pi / 4)) % len(_SIDES)]


def around_nl(street: str, side: str) -> str:
    """Say around what a best area lies, in other words than those of the areas of the division that it overlaps.

    Parameters
    ----------
    street : str
        With most of its homes; empty where no street has a name.
    side : str
        Of its buurt, as of `side_nl`.
    """
    if street or not side:
        return f"rond {street}" if street else ""
    return "rond het midden" if side == "midden" else f"rond de {side}kant"


def area_names(
    streets: Sequence[Sequence[str]], buurten: Sequence[str], *, taken: Collection[str], sides: Sequence[str] = ()
) -> list[str]:
    """Name areas by the streets with most homes in them, else by their side of the buurt: no two alike, and none like a buurt.

    Parameters
    ----------
    streets : sequence of sequence of str
        Per area its streets, the one with most homes first; empty where no street has a name.
    buurten : sequence of str
        Per area the buurt with most of its homes.
    taken : collection of str
        Names that are in use already: those of buurten.
    sides : sequence of str, optional
        Per area on which side of its buurt it lies, as of `side_nl`.

    Returns
    -------
    list of str
        One or two streets; with the buurt, more streets or a number where that is needed to tell areas apart. Where no street
        has a name: the buurt and the side.
    """
    used = {one.casefold() for one in taken}
    names = []
    for mine, buurt, side in zip(streets, buurten, sides or [""] * len(buurten), strict=True):
        wishes = [" en ".join(mine[:2]), f"{' en '.join(mine[:2])} ({buurt})"] if mine else []
        wishes += [f"{', '.join(mine[: n - 1])} en {mine[n - 1]}" for n in range(3, len(mine) + 1)]
        wishes += [] if mine or not side else [f"{buurt}, {side}"]
        numbered = (f"{wishes[0] if wishes else buurt}, deel {n}" for n in count(1 if mine or not side else 2))
        name = next(one for one in chain(wishes, numbered) if one.casefold() not in used)
        used.add(name.casefold())
        names.append(name)
    return names


def band_reason(kind: str, homes: int, *, area_homes: int, band: tuple[int, int], tries: int) -> str | None:
    """Say why an area is not of the size that was asked for.

    Parameters
    ----------
    kind : str
        ``island``, ``giant``, ``indivisible`` (proven), ``not_met``, or empty.
    homes : int
        Homes of the island, of the largest block, or of the connected part [home].
    area_homes : int
        Homes of the area [home].
    band : tuple of int
        Least and most homes asked for [home].
    tries : int
        Starts from which a division was tried [1].

    Returns
    -------
    str or None
        None where the area is of the size asked for.
    """
    wanted = f"{number(band[0])} tot {number(band[1])} woningen"
    return {
        "island": f"ligt met {homes_nl(homes)} los van de rest: er is geen oversteek, of het is te ver",
        "giant": f"één gebouw of blok heeft {homes_nl(homes)}",
        "indivisible": f"het aaneengesloten deel heeft {homes_nl(homes)}: dat is niet te verdelen in {wanted}",
        "not_met": f"{homes_nl(area_homes)}: in {counted(tries, 'poging', 'pogingen')} is geen verdeling in {wanted} gevonden",
    }.get(kind)


_INPUTS_NAMED, _LEAST_FRAC = 3, 0.01


def sensitivity_sentence(frame: pd.DataFrame, kind: str) -> str:
    """Say which three inputs carry most of the doubt about a score in this place; nothing where that is not known.

    Parameters
    ----------
    frame : DataFrame
        Table ``sensitivity``: ``score_kind``, ``input_name`` and ``total_frac`` [1].
    kind : str
        ``sun``, ``grey`` or ``rain``.
    """
    inputs = _most_doubted(frame, kind)
    return f"De onzekerheid komt hier het meest van: {inputs}." if inputs else ""


def doubt_lines(frame: pd.DataFrame) -> tuple[str, ...]:
    """Say the same of sun, grey water and rain water, a line each; nothing of a score that was not made.

    Parameters
    ----------
    frame : DataFrame
        As for `sensitivity_sentence`.
    """
    heads = {"sun": "Zon", "grey": "Grijswater", "rain": "Hemelwater"}
    of_each = {words: _most_doubted(frame, kind) for kind, words in heads.items()}
    return tuple(f"{words}: {inputs}." for words, inputs in of_each.items() if inputs)


def _most_doubted(frame: pd.DataFrame, kind: str) -> str:
    """Name the inputs with their parts; rounded down, since with their interplay they may be more than all."""
    every = frame[frame["score_kind"].eq(kind)]
    mine = every[every["total_frac"].ge(_LEAST_FRAC)]
    top = mine.sort_values(["total_frac", "input_name"], ascending=[False, True]).head(_INPUTS_NAMED)
    parts = (top["total_frac"] / max(float(every["total_frac"].sum()), 1.0) * 100 + 1e-9) // 1 / 100
    words, pairs = codes("sensitivity_input"), zip(top["input_name"], parts, strict=True)
    named = [f"{words.get(name, name)} ({share(part)})" for name, part in pairs if part >= _LEAST_FRAC]
    return f"{', '.join(named[:-1])} en {named[-1]}" if len(named) > 1 else "".join(named)
