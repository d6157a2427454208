"""The reading as FHIR R4, and back."""

from hilum.export.fhir.bundle import build_bundle
from hilum.export.fhir.bundle_reading import read_bundle
from hilum.export.fhir.observations import Author

__all__ = ["Author", "build_bundle", "read_bundle"]
