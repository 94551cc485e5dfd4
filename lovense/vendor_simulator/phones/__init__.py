"""Phones with the vendor's app: their toys, their pairings, and what they tell us."""
