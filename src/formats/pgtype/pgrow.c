/* Rows from cells; see pgrow.h. */
#include "formats/pgtype/pgrow.h"

#include "base/mem.h"
#include "base/json.h"
#include "base/text.h"
#include "formats/pgtype/forms.h"

bool pg_rows_init(struct pg_rows *r, struct table *table, const struct pg_catalog *catalog,
	const struct pg_column *columns, struct error *err)
{
	*r = (struct pg_rows){.table = table_ref(table)};
	arena_init(&r->arena);
	buf_init(&r->key, BUF_MAX);
	buf_init(&r->row, BUF_MAX);
	r->codecs = arena_alloc(&r->arena, (table->n_columns + 1) * sizeof *r->codecs);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct table_column *described = &table->columns[i];
		struct pg_column column = columns[i];
		column.rule = described->rule.kind;
		if (!pg_codec_init(
			    &r->codecs[i], &r->arena, catalog, &column, table->options, err)) {
			error_add(err, "column %s", described->name);
			pg_rows_release(r);
			return false;
		}
		if (!type_equal(&r->codecs[i].type, &described->type)) {
			pg_rows_release(r);
			return error_set(err, ERROR_TABLE,
				"column %s has another type than when the table was "
				"described",
				described->name);
		}
	}
	return true;
}

void pg_rows_release(struct pg_rows *r)
{
	for (size_t i = 0; r->codecs && i < r->table->n_columns; i++)
		pg_codec_release(&r->codecs[i]);
	buf_release(&r->key);
	buf_release(&r->row);
	arena_release(&r->arena);
	table_unref(r->table);
	*r = (struct pg_rows){0};
}

bool pg_rows_text_stream(const struct pg_rows *r)
{
	for (size_t i = 0; i < r->table->n_columns; i++)
		if (r->codecs[i].text_stream)
			return true;
	return false;
}

/* --- What is set aside ------------------------------------------------------------------------ */

static bool has_value(const struct pg_cell *cell)
{
	return cell->kind == PG_CELL_BINARY || cell->kind == PG_CELL_TEXT;
}

/* The text form as a JSON string; bytes that have none, in hexadecimal. */
static void print_text(const struct pg_codec *c, const struct pg_cell *cell, struct buf *out)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	if (!has_value(cell)) {
		buf_puts(out, "null");
	} else if (pg_codec_text(c, cell, &text, NULL)) {
		text_print_json(buf_text(&text), text.len, out);
	} else {
		buf_puts(out, "\"\\\\x");
		for (uint32_t i = 0; i < cell->len; i++)
			buf_printf(out, "%02x", cell->data[i]);
		buf_u8(out, '"');
	}
	buf_release(&text);
}

static bool is_tombstone(const struct table *table, const struct row_meta *meta)
{
	return table->n_key && (meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED);
}

static void print_row(struct pg_rows *r, const struct pg_cell *cells, bool key_only)
{
	buf_clear(&r->row);
	buf_u8(&r->row, '{');
	for (size_t i = 0; i < r->table->n_columns; i++) {
		const struct table_column *column = &r->table->columns[i];
		if (cells[i].kind == PG_CELL_UNCHANGED || (key_only && !column->key))
			continue;
		json_put_key(&r->row, column->name);
		if (column->rule.kind != RULE_NONE)
			buf_puts(&r->row, "\"...\"");
		else
			print_text(&r->codecs[i], &cells[i], &r->row);
	}
	buf_u8(&r->row, '}');
}

/* As batch_print_key() prints it, so that the two can be compared; what does not decode is text. */
static void print_key(struct pg_rows *r, const struct pg_cell *cells)
{
	const struct table *t = r->table;

	buf_clear(&r->key);
	buf_u8(&r->key, '{');
	for (size_t i = 0; i < t->n_key; i++) {
		size_t column = t->key[i];
		json_put_key(&r->key, t->columns[column].name);
		size_t from = r->key.len;
		if (!has_value(&cells[column]) ||
			!pg_codec_json(&r->codecs[column], &cells[column], &r->key, NULL)) {
			r->key.len = from;
			print_text(&r->codecs[column], &cells[column], &r->key);
		}
	}
	buf_u8(&r->key, '}');
}

static void set_aside(struct pg_rows *r, struct batch *batch, const struct pg_cell *cells,
	const struct row_meta *meta, size_t failed, const struct error *why)
{
	batch_abort_row(batch);
	print_row(r, cells, is_tombstone(r->table, meta));
	if (r->table->n_key)
		print_key(r, cells);
	batch_set_aside(batch, &(struct set_aside){
				       .meta = *meta,
				       .key = buf_text(r->table->n_key ? &r->key : &r->row),
				       .row = buf_text(&r->row),
				       .column = r->table->columns[failed].name,
				       .reason = why->text,
			       });
	pg_trim(&r->key);
	pg_trim(&r->row);
}

/* --- Appending -------------------------------------------------------------------------------- */

enum outcome { GOES_ON, WAS_SET_ASIDE, FAILED };

/* What becomes of a row whose column `failed` could not be had. */
static enum outcome meet(struct pg_rows *r, struct batch *batch, const struct pg_cell *cells,
	const struct row_meta *meta, size_t failed, struct error *why, struct error *err)
{
	const char *name = r->table->columns[failed].name;
	enum unrepresentable policy = (enum unrepresentable)r->table->options->unrepresentable;

	if (why->kind == ERROR_DATA && policy == UNREPRESENTABLE_NULL &&
		batch->columns[failed].type.nullable) {
		column_add_null(&batch->columns[failed]);
		return GOES_ON;
	}
	if (why->kind == ERROR_DATA && policy != UNREPRESENTABLE_STOP) {
		set_aside(r, batch, cells, meta, failed, why);
		return WAS_SET_ASIDE;
	}
	batch_abort_row(batch);
	error_set(err, why->kind == ERROR_DATA ? ERROR_TABLE : why->kind, "column %s: %s%s", name,
		why->text, why->kind == ERROR_DATA ? "; on_unrepresentable is stop" : "");
	return FAILED;
}

bool pg_rows_append(struct pg_rows *r, struct batch *batch, const struct pg_cell *cells,
	const struct row_meta *meta, struct error *err)
{
	bool key_only = is_tombstone(r->table, meta);
	struct error why;

	for (size_t i = 0; i < r->table->n_columns; i++) {
		const struct pg_codec *codec = &r->codecs[i];
		struct column *column = &batch->columns[i];
		if (key_only && !r->table->columns[i].key) {
			column_add_default(column);
			continue;
		}
		why.kind = ERROR_NONE;
		if (pg_codec_decode(codec, &cells[i], column, &why))
			continue;
		enum outcome outcome = meet(r, batch, cells, meta, i, &why, err);
		if (outcome != GOES_ON)
			return outcome == WAS_SET_ASIDE;
	}
	batch_commit_row(batch, meta);
	return true;
}

int pg_rows_refused_null(const struct pg_rows *r, const struct pg_cell *cells)
{
	for (size_t i = 0; i < r->table->n_columns; i++)
		if (cells[i].kind == PG_CELL_NULL && !r->table->columns[i].key &&
			!pg_codec_takes_null(&r->codecs[i]))
			return (int)i;
	return -1;
}

/* --- Old and new ------------------------------------------------------------------------------ */

bool pg_rows_same_key(const struct pg_rows *r, const struct pg_cell *a, const struct pg_cell *b)
{
	const struct table *t = r->table;

	for (size_t i = 0; i < t->n_key; i++) {
		const struct pg_cell *left = &a[t->key[i]], *right = &b[t->key[i]];
		if (left->kind == PG_CELL_UNCHANGED || left->kind == PG_CELL_ABSENT ||
			right->kind == PG_CELL_UNCHANGED || right->kind == PG_CELL_ABSENT)
			continue;
		if (left->kind != right->kind || left->len != right->len ||
			(left->len && memcmp(left->data, right->data, left->len) != 0))
			return false;
	}
	return true;
}

void pg_rows_fill(const struct pg_rows *r, struct pg_cell *row, const struct pg_cell *old)
{
	for (size_t i = 0; i < r->table->n_columns; i++)
		if (row[i].kind == PG_CELL_UNCHANGED && has_value(&old[i]))
			row[i] = old[i];
}
