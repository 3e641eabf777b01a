"""Opportunity maps for Dutch neighbourhoods: import the module you need, e.g. ``kansenkaart.core.solar.surface``."""

__version__ = "0.2.0"
#: The day on which this version was released.
__released__ = "2026-11-29"
