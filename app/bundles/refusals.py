"""`refuse` of a form: what it does not take as a whole, and the words that say so."""

from dataclasses import dataclass

from app.bundles.data_fields import NAME, NAME_SAYS
from app.bundles.keys import Key, Many, Record, Text
from app.engine.expressions import Expression

SHAPE = Many(
    Record(
        {
            "when": Key(Text(says="条件", longest=1000), "什么时候不收", required=True),
            "field": Key(Text(NAME, NAME_SAYS, 60), "说在哪一项上：本表单里的一个字段", required=True),
            "text": Key(Text(says="文字", longest=200), "怎么说", required=True),
        }
    ),
    most=20,
)


@dataclass(frozen=True)
class Refusal:
    """While `when` holds of answers and case, the form is refused at `field` in the words of `text`."""

    when: Expression
    field: str
    text: str
