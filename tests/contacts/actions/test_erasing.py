"""Whoever is erased is found in no search that somebody kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from contacts import identity
from contacts.actions import Edit
from contacts.models import ContactAction, ContactExport, SavedView
from tests.people import Stage


@pytest.mark.parametrize("text", ["olena@example.com", "Olena@Example.com", "A-1", "extid:A-1"])
def test_a_search_for_somebody_is_forgotten_with_them(stage: Stage, do: Any, text: str) -> None:
    selection = {"conditions": {"q": text, "state": "all"}}
    do(Edit("town", "Kyiv"), **selection["conditions"])
    ContactExport.objects.create(format="csv", by="user:1", selection=selection)
    owner = User.objects.create_user("iryna")
    SavedView.objects.create(name="Olena", owner=owner, query=f"q={text}&state=all")
    SavedView.objects.create(name="Others", owner=owner, query="q=bohdan")

    identity.erase_contacts([stage.ids["olena"]], by="user:1")

    for model in (ContactAction, ContactExport):
        assert model.objects.get().selection == {"conditions": {"q": "erased", "state": "all"}}
    assert list(SavedView.objects.values_list("query", flat=True)) == ["q=erased&state=all", "q=bohdan"]


def test_a_search_for_others_stays(stage: Stage, do: Any) -> None:
    do(Edit("town", "Kyiv"), q="bohdan")

    identity.erase_contacts([stage.ids["olena"]], by="user:1")

    assert ContactAction.objects.get().selection == {"conditions": {"q": "bohdan"}}
