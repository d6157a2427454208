"""Documents made by hand: what a parser would say of a text, without a parser."""

from hilum.text.types import (
    Assertion,
    Attribute,
    Document,
    Mention,
    MentionKind,
    Observation,
    Relation,
    Section,
    Sentence,
    Span,
)

DEGREES = {Assertion.PRESENT: 1.0, Assertion.ABSENT: 0.0, Assertion.UNCERTAIN: 0.5}


class Draft:
    """A document under construction; words are named and looked up in the text."""

    def __init__(self, text, *, section="findings", language="en"):
        self.text, self.language = text, language
        heading = Span(0, text.index(":") + 1) if ":" in text else Span(0, 0)
        self.sections = (Section(section, heading, Span(heading.end, len(text))),)
        self.sentences = []
        start = heading.end
        for part in text[start:].split(". "):
            inner = len(part) - len(part.lstrip())
            end = min(start + len(part) + 1, len(text))
            self.sentences.append(Sentence(Span(start + inner, end), 0))
            start += len(part) + 2
        self.mentions, self.attributes, self.relations, self.observations = [], [], [], []

    def find(self, words, after=""):
        start = self.text.index(words, self.text.index(after) if after else 0)
        return Span(start, start + len(words))

    def mention(self, name, *words, kind="finding", assertion="present", cue=None, after=""):
        spans = tuple(self.find(word, after) for word in words)
        sentence = max(i for i, s in enumerate(self.sentences) if s.span.start <= spans[0].start)
        status = Assertion(assertion)
        self.mentions.append(
            Mention(
                MentionKind(kind),
                name,
                spans,
                sentence,
                status,
                DEGREES.get(status),
                self.find(cue) if cue else None,
            )
        )
        return len(self.mentions) - 1

    def place(self, name, *words, after=""):
        return self.mention(name, *words, kind="anatomy", after=after)

    def normal(self, place, name, words, cue, assertion="absent"):
        """A place that is called normal: the finding that this denies, at the same words."""
        return (
            self.place(place, words),
            self.mention(name, words, assertion=assertion, cue=cue),
        )

    def attribute(self, kind, value, words, mention, after=""):
        self.attributes.append(Attribute(kind, value, self.find(words, after), mention))

    def relate(self, kind, source, target):
        self.relations.append(Relation(kind, source, target))

    def observe(self, mention, **fields):
        item = self.mentions[mention]
        given = {
            "name": item.name,
            "kind": item.kind,
            "assertion": item.assertion,
            "degree": item.degree,
            **fields,
        }
        self.observations.append(Observation(mention=mention, sentence=item.sentence, **given))

    def build(self):
        return Document(
            self.text,
            self.language,
            self.sections,
            tuple(self.sentences),
            tuple(self.mentions),
            tuple(self.attributes),
            tuple(self.relations),
            tuple(self.observations),
        )


def report(*claims, attributes=()):
    """A document of claims: each a name with the fields of its observation.

    ``report(("pleural_effusion", {"side": "right"}))`` says so in a sentence of its own.
    """
    draft = Draft(". ".join(f"{name} {number}" for number, (name, _) in enumerate(claims)) + ".")
    for number, (name, fields) in enumerate(claims):
        fields = dict(fields)
        assertion = fields.pop("assertion", "present")
        kind = str(fields.pop("kind", "finding"))
        mention = draft.mention(name, f"{name} {number}", assertion=assertion, kind=kind)
        draft.observe(mention, **fields)
    for kind, value, mention in attributes:
        name = claims[mention][0]
        draft.attribute(kind, value, f"{name} {mention}", mention)
    return draft.build()
