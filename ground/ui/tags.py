"""The whole library, for `{% load ui %}`: reading the modules that fill it registers their tags."""

from ground.ui import cells, controls, figures, layers, shown
from ground.ui.library import register

__all__ = ["cells", "controls", "figures", "layers", "register", "shown"]
