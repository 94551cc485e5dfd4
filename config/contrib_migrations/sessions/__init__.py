"""Generated: `sessions` on ObjectId keys (the contrib ones assume integer keys). Regenerate with `manage.py makemigrations sessions`."""
