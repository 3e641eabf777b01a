"""Weather of the invented neighbourhood: ten years of a KNMI day file and one typical year as EPW.

The sun's place follows Spencer (1971), "Fourier series representation of the position of the sun", Search 2(5);
the split in beam and diffuse follows Erbs, Klein and Duffie (1982), doi:10.1016/0038-092X(82)90302-4. The clouds
are drawn from a fixed seed, and the sums are set to Heino's (see the assumptions): 1,030 kWh/m2, 769 mm, 586 mm.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STATION = 999
LATITUDE_DEG = 53.0284
LONGITUDE_DEG = 5.9137
FIRST_YEAR, LAST_YEAR = 2015, 2024
SOLAR_CONSTANT_W_PER_M2 = 1361.0
SUN_KWH_PER_M2 = 1030.0
RAIN_MM = 769.0
MAKKINK_MM = 586.0
J_PER_CM2_PER_KWH_PER_M2 = 360.0
SEED = 330
HOURS_PER_YEAR = 8760
TYPICAL_YEAR = 2015
BEAM_FROM_COS = 0.05


def cos_zenith(day_of_year: Floats, utc_hour: Floats) -> tuple[Floats, Floats]:
    """Cosine of the sun's zenith angle [1] and the irradiance above the air [W/m2] (Spencer 1971).

    Parameters
    ----------
    day_of_year : array of float
        From 1 [day].
    utc_hour : array of float
        In world time [h].
    """
    g = 2.0 * np.pi * (day_of_year - 1.0) / 365.0
    declination = 0.006918 - 0.399912 * np.cos(g) + 0.070257 * np.sin(g) - 0.006758 * np.cos(2 * g)
    declination += 0.000907 * np.sin(2 * g) - 0.002697 * np.cos(3 * g) + 0.00148 * np.sin(3 * g)
    minutes = 229.18 * (
        0.000075 + 0.001868 * np.cos(g) - 0.032077 * np.sin(g) - 0.014615 * np.cos(2 * g) - 0.04089 * np.sin(2 * g)
    )
    hour_angle = np.radians(15.0 * (utc_hour - 12.0) + LONGITUDE_DEG + minutes / 4.0)
    lat = np.radians(LATITUDE_DEG)
    height = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour_angle)
    return height, SOLAR_CONSTANT_W_PER_M2 * (1.0 + 0.033 * np.cos(g))


def diffuse_share(clearness: Floats) -> Floats:
    """Share of the global radiation that is diffuse [1] (Erbs et al. 1982, eq. 1).

    Parameters
    ----------
    clearness : array of float
        Global radiation as a share of that above the air [1].
    """
    k = np.clip(clearness, 0.0, 1.0)
    middle = 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    return np.where(k <= 0.22, 1.0 - 0.09 * k, np.where(k <= 0.8, middle, 0.165))


def _cloud(rng: np.random.Generator, days: int) -> Floats:
    """Draw the clearness of each day [1] between 0.12 and 0.74, each like the day before it."""
    noise = rng.random(days)
    mixed = noise.copy()
    for i in range(1, days):
        mixed[i] = 0.5 * mixed[i - 1] + 0.5 * noise[i]
    return np.asarray(np.clip(0.12 + 0.9 * (mixed - 0.1), 0.12, 0.74))


def typical_year() -> dict[str, Floats]:
    """Hourly GHI, DNI and DHI [W/m2], air temperature [degC] and wind [m/s] of 8,760 hours from 1 January."""
    hours: Floats = np.arange(HOURS_PER_YEAR, dtype=np.float64)
    hour: Floats = np.asarray(hours % 24.0 + 0.5, dtype=np.float64)
    day: Floats = np.asarray(hours // 24.0 + 1.0, dtype=np.float64)
    height, outside = cos_zenith(day, hour)
    above = np.maximum(height, 0.0) * outside
    rng = np.random.Generator(np.random.PCG64(SEED))
    clearness = np.repeat(_cloud(rng, HOURS_PER_YEAR // 24), 24)
    ghi = above * clearness
    ghi *= SUN_KWH_PER_M2 * 1000.0 / ghi.sum()
    index = np.divide(ghi, above, out=np.zeros_like(ghi), where=above > 0.0)
    dhi = ghi * np.where(height > BEAM_FROM_COS, diffuse_share(index), 1.0)
    dni = np.divide(ghi - dhi, height, out=np.zeros_like(ghi), where=height > BEAM_FROM_COS)
    season = 2.0 * np.pi * (day - 110.0) / 365.0
    air = 10.0 + 7.5 * np.sin(season) + 3.0 * np.sin(2.0 * np.pi * (hour - 9.0) / 24.0) * (0.3 + clearness)
    wind = 4.0 + 1.5 * np.cos(2.0 * np.pi * (day - 15.0) / 365.0)
    return {"ghi": ghi, "dni": dni, "dhi": dhi, "air": air, "wind": wind}


def days() -> dict[str, npt.NDArray[np.float64]]:
    """Ten years of days: radiation [J/cm2], rain [0.1 mm], Makkink [0.1 mm] and mean temperature [0.1 degC]."""
    dates = day_stamps()
    of_year = (dates - dates.astype("datetime64[Y]")).astype(float) + 1.0
    years = LAST_YEAR - FIRST_YEAR + 1
    rng = np.random.Generator(np.random.PCG64(SEED + 1))
    season = np.sin(2.0 * np.pi * (of_year - 81.0) / 365.25)
    clearness = _cloud(rng, dates.size)
    sun = (1.0 + 0.82 * season) * (0.35 + clearness)
    sun *= SUN_KWH_PER_M2 * J_PER_CM2_PER_KWH_PER_M2 * years / sun.sum()
    wet = rng.random(dates.size) < 0.75 - 0.6 * (clearness - 0.2)
    rain = np.where(wet, -np.log1p(-rng.random(dates.size)), 0.0)
    rain *= RAIN_MM * 10.0 * years / rain.sum()
    air = 10.0 + 8.0 * np.sin(2.0 * np.pi * (of_year - 110.0) / 365.25)
    makkink = sun * (0.55 + 0.015 * air)
    makkink *= MAKKINK_MM * 10.0 * years / makkink.sum()
    return {"Q": sun, "RH": rain, "EV24": makkink, "TG": air * 10.0}


def day_stamps() -> npt.NDArray[np.datetime64]:
    """Dates of the day file."""
    return np.arange(f"{FIRST_YEAR}-01-01", f"{LAST_YEAR + 1}-01-01", dtype="datetime64[D]")


KNMI_HEAD = """BRON: VOORBEELD, verzonnen weer; de opmaak volgt het KNMI
SOURCE: EXAMPLE, invented weather in the layout of KNMI
YYYYMMDD  = Datum (YYYY=jaar MM=maand DD=dag) / Date (YYYY=year MM=month DD=day)
TG        = Etmaalgemiddelde temperatuur (in 0.1 graden Celsius) / Daily mean temperature in (0.1 degrees Celsius)
Q         = Globale straling (in J/cm2) / Global radiation (in J/cm2)
RH        = Etmaalsom van de neerslag (in 0.1 mm) (-1 voor <0.05 mm) / Daily precipitation amount (in 0.1 mm)
EV24      = Referentiegewasverdamping (Makkink) (in 0.1 mm) / Potential evapotranspiration (Makkink) (in 0.1 mm)

# STN,YYYYMMDD,   TG,    Q,   RH, EV24

"""


def write_knmi(folder: Path) -> None:
    """Write the day file of the invented station 999; rain below 0.05 mm is -1, as KNMI writes it.

    Parameters
    ----------
    folder : Path
        Where to write; made where it is absent.
    """
    table = {name: np.rint(values).astype(int) for name, values in days().items()}
    drizzle = (table["RH"] == 0) & (days()["RH"] > 0.0)
    table["RH"][drizzle] = -1
    stamps = np.datetime_as_string(day_stamps())
    lines = [
        f"{STATION:5d},{str(day).replace('-', '')},{t:5d},{q:5d},{r:5d},{e:5d}"
        for day, t, q, r, e in zip(stamps, table["TG"], table["Q"], table["RH"], table["EV24"], strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    text = KNMI_HEAD + "\n".join(lines) + "\n"
    (folder / f"etmgeg_{STATION}.txt").write_text(text, encoding="utf-8", newline="\n")


EPW_HEAD = f"""LOCATION,Voorbeeldstad,VB,NLD,VOORBEELD,000999,{LATITUDE_DEG:.5f},{LONGITUDE_DEG:.5f},0.0,1.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,"Voorbeeld: verzonnen typisch jaar"
COMMENTS 2,""
DATA PERIODS,1,1,Data,Thursday,1/ 1,12/31
"""
EPW_FLAGS = "?9?9?9?9E0?9?9?9?9*9?9?9?9?9?9?9*9?9*9*9?9*9"


def write_epw(path: Path) -> None:
    """Write the typical year; hours are in world time (time zone 0), hour 1 ends at 01:00.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it is absent.
    """
    year = typical_year()
    stamps = np.arange(HOURS_PER_YEAR).astype("timedelta64[h]") + np.datetime64(f"{TYPICAL_YEAR}-01-01T00")
    months = stamps.astype("datetime64[M]").astype(int) % 12 + 1
    month_days = (stamps.astype("datetime64[D]") - stamps.astype("datetime64[M]")).astype(int) + 1
    lines = []
    for i in range(HOURS_PER_YEAR):
        ghi, dni, dhi = round(year["ghi"][i], 1), round(year["dni"][i], 1), round(year["dhi"][i], 1)
        air, wind = year["air"][i], year["wind"][i]
        lines.append(
            f"{TYPICAL_YEAR},{months[i]},{month_days[i]},{i % 24 + 1},0,{EPW_FLAGS},{air:.2f},{air - 3.0:.2f},80,101325,"
            f"9999,9999,300,{ghi},{dni},{dhi},999999,999999,999999,9999,230,{wind:.2f},5,5,9999,99999,9,999999999,"
            "999,0.1000,0,88,0.2,0.0,0.0"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(EPW_HEAD + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
