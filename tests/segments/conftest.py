from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from contacts.models import Contact
from tests.segments.deeds import make_deeds
from tests.segments.people import make_people


@pytest.fixture
def people(db: None) -> dict[str, Contact]:
    return make_people()


@pytest.fixture(scope="module")
def everybody(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Contact]]:
    """The people with what they did and bought, made once for all tests of a module."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_people()
        make_deeds(made)
        yield made
        transaction.set_rollback(True)
