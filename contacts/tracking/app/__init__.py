"""Doors for the company's own apps: a device describes itself, a person signs in, events come in batches.

Only 200 is success to an app, and what a 4xx refuses it drops for good. So what is odd in one field is left out and
told in the body of the 200; a trouble that goes by itself is 429 or 503.
"""

__all__: list[str] = []
