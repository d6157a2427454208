"""Phantoms on disk: image, masks and truth, DICOM objects, whole data sets.

Start at ``files`` for one film, at ``dataset`` for many.
"""
