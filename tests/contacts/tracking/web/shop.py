"""A shop's website as it is in the world: pages on an origin of its own, opened in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

__all__ = ["Shop", "eventually", "open_shop"]

SNIPPET = """
<script>window.cardfile=window.cardfile||function(){(cardfile.q=cardfile.q||[]).push(arguments)}</script>
<script async src="%s"></script>"""
PAGE = """<!doctype html><html lang="en"><head><title>%s</title>%s</head><body>
<h1>%s</h1>
<form action="/welcome" data-cardfile-identify>
  <label>Email <input type="email" name="login"></label>
  <label>First name <input name="name" autocomplete="given-name"></label>
  <label>Size <input name="size" data-cardfile="size"></label>
  <label>Password <input type="password" name="phone"></label>
  <input type="hidden" name="visitor" data-cardfile-visitor>
  <button>Sign up</button>
</form>
<a href="/boots">Boots</a>
</body></html>"""


class Shop:
    """``url`` is its origin; ``snippet`` stands in its pages."""

    def __init__(self, url: str, snippet: str) -> None:
        self.url = url
        self.snippet = snippet

    def write_page(self, path: str) -> str:
        name = path.partition("?")[0].strip("/") or "home"
        return PAGE % (name.capitalize(), self.snippet, name)


@contextmanager
def open_shop(script: str) -> Iterator[Shop]:
    """``script`` is the address of what its pages load."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = shop.write_page(self.path).encode()
            self.send_response(200 if self.path != "/favicon.ico" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    shop = Shop(f"http://127.0.0.1:{server.server_port}", SNIPPET % script)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


def eventually(page: Any, is_so: Callable[[], bool], *, seconds: float = 20) -> None:
    """Waits while the browser goes on."""
    for _ in range(int(seconds * 20)):
        if is_so():
            return
        page.wait_for_timeout(50)
    assert is_so()
