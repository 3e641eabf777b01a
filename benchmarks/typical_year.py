"""Makes the typical year that is built in, from hourly station files of KNMI, and says which months it took.

    python benchmarks/typical_year.py ../shared/data/knmi_hourly 260 2011 2024 src/kansenkaart/data/knmi_typical_year.csv.gz

The rule is `kansenkaart.core.solar.weather.typical_year`; hours are kept as KNMI published them (CC BY 4.0, KNMI).
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

from kansenkaart.core.solar.weather import typical_year
from kansenkaart.sources import knmi


def _measured(folder: Path, station: int) -> pd.DataFrame:
    parts = []
    for packed in sorted(folder.glob(f"uurgeg_{station}_*.zip")):
        with zipfile.ZipFile(packed) as archive:
            name = archive.namelist()[0]
            with tempfile.TemporaryDirectory() as here:
                raw, _ = knmi.read_weather_hourly(Path(archive.extract(name, here)))
        parts.append(raw.set_axis(pd.DatetimeIndex(raw["timestamp"]), axis=0))
    return pd.concat(parts)[["ghi_w_per_m2", "air_temperature_degc", "wind_speed_m_per_s"]].astype(float)


def main() -> None:
    """Make the file."""
    folder, station, first, last, target = Path(sys.argv[1]), *map(int, sys.argv[2:5]), Path(sys.argv[5])
    hours = _measured(folder, station)
    year = pd.DatetimeIndex(hours.index).year
    made = typical_year(hours[(year >= first) & (year <= last)])
    months = " ".join(f"{month}:{one}" for month, one in enumerate(made.years, start=1))
    lines = [
        f"# KNMI, CC BY 4.0; station {station}, {first}-{last}; month:year {months}",
        "q_j_per_cm2,t_tenth_degc,fh_tenth_m_per_s",
    ]
    lines += [
        f"{round(one.ghi_w_per_m2 * 0.36)},{round(one.air_temperature_degc * 10)},{round(one.wind_speed_m_per_s * 10)}"
        for one in made.hours.itertuples()
    ]
    target.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    sun, every = made.hours["ghi_w_per_m2"].sum() / 1000, hours["ghi_w_per_m2"].sum() / 1000
    print(f"{months}; {sun:.0f} kWh/m2 a year, {target.stat().st_size} bytes; all hours {every:.0f} kWh/m2")


if __name__ == "__main__":
    main()
