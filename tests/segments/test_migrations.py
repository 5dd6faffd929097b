"""Definitions of earlier days are carried on."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from segments.models import Segment

lengths = import_module("segments.migrations.0005_lengths_of_time")


@pytest.mark.django_db
def test_the_last_days_become_a_length_of_time_wherever_they_stand() -> None:
    old = {"field": "created_at", "op": "in_last_days", "value": 30, "not": True}
    new = {"field": "created_at", "op": "in_last", "value": [30, "days"], "not": True}
    other = {"field": "town", "op": "is", "value": "in_last_days"}
    segment = Segment.objects.create(name="New", definition={"version": 1, "match": {"all": [other, {"any": [old]}]}})
    untouched = Segment.objects.get(builtin="no_email")

    with connection.schema_editor() as editor:
        lengths.rewrite_stored(apps, editor)

    segment.refresh_from_db()
    assert segment.definition == {"version": 1, "match": {"all": [other, {"any": [new]}]}}
    assert Segment.objects.get(builtin="no_email").updated_at == untouched.updated_at
