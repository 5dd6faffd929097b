"""What an answer leads to: OpenAPI links, from an id that one operation tells to the operations that take it.

    extend_schema(…, extensions=leads_to(Link("getContact", {"contact_id": "$response.body#/id"})))

drf-spectacular knows no links, so that an operation carries them as an extension until ``describe_links`` puts them
where they belong.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["Link", "describe_links", "leads_to"]

EXTENSION: Final = "x-links"


class Link(NamedTuple):
    """``parameters`` and what ``body`` holds are runtime expressions: where in the call, or its answer, a value is."""

    operation: str
    parameters: Mapping[str, str] = {}
    body: Any = None

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = {"operationId": self.operation}
        if self.parameters:
            described["parameters"] = dict(self.parameters)
        return described if self.body is None else {**described, "requestBody": self.body}


def leads_to(*links: Link, after: Collection[int] = (200,)) -> dict[str, Any]:
    """``after``: the statuses of the answers that lead there. Several links to one operation are numbered."""
    named: dict[str, Any] = {}
    for link in links:
        again = sum(known["operationId"] == link.operation for known in named.values())
        named[f"{link.operation}{again + 1 if again else ''}"] = link.describe()
    return {EXTENSION: {str(status): named for status in after}}


def describe_links(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, links in operation.pop(EXTENSION, {}).items():
                operation["responses"][status]["links"] = links
    return result
