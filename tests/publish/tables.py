"""A store of tables that a test holds in memory, and a tool for areas over none."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kansenkaart.present.mapspec import AreaTool


def tool_of(**more):
    """Return the tool for areas of 330 homes, of no blocks yet."""
    return AreaTool("blokken", "homes", (), pd.DataFrame(), (), target=330, target_low=150, target_high=600, **more)


class Tables:
    """Tables by name; all that is asked of a store to draw and to describe."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], sources: tuple = ()) -> None:
        self.tables, self.sources = dict(tables), sources

    def has(self, name):
        """Tell whether a table can be read."""
        return name in self.tables

    def read(self, name):
        """Read a table."""
        return self.tables[name].copy()

    def describe(self, name):
        """Say how many rows it has."""
        return {"rows": len(self.tables[name]), "sha256": f"{name} {id(self)}"}

    def names(self):
        """Name all tables."""
        return list(self.tables)

    def sources_of(self, _names):
        """Return the same deliveries for any table."""
        return self.sources
