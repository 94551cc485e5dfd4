"""The whole library, for `{% load ui %}`: reading the modules that fill it registers their tags."""

from ground.ui import controls, figures, layers, shown
from ground.ui.library import register

__all__ = ["controls", "figures", "layers", "register", "shown"]
