"""A letter: one text, as plain text and as simple HTML. Reading it fetches nothing. Pure."""

from dataclasses import dataclass

from markupsafe import Markup

_HTML = Markup('<!DOCTYPE html>\n<html lang="en">\n<body>\n{}\n</body>\n</html>\n')


@dataclass(frozen=True)
class Letter:
    """*link*: an address to open, called *label*. It stands between *before* and *after*, paragraphs of text."""

    subject: str
    before: tuple[str, ...]
    link: str = ""
    label: str = ""
    after: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        opened = (f"{self.label}:\n{self.link}",) if self.link else ()
        return "\n\n".join([*self.before, *opened, *self.after]) + "\n"

    @property
    def html(self) -> str:
        opened = [Markup('<p><a href="{}">{}</a></p>').format(self.link, self.label)] if self.link else []
        return str(
            _HTML.format(Markup("\n").join([*map(_paragraph, self.before), *opened, *map(_paragraph, self.after)]))
        )


def _paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)
