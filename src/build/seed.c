/*
 * Seeds: a CSV file as a table. It is read twice, once for the types of its columns and once for its rows, and never
 * held as a whole. `column_types` in the configuration goes before what the values say.
 */
#include "base/text.h"
#include "build/csv.h"
#include "build/making.h"
#include "build/seed_types.h"
#include "models/template/value.h"

struct seed {
	struct making *m;
	const char *path; /* in the file system */
	char delimiter;
	struct csv csv;
	struct engine_columns columns;
	struct seed_type *types;
	const char **given; /* by column_types; NULL */
};

static bool open_file(struct seed *s, struct error *err)
{
	return csv_open(&s->csv, s->path, s->m->w->node->path, s->delimiter, err);
}

/* --- the header --- */

static bool check_header(const struct seed *s, struct error *err)
{
	const struct csv *csv = &s->csv;

	for (size_t i = 0; i < csv->cells.len; i++) {
		if (!*csv->cells.items[i])
			return error_set(err, ERROR_CONFIG, "%s:%d: column %zu has no name",
				csv->name, csv->line, i + 1);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(csv->cells.items[i], csv->cells.items[k]))
				return error_set(err, ERROR_CONFIG,
					"%s:%d: two columns are called '%s'", csv->name, csv->line,
					csv->cells.items[i]);
	}
	return true;
}

static bool read_header(struct seed *s, struct error *err)
{
	struct arena *a = s->m->w->arena;
	enum csv_status status = csv_next(&s->csv, err);

	if (status == CSV_END)
		return error_set(err, ERROR_CONFIG, "%s: has no line of column names", s->csv.name);
	if (status == CSV_FAILED || !check_header(s, err))
		return false;
	s->columns.len = s->csv.cells.len;
	s->columns.items = arena_alloc(a, s->columns.len * sizeof *s->columns.items);
	s->types = arena_alloc(a, s->columns.len * sizeof *s->types);
	s->given = arena_alloc(a, s->columns.len * sizeof *s->given);
	for (size_t i = 0; i < s->columns.len; i++)
		s->columns.items[i].name = arena_strdup(a, s->csv.cells.items[i]);
	return true;
}

/* --- types --- */

static bool take_column_types(struct seed *s, struct error *err)
{
	struct value v = config_value(s->m, "column_types");
	size_t at = 0;

	if (!value_given(v))
		return true;
	if (v.kind != VALUE_DICT)
		return config_wrong(
			s->m, "column_types", err, "column_types takes a map of columns and types");
	for (struct dict_entry *entry; (entry = dict_next(v.dict, &at));) {
		bool found = false;
		for (size_t i = 0; i < s->columns.len; i++)
			if (value_is_text(entry->key, s->columns.items[i].name) &&
				entry->value.kind == VALUE_STRING) {
				s->given[i] = value_strdup(s->m->w->arena, entry->value);
				found = true;
			}
		if (!found)
			return config_wrong(s->m, "column_types", err,
				"column_types names '%.*s', which is no column of the file",
				entry->key.kind == VALUE_STRING ? (int)entry->key.len : 1,
				entry->key.kind == VALUE_STRING ? entry->key.s : "?");
	}
	return true;
}

static bool check_width(const struct seed *s, struct error *err)
{
	const struct csv *csv = &s->csv;
	return csv->cells.len == s->columns.len ||
	       error_set(err, ERROR_CONFIG,
		       "%s:%d: %zu cells, where the first line names %zu columns", csv->name,
		       csv->line, csv->cells.len, s->columns.len);
}

static bool read_types(struct seed *s, struct error *err)
{
	enum csv_status status;

	if (!open_file(s, err))
		return false;
	bool ok = read_header(s, err) && take_column_types(s, err);
	while (ok && (status = csv_next(&s->csv, err)) != CSV_END) {
		ok = status == CSV_ROW && check_width(s, err);
		for (size_t i = 0; ok && i < s->columns.len; i++)
			seed_type_see(&s->types[i], s->csv.cells.items[i]);
	}
	csv_close(&s->csv);
	for (size_t i = 0; ok && i < s->columns.len; i++)
		s->columns.items[i].type = s->given[i] ? s->given[i] : seed_type_name(&s->types[i]);
	return ok;
}

/* --- rows --- */

struct seed_feed {
	struct row_feed feed;
	struct seed *seed;
	bool failed; /* the file, whose error says where; not the statement */
};

/* NULL in *out where the cell is one. */
static bool take_cell(const struct seed *s, size_t i, const char **out, struct error *err)
{
	const char *cell = s->csv.cells.items[i], *type = s->columns.items[i].type;
	bool text = s->given[i] ? strstr(type, "String") != NULL : seed_type_is_text(&s->types[i]);
	bool null = !*cell || (!text && is_null_word(cell));

	*out = null ? NULL : cell;
	if (!null || strstr(type, "Nullable("))
		return true;
	*out = "";
	return text ||
	       error_set(err, ERROR_CONFIG,
		       "%s:%d: column '%s' is empty, and its type %s takes no NULL; make it "
		       "Nullable(%s) in column_types",
		       s->csv.name, s->csv.line, s->columns.items[i].name, type, type);
}

static bool next_row(struct row_feed *feed, const char **cells, struct error *err)
{
	struct seed_feed *f = (struct seed_feed *)feed;
	struct seed *s = f->seed;
	enum csv_status status = csv_next(&s->csv, err);
	bool ok = status == CSV_ROW && check_width(s, err);

	for (size_t i = 0; ok && i < s->columns.len; i++)
		ok = take_cell(s, i, &cells[i], err);
	f->failed = !ok && status != CSV_END;
	return ok;
}

static bool load(struct seed *s, struct relation_name staging, struct error *err)
{
	struct seed_feed feed = {.feed.next = next_row, .seed = s};
	struct statement_stats stats = {0};
	struct statement statement;
	struct work *w = s->m->w;
	const char *what = arena_printf(
		w->arena, "-- rows of %s into %s", w->node->path, staging.name);

	if (!open_file(s, err))
		return false;
	bool ok = csv_next(&s->csv, err) == CSV_ROW && work_begin(w, what, &statement, err);
	if (ok) {
		ok = w->engine->ops->load(
			w->engine, &statement, staging, &s->columns, &feed.feed, &stats, err);
		ok = work_end(w, what, &stats, ok || feed.failed, err) && !feed.failed;
	}
	csv_close(&s->csv);
	w->rows = stats.written_rows;
	return ok;
}

bool make_seed(struct making *m, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	const char *delimiter = config_text(m, "delimiter");
	struct work *w = m->w;
	struct seed s = {.m = m,
		.path = arena_printf(w->arena, "%s/%s", w->folder, w->node->path),
		.delimiter = delimiter ? *delimiter : ','};
	struct table_spec spec;

	if (!config_table(m, &spec, err) || !read_types(&s, err) || !making_database(m, err) ||
		!making_clear(m, staging, err))
		return false;
	making_comments(m, &s.columns);
	m->d->create_table(&m->sql, staging, &spec, &s.columns, NULL);
	if (!making_run(m, err) || !load(&s, staging, err))
		return false;
	making_message(m, "seed of %llu row%s", (unsigned long long)w->rows, plural(w->rows));
	return swap_table(m, staging, err);
}
