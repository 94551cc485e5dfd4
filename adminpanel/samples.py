"""What the style page shows: every component with something believable in it, and every state that
can be seen without touching it. Nothing here is read from anywhere."""

import math
from datetime import datetime, timedelta
from typing import Any

from ground.ui import charts
from ground.ui.cells import ShownCell

THEMES = ("light", "dark")
GROUPS = (
    ("colours", "Colour and type"),
    ("buttons", "Buttons"),
    ("fields", "Fields"),
    ("choices", "Choices, filters, ways through a list"),
    ("states", "States"),
    ("playing", "What plays"),
    ("lists", "Lists"),
    ("charts", "Charts"),
    ("said", "What is said"),
    ("over", "What comes over a page"),
    ("steps", "Steps, keys, codes, files"),
)
COLOURS = [
    "ground",
    "surface",
    "raised",
    "sunken",
    "line",
    "line-strong",
    "ink",
    "ink-soft",
    "ink-faint",
    "accent",
    "accent-strong",
    "on-accent",
    "accent-soft",
    "stop",
    "stop-strong",
    "on-stop",
    "good",
    "good-soft",
    "warn",
    "warn-soft",
    "bad",
    "bad-soft",
    "info",
    "info-soft",
    "chart-1",
    "chart-2",
    "chart-3",
    "chart-4",
    "chart-5",
]
_ICONS = [
    "radio",
    "plug",
    "list-ordered",
    "waves",
    "history",
    "chart-column",
    "settings-2",
    "bell",
    "pause",
    "skip-forward",
    "coins",
    "zap",
]
_RECORDS = (
    ("dina", "Pause", "Done", "good"),
    ("dina", "Resume", "Refused", "bad"),
    ("ana", "Publish", "Done", "good"),
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def shown(*, now: datetime) -> dict[str, Any]:
    return {
        "groups": [(f"adminpanel/style/{name}.html", name, title) for name, title in GROUPS],
        "themes": THEMES,
        "colours": COLOURS,
        "icons": _ICONS,
        **_of_choices(),
        **_of_playing(now),
        **_of_lists(now),
        **_of_charts(),
        **_of_steps(),
    }


def levels(count: int = 90) -> list[float]:
    """Two swells over each other, as a pattern may have them."""
    return [
        0.5 + 0.3 * math.sin(place / 3) + 0.18 * math.sin(place / 1.1 + 1) for place in range(count)
    ]


def _of_choices() -> dict[str, Any]:
    return {
        "modes": [("fifo", "In order"), ("priority", "Highest first"), ("batch", "Together")],
        "patterns": [("wave", "Soft wave"), ("pulse", "Pulse ladder"), ("quake", "Earthquake")],
        "chips": [
            {"href": "#choices", "words": "All", "on": True},
            {"href": "#choices", "words": "Played", "count": 214},
            {"href": "#choices", "words": "Not played", "count": 12},
            {"href": "#choices", "words": "Owed", "count": 1},
        ],
        "tabs": [
            {"href": "#choices", "words": "Queue", "count": 5, "on": True},
            {"href": "#choices", "words": "Feed"},
            {"href": "#choices", "words": "Devices"},
        ],
        "actions": [
            {"href": "#over", "words": "Play again", "icon": "circle-play"},
            {"href": "#over", "words": "Copy the id", "icon": "copy"},
            {"href": "#over", "words": "Remove…", "icon": "trash-2", "danger": True},
        ],
    }


def _of_playing(now: datetime) -> dict[str, Any]:
    return {
        "levels": levels(),
        "small_levels": levels(24),
        "spark": charts.spark(levels(24)),
        "starts": now - timedelta(seconds=12),
        "ends": now + timedelta(seconds=18),
        "earlier": now - timedelta(minutes=4),
        "drawn": [round(20 * each) for each in levels(40)],
    }


def _of_lists(now: datetime) -> dict[str, Any]:
    return {
        "table_head": ["Show", "Tips", "Tokens", "Played"],
        "table_rows": [
            ["Sat 28 Nov, 21:00", 96, "11\u202f240", "94 %"],
            ["Thu 26 Nov, 20:30", 71, "7\u202f905", "97 %"],
            ["Tue 24 Nov, 21:15", 84, "9\u202f310", "91 %"],
        ],
        "records_head": [
            {"label": "When (UTC)", "is_sorted": True},
            {"label": "Who"},
            {"label": "Did what"},
            {"label": "Outcome"},
        ],
        "records": [_record(now, number, said) for number, said in enumerate(_RECORDS)],
        "pairs": [
            ("Event", "507f191e810c19729de860ea"),
            ("Amount", "500\u00a0tokens"),
            ("Owed", "19\u00a0s"),
        ],
        "timeline": [
            {"moment": "21:03:08", "tone": "good", "title": "Paid", "words": "500\u00a0tokens"},
            {"moment": "21:03:08", "tone": "good", "title": "Queued", "words": "Third in line"},
            {"moment": "21:03:21", "tone": "info", "title": "Playing", "words": "Lush and Nora"},
            {"moment": "21:03:32", "tone": "bad", "title": "Lush did not answer", "words": ""},
            {"moment": "21:03:32", "tone": "warn", "title": "19\u00a0s are owed", "words": ""},
        ],
        "diff": [
            {"kind": "added", "title": "Fireworks", "after": "150 to 199\u00a0tokens, 8\u00a0s"},
            {"kind": "changed", "title": "Soft wave", "before": "5\u00a0s", "after": "8\u00a0s"},
            {"kind": "removed", "title": "Hello", "before": "10\u00a0tokens, 2\u00a0s"},
        ],
        "id": "507f191e810c19729de860ea",
        "today": now,
    }


def _record(now: datetime, number: int, said: tuple[str, str, str, str]) -> dict[str, Any]:
    at = now - timedelta(minutes=7 * number)
    who, did, word, tone = said
    cells = [
        ShownCell("", moment=at),
        ShownCell(who, copies=who),
        ShownCell(did, href="#lists"),
        ShownCell(word, tone=tone),
    ]
    return {"key": f"sample-{number}", "href": "#lists", "cells": cells}


def _of_charts() -> dict[str, Any]:
    hours = [f"{hour:02}:00" for hour in range(24)]
    evening = [max(0.0, 420 * math.exp(-((hour - 21) ** 2) / 6)) for hour in range(24)]
    before = [max(0.0, 300 * math.exp(-((hour - 20) ** 2) / 9)) for hour in range(24)]
    return {
        "hours": hours,
        "per_hour": list(zip(hours, evening, strict=True)),
        "two": [("Tonight", evening), ("Before", before)],
        "heat_columns": [f"{hour}" for hour in range(18, 25)],
        "heat_rows": [
            (
                day,
                [
                    round(abs(math.sin(place * 2 + hour)) * (hour - 17) * 4)
                    for hour in range(18, 25)
                ],
            )
            for place, day in enumerate(_DAYS)
        ],
        "ranges": [
            (1, 9, "", ""),
            (10, 49, "Soft wave, 5\u00a0s", ""),
            (50, 99, "Pulse ladder, 8\u00a0s", ""),
            (100, 199, "Fireworks, 12\u00a0s", ""),
            (200, 499, "", ""),
            (500, 1000, "Earthquake, 30\u00a0s", ""),
        ],
        "marks": [(200, "Nothing answers 200 to 499 tokens"), (99, "1 token more gets 4 s more")],
    }


def _of_steps() -> dict[str, Any]:
    return {
        "step_rows": [
            {"state": "done", "title": "Open the app", "words": ""},
            {"state": "done", "title": "Scan the code", "words": ""},
            {"state": "now", "title": "Name your toys", "words": "Found 2: Lush and Nora."},
            {"state": "next", "title": "Feel it", "words": ""},
        ],
        "key_rows": [
            (("Esc", "Esc"), "Stop everything"),
            (("P",), "Pause"),
            (("G", "L"), "Go to Live"),
        ],
        "report": [
            {"tone": "good", "word": "Read", "words": "10-20 hello, 5 s"},
            {"tone": "warn", "word": "Guessed", "words": "50+ wave: taken as 50 and more"},
            {"tone": "bad", "word": "Refused", "words": "20-10 backwards: ends before it begins"},
        ],
    }
