"""Which study a run is about, and which of its sources the run refreshes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kansenkaart.acquire.own_data import ROLES
from kansenkaart.config import Study
from kansenkaart.errors import ConfigError, FetchError, GateError, KansenkaartError, LockedError, StoreError
from kansenkaart.runs import study as pipeline
from kansenkaart.runs.study import Workplace

# The figures of a buurt and its border make one table, and live sources ask for the window of the buurten.
_ALWAYS = ("buurt", "statistics")
# Errors that speak of settings, publishers, disks and counts, never of what stands in a cell.
_OF_NO_CELL = (ConfigError, FetchError, StoreError, LockedError, GateError)


def opened(
    study: str,
    root: str,
    code: str | None = None,
    roles: Sequence[str] | None = None,
    public: bool | None = None,
) -> Workplace:
    """Open a study, with all its sources or those for some roles only.

    Parameters
    ----------
    study : str
        Name of a file in ``studies/``.
    root : str
        Project folder.
    code : str, optional
        Municipality for the template of a live run.
    roles : sequence of str, optional
        Roles to refresh, such as ``pand``; the buurten with their statistics always come along.
    public : bool, optional
        Whether its pages are the public edition; False asks for the whole one, which is for internal use.

    Raises
    ------
    ConfigError
        If there is no such study, it has faults, or has no source for a role that is asked for.
    """
    place = pipeline.open_study(study, root=Path(root), gemeentecode=code, public=public)
    if roles is None:
        return place
    known = {one.role for one in place.study.source}
    if strange := sorted(set(roles) - known):
        raise ConfigError(
            f"roles of {sorted(known)}",
            found=str(strange),
            where=f"study {place.study.name}",
            remedy="correct the roles in prefect.yaml",
        )
    chosen = tuple(one for one in place.study.source if one.role in {*roles, *_ALWAYS})
    return replace(place, study=place.study.model_copy(update={"source": chosen}))


@contextmanager
def discreet(study: Study) -> Iterator[None]:
    """Let the failure of a study with own data say what to do, but not what was read.

    Logs, states and events stay in the folder of the scheduler, and go to the webhook: own data that are withdrawn could
    not be taken back from there.

    Parameters
    ----------
    study : Study
        Whose steps run in this block.

    Raises
    ------
    KansenkaartError
        Of the same class, in the place of an error that may repeat a cell.
    """
    try:
        yield
    except _OF_NO_CELL:
        raise
    except Exception as why:
        if not any(source.role in ROLES for source in study.source):
            raise
        kind = type(why) if isinstance(why, KansenkaartError) else KansenkaartError
        raise kind(
            "data as the readers know them",
            found=f"a fault ({type(why).__name__}) that is not repeated here: the study has own data",
            where=f"study {study.name}",
            remedy=f"see it by hand: kansenkaart run {study.name}",
        ) from None
