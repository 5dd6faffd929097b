"""What stands between the web server and Django."""

import io

from crm.wsgi import measure_chunks


def echo(environ, start_response):
    return [environ.get("CONTENT_LENGTH", "none").encode(), environ["wsgi.input"].read()]


def test_a_body_sent_in_chunks_gets_its_length():
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"Ay\xc5\x9fe")}

    assert measure_chunks(echo)(environ, None) == [b"5", b"Ay\xc5\x9fe"]


def test_any_other_body_is_left_alone():
    environ = {"CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(b"{}")}

    assert measure_chunks(echo)(environ, None) == [b"2", b"{}"]
    assert measure_chunks(echo)({"wsgi.input": io.BytesIO(b"")}, None) == [b"none", b""]
