/* See fixture.h. */
#include "build/fixture.h"

#include <string.h>
#include <strings.h>
#include "build/csv.h"
#include "core/option.h"
#include "models/template/call.h"

/* --- reading --- */

/* Where a column stands among the names, which it is put behind if it is not there. */
static size_t place_of(struct fixture *f, const char *name)
{
	size_t i = 0;

	while (i < f->n_names && strcmp(f->names[i], name) != 0)
		i++;
	if (i == f->n_names)
		f->names[f->n_names++] = name;
	return i;
}

static void count_names(struct fixture *f, struct arena *arena)
{
	const struct list *rows = f->of->values.list;
	size_t n = 0, at;

	for (size_t i = 0; i < rows->len; i++)
		n += rows->items[i].dict->len;
	f->names = arena_alloc(arena, (n + 1) * sizeof *f->names);
	for (size_t i = 0; i < rows->len; i++) {
		at = 0;
		for (struct dict_entry *e; (e = dict_next(rows->items[i].dict, &at));)
			place_of(f, value_strdup(arena, e->key));
	}
}

static void read_values(struct fixture *f, struct arena *arena)
{
	const struct list *rows = f->of->values.list;

	count_names(f, arena);
	for (size_t i = 0; i < rows->len; i++) {
		struct fixture_row row = {.line = f->of->rows->entries[i].line};
		row.cells = arena_alloc(arena, (f->n_names + 1) * sizeof *row.cells);
		for (size_t k = 0; k < f->n_names; k++)
			row.cells[k] = dict_get_text(rows->items[i].dict, f->names[k]);
		vec_push(&f->rows, row);
	}
}

static bool open_csv(struct csv *csv, const struct unit_rows *of, struct error *err)
{
	if (of->file)
		return csv_open(csv, of->file, of->rows_path, of->delimiter, err);
	return csv_open_text(
		csv, of->rows->text, of->rows_path, of->rows->line, of->delimiter, err);
}

static bool read_header(struct fixture *f, struct csv *csv, struct arena *arena, struct error *err)
{
	enum csv_status status = csv_next(csv, err);

	if (status == CSV_END)
		return error_set(err, ERROR_CONFIG, "%s:%d: has no line of column names", csv->name,
			csv->line ? csv->line : 1);
	if (status == CSV_FAILED)
		return false;
	f->names = arena_alloc(arena, (csv->cells.len + 1) * sizeof *f->names);
	vec_each (&csv->cells, it) {
		size_t before = f->n_names;
		if (place_of(f, arena_strdup(arena, *it)) != before)
			return error_set(err, ERROR_CONFIG, "%s:%d: two columns are called '%s'",
				csv->name, csv->line, *it);
	}
	return true;
}

static bool read_row(struct fixture *f, struct csv *csv, struct arena *arena, struct error *err)
{
	struct fixture_row row = {.line = csv->line};

	if (csv->cells.len != f->n_names)
		return error_set(err, ERROR_CONFIG,
			"%s:%d: %zu cells, where the first line names %zu columns", csv->name,
			csv->line, csv->cells.len, f->n_names);
	row.cells = arena_alloc(arena, (f->n_names + 1) * sizeof *row.cells);
	for (size_t i = 0; i < f->n_names; i++) {
		const char *cell = csv->cells.items[i];
		row.cells[i] = *cell ? value_text(arena_strdup(arena, cell)) : value_none();
	}
	vec_push(&f->rows, row);
	return true;
}

static bool read_csv(struct fixture *f, struct arena *arena, struct error *err)
{
	enum csv_status status = CSV_ROW;
	struct csv csv;

	if (!open_csv(&csv, f->of, err))
		return false;
	bool ok = read_header(f, &csv, arena, err);
	while (ok && (status = csv_next(&csv, err)) == CSV_ROW)
		ok = read_row(f, &csv, arena, err);
	csv_close(&csv);
	return ok && status == CSV_END;
}

bool fixture_read(
	struct fixture *f, const struct unit_rows *of, struct arena *arena, struct error *err)
{
	*f = (struct fixture){.of = of};
	if (of->format == FIXTURE_CSV)
		return read_csv(f, arena, err);
	read_values(f, arena);
	return true;
}

void fixture_release(struct fixture *f)
{
	vec_release(&f->rows);
}

/* --- columns --- */

/* Columns are told apart by case where they must be, as dbt does not. */
static const char *name_of(const struct fixture *f, const char *column)
{
	for (size_t i = 0; i < f->n_names; i++)
		if (!strcmp(f->names[i], column))
			return f->names[i];
	for (size_t i = 0; i < f->n_names; i++)
		if (!strcasecmp(f->names[i], column) &&
			!engine_column_named(&f->columns, f->names[i]))
			return f->names[i];
	return NULL;
}

static bool is_column(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->columns.len; i++)
		if (!strcasecmp(f->columns.items[i].name, name))
			return true;
	return false;
}

/* The line of the first row that names it. */
static int line_of(const struct fixture *f, size_t name)
{
	vec_each (&f->rows, row)
		if (value_given(row->cells[name]))
			return row->line;
	return f->of->file ? 1 : f->of->line;
}

bool fixture_fits(const struct fixture *f, const char *what, struct error *err)
{
	for (size_t i = 0; i < f->n_names; i++) {
		VEC(const char *) names = {0};
		if (is_column(f, f->names[i]))
			continue;
		for (size_t k = 0; k < f->columns.len; k++)
			vec_push(&names, f->columns.items[k].name);
		vec_push(&names, NULL);
		const char *near = nearest_name(f->names[i], names.items);
		error_set(err, ERROR_CONFIG, "%s:%d: %s has no column '%s'%s%s%s", f->of->rows_path,
			line_of(f, i), what, f->names[i], near ? "; did you mean '" : "",
			near ? near : "", near ? "'?" : "");
		vec_release(&names);
		return false;
	}
	return true;
}

const struct value *fixture_cell(
	const struct fixture *f, const struct fixture_row *row, const char *column)
{
	const char *name = name_of(f, column);

	for (size_t i = 0; name && i < f->n_names; i++)
		if (f->names[i] == name)
			return value_given(row->cells[i]) ? &row->cells[i] : NULL;
	return NULL;
}

/* --- SQL --- */

static void put_literal(const struct dialect *d, struct value v, bool as_text, struct buf *out);

static void put_items(const struct dialect *d, struct value v, bool as_text, struct buf *out)
{
	size_t n = v.kind == VALUE_DICT ? v.dict->len * 2 : v.list->len, at = 0, k = 0;
	struct value *values = xcalloc(n + 1, sizeof *values);
	char **items = xcalloc(n + 1, sizeof *items);
	struct buf text;

	if (v.kind == VALUE_LIST)
		memcpy(values, v.list->items, n * sizeof *values);
	else
		for (struct dict_entry *e; (e = dict_next(v.dict, &at)); k += 2) {
			values[k] = e->key;
			values[k + 1] = e->value;
		}
	for (size_t i = 0; i < n; i++) {
		buf_init(&text, BUF_MAX);
		put_literal(d, values[i], as_text, &text);
		items[i] = xstrdup(buf_text(&text));
		buf_release(&text);
	}
	if (v.kind == VALUE_LIST)
		d->list(out, (const char *const *)items, n);
	else
		d->map(out, (const char *const *)items, n);
	for (size_t i = 0; i < n; i++)
		free(items[i]);
	free(items);
	free(values);
}

/* Fractions are exact as texts alone, and alike with whole numbers. */
static bool is_text(struct value v, bool numbers_as_text)
{
	return v.kind == VALUE_STRING ||
	       (numbers_as_text && (v.kind == VALUE_INT || v.kind == VALUE_FLOAT));
}

static void put_literal(const struct dialect *d, struct value v, bool as_text, struct buf *out)
{
	struct buf text;

	if (v.kind == VALUE_LIST || v.kind == VALUE_DICT) {
		put_items(d, v, as_text, out);
	} else if (v.kind == VALUE_STRING) {
		d->text(out, v.s, v.len);
	} else {
		buf_init(&text, BUF_MAX);
		if (!json_print(v, &text, NULL))
			buf_puts(&text, "NULL");
		if (is_text(v, as_text))
			d->text(out, buf_text(&text), text.len);
		else
			buf_puts(out, buf_text(&text));
		buf_release(&text);
	}
}

static bool holds_fractions(const struct engine_column *column)
{
	return strstr(column->type, "Float") || strstr(column->type, "Decimal");
}

/* NULL: it has none. */
static char *literal_of(const struct fixture *f, const struct dialect *d,
	const struct fixture_row *row, const struct engine_column *column)
{
	const struct value *v = fixture_cell(f, row, column->name);
	struct buf literal;

	if (!v || v->kind == VALUE_NONE)
		return NULL;
	buf_init(&literal, BUF_MAX);
	put_literal(d, *v, holds_fractions(column), &literal);
	char *kept = xstrdup(buf_text(&literal));
	buf_release(&literal);
	return kept;
}

void fixture_value(const struct fixture *f, const struct dialect *d, const struct fixture_row *row,
	const struct engine_column *column, struct buf *out)
{
	CLEANUP(free_string) char *literal = literal_of(f, d, row, column);

	d->typed(out, literal, column->type);
}

/* Of one kind, and neither lists nor maps, whose items may be of several. */
static bool is_alike(const struct fixture *f, const struct fixture_row *rows, size_t n_rows,
	const struct engine_column *column)
{
	enum value_kind kind = VALUE_NONE;

	for (size_t i = 0; i < n_rows; i++) {
		const struct value *v = fixture_cell(f, &rows[i], column->name);
		if (!v || v->kind == VALUE_NONE)
			continue;
		enum value_kind is = is_text(*v, holds_fractions(column)) ? VALUE_STRING : v->kind;
		if (is == VALUE_LIST || is == VALUE_DICT || (kind != VALUE_NONE && is != kind))
			return false;
		kind = is;
	}
	return true;
}

static void put_rows(const struct fixture *f, const struct dialect *d,
	const struct fixture_row *rows, size_t n_rows, struct buf *out)
{
	size_t width = f->columns.len, n = n_rows * width;
	struct constants *columns = xcalloc(width + 1, sizeof *columns);
	char **literals = xcalloc(n + 1, sizeof *literals);

	for (size_t i = 0; i < n; i++)
		literals[i] = literal_of(f, d, &rows[i % n_rows], &f->columns.items[i / n_rows]);
	for (size_t i = 0; i < width; i++) {
		const struct engine_column *column = &f->columns.items[i];
		columns[i] = (struct constants){column->name, column->type, literals + i * n_rows,
			is_alike(f, rows, n_rows, column)};
	}
	d->rows(out, columns, width, n_rows);
	for (size_t i = 0; i < n; i++)
		free(literals[i]);
	free(literals);
	free(columns);
}

void fixture_select(
	const struct fixture *f, const struct dialect *d, size_t from, size_t to, struct buf *out)
{
	static const struct fixture_row nothing = {0};
	const struct fixture none = {.columns = f->columns};

	if (from < to) {
		put_rows(f, d, f->rows.items + from, to - from, out);
	} else {
		put_rows(&none, d, &nothing, 1, out);
		buf_puts(out, "\nlimit 0");
	}
}
