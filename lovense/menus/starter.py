"""What an empty draft may begin with: a plain menu of five items, from a greeting to the most there
is. Only data; each performer gets items of her own."""

from lovense.rows import Json

SHORT, MORE = "Quick hello", "Longer"

STARTER: tuple[Json, ...] = (
    {
        "title": "A little hello",
        "section": SHORT,
        "minimum": 10,
        "maximum": 24,
        "pattern": "level",
        "intensity": 5,
        "durationSec": 5,
    },
    {
        "title": "Soft wave",
        "section": SHORT,
        "minimum": 25,
        "maximum": 49,
        "pattern": "wave",
        "intensity": 8,
        "durationSec": 8,
    },
    {
        "title": "Pulse",
        "section": MORE,
        "minimum": 50,
        "maximum": 99,
        "pattern": "pulse",
        "intensity": 11,
        "durationSec": 12,
    },
    {
        "title": "Fireworks",
        "section": MORE,
        "minimum": 100,
        "maximum": 249,
        "pattern": "fireworks",
        "intensity": 15,
        "durationSec": 18,
    },
    {
        "title": "Earthquake",
        "section": MORE,
        "minimum": 250,
        "maximum": None,
        "pattern": "earthquake",
        "intensity": 20,
        "durationSec": 30,
    },
)
