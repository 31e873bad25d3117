"""Names of people, devices, rooms and apps, read by the meaning of their characters. Pure. The mapping is that of RFC
8266 (spaces, NFC). Its classes are not used: they refuse joined emoji, and characters newer than the tables at hand.
The properties of characters come from `regex`, whose tables are the same under every Python.
"""

import unicodedata

import regex

_CONTROL = r"\p{Cc}\p{Cs}"
_IN_TEXT = regex.compile(f"[{_CONTROL}]")
# A name is one line, and must not reverse the text after it.
_IN_NAME = regex.compile(rf"[{_CONTROL}\p{{Zl}}\p{{Zp}}\u202A-\u202E\u2066-\u2069]")
_SPACES = regex.compile(r"\p{Zs}+")
_IGNORED = regex.compile(r"\p{Default_Ignorable_Code_Point}")
# Invisible characters that Unicode calls neither spaces nor ignorable: U+2800 is the empty Braille cell.
_BLANK = r"\u2800\U0001D159\U00013441\U00013442"
_INVISIBLE = regex.compile(rf"[\p{{Z}}\p{{C}}\p{{Default_Ignorable_Code_Point}}{_BLANK}]")
# A joiner means something after a virama (RFC 5892, A.1 and A.2), or before it, as in Bengali; between letters that join
# (A.1), also after one that joins only the letter before it, where Persian keyboards put it between two names; and
# inside an emoji (UAX 29, GB11). Elsewhere it changes nothing, like the rest of the last line: soft hyphen,
# zero width space (the space bar of a Khmer keyboard), word joiner, byte order mark. Those are left out.
_LEFT_OUT = regex.compile(
    r"""
    ( (?<= \p{ccc=Virama} ) [\u200C\u200D]
    | \u200D (?= \p{ccc=Virama} )
    | (?<= [\p{jt=L}\p{jt=D}\p{jt=R}] \p{jt=T}* ) \u200C (?= \p{jt=T}* [\p{jt=R}\p{jt=D}] )
    | (?<= \p{Extended_Pictographic} \p{gcb=Extend}* ) \u200D (?= \p{Extended_Pictographic} )
    ) | [\u200C\u200D\u00AD\u200B\u2060\uFEFF]
    """,
    regex.VERBOSE,
)
_MARK = regex.compile(r"[\p{Mn}\p{Me}]")  # not a spacing one, which stands beside what is before it
_STACK = regex.compile(r"[\p{Mn}\p{Me}]{5}")  # one mark more than UTS 39, section 5.4, allows
_CLUSTER = regex.compile(r"\X")  # a grapheme cluster (UAX 29): no line breaks inside it
_MOST_JOINED = 12  # characters of a cluster; no language and no emoji needs more
_CALLED = {"\t": "tab", "\n": "line break", "\r": "line break"}
_PASSES = 4  # one is enough for every language
_FAR = 16  # times as long as a name may be: this is too long, and is not even mapped


def read(typed: str, longest: int) -> str:
    """Return the name as it is stored and shown. Raises ValueError, which names the character at fault."""
    name = typed.strip()
    if len(name) > _FAR * longest:  # before it is normalized, which takes long for many accents on one letter
        raise ValueError(_too_long(longest))
    if found := _IN_NAME.search(name):
        raise ValueError(f"A name cannot hold {describe(found[0])}. Leave it out.")
    mapped = _map(name)
    if len(mapped) > longest:
        raise ValueError(_too_long(longest))
    if name and not is_visible(mapped):
        raise ValueError(f"Nothing of this name can be seen: it holds {describe(name[0])}.")
    if _MARK.match(mapped):  # it would be drawn on what stands before the name
        raise ValueError(f"A name cannot begin with {describe(mapped[0])}. Leave it out.")
    check_drawn(mapped)
    return mapped


def check_drawn(text: str) -> None:
    """Raise ValueError, which names the character at fault, if *text* would cover the lines around it or be wider than a phone."""
    stack = _STACK.search(text)
    joined = (cluster[_MOST_JOINED] for cluster in _CLUSTER.findall(text) if len(cluster) > _MOST_JOINED)
    if found := stack[0][-1] if stack else next(joined, None):
        raise ValueError(f"Too many characters are joined into one, such as {describe(found)}. Leave some out.")


def control(text: str) -> str | None:
    """Return the first control character of *text*, if any."""
    found = _IN_TEXT.search(text)
    return found[0] if found else None


def is_visible(text: str) -> bool:
    """Return whether any character of *text* can be seen."""
    return any(not _INVISIBLE.match(character) for character in text)


def invisible(text: str) -> str | None:
    """Return the first character of *text* that cannot be seen, if any."""
    found = _INVISIBLE.search(text)
    return found[0] if found else None


def describe(character: str) -> str:
    """Return the code point and name of a character, which may be invisible."""
    called = unicodedata.name(character, "").lower() or _CALLED.get(character)
    if not called and unicodedata.category(character) == "Cc":
        called = "control character"
    return f"U+{ord(character):04X}" + (f" ({called})" if called else "")


def folded(name: str) -> str:
    """Return the form in which names are compared, so that no two look the same."""
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return unicodedata.normalize("NFKC", plain)


def _map(name: str) -> str:
    """Map *name* until nothing changes, as in RFC 8266, section 2.3: what is left out lets marks change places."""
    for _ in range(_PASSES):
        before, name = name, _map_once(name)
        if name == before:
            return name
    raise ValueError("This name holds joiners between marks, where none belongs. Leave them out.")


def _map_once(name: str) -> str:
    shortened = _LEFT_OUT.sub(lambda found: found[1] or "", unicodedata.normalize("NFC", name))
    spaced = _SPACES.sub(" ", shortened).strip(" ")
    return unicodedata.normalize("NFC", spaced)  # again: what was left out may have held two characters apart


def _too_long(longest: int) -> str:
    return f"Use up to {longest} characters."
