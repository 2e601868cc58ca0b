/*
 * From a column of a query down its expressions to columns of tables: through subqueries by the name of a column,
 * through unions by its place. What an expression holds that is no column of a table (a table function, a dictionary,
 * a kind of node that is not known) is a gap: said, and not guessed at.
 */
#include "base/map.h"
#include "engines/clickhouse/query_tree.h"

#define MAX_STEPS 1000 /* one below the other */

struct walk {
	const struct query_tree *tree;
	VEC(struct lineage_input) inputs;
	struct map seen; /* lines, each with how: a recursive query comes back to itself */
	const char *gap;
	int steps;
};

static void walk_node(struct walk *w, size_t at, enum lineage_how how);

static void no_way(struct walk *w, const char *fmt, const char *what)
{
	if (!w->gap)
		w->gap = arena_printf(w->tree->arena, fmt, what);
}

static enum lineage_how later(enum lineage_how a, enum lineage_how b)
{
	return a > b ? a : b;
}

static void add_input(
	struct walk *w, const char *relation, const char *column, enum lineage_how how)
{
	vec_each (&w->inputs, it)
		if (!strcmp(it->relation, relation) && !strcmp(it->column, column)) {
			it->how = later(it->how, how);
			return;
		}
	vec_push(&w->inputs, ((struct lineage_input){relation, column, how}));
}

/* All nodes below a line, whatever headings they stand under. */
static void walk_below(struct walk *w, size_t at, enum lineage_how how)
{
	for (size_t c = tree_first(w->tree, at); c != NO_LINE; c = tree_next(w->tree, at, c)) {
		if (w->tree->lines.items[c].id < 0)
			walk_below(w, c, how);
		else
			walk_node(w, c, how);
	}
}

/* --- columns of subqueries --- */

/* Whose columns a query has: of a UNION its first branch; NO_LINE. */
static size_t first_query(const struct query_tree *t, size_t at)
{
	while (at != NO_LINE && tree_is(t, at, "UNION")) {
		size_t list = tree_list(t, tree_heading(t, at, "QUERIES"));
		at = list == NO_LINE ? NO_LINE : tree_first(t, list);
	}
	return at;
}

/* The expressions that it gives; NO_LINE. */
static size_t projection_of(const struct query_tree *t, size_t at)
{
	size_t query = first_query(t, at);
	return query == NO_LINE ? NO_LINE : tree_list(t, tree_heading(t, query, "PROJECTION"));
}

/* The column of that name; a name may hold spaces, so its type decides where several fit. -1: cannot be told. */
static int column_number(
	const struct query_tree *t, size_t query, const char *name, const char *type)
{
	size_t n = strlen(name), heading;
	int number = 0, found = -1, several = 0;

	query = first_query(t, query);
	heading = query == NO_LINE ? NO_LINE : tree_heading(t, query, "PROJECTION COLUMNS");
	if (heading == NO_LINE)
		return -1;
	for (size_t c = tree_first(t, heading); c != NO_LINE; c = tree_next(t, heading, c)) {
		const char *text = t->lines.items[c].text;
		if (!strncmp(text, name, n) && text[n] == ' ') {
			if (!strcmp(text + n + 1, type))
				return number;
			found = number;
			several++;
		}
		number++;
	}
	return several == 1 ? found : -1;
}

static size_t count_below(const struct query_tree *t, size_t at)
{
	size_t n = 0;

	for (size_t c = tree_first(t, at); c != NO_LINE; c = tree_next(t, at, c))
		n++;
	return n;
}

static void walk_output(struct walk *w, size_t query, int number, enum lineage_how how)
{
	const struct query_tree *t = w->tree;
	bool is_union = tree_is(t, query, "UNION");
	size_t list = tree_list(t, tree_heading(t, query, is_union ? "QUERIES" : "PROJECTION"));

	if (list == NO_LINE || (!is_union && (size_t)number >= count_below(t, list))) {
		no_way(w, "column of a subquery", "");
		return;
	}
	bool except = is_union && strstr(t->lines.items[query].text, "union_mode: EXCEPT");
	for (size_t c = tree_first(t, list); c != NO_LINE; c = tree_next(t, list, c)) {
		if (is_union)
			walk_output(w, c, number, how);
		else if (number-- == 0)
			walk_node(w, c, how);
		if (except)
			return;
	}
}

/* A subquery as a value, or to the right of IN: all that it gives. */
static void walk_query(struct walk *w, size_t at, enum lineage_how how)
{
	const struct query_tree *t = w->tree;
	size_t list = projection_of(t, at);

	if (list == NO_LINE)
		no_way(w, "a subquery", "");
	for (size_t i = 0; list != NO_LINE && i < count_below(t, list); i++)
		walk_output(w, at, (int)i, later(how, LINEAGE_TRANSFORMED));
}

/* --- columns --- */

/* What a recursive CTE calls itself, as a temporary table. */
static size_t recursive_query(const struct query_tree *t, const char *table)
{
	const char *name = strstr(table, "_tmp_");

	for (size_t i = 0; name && i < t->lines.len; i++) {
		const char *of = strstr(t->lines.items[i].text, ", recursive_cte_table: ");
		if (of && tree_is(t, i, "UNION") && strstr(of, name))
			return i;
	}
	return NO_LINE;
}

static const char *table_name(const struct query_tree *t, size_t at)
{
	static const char *const behind[] = {
		", final: ", ", sample_size: ", ", sample_offset: ", ", temporary_table_name: "};
	char *name = (char *)tree_field(t, at, "table_name", NULL);

	for (size_t i = 0; name && i < COUNT_OF(behind); i++) {
		char *end = strstr(name, behind[i]);
		if (end)
			*end = '\0';
	}
	return name;
}

/* The expression that a JOIN USING, or an ARRAY JOIN, gives under that name. */
static void walk_joined(
	struct walk *w, size_t join, size_t at, const char *name, enum lineage_how how)
{
	const struct query_tree *t = w->tree;
	bool is_array = tree_is(t, join, "ARRAY_JOIN");
	size_t list = tree_list(
		t, tree_heading(t, join, is_array ? "JOIN EXPRESSIONS" : "JOIN EXPRESSION"));

	if (tree_heading(t, at, "EXPRESSION") != NO_LINE) {
		walk_below(w, at, how);
		return;
	}
	for (size_t c = list == NO_LINE ? NO_LINE : tree_first(t, list); c != NO_LINE;
		c = tree_next(t, list, c)) {
		const char *other = tree_field(t, c, "column_name", "result_type");
		if (!other || strcmp(other, name) != 0)
			continue;
		walk_below(w, c, is_array ? later(how, LINEAGE_TRANSFORMED) : how);
		return;
	}
	no_way(w, "'%s' of a join", name);
}

static void walk_source(
	struct walk *w, size_t source, size_t at, const char *name, enum lineage_how how)
{
	const struct query_tree *t = w->tree;

	if (tree_is(t, source, "TABLE")) {
		const char *table = table_name(t, source);
		size_t recursive = table ? recursive_query(t, table) : NO_LINE;
		if (recursive != NO_LINE)
			walk_source(w, recursive, at, name, how);
		else if (table && !strstr(table, "_temporary_and_external_tables."))
			add_input(w, table, name, how);
		else
			no_way(w, "the temporary table of '%s'", name);
	} else if (tree_is(t, source, "QUERY") || tree_is(t, source, "UNION")) {
		const char *type = t->lines.items[at].text;
		type = strstr(type, ", result_type: ") + strlen(", result_type: ");
		const char *end = type;
		for (const char *it = type; (it = strstr(it, ", source_id: ")); it++)
			end = it;
		type = arena_strndup(t->arena, type, (size_t)(end - type));
		int number = column_number(t, source, name, type);
		if (number >= 0)
			walk_output(w, source, number, how);
		else
			no_way(w, "'%s' of a subquery", name);
	} else if (tree_is(t, source, "TABLE_FUNCTION")) {
		const char *function = tree_field(t, source, "table_function_name", NULL);
		no_way(w, "the table function %s", function ? function : "");
	} else if (!tree_is(t, source, "LAMBDA")) { /* whose arguments stand beside it */
		walk_joined(w, source, at, name, how);
	}
}

static void walk_column(struct walk *w, size_t at, enum lineage_how how)
{
	const char *name = tree_field(w->tree, at, "column_name", "result_type");
	size_t source = tree_by_id(w->tree, tree_last_number(w->tree, at, "source_id"));

	if (name && source != NO_LINE)
		walk_source(w, source, at, name, how);
	else
		no_way(w, "a column whose name cannot be read", "");
}

/* --- expressions --- */

static bool reads_elsewhere(const char *function)
{
	static const char *const beginnings[] = {"dictGet", "dictHas", "dictIsIn", "joinGet",
		"file", "evalMLMethod", "catboostEvaluate"};

	for (size_t i = 0; i < COUNT_OF(beginnings); i++)
		if (!strncmp(function, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static void walk_function(struct walk *w, size_t at, enum lineage_how how)
{
	const struct query_tree *t = w->tree;
	const char *name = tree_field(t, at, "function_name", "function_type");
	const char *text = t->lines.items[at].text;
	bool sums = strstr(text, ", function_type: aggregate") ||
		    strstr(text, ", function_type: window");

	if (!name)
		no_way(w, "a function whose name cannot be read", "");
	else if (reads_elsewhere(name))
		no_way(w, "what the function %s reads", name);
	walk_below(w, at, later(how, sums ? LINEAGE_AGGREGATED : LINEAGE_TRANSFORMED));
}

static bool is_new(struct walk *w, size_t at, enum lineage_how how)
{
	size_t key[2] = {at, (size_t)how};

	return !map_put(&w->seen, key, sizeof key, w);
}

static void walk_known(struct walk *w, size_t at, enum lineage_how how)
{
	static const char *const transparent[] = {"CONSTANT", "LIST", "SORT", "LAMBDA"};
	const struct query_tree *t = w->tree;

	for (size_t i = 0; i < COUNT_OF(transparent); i++)
		if (tree_is(t, at, transparent[i])) {
			walk_below(w, at, how);
			return;
		}
	if (tree_is(t, at, "COLUMN"))
		walk_column(w, at, how);
	else if (tree_is(t, at, "FUNCTION"))
		walk_function(w, at, how);
	else if (tree_is(t, at, "WINDOW"))
		walk_below(w, at, LINEAGE_WINDOW);
	else if (tree_is(t, at, "QUERY") || tree_is(t, at, "UNION"))
		walk_query(w, at, how);
	else if (tree_is(t, at, "TABLE"))
		no_way(w, "the table %s as a whole", table_name(t, at));
	else
		no_way(w, "%s", t->lines.items[at].text);
}

static void walk_node(struct walk *w, size_t at, enum lineage_how how)
{
	if (!is_new(w, at, how))
		return;
	if (++w->steps > MAX_STEPS)
		no_way(w, "a query that is nested too deeply", "");
	else
		walk_known(w, at, how);
	w->steps--;
}

static void find_inputs(const struct query_tree *t, size_t number, struct lineage_column *out)
{
	struct walk w = {.tree = t};

	walk_output(&w, 0, (int)number, LINEAGE_SAME);
	out->n_inputs = w.inputs.len;
	out->inputs = arena_alloc(t->arena, (w.inputs.len + 1) * sizeof *out->inputs);
	if (w.inputs.len)
		memcpy(out->inputs, w.inputs.items, w.inputs.len * sizeof *out->inputs);
	out->gap = w.gap;
	vec_release(&w.inputs);
	map_release(&w.seen);
}

static bool gives(const struct query_tree *t, size_t n)
{
	size_t list = projection_of(t, 0);

	return list != NO_LINE && count_below(t, list) == n;
}

void query_tree_lineage(const char *text, const struct engine_columns *columns, struct arena *arena,
	struct lineage *out)
{
	struct query_tree tree;
	bool known = query_tree_read(&tree, text, arena) && gives(&tree, columns->len);

	out->len = columns->len;
	out->items = arena_alloc(arena, (columns->len + 1) * sizeof *out->items);
	for (size_t i = 0; i < columns->len; i++) {
		out->items[i].name = columns->items[i].name;
		out->items[i].type = columns->items[i].type;
		out->items[i].gap = "its query cannot be read";
		if (known)
			find_inputs(&tree, i, &out->items[i]);
	}
	query_tree_release(&tree);
}
