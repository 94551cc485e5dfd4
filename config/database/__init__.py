"""The Django database backend of this project: django_mongodb_backend with its traps closed.

`base` is the wrapper (sessions always end, literal `iexact`), `schema` creates unique indexes that look-ups can use, and
`compiler` writes pipelines in which sorts use an index and joins come after the limit. No model and no rule lives here.
"""
