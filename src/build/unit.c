/*
 * Unit tests of models. What is given becomes common table expressions of constant rows, with the columns and types of
 * what they stand for; the model's SQL over them is what it gives, and that must be the rows that are expected, in the
 * columns that these name. Nothing is read but types, and nothing is made.
 */
#include <string.h>
#include "base/file.h"
#include "build/difference.h"
#include "build/fixture.h"
#include "build/internal.h"
#include "build/making.h"
#include "build/place.h"
#include "models/tokens.h"

#define MOST_SHOWN  10
#define MOST_LOGGED 1000

struct testing {
	struct work *w;
	struct making m; /* of the model */
	const struct unit_test *unit;
	struct fixture *given, expected; /* of what is SQL without rows */
	const char **inputs;             /* the SQL of what is given */
	const char *expected_sql;        /* NULL: no rows are */
	struct engine_columns gives;     /* of the model */
};

static const char *test_of(const struct testing *t)
{
	return arena_printf(t->w->arena, "unit test %s", t->w->node->name);
}

/* The model's own configuration is that of queries, and the test is what errors name. */
static bool describe(struct testing *t, struct engine_columns *out, struct error *err)
{
	const struct node *test = t->w->node;

	t->w->node = test->tested;
	bool ok = making_names(&t->m, err) && making_describe(&t->m, t->w->select, out, err);
	t->w->node = test;
	return ok;
}

static bool compile(
	struct testing *t, const struct node *node, const char *const *inputs, struct error *err)
{
	struct compile_options options = work_options(t->w, "test");

	options.inputs = inputs;
	return work_compile(t->w, node, &options, err);
}

/* --- what is given --- */

/* Of what is not in the warehouse yet those that its SQL gives. */
static bool columns_of(struct testing *t, const struct unit_rows *of, struct engine_columns *out,
	struct error *err)
{
	const struct node *node = of->node;
	struct relation_name name = node ? (struct relation_name){node->database, node->alias}
					 : (struct relation_name){
						   of->source->database, of->source->table};
	bool model = node && node->kind == NODE_MODEL;
	struct engine *engine = t->w->engine;

	*out = (struct engine_columns){0};
	if ((!model || node->materialization != MATERIALIZED_EPHEMERAL) &&
		!engine->ops->columns(engine, name, t->w->arena, out, err))
		return false;
	if (out->len)
		return true;
	if (model && node->template)
		return (compile(t, node, NULL, err) && describe(t, out, err)) ||
		       error_add(err, "%s:%d: %s takes the columns of %s from its SQL", of->path,
			       of->line, test_of(t), of->input);
	return error_set(err, ERROR_CONFIG,
		"%s:%d: %s: there is no table %s.%s, whose columns %s has; %s%s", of->path,
		of->line, test_of(t), name.database, name.name, of->input,
		node ? "build it first: tailrace build "
		     : "what is mirrored is there once it is copied",
		node ? node->name : "");
}

static bool render_sql(
	struct testing *t, const struct unit_rows *of, const char **out, struct error *err)
{
	struct compile_options options = work_options(t->w, "test");
	struct buf text, sql;
	bool ok = true;

	buf_init(&text, BUF_MAX);
	buf_init(&sql, BUF_MAX);
	if (of->file)
		ok = file_read(of->file, &text, err);
	else
		buf_puts(&text, of->rows->text);
	ok = ok && project_render(
			   t->w->project, t->w->node->tested, &options, buf_text(&text), &sql, err);
	if (!ok)
		error_add(err, "%s:%d: %s", of->path, of->line, test_of(t));
	sql_trim_end(&sql);
	*out = arena_strdup(t->w->arena, buf_text(&sql));
	buf_release(&text);
	buf_release(&sql);
	return ok;
}

static const char *select_of(const struct testing *t, const struct fixture *f)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	fixture_select(f, t->m.d, 0, f->rows.len, &sql);
	const char *kept = arena_strdup(t->w->arena, buf_text(&sql));
	buf_release(&sql);
	return kept;
}

static bool give(struct testing *t, size_t i, struct error *err)
{
	const struct unit_rows *of = &t->unit->given[i];
	struct fixture *f = &t->given[i];

	f->of = of;
	if (of->format == FIXTURE_SQL)
		return render_sql(t, of, &t->inputs[i], err);
	if (!fixture_read(f, of, t->w->arena, err) || !columns_of(t, of, &f->columns, err) ||
		!fixture_fits(f, of->input, err))
		return false;
	t->inputs[i] = select_of(t, f);
	return true;
}

static bool give_all(struct testing *t, struct error *err)
{
	struct arena *a = t->w->arena;

	t->given = arena_alloc(a, (t->unit->n_given + 1) * sizeof *t->given);
	t->inputs = arena_alloc(a, (t->unit->n_given + 1) * sizeof *t->inputs);
	for (size_t i = 0; i < t->unit->n_given; i++)
		if (!give(t, i, err))
			return false;
	return true;
}

/* --- what is expected --- */

/* A row that leaves out what another one names would be compared by what nobody said. */
static bool is_complete(const struct testing *t, struct error *err)
{
	const struct fixture *f = &t->expected;

	if (f->rows.len && !f->n_names)
		return error_set(err, ERROR_CONFIG, "%s:%d: %s: the expected rows name no column",
			f->of->path, f->of->line, test_of(t));
	vec_each (&f->rows, row)
		for (size_t i = 0; i < f->n_names; i++)
			if (!value_given(row->cells[i]))
				return error_set(err, ERROR_CONFIG,
					"%s:%d: %s: the expected row has no '%s', as others have; "
					"give all of them the same columns",
					f->of->path, row->line, test_of(t), f->names[i]);
	return true;
}

/* Those of the model that the rows name; all where there are none. */
static void take_columns(struct testing *t)
{
	struct fixture *f = &t->expected;

	f->columns = t->gives;
	if (!f->rows.len)
		return;
	f->columns.items = arena_alloc(t->w->arena, (t->gives.len + 1) * sizeof *f->columns.items);
	f->columns.len = 0;
	for (size_t i = 0; i < t->gives.len; i++) {
		const struct engine_column *column = &t->gives.items[i];
		if (fixture_cell(f, f->rows.items, column->name))
			f->columns.items[f->columns.len++] = *column;
	}
}

static bool expect(struct testing *t, struct error *err)
{
	const struct unit_rows *of = &t->unit->expect;
	struct fixture *f = &t->expected;

	f->of = of;
	if (of->format == FIXTURE_SQL) {
		f->columns = t->gives;
		return render_sql(t, of, &t->expected_sql, err);
	}
	if (!fixture_read(f, of, t->w->arena, err))
		return false;
	f->columns = t->gives;
	if (!is_complete(t, err) || !fixture_fits(f,
					    arena_printf(t->w->arena, "%s: model %s", test_of(t),
						    t->w->node->tested->name),
					    err))
		return false;
	take_columns(t);
	t->expected_sql = f->rows.len ? select_of(t, f) : NULL;
	return true;
}

/* --- the query --- */

static void put_side(const struct testing *t, const char *side, const char *select, struct buf *sql)
{
	const struct engine_columns *columns = &t->expected.columns;

	for (size_t i = 0; i < columns->len; i++) {
		buf_puts(sql, i ? ", " : "select ");
		t->m.d->name(sql, columns->items[i].name);
	}
	buf_printf(
		sql, ", '%s' as actual_or_expected\nfrom (\n%s\n) as %s_rows", side, select, side);
}

static bool ask(struct testing *t, const char *sql, struct engine_rows *out, struct error *err)
{
	struct statement_stats stats = {0};
	struct statement statement;
	struct work *w = t->w;
	const struct node *test = w->node;

	if (!work_begin(w, sql, &statement, err))
		return false;
	w->node = test->tested;
	statement.settings = making_settings(&t->m);
	w->node = test;
	bool ok = w->engine->ops->query(w->engine, &statement, w->arena, out, err);
	return work_end(w, sql, &stats, ok, err);
}

/* --- what does not fit --- */

static bool runs(struct testing *t, const char *sql, struct error *err)
{
	struct statement statement = {.sql = sql, .cancelled = t->w->cancelled};
	struct statement_stats stats = {0};

	return t->w->engine->ops->run(t->w->engine, &statement, &stats, err);
}

/* False: a value of the row is none of its column's type, which err says. */
static bool row_fits(struct testing *t, const struct fixture *f, const struct fixture_row *row,
	struct error *err)
{
	for (size_t i = 0; i < f->columns.len; i++) {
		const struct engine_column *column = &f->columns.items[i];
		struct error why = {0};
		struct buf sql;
		buf_init(&sql, BUF_MAX);
		buf_puts(&sql, "select ");
		fixture_value(f, t->m.d, row, column, &sql);
		bool ok = runs(t, buf_text(&sql), &why);
		buf_release(&sql);
		if (!ok && why.kind == ERROR_TABLE)
			return error_set(err, ERROR_CONFIG,
				"%s:%d: %s: the value of '%s' is none of its type %s; write one "
				"that "
				"is, or change the column\n%s",
				f->of->rows_path, row->line, test_of(t), column->name, column->type,
				why.text);
	}
	return true;
}

static bool rows_fit(struct testing *t, const struct fixture *f, size_t from, size_t to)
{
	struct error why = {0};
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	fixture_select(f, t->m.d, from, to, &sql);
	bool ok = runs(t, buf_text(&sql), &why);
	buf_release(&sql);
	return ok;
}

/* Of rows of which one does not fit; by halves, as there may be many. */
static const struct fixture_row *wrong_row(struct testing *t, const struct fixture *f)
{
	size_t from = 0, to = f->rows.len;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;
		if (rows_fit(t, f, from, middle))
			from = middle;
		else
			to = middle;
	}
	return &f->rows.items[from];
}

static bool fits(struct testing *t, const struct fixture *f, const char *sql, struct error *err)
{
	const struct unit_rows *of = f->of;
	struct error why = {0};

	if (!sql || runs(t, sql, &why) || why.kind != ERROR_TABLE)
		return true;
	if (of->format == FIXTURE_SQL)
		return error_set(err, ERROR_CONFIG, "%s:%d: %s: the SQL of %s%s%s fails\n%s",
			of->path, of->line, test_of(t), of->input ? of->input : "what is expected",
			of->file ? ", " : "", of->file ? of->rows_path : "", why.text);
	return !f->rows.len || row_fits(t, f, wrong_row(t, f), err);
}

/* Where the query failed by what it is given, or by what is expected, that becomes the error. */
static void blame(struct testing *t, struct error *err)
{
	bool ok = err->kind == ERROR_TABLE;

	for (size_t i = 0; ok && i < t->unit->n_given; i++)
		ok = fits(t, &t->given[i], t->inputs[i], err);
	if (ok)
		ok = fits(t, &t->expected, t->expected_sql, err);
}

/* --- the verdict --- */

static bool judge(struct testing *t, const struct engine_rows *rows, struct error *err)
{
	struct work *w = t->w;
	struct buf table;

	buf_init(&table, BUF_MAX);
	w->rows = rows_differ(rows, MOST_LOGGED, &table);
	w->message = w->rows ? "actual differs from expected" : "passed";
	if (w->rows) {
		work_log(w, "actual differs from expected\n%s", buf_text(&table));
		buf_clear(&table);
		rows_differ(rows, MOST_SHOWN, &table);
		error_set(err, ERROR_DATA, "%s: actual differs from expected%s\n%s",
			place_of_node(w->node, w->arena),
			w->rows > MOST_SHOWN ? ", `tailrace runs` with --log shows all of it" : "",
			buf_text(&table));
	}
	buf_release(&table);
	return !w->rows;
}

/* A wrong query is told with its place by the statement that it is for. */
static bool describe_model(struct testing *t, struct error *err)
{
	struct engine_rows rows;

	if (describe(t, &t->gives, err))
		return true;
	if (err->kind == ERROR_TABLE && !ask(t, t->w->select, &rows, err))
		blame(t, err);
	return false;
}

static bool compare(struct testing *t, struct engine_rows *rows, struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	put_side(t, "actual", t->w->select, &sql);
	if (t->expected_sql) {
		buf_puts(&sql, "\nunion all\n");
		put_side(t, "expected", t->expected_sql, &sql);
	}
	bool ok = ask(t, buf_text(&sql), rows, err);
	if (!ok)
		blame(t, err);
	buf_release(&sql);
	return ok;
}

static bool run(struct testing *t, struct error *err)
{
	struct engine_rows rows;

	return give_all(t, err) && compile(t, t->w->node, t->inputs, err) &&
	       describe_model(t, err) && expect(t, err) && compare(t, &rows, err) &&
	       judge(t, &rows, err);
}

bool check_unit(struct work *w, struct error *err)
{
	struct testing t = {.w = w, .unit = w->node->unit};

	if (w->node->problem)
		return error_set(err, ERROR_CONFIG, "%s", w->node->problem);
	t.m = (struct making){.w = w, .d = w->engine->ops->dialect};
	bool ok = run(&t, err);
	for (size_t i = 0; t.given && i < t.unit->n_given; i++)
		fixture_release(&t.given[i]);
	fixture_release(&t.expected);
	return ok;
}
