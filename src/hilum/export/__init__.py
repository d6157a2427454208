"""Readings leave here: JSON, HTML, text, masks, DICOM, FHIR. The last step of the main path."""

from hilum.export.document import SCHEMA_VERSION, load_schema, reading_to_dict
from hilum.export.files import prepare_directory
from hilum.export.folder import write_reading
from hilum.export.html import render_html
from hilum.export.objects import read_objects, write_objects
from hilum.export.text import render_text

__all__ = [
    "SCHEMA_VERSION",
    "load_schema",
    "prepare_directory",
    "read_objects",
    "reading_to_dict",
    "render_html",
    "render_text",
    "write_objects",
    "write_reading",
]
