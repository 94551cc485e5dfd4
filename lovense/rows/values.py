"""Documents whose shape is told elsewhere: what stands in a row as it came, and what is sent on."""

from typing import Any

# What is JSON by nature: an item of a menu (`lovense/menus/publishing.py` says what is in it), a
# command for a device (`lovense/menus/vibration.py`), and what is said about either.
Item = dict[str, Any]
Command = dict[str, Any]
# A JSON object that a page, a client or a person reads.
Json = dict[str, Any]
# What ASGI and the channel layer carry (`lovense/sending/groups.py`): its `type`, and more.
LayerMessage = dict[str, Any]
