"""Spanish, French, German, Italian and Portuguese: their tables, and what is read with them."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from test_text_corpus import differences, read_line

from hilum.text.folding import fold
from hilum.text.language import detect_language
from hilum.text.lexicon import ATTRIBUTE_KINDS, CUE_CATEGORIES, load_lexicon
from hilum.text.parsing import parse
from hilum.text.phrases import expand_row

LANGUAGES = ("es", "fr", "de", "it", "pt")
CORPUS = Path(__file__).resolve().parents[2] / "corpus"
FOLDER = resources.files("hilum.text") / "lexicon"

