"""Migrations of the contrib apps, generated for ObjectId keys and wired by MIGRATION_MODULES in the settings."""
