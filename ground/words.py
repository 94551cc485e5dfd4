"""Words of others: names and messages, which are shown and decide nothing. They are cut and
cleaned, never refused, and isolated where they stand inside a sentence of ours."""

import unicodedata

# First strong isolate … pop directional isolate: what stands between cannot turn the rest around.
FSI, PDI = "\u2068", "\u2069"
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and signs that are drawn as nothing, beside what Unicode calls format, mark or space.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})


def cleaned(text: str, *, maximum: int, keeps_lines: bool = False) -> str:
    """Without control characters, without what turns a line around, at most so long; empty when
    nothing of it would be seen."""
    if text.isascii() and text.isprintable():  # as most are: nothing of it is to be taken away
        return text[:maximum].strip()
    kept = "".join(
        character if keeps_lines and character == "\n" else _clean(character) for character in text
    )
    shown = kept[:maximum].strip()
    return shown if any(map(_is_seen, shown)) else ""


def is_text(text: str) -> bool:
    """Whether it can be kept: without NUL or lone surrogates."""
    return "\x00" not in text and (
        text.isprintable() or not any(0xD800 <= ord(each) <= 0xDFFF for each in text)
    )


def isolated(text: str) -> str:
    """For a plain sentence."""
    return f"{FSI}{''.join(each for each in text if each not in _TURNING)}{PDI}" if text else ""


def _clean(character: str) -> str:
    if character in "\t\r\n\u2028\u2029":
        return " "
    is_gone = character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")
    return "" if is_gone else character


def _is_seen(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character) not in _INVISIBLE
