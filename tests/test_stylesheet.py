"""The one stylesheet and the scripts: enough contrast in both themes, no colour outside the tokens, nothing
from elsewhere."""

import hashlib
import re

import pytest

from config.settings import BASE_DIR

STATIC = BASE_DIR / "static"
CSS = (STATIC / "css" / "app.css").read_text()
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", CSS))
THEMES = {"light": 0, "dark": 1}

# Text on ground, 4.5 : 1 (WCAG 2.2 AA, any size).
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft", "ink-faint") for ground in ("paper", "surface", "sunken")),
    *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "accent")),
    *(("ink", f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "accent")),
    *(("ink-soft", f"{tone}-soft") for tone in ("accent",)),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("accent-strong", "surface"),
    ("bad", "surface"),
    ("on-stop", "stop"),
    ("on-stop", "stop-strong"),
]
# The outline of a control, and the focus ring, against what is around: 3 : 1.
SHAPES = [
    (shape, ground)
    for shape in ("line-strong", "focus", "accent", "good")
    for ground in ("paper", "surface", "sunken")
]


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other, theme):
    light, dark = sorted(
        (luminance(TOKENS[name].split(", ")[THEMES[theme]]) for name in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_right_at_its_ends():
    assert (luminance("#ffffff"), luminance("#000000")) == (1.0, 0.0)
    assert contrast("ink", "ink", "light") == 1.0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)])
def test_every_pair_has_enough_contrast(theme, pairs, least):
    found = {f"{one} on {other}": round(contrast(one, other, theme), 2) for one, other in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


def test_colours_are_written_only_as_tokens():
    rules = CSS[CSS.index("@layer reset {") :]
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(|hsl\(", rules) == []


def test_a_token_that_is_used_exists():
    used, made = set(re.findall(r"var\((--[\w-]+)", CSS)), set(re.findall(r"(--[\w-]+):", CSS))
    assert used - made == set()


def test_motion_stops_for_those_who_asked():
    assert "prefers-reduced-motion: reduce" in CSS


@pytest.mark.parametrize("file", [STATIC / "css" / "app.css", *SCRIPTS], ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere_or_is_evaluated(file):
    assert (
        re.findall(
            r"https?://|@import|url\(|\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write",
            file.read_text(),
        )
        == []
    )


def test_the_vendored_file_is_the_one_that_its_licence_names():
    licence = (STATIC / "vendor" / "htmx.LICENSE").read_text()
    digest = hashlib.sha256((STATIC / "vendor" / "htmx.min.js").read_bytes()).hexdigest()
    assert digest in licence
    assert "htmx 4.0.1" in licence
