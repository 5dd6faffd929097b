"""The script as it is served: small, cacheable, and with the site's switches in it."""

from __future__ import annotations

import gzip
import zlib

import pytest
import rjsmin
from django.conf import settings
from django.test import Client

from contacts.tracking.web.script import SCRIPT

pytestmark = pytest.mark.django_db

SMALL = 3_000
"""Bytes, gzipped, as a browser gets them."""


def load(site, **headers):
    return Client().get(f"/web/{site.key}.js", headers=headers)


def test_what_is_served_is_made_of_the_source():
    source = settings.BASE_DIR / "static/tracking/cardfile.js"

    assert SCRIPT.read_text().strip() == rjsmin.jsmin(source.read_text()).strip(), "make script"


def test_it_is_small(site):
    site.origins = ["https://*.example.com"]
    site.save()

    answer = load(site, accept_encoding="gzip")

    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < SMALL
    assert b'"domains":["example.com"]' in zlib.decompress(answer.content, 31)
    assert len(gzip.compress(SCRIPT.read_bytes())) < SMALL


def test_a_page_of_any_address_may_load_it_and_no_cookie_comes_with_it(site):
    answer = load(site)

    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "public, max-age=300"
    assert not answer.cookies
    assert "Cookie" not in answer["Vary"]


def test_it_is_sent_again_when_a_switch_changed_and_not_before(site):
    etag = load(site)["ETag"]
    unchanged = load(site, if_none_match=etag)
    site.needs_consent = True
    site.save()

    changed = load(site, if_none_match=etag)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert b'"consent":true' in changed.content


def test_a_site_that_is_off_sends_a_script_that_does_nothing(site):
    site.is_active = False
    site.save()

    assert load(site).content.startswith(b"//")
    assert Client().get("/web/w_nowhere.js").status_code == 404
