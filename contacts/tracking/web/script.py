"""The script that pages load, one file a site: the site's switches are in it, so that they need no new snippet."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from contacts.models import Site
from contacts.origins import domains_of
from contacts.tracking.web.sites import find_site

__all__ = ["SCRIPT", "build_script", "send_script"]

SCRIPT: Final = settings.BASE_DIR / "static/tracking/cardfile.min.js"
PLACE: Final = "CARDFILE_SITE"
OFF: Final = "// This website is switched off in the back office.\n"
KEPT_SECONDS: Final = 300
"""After which browsers ask whether there is a new one."""


@require_safe
def send_script(request: HttpRequest, site_key: str) -> HttpResponse:
    """Pages of any origin load it; what is in it is public."""
    site = find_site(site_key)
    if site is None:
        return HttpResponse("// There is no such website.\n", content_type="text/javascript; charset=utf-8", status=404)
    script = build_script(site).encode()
    etag = f'"{hashlib.sha256(script).hexdigest()[:24]}"'
    answer = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    answer.headers["ETag"] = etag
    kept = get_conditional_response(request, etag=etag, response=answer) or answer
    kept.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    kept.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return kept


def build_script(site: Site) -> str:
    if not site.is_active:
        return OFF
    told = {
        "key": site.key,
        "consent": site.needs_consent,
        "signals": site.honours_signals,
        "domains": domains_of(site.origins),
    }
    return read_script().replace(PLACE, json.dumps(told, separators=(",", ":")), 1)


@cache
def read_script() -> str:
    return SCRIPT.read_text()
