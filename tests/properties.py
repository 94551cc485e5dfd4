"""How many examples a property of the menus is shown: `EXAMPLES=20000` at night (docs/recipes.md)."""

import os

EXAMPLES = int(os.environ.get("EXAMPLES", "500"))
