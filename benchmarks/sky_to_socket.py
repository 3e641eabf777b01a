"""From sky to socket: a measured system beside its model, by year and month, and what temperature and glass take.

``python benchmarks/sky_to_socket.py MEASURED.csv HOURS.txt [...] --latitude 51.97 --longitude 5.33 --tilt 30 --azimuth 170``

MEASURED has the hours of a year in UTC and a column per year [kW/kWp]; HOURS are hourly files of KNMI stations
(``uurgeg``). Global radiation is split and put on the plane as the product does; cells warm as Faiman (2008) has it, glass
reflects as pvlib's physical model has it. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from kansenkaart.core.solar.weather import Site, split_global
from kansenkaart.score import roofs
from kansenkaart.sources import knmi
from kansenkaart.tables import assumptions

PER_KELVIN, HEAT_STILL, HEAT_WIND = (
    -0.004,
    25.0,
    3.0,
)  # crystalline silicon; modules close to a roof [1/K, W/m2/K, W s/m3/K]
DIFFUSE_KEPT = 0.955  # of diffuse light through the glass [1]
COMPUTED = ("pv_loss_reflection", "pv_loss_temperature")


def modelled(hours: pd.DataFrame, site: Site, tilt: float, azimuth: float) -> pd.DataFrame:
    """Irradiation of the plane, what passes the glass, and both at the temperature of the cells [kW/m2]."""
    split = split_global(hours, site=site)
    middle = split.index + pd.Timedelta(minutes=30)
    sun = pvlib.solarposition.get_solarposition(middle, site.latitude_deg, site.longitude_deg)
    zenith, turn = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    extra = pvlib.irradiance.get_extra_radiation(middle).to_numpy()
    ghi, dni, dhi = (split[f"{name}_w_per_m2"].to_numpy() for name in ("ghi", "dni", "dhi"))
    air = pvlib.atmosphere.get_relative_airmass(zenith)
    sky = {"dni_extra": extra, "airmass": air, "model": "perez"}
    plane = pvlib.irradiance.get_total_irradiance(tilt, azimuth, zenith, turn, dni, ghi, dhi, **sky)
    aoi = pvlib.irradiance.aoi(tilt, azimuth, zenith, turn)
    beam, rest = (np.nan_to_num(plane[name]) for name in ("poa_direct", "poa_diffuse"))
    kept = np.nan_to_num(pvlib.iam.physical(aoi)) * beam + DIFFUSE_KEPT * rest
    air_degc, wind = (hours[name].to_numpy() for name in ("air_temperature_degc", "wind_speed_m_per_s"))
    cell = pvlib.temperature.faiman(beam + rest, air_degc, wind, HEAT_STILL, HEAT_WIND)
    warm = kept * (1 + PER_KELVIN * (cell - 25.0))
    return pd.DataFrame({"plane": beam + rest, "glass": kept, "warm": warm}, index=split.index) / 1000.0


def compare(model: pd.DataFrame, measured: pd.DataFrame, fixed: float) -> list[dict[str, Any]]:
    """Return per year the measured and modelled yield, the performance ratio, and the months' ratio."""
    rows = []
    for column in [name for name in measured.columns if name.isdigit()]:
        index = pd.date_range(f"{column}-01-01", periods=len(measured), freq="h", tz="UTC")
        year = pd.DataFrame({"real": measured[column].to_numpy()}, index=index).join(model, how="inner").dropna()
        if year.empty:
            continue
        said = year["warm"] * fixed
        sums, month = year.sum(), year.index.month
        rows.append(
            {
                "year": int(column),
                "measured_kwh_per_kwp": round(float(sums["real"])),
                "modelled_kwh_per_kwp": round(float(said.sum())),
                "performance_ratio": round(float(sums["real"] / sums["plane"]), 3),
                "reflection": round(float(1 - sums["glass"] / sums["plane"]), 4),
                "temperature": round(float(1 - sums["warm"] / sums["glass"]), 4),
                "hourly_correlation": round(float(year["real"].corr(said)), 3),
                "months": (year["real"].groupby(month).sum() / said.groupby(month).sum()).round(2).tolist(),
            }
        )
    return rows


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path)
    parser.add_argument("hours", type=Path, nargs="+")
    for name, value in (("latitude", 51.97), ("longitude", 5.33), ("tilt", 30.0), ("azimuth", 170.0)):
        parser.add_argument(f"--{name}", type=float, default=value)
    args = parser.parse_args()
    known = assumptions.default()
    ratio = roofs.performance(known)
    fixed = float(np.prod([1 - known.value(name, "%") / 100 for name in roofs.LOSSES if name not in COMPUTED]))
    measured = pd.read_csv(args.measured)
    years = [int(name) for name in measured.columns if name.isdigit()]
    result = []
    for path in args.hours:
        hours, _ = knmi.read_weather_hourly(path)
        hours = hours.set_index(pd.DatetimeIndex(hours["timestamp"])).sort_index()
        first, last = min(years), max(years)
        hours = hours[(hours.index.year >= first) & (hours.index.year <= last)]
        model = modelled(hours, Site(args.latitude, args.longitude), args.tilt, args.azimuth)
        rows = compare(model, measured, fixed)
        result += [{"station": path.stem, **row} for row in rows]
    sys.stdout.write(pd.DataFrame(result).to_string(index=False) + "\n")
    sys.stdout.write(json.dumps({"performance_ratio": ratio, "rows": result}) + "\n")


if __name__ == "__main__":
    main()
