"""Pipelines that sort by an index, limit, and only then join.

Upstream writes [join, match, project or recompute, sort, limit]. A sort over recomputed fields
cannot use an index, and a join before the limit joins the whole collection. When every sort key is
a plain column of the query's own collection, the order [joins that the filter needs, match, sort,
limit, other joins, project] gives the same rows. Everything else stays upstream's. A row whose
required relation is missing (nothing but a bug makes one) is left out after the limit, not before
it."""

from collections.abc import Iterator
from typing import Any

from django.db.models.expressions import Col, Ref
from django_mongodb_backend import compiler, query
from django_mongodb_backend.compiler import (  # noqa: F401
    # Django looks each kind of compiler up in this module.
    SQLAggregateCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)

Stages = list[dict[str, Any]]


class MongoQuery(query.MongoQuery):  # type: ignore[misc]
    # The joins before and after the limit; None while upstream's order has to stay.
    joins: tuple[Stages, Stages] | None = None

    def get_pipeline(self) -> Stages:
        if self.joins is None or self.subquery_lookup:
            pipeline: Stages = super().get_pipeline()
            return pipeline
        before, after = self.joins
        match = [{"$match": self.match_mql}] if self.match_mql else []
        project = [{"$project": self.project_fields}] if self.project_fields else []
        return [*before, *match, *self._window(), *after, *project]

    def _window(self) -> Iterator[dict[str, Any]]:
        low, high = self.query.low_mark, self.query.high_mark
        if self.ordering:
            yield {"$sort": self.ordering}
        if low > 0:
            yield {"$skip": low}
        if high is not None:
            yield {"$limit": high - low}


class SQLCompiler(compiler.SQLCompiler):  # type: ignore[misc]
    query_class = MongoQuery

    def build_query(self, columns: Any = None) -> MongoQuery:
        built: MongoQuery = super().build_query(columns)
        if self._is_plain(built) and self._sorts_by_own_columns():
            built.joins = self._split_joins()
        return built

    def _is_plain(self, built: MongoQuery) -> bool:
        staged = (
            built.search_pipeline
            or built.aggregation_pipeline
            or built.combinator_pipeline
            or built.subqueries
        )
        return not (staged or self.query.distinct)

    def _sorts_by_own_columns(self) -> bool:
        return all(
            self._is_own_column(order.expression) and not (order.nulls_first or order.nulls_last)
            for order in self.order_by_objs or []
        )

    def _is_own_column(self, expression: Any) -> bool:
        if isinstance(
            expression, Ref
        ):  # `values("name").order_by("name")` sorts by what it selected, under that name
            name, source = expression.refs, expression.source  # type: ignore[attr-defined]
            return self._is_own_column(source) and bool(name == source.target.column)
        return isinstance(expression, Col) and expression.alias == self.collection_name

    def get_lookup_pipeline(self) -> Stages:
        """As upstream, but remembers which stages belong to which join."""
        pushed = self._get_pushable_conditions()
        self.join_stages: dict[str, Stages] = {
            alias: join.as_mql(self, self.connection, pushed.get(alias))
            for alias, join in tuple(self.query.alias_map.items())
            if self.query.alias_refcount[alias] and alias != self.collection_name
        }
        return [stage for stages in self.join_stages.values() for stage in stages]

    def _split_joins(self) -> tuple[Stages, Stages] | None:
        needed = self._joins_of_the_filter()
        late = [alias for alias in self.join_stages if alias not in needed]
        if not all(_leads_to_one(self.query.alias_map[alias]) for alias in late):
            return None
        return (
            [
                stage
                for alias in self.join_stages
                if alias in needed
                for stage in self.join_stages[alias]
            ],
            [stage for alias in late for stage in self.join_stages[alias]],
        )

    def _joins_of_the_filter(self) -> set[str]:
        """The joined collections that the filter names, and those on the way to them."""
        needed: set[str] = set()
        for alias in _aliases(self.get_where()):
            current: str | None = alias
            while current is not None and current in self.join_stages and current not in needed:
                needed.add(current)
                current = self.query.alias_map[current].parent_alias
        return needed


def _aliases(expression: Any) -> Iterator[str]:
    stack = [expression]
    while stack:
        current = stack.pop()
        if isinstance(alias := getattr(current, "alias", None), str):
            yield alias
        if hasattr(current, "get_source_expressions"):
            stack.extend(current.get_source_expressions())


def _leads_to_one(join: Any) -> bool:
    """A join to at most one row does not change how many rows there are; one to many has to stay
    before the limit."""
    field = join.join_field
    return join.filtered_relation is None and bool(field.many_to_one or field.one_to_one)
