/*
 * Events into rows; see debezium.h. A document is read once, front to back, its row decoded where it stands: what it is
 * (op, source) may come later. Only a delete, whose row is the old one, goes back for it; and so does a row that cannot
 * be taken, to be read as text.
 */
#include <stdlib.h>
#include "base/text.h"
#include "formats/debezium/origin.h"
#include "formats/debezium/shape.h"

/* One reading of one event. */
struct reading {
	struct debezium_shape *shape;
	struct connect_reader *key, *value; /* NULL: none */
	struct batch *out;
	struct debezium_source *seen;
	bool key_only;        /* the row is a tombstone */
	bool buries;          /* so it is, whatever the event says */
	bool has_row;         /* the half row in the batch is whole */
	bool looks_otherwise; /* a plain row with the fields of an envelope */
	bool as_text;         /* the row goes to shape->aside_row instead */
	uint64_t *
		nulled; /* columns that on_unrepresentable makes NULL, a bit each; NULL: none yet */
	int failed;     /* column that a value could not be had for; NO_COLUMN */
	struct error why;
	struct error *err;
};

static bool poison(struct reading *g, const char *text)
{
	return error_set(g->err, ERROR_DATA, "%s", text);
}

/* A reader that ends too early says so itself. */
static bool broken(struct reading *g)
{
	if (!g->err || g->err->kind == ERROR_NONE)
		poison(g, "the document is not what its schema says");
	return false;
}

/* Into the object that a value or a row is. */
static bool enter(struct reading *g, struct connect_reader *r)
{
	enum connect_token token = connect_next(r, g->err);

	if (token == TOKEN_STRUCT)
		return true;
	return token == TOKEN_FAILED
		       ? broken(g)
		       : poison(g, "the value is not made of fields, as an object is");
}

/* --- One row ---------------------------------------------------------------------------------- */

static bool is_nulled(const struct reading *g, int column)
{
	return g->nulled && g->nulled[column / 64] >> (column % 64) & 1;
}

static bool has_value(const struct reading *g, int column)
{
	return g->out->columns[column].rows > g->out->rows;
}

static bool fail_column(struct reading *g, int column)
{
	g->failed = column;
	return false;
}

/* False: the value could not be had (`failed`), or the document is broken. */
static bool read_value(
	struct reading *g, const struct fields *f, size_t place, struct connect_reader *r)
{
	int number = f->columns[place];
	struct column *column = &g->out->columns[number];

	if (has_value(g, number))
		column_truncate(column, g->out->rows); /* a name given twice: the last counts */
	if (is_nulled(g, number)) {
		column_add_null(column);
		return connect_skip(r, g->err) || broken(g);
	}
	enum connect_token token = connect_next(r, g->err);
	if (token == TOKEN_FAILED)
		return false;
	g->why.kind = ERROR_NONE;
	return decode(f->decoders[place], r, token, column, &g->why) || fail_column(g, number);
}

static void print_member(struct buf *out, const char *name)
{
	if (out->len > 1)
		buf_u8(out, ',');
	text_print_json(name, strlen(name), out);
	buf_u8(out, ':');
}

/* Of the key as batch_print_key() has it, so that the two can be compared; else as it stands. */
static bool print_value(
	struct reading *g, const struct fields *f, size_t place, struct connect_reader *r)
{
	const struct table_column *c = &g->out->table->columns[f->columns[place]];
	struct buf *row = &g->shape->aside_row, *key = &g->shape->aside_key;
	enum connect_token token = connect_next(r, g->err);
	struct column value;

	print_member(row, c->name);
	size_t from = row->len;
	column_init(&value, &c->type);
	bool scalar = token != TOKEN_STRUCT && token != TOKEN_ARRAY;
	bool decoded = c->key && scalar && decode(f->decoders[place], r, token, &value, NULL);
	bool fine = true;
	if (decoded)
		column_print(&value, 0, row);
	else
		fine = print_json(r, token, row, g->err) || broken(g);
	column_release(&value);
	if (fine && c->key) {
		print_member(key, c->name);
		buf_append(key, row->data + from, row->len - from);
	}
	if (c->rule.kind != RULE_NONE) {
		row->len = from;
		buf_puts(row, "\"...\"");
	}
	return fine;
}

static bool take_word(struct reading *g, const char *name, struct connect_reader *r)
{
	enum row_word word = shape_word(name);

	if (word == WORD_NONE)
		return connect_skip(r, g->err) || broken(g);
	enum connect_token token = connect_next(r, g->err);
	if (word == WORD_DELETED &&
		((token == TOKEN_BOOLEAN && r->boolean) ||
			(token == TOKEN_STRING && r->len == 4 && !memcmp(r->data, "true", 4))))
		g->seen->op = OP_DELETE;
	else if (word == WORD_OP && token == TOKEN_STRING && r->len && g->seen->op != OP_DELETE)
		g->seen->op = (char)*r->data;
	else if (word == WORD_TIME && token == TOKEN_INTEGER)
		g->seen->commit_time_us = r->integer * 1000;
	else if (word == WORD_LSN && token == TOKEN_INTEGER)
		g->seen->commit_lsn = (uint64_t)r->integer;
	else if (token == TOKEN_ARRAY || token == TOKEN_STRUCT || token == TOKEN_FAILED)
		return broken(g);
	return true;
}

static bool read_unknown(struct reading *g, struct connect_reader *r)
{
	char name[32];

	if (r->len > 2 && r->len < sizeof name && r->data[0] == '_') {
		memcpy(name, r->data, r->len);
		name[r->len] = '\0';
		if (shape_word(name))
			return take_word(g, name, r);
	}
	size_t field = names_find(&g->shape->envelope, g->shape->envelope.n, r->data, r->len);
	g->looks_otherwise = g->looks_otherwise || field <= ENVELOPE_AFTER;
	g->seen->unknown++;
	return connect_skip(r, g->err) || broken(g);
}

static bool read_field(struct reading *g, struct fields *f, struct connect_reader *r, size_t *last)
{
	size_t place = names_find(&f->names, *last, r->data, r->len);

	if (place == NAME_UNKNOWN)
		return read_unknown(g, r);
	*last = place;
	int column = f->columns[place];
	if (column == NO_COLUMN)
		return take_word(g, f->names.items[place].text, r);
	if (g->key_only && !g->out->table->columns[column].key)
		return connect_skip(r, g->err) || broken(g);
	return g->as_text ? print_value(g, f, place, r) : read_value(g, f, place, r);
}

/* The struct has begun. */
static bool read_fields(struct reading *g, struct fields *f, struct connect_reader *r)
{
	size_t last = f->names.n;
	enum connect_token token;

	while ((token = connect_next(r, g->err)) == TOKEN_FIELD)
		if (!read_field(g, f, r, &last))
			return false;
	return token == TOKEN_STRUCT_END || broken(g);
}

/* Columns that the document does not name. */
static bool fill_column(struct reading *g, int number)
{
	const struct table_column *c = &g->out->table->columns[number];
	struct column *column = &g->out->columns[number];

	if (g->key_only && !c->key) {
		column_add_default(column);
		return true;
	}
	g->why.kind = ERROR_NONE;
	if (c->missing && !c->key)
		return decode_json(&c->type, c->missing, strlen(c->missing), column, &g->why) ||
		       fail_column(g, number);
	if (column->type.nullable || c->rule.kind == RULE_CONSTANT) {
		column_add_default(column);
		return true;
	}
	error_set(&g->why, ERROR_DATA, "the event has no such field");
	return fail_column(g, number);
}

static bool fill_columns(struct reading *g)
{
	for (size_t i = 0; i < g->out->table->n_columns; i++)
		if (!has_value(g, (int)i) && !fill_column(g, (int)i))
			return false;
	g->has_row = true;
	return true;
}

/* Columns of the key that the value lacks: of plain rows, and of deletes that come without their row. */
static bool read_key(struct reading *g)
{
	const struct table *t = g->out->table;
	bool lacks = false;

	for (size_t i = 0; i < t->n_key; i++)
		lacks = lacks || !has_value(g, t->key[i]);
	if (!lacks || !g->key)
		return true;
	g->key->ops->restart(g->key);
	if (connect_next(g->key, g->err) != TOKEN_STRUCT)
		return poison(g, "the key is not made of fields");
	return read_fields(g, &g->shape->key, g->key);
}

static bool read_row(struct reading *g)
{
	if (!read_fields(g, &g->shape->row, g->value))
		return false;
	if (g->as_text)
		return g->shape->aside_key.len > 1 || read_key(g);
	return read_key(g) && fill_columns(g);
}

/* --- Envelopes -------------------------------------------------------------------------------- */

/* Which of the two rows is wanted; the other, and what the row's reading left, is passed over. */
static bool read_part(struct reading *g, size_t field, size_t wanted)
{
	struct connect_reader *r = g->value;

	if (field != wanted && field != ENVELOPE_SOURCE && field != ENVELOPE_OP)
		return connect_skip(r, g->err) || broken(g);
	enum connect_token token = connect_next(r, g->err);
	if (token == TOKEN_NULL)
		return true;
	if (field == ENVELOPE_OP) {
		g->seen->op = token == TOKEN_STRING && r->len ? (char)*r->data : '?';
		return token == TOKEN_STRING || broken(g);
	}
	if (token != TOKEN_STRUCT)
		return broken(g);
	if (field == ENVELOPE_SOURCE)
		return source_read(&g->shape->source, r, g->seen, g->err) || broken(g);
	return read_row(g);
}

static bool read_envelope(struct reading *g, size_t wanted)
{
	struct names *names = &g->shape->envelope;
	struct connect_reader *r = g->value;
	size_t last = names->n;
	enum connect_token token;

	if (!enter(g, r))
		return false;
	while ((token = connect_next(r, g->err)) == TOKEN_FIELD) {
		size_t field = names_find(names, last, r->data, r->len);
		last = field == NAME_UNKNOWN ? last : field;
		if (!read_part(g, field, wanted))
			return false;
	}
	return token == TOKEN_STRUCT_END || broken(g);
}

static bool is_row_op(char op)
{
	return op == OP_INSERT || op == OP_UPDATE || op == OP_DELETE || op == OP_COPY;
}

/* A delete's row is the old one, of which the key counts; where it is not given, the message's key has it. */
static bool read_delete(struct reading *g)
{
	if (g->has_row)
		batch_abort_row(g->out);
	g->has_row = false;
	g->key_only = g->out->table->n_key > 0;
	g->value->ops->restart(g->value);
	if (!read_envelope(g, ENVELOPE_BEFORE))
		return false;
	if (g->has_row || g->as_text)
		return true;
	if (!g->key_only || !g->key)
		return poison(g, "a delete that names no row");
	return read_key(g) && fill_columns(g);
}

static bool read_event(struct reading *g)
{
	g->value->ops->restart(g->value);
	if (!read_envelope(g, ENVELOPE_AFTER))
		return false;
	if (g->seen->op == OP_DELETE)
		return read_delete(g);
	if (!g->seen->op)
		return poison(g, "this is no change event: it has no op");
	if (is_row_op(g->seen->op) && !g->has_row && !g->as_text)
		return poison(g, "a change event without a row");
	return true;
}

/* --- Plain rows ------------------------------------------------------------------------------- */

static bool read_nothing(struct reading *g)
{
	g->seen->op = OP_DELETE;
	g->key_only = true;
	if (!g->key || !g->out->table->n_key)
		return poison(g, "a message without a value deletes its key, and it has none");
	return read_key(g) && (g->as_text || fill_columns(g));
}

static bool read_struct(struct reading *g)
{
	g->value->ops->restart(g->value);
	return enter(g, g->value) && read_row(g);
}

/* What stands beside the columns, behind one that could not be taken. */
static bool read_words(struct reading *g)
{
	struct connect_reader *r = g->value;
	enum connect_token token;
	char name[32];

	r->ops->restart(r);
	connect_next(r, g->err);
	while ((token = connect_next(r, g->err)) == TOKEN_FIELD) {
		size_t n = r->len < sizeof name ? r->len : 0;
		memcpy(name, r->data, n);
		name[n] = '\0';
		if (!take_word(g, name, r))
			return false;
	}
	return token == TOKEN_STRUCT_END || broken(g);
}

/* That it is a delete, of which the key counts, may be said last. */
static bool read_plain(struct reading *g)
{
	if (!g->value)
		return read_nothing(g);
	bool fine = read_struct(g);
	if (!fine && (g->failed == NO_COLUMN || !read_words(g)))
		return false;
	if (g->seen->op == OP_DELETE && g->out->table->n_key && !g->as_text) {
		batch_abort_row(g->out);
		g->failed = NO_COLUMN;
		g->has_row = false;
		g->key_only = true;
		fine = read_struct(g);
	}
	if (!g->seen->op)
		g->seen->op = OP_UPDATE;
	return fine;
}

/* Without a schema the fields tell: an envelope has an op, and a row before or after it. */
static bool find_form(struct reading *g)
{
	bool op = false, row = false;
	struct connect_reader *r = g->value;
	enum connect_token token;

	r->ops->restart(r);
	if (!enter(g, r))
		return false;
	while ((token = connect_next(r, g->err)) == TOKEN_FIELD) {
		struct names *names = &g->shape->envelope;
		size_t field = names_find(names, names->n, r->data, r->len);
		op = op || field == ENVELOPE_OP;
		row = row || field == ENVELOPE_AFTER || field == ENVELOPE_BEFORE;
		if (!connect_skip(r, g->err))
			return broken(g);
	}
	g->shape->form = op && row ? FORM_ENVELOPE : FORM_ROWS;
	return token == TOKEN_STRUCT_END || broken(g);
}

/* Another document behind the first would be lost. */
static bool at_end(struct reading *g)
{
	return !g->value || connect_next(g->value, g->err) == TOKEN_END || broken(g);
}

static bool read_form(struct reading *g)
{
	*g->seen = (struct debezium_source){0};
	g->failed = NO_COLUMN;
	g->has_row = g->looks_otherwise = false;
	g->key_only = g->buries;
	if (!g->value || g->shape->form != FORM_ENVELOPE)
		return read_plain(g) && at_end(g);
	return read_event(g) && at_end(g);
}

static bool read_any(struct reading *g)
{
	struct debezium_shape *s = g->shape;
	enum shape_form form = s->form;

	if (g->value && form == FORM_UNKNOWN && !find_form(g))
		return false;
	bool fine = read_form(g);
	bool doubtful = g->looks_otherwise || (!fine && g->failed == NO_COLUMN);
	if (!doubtful || s->form_is_sure || !g->value || form == FORM_UNKNOWN)
		return fine;
	if (!find_form(g) || s->form == form)
		return fine;
	batch_abort_row(g->out);
	error_clear(g->err);
	return read_form(g);
}

/* --- What cannot be taken --------------------------------------------------------------------- */

/* The lowest; of two the one that was read later wins. A change at the very place comes behind the reading. */
static version_t copied_place(const struct debezium_source *seen)
{
	return seen->place ? seen->place - 1 : 0;
}

static void set_meta(const struct debezium_source *seen, struct row_meta *meta)
{
	uint8_t epoch = version_epoch(meta->version);

	meta->op = seen->op;
	meta->commit_lsn = seen->commit_lsn ? seen->commit_lsn : meta->commit_lsn;
	meta->commit_time_us = seen->commit_time_us ? seen->commit_time_us : meta->commit_time_us;
	meta->xid = seen->xid;
	if (seen->has_position)
		meta->version = version_copied(epoch) |
				(seen->op == OP_COPY ? copied_place(seen) : seen->version);
}

/* A row that was set aside is no longer what the target shows of its key, which would be taken for the present one. */
static void bury(struct reading *g, const struct row_meta *meta)
{
	struct debezium_source seen = *g->seen;
	struct row_meta gone = *meta;

	gone.op = OP_DELETE;
	g->as_text = false;
	g->buries = true;
	if (read_any(g) && g->has_row)
		batch_commit_row(g->out, &gone);
	else
		batch_abort_row(g->out); /* a key that cannot be held was never there */
	error_clear(g->err);
	*g->seen = seen;
}

/* The row is read once more, as text. */
static bool set_aside(struct reading *g, struct row_meta *meta)
{
	struct debezium_shape *s = g->shape;
	const struct table *t = g->out->table;
	const char *column = t->columns[g->failed].name;
	struct error why = g->why;

	batch_abort_row(g->out);
	buf_clear(&s->aside_row);
	buf_clear(&s->aside_key);
	buf_u8(&s->aside_row, '{');
	buf_u8(&s->aside_key, '{');
	g->as_text = true;
	if (!read_any(g))
		return error_add(g->err, "column %s: %s; and", column, why.text);
	buf_u8(&s->aside_row, '}');
	buf_u8(&s->aside_key, '}');
	set_meta(g->seen, meta);
	batch_set_aside(g->out, &(struct set_aside){.meta = *meta,
					.key = buf_text(t->n_key ? &s->aside_key : &s->aside_row),
					.row = buf_text(&s->aside_row),
					.column = column,
					.reason = why.text});
	if (meta->op == OP_UPDATE && t->n_key)
		bury(g, meta);
	return true;
}

/* Does the column take NULL for a value that it cannot hold? Then the event is read again with it. */
static bool make_null(struct reading *g)
{
	const struct table *t = g->out->table;
	const struct column *column = &g->out->columns[g->failed];

	if (!t->options || t->options->unrepresentable != UNREPRESENTABLE_NULL ||
		!column->type.nullable || is_nulled(g, g->failed))
		return false;
	if (!g->nulled)
		g->nulled = xcalloc(t->n_columns / 64 + 1, sizeof *g->nulled);
	g->nulled[g->failed / 64] |= UINT64_C(1) << (g->failed % 64);
	batch_abort_row(g->out);
	return true;
}

static bool meet(struct reading *g, struct row_meta *meta)
{
	const struct table *t = g->out->table;

	if (t->options && t->options->unrepresentable == UNREPRESENTABLE_STOP) {
		batch_abort_row(g->out);
		return error_set(g->err, ERROR_TABLE, "column %s: %s; on_unrepresentable is stop",
			t->columns[g->failed].name, g->why.text);
	}
	return set_aside(g, meta);
}

static bool read_and_meet(struct reading *g, struct row_meta *meta)
{
	bool fine;

	do
		fine = read_any(g);
	while (!fine && g->failed != NO_COLUMN && make_null(g));
	if (!fine && g->failed != NO_COLUMN)
		return meet(g, meta);
	if (!fine) {
		batch_abort_row(g->out);
		return false;
	}
	set_meta(g->seen, meta);
	if (g->has_row)
		batch_commit_row(g->out, meta);
	return true;
}

bool debezium_read(struct debezium_shape *s, struct connect_reader *key,
	struct connect_reader *value, struct row_meta *meta, struct debezium_source *seen,
	struct batch *out, struct error *err)
{
	struct error ignored;
	struct reading g = {.shape = s,
		.key = key,
		.value = value,
		.out = out,
		.seen = seen,
		.err = err ? err : &ignored};

	shape_bind(s, out->table);
	error_clear(g.err);
	bool fine = read_and_meet(&g, meta);
	free(g.nulled);
	return fine;
}
