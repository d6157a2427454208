"""Adapters: other people's checkpoints become models of this project.

Each kind of checkpoint has one module with one function ``adapt(request) -> Adapted``. They
need the extra ``train`` to convert; the model that comes out runs without it.
"""

from hilum.models.adapters.request import KINDS, Adapted, AdoptionRequest, add_model

__all__ = ["KINDS", "Adapted", "AdoptionRequest", "add_model"]
