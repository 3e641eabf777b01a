"""Opportunity maps for Dutch neighbourhoods: import the module you need, e.g. ``kansenkaart.core.solar.surface``."""

__version__ = "0.2.0"
