"""Records: Django's admin, for the shape of a row. Every model of ours is in it, all to be looked
at and none to be changed, found by its key and in the order of its keys: whatever is searched or
counted has a page of the staff's, with an index behind it.

Not in it: sessions, whose keys log in whoever shows them, and Django's own lists of permissions."""

from adminpanel.admin import devices, money, people

__all__ = ["devices", "money", "people"]
