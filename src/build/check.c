/*
 * Tests of data, as dbt runs them: a query gives the rows that fail; `fail_calc` (count(*)) of them is compared with
 * warn_if and error_if (!= 0). store_failures keeps the rows, in `{database}_dbt_test__audit` unless `schema` says
 * otherwise; store_failures_as as a table or a view.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "build/internal.h"
#include "build/place.h"
#include "core/units.h"
#include "models/template/call.h"
#include "models/tokens.h"

#define MOST_SPANS 8

static const char *setting_of(struct work *w, const char *name, const char *otherwise)
{
	const struct value *v = dict_find(w->node->config, value_text(name));

	if (!v || !value_given(*v) || v->kind == VALUE_NONE)
		return otherwise;
	struct buf text;
	buf_init(&text, BUF_MAX);
	const char *found = otherwise;
	if (v->kind == VALUE_STRING)
		found = value_strdup(w->arena, *v);
	else if (json_print(*v, &text, NULL))
		found = arena_strdup(w->arena, buf_text(&text));
	buf_release(&text);
	return found;
}

static bool setting_is_true(struct work *w, const char *name)
{
	const char *text = setting_of(w, name, "false");
	return !strcasecmp(text, "true") || !strcmp(text, "1");
}

/* --- the query --- */

/* Appended, without white space and semicolons behind it. */
static bool compile(struct work *w, const struct span *span, struct buf *sql, struct error *err)
{
	struct compile_batch batch = {.key = ""};
	struct compile_options options = work_options(w, "test");

	options.origins = &w->origins;
	if (span) {
		batch.from_us = span->from_us;
		batch.to_us = span->to_us;
		options.batch = &batch;
	}
	if (!project_compile(w->project, w->node, &options, sql, err))
		return false;
	sql_trim_end(sql);
	return true;
}

static struct span hull(const struct spans *spans)
{
	return (struct span){spans->items[0].from_us, spans->items[spans->len - 1].to_us};
}

static bool compile_each(
	struct work *w, const struct spans *spans, struct buf *sql, struct error *err)
{
	for (size_t i = 0; i < spans->len; i++) {
		buf_printf(sql, "%sselect * from (\n", i ? "\nunion all\n" : "");
		if (!compile(w, &spans->items[i], sql, err))
			return false;
		buf_printf(sql, "\n) as tested_%zu", i);
	}
	return true;
}

/* The rows that fail: of all, or of each span. */
static bool failing_rows(
	struct work *w, const struct spans *spans, const char **out, struct error *err)
{
	struct span all;
	struct buf sql;
	bool ok;

	buf_init(&sql, BUF_MAX);
	w->origins = (struct origins){.arena = w->arena};
	if (!spans->len || !w->node->by_rows) {
		ok = compile(w, NULL, &sql, err);
	} else if (spans->len == 1 || spans->len > MOST_SPANS) {
		all = hull(spans);
		ok = compile(w, &all, &sql, err);
	} else {
		ok = compile_each(w, spans, &sql, err);
	}
	if (ok)
		*out = arena_strdup(w->arena, buf_text(&sql));
	buf_release(&sql);
	return ok;
}

static const char *limited(struct work *w, const char *rows)
{
	const char *limit = setting_of(w, "limit", NULL);
	return limit ? arena_printf(w->arena, "%s\nlimit %s", rows, limit) : rows;
}

/* --- keeping the rows --- */

static bool run_piece(struct work *w, struct buf *sql, struct error *err)
{
	bool ok = work_run(w, buf_text(sql), err);
	buf_clear(sql);
	return ok;
}

/* Fills the table of failures anew, or makes the view; *rows is then a query of it. */
static bool store_failures(struct work *w, bool as_view, const char **rows, struct error *err)
{
	const struct dialect *d = w->engine->ops->dialect;
	struct relation_name table = {w->node->database, w->node->alias};
	struct table_spec spec = {.comment = "failing rows of a test; tailrace"};
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	d->create_database(&sql, table.database);
	bool ok = run_piece(w, &sql, err);
	if (ok) {
		d->drop(&sql, table, RELATION_TABLE);
		ok = run_piece(w, &sql, err);
	}
	if (ok && as_view) {
		d->create_view(&sql, table, spec.comment, NULL, *rows);
		ok = run_piece(w, &sql, err);
	} else if (ok) {
		d->create_table(&sql, table, &spec, NULL, *rows);
		ok = run_piece(w, &sql, err);
	}
	if (ok && !as_view) {
		d->insert(&sql, table, NULL, *rows);
		ok = run_piece(w, &sql, err);
	}
	if (ok) {
		buf_puts(&sql, "select * from ");
		d->relation(&sql, table);
		*rows = arena_strdup(w->arena, buf_text(&sql));
	}
	buf_release(&sql);
	return ok;
}

/* store_failures_as goes before store_failures. */
static bool keeps_failures(struct work *w, bool *as_view)
{
	const char *as = setting_of(w, "store_failures_as", NULL);

	*as_view = as && !strcmp(as, "view");
	return as ? strcmp(as, "ephemeral") != 0 : setting_is_true(w, "store_failures");
}

/* --- the verdict --- */

static bool truth(const char *text)
{
	return text && (!strcmp(text, "1") || !strcasecmp(text, "true"));
}

/* Roughly: "119s", "3h", "12d". */
static const char *age_of(struct work *w, double s)
{
	static const int64_t units_s[] = {86400, 3600, 60, 1};
	int64_t age = s > 0 ? (int64_t)s : 0;
	char text[32] = "less than 1s";
	size_t unit = 0;

	while (units_s[unit] > 1 && age < 2 * units_s[unit])
		unit++;
	if (age)
		duration_print((age - age % units_s[unit]) * 1000, text);
	return arena_strdup(w->arena, text);
}

/* What it found, in words; and how many rows fail. */
static const char *finding_of_age(struct work *w, const char *failures, bool warn, bool error)
{
	const struct source_table *table = w->node->tested_source;
	double age = failures ? strtod(failures, NULL) : INFINITY;
	char limit[32];
	const char *found = isinf(age) ? "there is no row"
				       : arena_printf(w->arena, "the newest row is %s old",
						 age_of(w, age));

	w->rows = warn || error;
	if (!w->rows)
		return found;
	bool failed = error && age_limit_us(table->error_after);
	duration_print(age_limit_us(failed ? table->error_after : table->warn_after) / 1000, limit);
	return arena_printf(
		w->arena, "%s; %s is %s", found, failed ? "error_after" : "warn_after", limit);
}

static const char *finding(struct work *w, const char *failures, bool warn, bool error)
{
	if (w->node->is_freshness)
		return finding_of_age(w, failures, warn, error);
	w->rows = failures ? strtoull(failures, NULL, 10) : 0;
	return arena_printf(
		w->arena, "%llu failing row%s", (unsigned long long)w->rows, plural(w->rows));
}

static bool judge(
	struct work *w, const struct engine_rows *answer, const char *kept, struct error *err)
{
	bool warn = truth(answer->cells[1]), error = truth(answer->cells[2]);

	w->message = finding(w, answer->cells[0], warn, error);
	if (error && w->node->severity == SEVERITY_ERROR)
		return error_set(err, ERROR_DATA, "%s: %s; %s", place_of_node(w->node, w->arena),
			w->message, kept);
	w->warned = warn;
	if (!warn && !w->node->is_freshness)
		w->message = "passed";
	return true;
}

bool check_data(struct work *w, const struct spans *spans, struct error *err)
{
	const char *rows, *kept;
	struct engine_rows answer;
	bool as_view;

	if (!failing_rows(w, spans, &rows, err))
		return false;
	w->select = w->rendered = rows;
	rows = limited(w, rows);
	kept = w->node->is_freshness ? "look at what loads the table"
				     : "`tailrace runs` with --sql shows the query; "
				       "store_failures: true keeps the rows";
	if (keeps_failures(w, &as_view)) {
		if (!store_failures(w, as_view, &rows, err))
			return false;
		kept = arena_printf(
			w->arena, "they are in %s.%s", w->node->database, w->node->alias);
	}
	const char *sql = arena_printf(w->arena,
		"select failures, failures %s as should_warn, failures %s as should_error\n"
		"from (\nselect %s as failures\nfrom (\n%s\n) as failing_rows\n) as counted",
		setting_of(w, "warn_if", "!= 0"), setting_of(w, "error_if", "!= 0"),
		setting_of(w, "fail_calc", "count(*)"), rows);
	if (!work_query(w, sql, &answer, err))
		return false;
	if (answer.n_rows != 1 || answer.n_columns != 3)
		return error_set(err, ERROR_BROKEN, "%s: a test's query gave %zu rows",
			place_of_node(w->node, w->arena), answer.n_rows);
	return judge(w, &answer, kept, err);
}
