"""The browser of the tests of pages, for what hostile text does in one."""

from __future__ import annotations

from tests.present.conftest import browser, contexts  # noqa: F401 - fixtures
