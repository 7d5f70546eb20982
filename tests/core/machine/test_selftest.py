"""The start-up check of the emulator."""

import pytest

from trapscope.core.errors import EmulatorUnfit
from trapscope.core.machine import selftest


@pytest.mark.parametrize("check", selftest.CHECKS, ids=lambda check: check.__name__)
def test_the_installed_unicorn_behaves_as_the_machine_needs(check) -> None:  # type: ignore[no-untyped-def]
    assert check()


def test_an_unfit_unicorn_is_refused_by_the_name_of_what_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def never_true() -> bool:
        """Water flows uphill."""
        return False

    monkeypatch.setattr(selftest, "CHECKS", (never_true,))
    selftest.verify.cache_clear()
    with pytest.raises(EmulatorUnfit, match="Water flows uphill"):
        selftest.verify()
    selftest.verify.cache_clear()
