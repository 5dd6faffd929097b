"""The condition language: what a dynamic segment means.

A definition is JSON. ``parse`` reads it against a ``Registry`` of typed fields into a ``Definition``, a tree of frozen
dataclasses; ``compile_tree`` turns it into one SQL condition, ``describe`` into an English sentence. It fails closed:
whatever is not understood is an error with a path, never "everybody". ``lookups`` (reading), ``matching`` (the ORM
expression) and ``describe`` (translation) know Django; the other modules are pure.
"""

from segments.conditions.compile import compile_tree
from segments.conditions.describe import describe
from segments.conditions.parse import load_json, parse, write_json
from segments.conditions.registry import Registry, build_registry
from segments.conditions.tree import Condition, Definition, Group

__all__ = [
    "Condition",
    "Definition",
    "Group",
    "Registry",
    "build_registry",
    "compile_tree",
    "describe",
    "load_json",
    "parse",
    "write_json",
]
