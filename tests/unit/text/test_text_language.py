"""Languages of short and long reports."""

from __future__ import annotations

import pytest

from hilum.text.folding import fold
from hilum.text.language import LANGUAGES, detect_language

TEXTS = {
    "en": [
        "No pleural effusion.",
        "Cardiomegaly.",
        "Pneumothorax",
        "Lungs clear.",
        "Heart normal.",
        "The heart is normal in size. The lungs are clear.",
        "Mild bibasilar atelectasis.",
        "XXXX",
    ],
    "es": [
        "Sin derrame.",
        "Cardiomegalia leve.",
        "No se observa derrame pleural.",
        "Silueta cardiaca normal.",
        "Infiltrados en base derecha.",
        "Sin hallazgos patológicos.",
        "Senos costofrénicos libres, índice cardiotorácico aumentado.",
    ],
    "fr": [
        "Pas d'épanchement.",
        "Pas d\u2019\u00e9panchement pleural.",
        "Silhouette cardiaque de taille normale.",
        "Opacité du lobe inférieur droit.",
        "Absence de pneumothorax.",
        "Cardiomégalie.",
    ],
    "de": [
        "Kein Pleuraerguss.",
        "Herz normal groß.",
        "Unauffälliger Befund.",
        "Infiltrat rechts basal.",
        "Keine Stauung, kein Erguss, kein Pneumothorax.",
        "Herzschatten verbreitert.",
    ],
    "it": [
        "Nessun versamento.",
        "Non versamento pleurico.",
        "Cuore nei limiti.",
        "Addensamento del lobo inferiore destro.",
        "Opacità alla base polmonare sinistra.",
    ],
    "pt": [
        "Sem derrame pleural.",
        "Não há derrame.",
        "Pulmões livres.",
        "Área cardíaca normal.",
        "Opacidade no lobo inferior direito.",
        "Coração de tamanho normal.",
    ],
}


@pytest.mark.parametrize(("language", "text"), [(key, x) for key in TEXTS for x in TEXTS[key]])
def test_short_statements_are_recognised(language, text):
    assert detect_language(fold(text)) == language


@pytest.mark.parametrize("text", ["", "   ", "123 456", "\u4e2d\u6587", "XXXX ___", "?!"])
def test_undecided_is_english(text):
    assert detect_language(fold(text)) == "en"


def test_leading_blanks_do_not_hide_the_text():
    assert detect_language(" " * 5000 + "kein pleuraerguss") == "de"


def test_every_language_has_words():
    assert {detect_language(fold(texts[0])) for texts in TEXTS.values()} == set(LANGUAGES)
