"""What the production web server loads, in each of its processes."""

import io
import multiprocessing
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from crm.processes import end_with_parent, keep_loaded

if parent := multiprocessing.parent_process():
    end_with_parent(parent.pid or 0)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")


def measure_chunks(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Django takes a body without a length for none, yet many clients send theirs in chunks."""

    def measured(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "CONTENT_LENGTH" not in environ and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = environ["wsgi.input"].read(
                settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
            )  # one more is refused as too large
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return application(environ, start_response)

    return measured


application = measure_chunks(get_wsgi_application())
_ = get_resolver().url_patterns  # whatever the first request would load
keep_loaded()
