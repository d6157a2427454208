"""Readings leave here: JSON, HTML, text, masks. The last step of the main path."""

from hilum.export.document import SCHEMA_VERSION, load_schema, reading_to_dict
from hilum.export.folder import prepare_directory, write_reading
from hilum.export.html import render_html
from hilum.export.text import render_text

__all__ = [
    "SCHEMA_VERSION",
    "load_schema",
    "prepare_directory",
    "reading_to_dict",
    "render_html",
    "render_text",
    "write_reading",
]
