"""DICOM over the network: a listener that takes studies in, and an archive as a client."""
