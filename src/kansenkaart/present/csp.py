"""The Content-Security-Policy of our pages: exactly our scripts and styles, by their hashes, and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence


def content_policy(scripts: Sequence[str], styles: Sequence[str], *, images: str = "'none'") -> str:
    """Allow exactly these scripts and styles, and images from the places named.

    Parameters
    ----------
    scripts, styles : sequence of str
        What stands between the tags.
    images : str, optional
        Where images may come from.

    Returns
    -------
    str
        The policy.
    """
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src {images}; "
        "form-action 'none'; base-uri 'none'"
    )


def _hashes(texts: Sequence[str]) -> str:
    found = (f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in texts)
    return " ".join(found) or "'none'"
