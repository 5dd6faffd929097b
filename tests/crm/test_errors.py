"""The root of all refusals."""

import pytest

from crm.errors import CardfileError


class Missing(CardfileError):
    """It is not there. Look elsewhere."""

    code = "missing"


def test_the_docstring_is_the_default_message():
    assert str(Missing()) == "It is not there. Look elsewhere."
    assert str(Missing("Gone.")) == "Gone."


def test_what_belongs_to_it_reads_as_attributes():
    error = Missing(path="contacts[1]", contact_id=7)

    assert (error.path, error.contact_id) == ("contacts[1]", 7)
    with pytest.raises(AttributeError):
        error.anything_else  # noqa: B018
