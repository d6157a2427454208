"""Sentences that speak of a prior, and what is left of them."""

from __future__ import annotations

import pytest

from hilum.text.comparison import Edit, find_comparisons, remove_comparisons
from hilum.text.folding import fold
from hilum.text.language import detect_language
from hilum.text.sections import split_sections
from hilum.text.sentences import split_sentences
from hilum.text.types import Document

REWRITES = [
    ("Stable cardiomegaly.", "Cardiomegaly."),
    ("STABLE CARDIOMEGALY.", "CARDIOMEGALY."),
    ("stable cardiomegaly.", "cardiomegaly."),
    ("Mild stable cardiomegaly without acute disease.", "Mild cardiomegaly without acute disease."),
    ("Unchanged small left effusion.", "Small left effusion."),
    ("A stable, calcified granuloma is present.", "A calcified granuloma is present."),
    ("There is an unchanged nodule in the right lung.", "There is a nodule in the right lung."),
    ("There is a stable opacity.", "There is an opacity."),
    ("There are unchanged bilateral effusions.", "There are bilateral effusions."),
    ("The right effusion is unchanged.", "Right effusion."),
    ("The right effusion is stable in size.", "Right effusion."),
    ("Size of the right pneumothorax is unchanged.", "Right pneumothorax."),
    ("Cardiomegaly and mediastinal contours are unchanged.", "Cardiomegaly."),
    ("Old healed rib fractures are unchanged.", "Old healed rib fractures."),
    ("No change in the left effusion.", "Left effusion."),
    ("There is little change in the bilateral effusions.", "Bilateral effusions."),
    ("Stable appearance of the hiatal hernia.", "Hiatal hernia."),
    ("Nodule in the left apex, unchanged.", "Nodule in the left apex."),
    ("Opacity in the right base, unchanged from XXXX.", "Opacity in the right base."),
    ("Calcified nodule, which is unchanged since the prior exam.", "Calcified nodule."),
    (
        "The silhouette is stable and within normal limits.",
        "The silhouette is within normal limits.",
    ),
    ("Heart size remains normal.", "Heart size is normal."),
    ("The lungs remain clear.", "The lungs are clear."),
    ("The heart remains enlarged.", "The heart is enlarged."),
    ("Effusions continue to be large.", "Effusions are large."),
    ("Bibasilar atelectasis is again noted.", "Bibasilar atelectasis."),
    ("Again seen is a granuloma in the left apex.", "Granuloma in the left apex."),
    ("Healed fractures again noted.", "Healed fractures."),
    ("Redemonstration of a right hilar mass.", "Right hilar mass."),
    ("Persistent left basilar opacity.", "Left basilar opacity."),
    ("Residual right pneumothorax persists.", "Right pneumothorax."),
    ("Moderate scoliosis, similar to prior imaging.", "Moderate scoliosis."),
    ("Interval increase in the right effusion.", "Right effusion."),
    ("Slight interval improvement of vascular congestion.", "Vascular congestion."),
    ("Interval progression of multifocal pneumonia.", "Multifocal pneumonia."),
    ("Right effusion has increased from prior.", "Right effusion."),
    ("The effusion has slightly increased in size since ___.", "Effusion."),
    ("Increased right pleural effusion.", "Right pleural effusion."),
    ("Worsening pulmonary edema.", "Pulmonary edema."),
    ("Mild edema has worsened.", "Mild edema."),
    ("Enlarging right hilar adenopathy.", "Right hilar adenopathy."),
    ("Bibasilar opacities are more prominent.", "Bibasilar opacities."),
    ("Left apical pneumothorax, slightly smaller.", "Left apical pneumothorax."),
    ("The opacity has improved and is now small.", "The opacity is small."),
    ("Resolving right lower lobe pneumonia.", "Right lower lobe pneumonia."),
    ("Effusion has nearly resolved.", "Effusion."),
    ("No new consolidation.", "No consolidation."),
    ("No new consolidation, effusion or edema.", "No consolidation, effusion or edema."),
    ("No pneumothorax or new effusion.", "No pneumothorax or effusion."),
    ("There is no evidence of new consolidation.", "There is no evidence of consolidation."),
    ("No interval development of pneumothorax.", "No pneumothorax."),
    ("New small left apical pneumothorax.", "Small left apical pneumothorax."),
    ("New or worsening consolidation.", "Consolidation."),
    ("Stable cardiomegaly with new right effusion.", "Cardiomegaly with right effusion."),
    ("A right chest tube has been placed.", "Right chest tube."),
    (
        "Interval placement of a right PICC with tip in the SVC.",
        "Right PICC with tip in the SVC.",
    ),
    ("A small effusion has developed.", "Small effusion."),
    ("The previously seen pneumothorax has resolved.", "No pneumothorax."),
    ("Pneumothorax is no longer seen.", "No pneumothorax."),
    ("There is no longer any pneumothorax.", "No pneumothorax."),
    ("Previously described nodule is not seen.", "No nodule."),
    ("Interval resolution of the left effusion.", "No left effusion."),
    ("Atelectasis and effusion have cleared.", "No atelectasis or effusion."),
    ("Resolved interstitial edema.", "No interstitial edema."),
    ("Compared to the prior study, there is edema.", "There is edema."),
    ("As compared to ___, there is new edema.", "There is edema."),
    ("In comparison with the study of ___, edema is seen.", "Edema is seen."),
    ("Since the prior exam, the right effusion has increased.", "Right effusion."),
    ("Opacity, as seen on the prior CT, is noted.", "Opacity is noted."),
    ("Nodule measures 3 cm, previously 2 cm.", "Nodule measures 3 cm."),
    ("The nodule now measures 12 mm (previously 10 mm).", "The nodule measures 12 mm."),
    ("Tip is unchanged, 4 cm above the carina.", "Tip, 4 cm above the carina."),
    ("Interval decrease in lung volumes with atelectasis.", "Atelectasis."),
    ("Heart size normal, stable mediastinal contours.", "Heart size normal."),
    ("Effusions have decreased, but there is new edema.", "Effusions. There is edema."),
    ("Cardiomegaly is stable, and the edema has improved.", "Cardiomegaly. Edema."),
    ("The effusion is unchanged and there is no edema.", "Effusion. There is no edema."),
    ("LUNGS: Unchanged right effusion.", "LUNGS: Right effusion."),
    ("2. Stable hiatal hernia.", "2. Hiatal hernia."),
    ("The lines and tubes remain in place.", "The lines and tubes are in place."),
]

DROPPED = [
    "Unchanged.",
    "Stable.",
    "No change.",
    "No significant interval change.",
    "No significant change since ___.",
    "Stable chest.",
    "Stable appearance of the chest.",
    "Heart size is unchanged.",
    "The mediastinum is stable.",
    "The remainder of the exam is unchanged.",
    "Overall appearance is similar to prior.",
    "Comparison is made to the prior study dated XXXX.",
    "Compared to 2010, the heart is larger.",
    "The heart is larger.",
    "The lungs are better aerated.",
    "Improved aeration at the bases.",
    "There has been interval removal of the chest tube.",
    "The endotracheal tube has been removed.",
    "In the interval, the patient has been extubated.",
    "No prior studies are available for comparison.",
    "No new findings.",
    "Decreasing lung volumes.",
]

UNTOUCHED = [
    "The lungs are clear.",
    "No pleural effusion or pneumothorax.",
    "The patient is hemodynamically stable.",
    "Travelled from New York.",
    "Prior median sternotomy.",
    "Changes of prior granulomatous disease.",
    "Old healed rib fractures.",
    "Increased interstitial markings.",
    "Increased lucency of the upper lobes.",
    "Short interval follow-up is recommended.",
    "High resolution CT is recommended.",
    "The effusion is larger on the right.",
    "Bilateral effusions, right greater than left.",
    "Left base is hyperlucent compared to the right.",
    "Degenerative changes of the spine.",
    "Findings may represent pneumonia.",
    "Known nodule is better evaluated on CT.",
]


@pytest.mark.parametrize(("sentence", "expected"), REWRITES)
def test_the_present_study_stays(sentence, expected):
    assert find_comparisons(sentence)
    rewrite = remove_comparisons(sentence)
    assert rewrite.text == expected
    assert rewrite.edits


@pytest.mark.parametrize("sentence", DROPPED)
def test_a_sentence_of_comparison_alone_goes(sentence):
    assert find_comparisons(sentence)
    assert remove_comparisons(sentence).text == ""
    between = remove_comparisons(f"No effusion. {sentence} Clear lungs.")
    assert between.text == "No effusion. Clear lungs."


@pytest.mark.parametrize("sentence", UNTOUCHED)
def test_what_compares_with_no_image_is_untouched(sentence):
    assert find_comparisons(sentence) == ()
    assert remove_comparisons(sentence).text == sentence


@pytest.mark.parametrize("sentence", [pair[0] for pair in REWRITES] + DROPPED)
def test_rewriting_leaves_nothing_to_rewrite(sentence):
    once = remove_comparisons(sentence).text
    assert find_comparisons(once) == ()
    assert remove_comparisons(once).text == once


@pytest.mark.parametrize(
    ("sentence", "kind", "words"),
    [
        ("Stable cardiomegaly.", "unchanged", "Stable"),
        ("New effusion.", "new", "New"),
        ("Worsening edema.", "increased", "Worsening"),
        ("Edema has decreased.", "decreased", "has decreased"),
        ("Edema has resolved.", "resolved", "has resolved"),
        ("Edema since the prior study.", "prior", "since the prior study"),
        ("No  longer\nseen: edema.", "prior", "No  longer"),
    ],
)
def test_mentions_point_at_their_words(sentence, kind, words):
    mention = find_comparisons(sentence)[0]
    assert (mention.kind, sentence[slice(*mention.span)]) == (kind, words)
    assert mention.sentence == 0


def test_a_comparison_section_goes_and_an_indication_stays():
    text = (
        "INDICATION: New cough, prior pneumonia.\nCOMPARISON: XXXX.\n\n"
        "FINDINGS: Stable cardiomegaly. No new effusion.\n\nIMPRESSION: No change."
    )
    rewrite = remove_comparisons(text)
    assert rewrite.text == (
        "INDICATION: New cough, prior pneumonia.\nFINDINGS: Cardiomegaly. No effusion."
    )
    assert "section" in {mention.kind for mention in find_comparisons(text)}
    assert find_comparisons("COMPARISON:")[0].sentence == -1


def test_edits_tell_what_stood_where():
    text = "Clear. Stable cardiomegaly. Unchanged."
    rewrite = remove_comparisons(text)
    assert rewrite.edits[0] == Edit(rewrite.edits[0].span, "Stable cardiomegaly.", "Cardiomegaly.")
    assert all(text[slice(*edit.span)] == edit.before for edit in rewrite.edits)
    assert rewrite.edits[1].after == ""


def test_list_numbers_close_up_and_stay_with_their_item():
    text = "1. Unchanged.\n2. Stable nodule.\n3. Effusion."
    assert remove_comparisons(text).text == "1. Nodule.\n2. Effusion."
    assert (
        remove_comparisons("1. Stable chest. No edema.\n2. Mass.").text == "1. No edema.\n2. Mass."
    )


def test_a_document_gives_the_mentions_of_its_text():
    text = "Stable heart. New effusion.\nCOMPARISON: None."
    folded = fold(text)
    sections = split_sections(folded, language=detect_language(folded), source=text)
    sentences = split_sentences(folded, sections)
    document = Document(text, "en", sections, sentences, (), (), (), ())
    assert find_comparisons(document) == find_comparisons(text)


def test_blank_text_has_none():
    assert find_comparisons("") == ()
    assert remove_comparisons(" \n").text == " \n"
