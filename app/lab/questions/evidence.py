"""Evidence: the answer to each request, and the templates and conditions with which a question sums them up."""

from typing import Any

from jinja2 import Environment, StrictUndefined

from app.lab.costs import bars
from app.lab.player import Answer
from app.web import words

_templates = Environment(undefined=StrictUndefined)  # noqa: S701 - plain text, which the page escapes
_templates.filters |= {
    "brief": bars.brief,
    "clock": words.clock,
    "many": bars.many,
    "shorten": words.shorten,
    "size": bars.size,
    "span": words.span,
}


class Findings(list[Answer]):
    """Several answers, each named by its design, or else by what was presented."""

    @property
    def accepted(self) -> list[str]:
        return [found.slug or found.what for found in self if found.accepted]

    @property
    def refused(self) -> list[str]:
        return [found.slug or found.what for found in self if not found.accepted]


def fill(template: str, known: dict[str, Any]) -> str:
    """Fill in a template of a question. Raises UndefinedError for a name that is not *known*."""
    return _templates.from_string(template).render(known)


def holds(condition: str, known: dict[str, Any]) -> bool:
    """Return whether a condition of a question holds."""
    return bool(_templates.compile_expression(condition, undefined_to_none=False)(known))
