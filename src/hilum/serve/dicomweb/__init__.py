"""DICOMweb (PS3.18): a server over what Hilum holds, and a client of an archive."""
