"""The project's errors: what was expected, what was found, where, and what to do about it."""

from __future__ import annotations


class KansenkaartError(Exception):
    """Base of every error that a user can mend.

    Parameters
    ----------
    expected : str
        What should have been there.
    found : str
        What was there instead.
    where : str
        File, edition, column, row or address, as exact as known.
    remedy : str
        What to do; ends with the command that mends it, where there is one.
    """

    exit_code = 1

    def __init__(self, expected: str, *, found: str, where: str = "", remedy: str = "") -> None:
        found = found if found.strip() else "nothing"
        super().__init__(expected, found, where, remedy)
        self.expected, self.found, self.where, self.remedy = expected, found, where, remedy

    def __str__(self) -> str:
        parts = [f"expected {self.expected}; found {self.found}"]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.remedy:
            parts.append(f"what to do: {self.remedy}")
        return "; ".join(parts)

    def plain(self) -> dict[str, str]:
        """Return the error as plain values, for machines."""
        name, told = type(self).__name__, ("expected", "found", "where", "remedy")
        return {"error": name, "code": name.removesuffix("Error").lower(), **{one: getattr(self, one) for one in told}}

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Survive the trip between worker processes."""
        return _rebuild, (type(self), self.expected, self.found, self.where, self.remedy)


def _rebuild(kind: type[KansenkaartError], expected: str, found: str, where: str, remedy: str) -> KansenkaartError:
    return kind(expected, found=found, where=where, remedy=remedy)


class ConfigError(KansenkaartError):
    """A study, setting or argument is wrong."""

    exit_code = 2


class AssumptionError(KansenkaartError):
    """An assumption is missing, has another unit, or bounds that do not hold its value."""

    exit_code = 2


class CrsError(KansenkaartError):
    """Coordinates are not in the reference system that is needed (never reprojected silently)."""

    exit_code = 3


class FormatError(KansenkaartError):
    """A publisher's file or answer has a shape that the reader does not know."""

    exit_code = 3


class SchemaError(KansenkaartError):
    """A table breaks its own schema: a column, type, key or range."""

    exit_code = 3


class FetchError(KansenkaartError):
    """A publisher did not give a usable answer after all retries."""

    exit_code = 4


class TooMuchError(FetchError):
    """A publisher fails on a question time and again; a smaller one may do."""

    exit_code = 4


class IncompleteError(FetchError):
    """A publisher answered, but not with everything: pages missing, doubled or moved."""

    exit_code = 4


class StoreError(KansenkaartError):
    """A stored file is missing, damaged or does not match its provenance."""

    exit_code = 5


class DiskError(StoreError):
    """The disk is full, or a folder or file may not be written."""

    exit_code = 5


class LockedError(KansenkaartError):
    """Another run is writing the same study."""

    exit_code = 6


class GateError(KansenkaartError):
    """New results fail a quality gate, so nothing is published."""

    exit_code = 7


class InfeasibleError(KansenkaartError):
    """No answer satisfies the bounds that were asked for."""

    exit_code = 8
