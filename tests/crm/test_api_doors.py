"""Every address under /api/ is behind the same frame."""

import pytest
from django.urls import get_resolver

from crm.api.views import ApiView

OURS = ("contacts", "segments")


def views(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern)
        elif view := getattr(pattern.callback, "view_class", None):
            yield view


@pytest.mark.parametrize("room", OURS)
def test_every_view_of_the_api_counts_its_calls(room):
    found = {view for view in views(get_resolver()) if view.__module__.startswith(f"{room}.api")}

    assert found
    assert {view for view in found if not issubclass(view, ApiView)} == set()
