/*
 * What `tailrace check` says of the patterns under `tables:`: those that match nothing, and what they match
 * that is no table: it is left out in silence otherwise.
 */
#include "sources/postgres/finding.h"

enum { OTHER_SCHEMA, OTHER_NAME, OTHER_KIND, OTHER_ROOT };

/* Views and their like, and partitions, which come with their root. */
static const char *const others_sql =
	"SELECT n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view'"
	" WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'partition' END,"
	" CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::regclass::text END"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE (c.relkind IN ('v', 'm', 'f') OR (c.relkind IN ('r', 'p') AND c.relispartition))"
	" AND NOT starts_with(n.nspname, 'pg_') AND n.nspname <> 'information_schema'"
	" ORDER BY 1, 2";

static bool is_exact(const char *pattern)
{
	return !strpbrk(pattern, "*?");
}

static bool matches(const char *pattern, const char *schema, const char *name)
{
	CLEANUP(free_string) char *full = xasprintf("%s.%s", schema, name);
	return glob_matches(pattern, full);
}

/* Named one by one, it is a mistake; matched by a wildcard, worth knowing. Partitions are matched along with their
 * root. */
static void add_other(struct pg_check *c, const struct selection_rule *rule, const PGresult *others,
	int row, struct buf *list, size_t *n)
{
	const char *kind = pg_value(others, row, OTHER_KIND);
	const char *root = pg_value(others, row, OTHER_ROOT);
	CLEANUP(free_string)
	char *name = xasprintf("%s.%s (%s)", pg_value(others, row, OTHER_SCHEMA),
		pg_value(others, row, OTHER_NAME), kind);
	if (is_exact(rule->pattern) && *root)
		FINDING(c, FINDING_PROBLEM, MEND(c, "name %s, the table that it is part of", root),
			"%s is no table of its own", name);
	else if (is_exact(rule->pattern))
		FINDING(c, FINDING_PROBLEM,
			"take it out of tables:, or name the tables that it reads",
			"%s cannot be mirrored: the log has no rows of it", name);
	else if (!*root)
		pg_finding_name(list, (*n)++, name);
}

static void check_others(struct pg_check *c, const PGresult *others)
{
	struct buf list;
	size_t n = 0;
	buf_init(&list, BUF_MAX);
	for (int row = 0; row < PQntuples(others); row++) {
		const struct selection_rule *rule = selection_match(c->p->source.selection,
			pg_value(others, row, OTHER_SCHEMA), pg_value(others, row, OTHER_NAME));
		if (rule)
			add_other(c, rule, others, row, &list, &n);
	}
	if (n)
		FINDING(c, FINDING_NOTE, NULL,
			"these are selected, but the log has no rows of them: %s", buf_text(&list));
	buf_release(&list);
}

static bool matches_any(const struct selection_rule *rule, const struct pg_relations *tables,
	const PGresult *others)
{
	vec_each (tables, r)
		if (matches(rule->pattern, (*r)->table->schema, (*r)->table->name))
			return true;
	for (int row = 0; row < PQntuples(others); row++)
		if (matches(rule->pattern, pg_value(others, row, OTHER_SCHEMA),
			    pg_value(others, row, OTHER_NAME)))
			return true;
	return false;
}

bool pg_check_selection(struct pg_check *c, const struct pg_relations *tables, struct error *err)
{
	const struct selection *selection = c->p->source.selection;
	CLEANUP(pg_free_result) PGresult *others = pg_query(c->conn, err, "%s", others_sql);
	if (!others)
		return false;
	for (size_t i = 0; i < selection->n_rules; i++) {
		const struct selection_rule *rule = &selection->rules[i];
		if (!rule->exclude && !matches_any(rule, tables, others))
			FINDING(c, FINDING_NOTE,
				"look at its spelling: schema.table, upper and lower case as they "
				"are",
				"the pattern %s matches no table", rule->pattern);
	}
	check_others(c, others);
	return true;
}
