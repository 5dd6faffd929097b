"""What a file is, by its first bytes; its name only decides where these say nothing (pure)."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

from contacts.imports.archives import open_archive
from contacts.imports.errors import NotATable, WorkbookEncrypted

__all__ = ["KINDS", "kind_of"]

KINDS: Final = ("csv", "tsv", "txt", "xlsx", "xls")
ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "packed by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip"),
    (b"Rar!", "packed by RAR"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ", "packed by xz"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "a text document"),
)
MARKUP: Final = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<head", b"<meta", b"<style")


def kind_of(path: Path, name: str) -> str:
    """One of ``KINDS``, or "zip". Raises NotATable for anything else that gives itself away."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith((ZIP, EMPTY_ZIP)):
        return _kind_of_zip(path)
    if start.startswith(OLE):
        _refuse_encrypted(path)
        return "xls"
    _refuse_others(start)
    ending = Path(name.lower()).suffix
    return {".tsv": "tsv", ".txt": "txt"}.get(ending, "csv")


def _kind_of_zip(path: Path) -> str:
    """An XLSX is a zip file too, and so are other documents. A damaged one is left to who opens it."""
    with open_archive(path) as archive:
        names = set(archive.namelist())
    if "[Content_Types].xml" in names or "mimetype" in names:
        if {"xl/workbook.xml", "xl/workbook.bin"} & {name.lower() for name in names}:
            return "xlsx"
        raise NotATable("This is an office document without sheets that can be read. Save its table as XLSX or CSV.")
    return "zip"


def _refuse_encrypted(path: Path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            raise WorkbookEncrypted


def _refuse_others(start: bytes) -> None:
    for magic, what in OTHERS:
        if start.startswith(magic):
            raise NotATable(f"This is no table but {what}. Upload CSV, TSV, TXT, XLSX or XLS, or one of these zipped.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        raise NotATable("This is a web page or XML, whatever its name says. Open it in Excel and save it as XLSX.")
