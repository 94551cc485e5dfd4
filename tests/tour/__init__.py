"""A tour of the product in six chapters, one for each fact of a tip: docs/tour.md, and `make tour`."""
