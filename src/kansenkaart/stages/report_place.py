"""One place as its report sees it: stored rows and sums on both tracks, its shape and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart.core.enterprise.case import Case
from kansenkaart.core.enterprise.package import ServiceResult
from kansenkaart.core.enterprise.tracks import Comparison
from kansenkaart.stages.enterprise import Setting
from kansenkaart.stages.enterprise_words import leading_cases

Row = Mapping[str, Any]
Sums = tuple[Setting, Case, tuple[ServiceResult, ...], Comparison]


@dataclass(frozen=True)
class Both:
    """One place with its stored rows and its sums on both tracks, its shape, and its neighbours."""

    place: tuple[str, str]
    rows: Mapping[str, Row]
    sums: Mapping[str, Sums]
    shape: gpd.GeoSeries
    around: gpd.GeoSeries

    @property
    def track(self) -> str:
        """The track that is shown, as on the map (:func:`leading_cases`)."""
        return str(leading_cases(pd.DataFrame(list(self.rows.values()))).iloc[0]["track"])
