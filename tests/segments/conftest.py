from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.models import Segment
from tests.segments.deeds import make_deeds
from tests.segments.people import make_people
from tests.segments.table import TABLE
from tests.segments.table_relations import RELATIONS


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


@pytest.fixture(scope="module")
def saved(everybody: dict[str, Contact], django_db_blocker: Any) -> list[Segment]:
    """A segment for each row of the table, in its order; made once, as everybody is."""
    with django_db_blocker.unblock():
        return [
            save_segment(Segment(name=f"Row {number}: {row.name}", definition=row.definition))
            for number, row in enumerate(TABLE + RELATIONS)
        ]


@pytest.fixture(scope="module")
def reader(everybody: dict[str, Contact], django_db_blocker: Any) -> Client:
    """An administrator's browser, signed in once."""
    with django_db_blocker.unblock():
        client = Client()
        client.force_login(User.objects.create_superuser("reader"))
    return client
