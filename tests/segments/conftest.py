from __future__ import annotations

import pytest

from contacts.models import Contact
from tests.segments.people import make_people


@pytest.fixture
def people(db: None) -> dict[str, Contact]:
    return make_people()
