/* Keys and values of events: the schemas of a table, and a row pushed into a writer; see debezium.h. */
#include "formats/debezium/debezium.h"

#include <ctype.h>
#include <stdlib.h>
#include "base/text.h"
#include "formats/connect/json.h"
#include "formats/debezium/field.h"

#define VERSION "3.7.0.Final" /* of the Debezium whose events these are */

struct debezium_table {
	struct arena arena;
	struct debezium_modes modes;
	struct debezium_origin origin;
	const char *schema, *name;
	struct field *fields;       /* a column each */
	struct connect_field *row;  /* name and schema of each */
	struct connect_name *names; /* the same, to be written */
	size_t n_columns;
	bool *in_key; /* a column each */
	uint16_t *key;
	size_t n_key;
	const struct connect_schema *key_schema, *row_schema, *value_schema;
};

/* --- Schemas ---------------------------------------------------------------------------------- */

static const struct connect_schema text = {.kind = CONNECT_STRING},
				   maybe_text = {.kind = CONNECT_STRING, .optional = true},
				   number = {.kind = CONNECT_INT64},
				   maybe_number = {.kind = CONNECT_INT64, .optional = true};

static const struct connect_schema snapshot_schema = {
	.kind = CONNECT_STRING,
	.optional = true,
	.name = "io.debezium.data.Enum",
	.version = 1,
	.fallback = "\"false\"",
	.parameters = (struct connect_parameter[]){{"allowed",
		"true,first,first_in_data_collection,last_in_data_collection,last,false,"
		"incremental"}},
	.n_parameters = 1,
};

static struct connect_field source_fields[] = {
	{"version", &text},
	{"connector", &text},
	{"name", &text},
	{"ts_ms", &number},
	{"snapshot", &snapshot_schema},
	{"db", &text},
	{"sequence", &maybe_text},
	{"ts_us", &maybe_number},
	{"ts_ns", &maybe_number},
	{"schema", &text},
	{"table", &text},
	{"txId", &maybe_number},
	{"lsn", &maybe_number},
	{"xmin", &maybe_number},
	{"origin", &maybe_text},
	{"origin_lsn", &maybe_number},
};
static const struct connect_schema source_schema = {
	.kind = CONNECT_STRUCT,
	.name = "io.debezium.connector.postgresql.Source",
	.version = 1,
	.fields = source_fields,
	.n_fields = COUNT_OF(source_fields),
};

static struct connect_field transaction_fields[] = {
	{"id", &text}, {"total_order", &number}, {"data_collection_order", &number}};
static const struct connect_schema transaction_schema = {
	.kind = CONNECT_STRUCT,
	.optional = true,
	.name = "event.block",
	.version = 1,
	.fields = transaction_fields,
	.n_fields = COUNT_OF(transaction_fields),
};

char *debezium_sanitized(char *name)
{
	char *to = name;

	for (const char *from = name; *from; from++) {
		unsigned char c = (unsigned char)*from;
		bool plain = c < 0x80 && (isalnum(c) || c == '.' || c == '_' || c == '-');
		if ((c & 0xc0) == 0x80)
			continue;
		*to++ = plain ? *from : '_';
		if (c >= 0xf0)
			*to++ = '_'; /* two of UTF-16 */
	}
	*to = '\0';
	return name;
}

static struct connect_schema *new_struct(struct debezium_table *t, const char *part, size_t n)
{
	struct connect_schema *s = arena_alloc(&t->arena, sizeof *s);

	s->kind = CONNECT_STRUCT;
	s->name = debezium_sanitized(
		arena_printf(&t->arena, "%s.%s.%s.%s", t->origin.prefix, t->schema, t->name, part));
	s->fields = arena_alloc(&t->arena, n * sizeof *s->fields);
	return s;
}

static void add(struct connect_schema *s, const char *name, const struct connect_schema *schema)
{
	s->fields[s->n_fields++] = (struct connect_field){name, schema};
}

static void make_key(struct debezium_table *t)
{
	struct connect_schema *key = new_struct(t, "Key", t->n_key);

	for (size_t i = 0; i < t->n_key; i++)
		key->fields[key->n_fields++] = t->row[t->key[i]];
	t->key_schema = t->n_key ? key : NULL;
}

static void make_envelope(struct debezium_table *t, const struct connect_schema *row)
{
	struct connect_schema *value = new_struct(t, "Envelope", 8);

	value->version = 2;
	add(value, "before", row);
	add(value, "after", row);
	add(value, "source", &source_schema);
	add(value, "transaction", &transaction_schema);
	add(value, "op", &text);
	add(value, "ts_ms", &maybe_number);
	add(value, "ts_us", &maybe_number);
	add(value, "ts_ns", &maybe_number);
	t->value_schema = value;
}

static void make_value(struct debezium_table *t)
{
	struct connect_schema *row = new_struct(t, "Value", t->n_columns + 4);

	for (size_t i = 0; i < t->n_columns; i++)
		row->fields[row->n_fields++] = t->row[i];
	t->row_schema = t->value_schema = row;
	if (t->modes.envelope == ENVELOPE_DEBEZIUM) {
		row->optional = true;
		make_envelope(t, row);
		return;
	}
	add(row, "__deleted", &maybe_text);
	add(row, "__op", &maybe_text);
	add(row, "__source_ts_ms", &maybe_number);
	add(row, "__source_lsn", &maybe_number);
}

struct debezium_table *debezium_table_new(const struct table *table,
	const struct debezium_origin *origin, const struct debezium_modes *modes)
{
	struct debezium_table *t = xcalloc(1, sizeof *t);
	struct arena *a = &t->arena;

	arena_init(a);
	t->modes = *modes;
	t->modes.unavailable = arena_strdup(a, modes->unavailable);
	t->origin = (struct debezium_origin){.connector = arena_strdup(a, origin->connector),
		.prefix = arena_strdup(a, origin->prefix),
		.database = arena_strdup(a, origin->database)};
	t->schema = arena_strdup(a, table->schema);
	t->name = arena_strdup(a, table->name);
	t->n_columns = table->n_columns;
	t->fields = arena_alloc(a, (t->n_columns + 1) * sizeof *t->fields);
	t->row = arena_alloc(a, (t->n_columns + 1) * sizeof *t->row);
	t->names = arena_alloc(a, (t->n_columns + 1) * sizeof *t->names);
	t->in_key = arena_alloc(a, (t->n_columns + 1) * sizeof *t->in_key);
	for (size_t i = 0; i < t->n_columns; i++) {
		field_init(&t->fields[i], a, &table->columns[i], &t->modes);
		t->names[i] = connect_name_make(a, table->columns[i].name);
		t->row[i].name = t->names[i].text;
		t->row[i].schema = t->fields[i].schema;
	}
	t->n_key = table->n_key;
	t->key = arena_alloc(a, (t->n_key + 1) * sizeof *t->key);
	for (size_t i = 0; i < t->n_key; i++) {
		t->key[i] = table->key[i];
		t->in_key[table->key[i]] = true;
	}
	make_key(t);
	make_value(t);
	return t;
}

void debezium_table_free(struct debezium_table *t)
{
	if (t)
		arena_release(&t->arena);
	free(t);
}

const struct connect_schema *debezium_key_schema(const struct debezium_table *t)
{
	return t->key_schema;
}

const struct connect_schema *debezium_value_schema(const struct debezium_table *t)
{
	return t->value_schema;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void put_text(struct connect_writer *w, const struct connect_name *name, const char *value)
{
	w->ops->name(w, name);
	w->ops->string(w, value, strlen(value));
}

static void put_number(struct connect_writer *w, const struct connect_name *name, int64_t value)
{
	w->ops->name(w, name);
	w->ops->integer(w, value);
}

static void put_maybe_number(
	struct connect_writer *w, const struct connect_name *name, int64_t value)
{
	w->ops->name(w, name);
	w->ops->optional(w, &maybe_number, true);
	w->ops->integer(w, value);
}

static void put_nothing(struct connect_writer *w, const struct connect_name *name,
	const struct connect_schema *schema)
{
	w->ops->name(w, name);
	w->ops->optional(w, schema, false);
}

static void put_maybe_text(
	struct connect_writer *w, const struct connect_name *name, const char *value)
{
	w->ops->name(w, name);
	w->ops->optional(w, &maybe_text, true);
	w->ops->string(w, value, strlen(value));
}

static bool put_column(const struct debezium_table *t, const struct batch *b, size_t i, size_t row,
	bool known, struct connect_writer *w, struct error *err)
{
	const struct field *f = &t->fields[i];
	bool fine = true;

	w->ops->name(w, &t->names[i]);
	if (!known)
		field_write_absent(f, w);
	else if (column_is_unchanged(&b->columns[i], row))
		fine = field_write_unchanged(f, w, err);
	else
		fine = field_write(f, &b->columns[i], row, w, err);
	return fine || error_add(err, "column %s", t->row[i].name);
}

bool debezium_write_key(const struct debezium_table *t, const struct batch *b, size_t row,
	struct connect_writer *w, struct error *err)
{
	bool fine = true;

	w->ops->struct_begin(w);
	for (size_t i = 0; fine && i < t->n_key; i++)
		fine = put_column(t, b, t->key[i], row, true, w, err);
	w->ops->struct_end(w);
	return fine;
}

bool debezium_print_key(const struct debezium_table *t, const struct batch *b, size_t row,
	struct buf *out, struct error *err)
{
	struct connect_json_writer w;
	bool fine = true;

	buf_clear(out);
	connect_json_writer_init(&w, out);
	w.base.ops->struct_begin(&w.base);
	for (size_t i = 0; fine && i < t->n_key; i++) {
		if (t->fields[t->key[i]].write != write_decimal) {
			fine = put_column(t, b, t->key[i], row, true, &w.base, err);
			continue;
		}
		w.base.ops->name(&w.base, &t->names[t->key[i]]);
		column_print(&b->columns[t->key[i]], row, out);
		w.comma = true;
	}
	w.base.ops->struct_end(&w.base);
	return fine;
}

/* `key_only`: of the other columns nothing is known. */
static bool put_columns(const struct debezium_table *t, const struct batch *b, size_t row,
	bool key_only, struct connect_writer *w, struct error *err)
{
	bool fine = true;

	for (size_t i = 0; fine && i < t->n_columns; i++)
		fine = put_column(t, b, i, row, !key_only || t->in_key[i], w, err);
	return fine;
}

/* --- Envelopes -------------------------------------------------------------------------------- */

static bool is_delete(char op)
{
	return op == OP_DELETE || op == OP_KEY_CHANGED;
}

static uint64_t lsn_of(const struct row_meta *meta)
{
	return meta->op == OP_COPY ? meta->commit_lsn : (uint64_t)meta->version;
}

static const char *snapshot_of(const struct debezium_event *event)
{
	return event->op != OP_COPY     ? "false"
	       : event->snapshot == 'l' ? "last"
	       : event->snapshot        ? "true"
					: "false";
}

static void put_quoted(uint64_t lsn, struct buf *out)
{
	buf_u8(out, '"');
	text_print_uint(lsn, out);
	buf_u8(out, '"');
}

/* What came before is known of a change by its commit; of a copied row nothing is. */
static void put_sequence(const struct row_meta *meta, struct connect_writer *w)
{
	char memory[64];
	struct buf sequence = {
		.data = (uint8_t *)memory, .cap = sizeof memory, .max = sizeof memory};

	buf_u8(&sequence, '[');
	if (meta->op == OP_COPY)
		buf_append(&sequence, "null", 4);
	else
		put_quoted(meta->commit_lsn, &sequence);
	buf_u8(&sequence, ',');
	put_quoted(lsn_of(meta), &sequence);
	buf_u8(&sequence, ']');
	w->ops->name(w, CONNECT_NAME("sequence"));
	w->ops->optional(w, &maybe_text, true);
	w->ops->string(w, sequence.data, sequence.len);
}

static void put_source(const struct debezium_table *t, const struct row_meta *meta,
	const struct debezium_event *event, struct connect_writer *w)
{
	w->ops->name(w, CONNECT_NAME("source"));
	w->ops->struct_begin(w);
	put_text(w, CONNECT_NAME("version"), VERSION);
	put_text(w, CONNECT_NAME("connector"), t->origin.connector);
	put_text(w, CONNECT_NAME("name"), t->origin.prefix);
	put_number(w, CONNECT_NAME("ts_ms"), meta->commit_time_us / 1000);
	w->ops->name(w, CONNECT_NAME("snapshot"));
	w->ops->optional(w, &snapshot_schema, true);
	w->ops->string(w, snapshot_of(event), strlen(snapshot_of(event)));
	put_text(w, CONNECT_NAME("db"), t->origin.database);
	put_sequence(meta, w);
	put_maybe_number(w, CONNECT_NAME("ts_us"), meta->commit_time_us);
	put_maybe_number(w, CONNECT_NAME("ts_ns"), meta->commit_time_us * 1000);
	put_text(w, CONNECT_NAME("schema"), t->schema);
	put_text(w, CONNECT_NAME("table"), t->name);
	put_maybe_number(w, CONNECT_NAME("txId"), meta->xid);
	put_maybe_number(w, CONNECT_NAME("lsn"), (int64_t)lsn_of(meta));
	put_nothing(w, CONNECT_NAME("xmin"), &maybe_number);
	put_nothing(w, CONNECT_NAME("origin"), &maybe_text);
	put_nothing(w, CONNECT_NAME("origin_lsn"), &maybe_number);
	w->ops->struct_end(w);
}

static void put_transaction(const struct debezium_transaction *t, struct connect_writer *w)
{
	w->ops->name(w, CONNECT_NAME("transaction"));
	w->ops->optional(w, &transaction_schema, t);
	if (!t)
		return;
	w->ops->struct_begin(w);
	put_text(w, CONNECT_NAME("id"), t->id);
	put_number(w, CONNECT_NAME("total_order"), t->total_order);
	put_number(w, CONNECT_NAME("data_collection_order"), t->data_collection_order);
	w->ops->struct_end(w);
}

static void put_tail(const struct debezium_table *t, const struct row_meta *meta,
	const struct debezium_event *event, char op, struct connect_writer *w)
{
	put_source(t, meta, event, w);
	put_transaction(event->transaction, w);
	put_text(w, CONNECT_NAME("op"), (char[]){op, '\0'});
	put_maybe_number(w, CONNECT_NAME("ts_ms"), event->ts_us / 1000);
	put_maybe_number(w, CONNECT_NAME("ts_us"), event->ts_us);
	put_maybe_number(w, CONNECT_NAME("ts_ns"), event->ts_us * 1000);
}

/* `batch` NULL: there is none. */
static bool put_row(const struct debezium_table *t, const struct connect_name *name,
	const struct batch *batch, size_t row, bool key_only, struct connect_writer *w,
	struct error *err)
{
	w->ops->name(w, name);
	w->ops->optional(w, t->row_schema, batch);
	if (!batch)
		return true;
	w->ops->struct_begin(w);
	bool fine = put_columns(t, batch, row, key_only, w, err);
	w->ops->struct_end(w);
	return fine;
}

static bool write_envelope(const struct debezium_table *t, const struct batch *b, size_t row,
	const struct debezium_event *event, struct connect_writer *w, struct error *err)
{
	const struct row_meta *meta = &batch_meta(b)[row];
	bool gone = is_delete(event->op);
	const struct batch *before = event->before ? event->before : gone ? b : NULL;
	bool key_only = !event->before && t->n_key;

	w->ops->struct_begin(w);
	bool fine = put_row(t, CONNECT_NAME("before"), before, row, key_only, w, err) &&
		    put_row(t, CONNECT_NAME("after"), gone ? NULL : b, row, false, w, err);
	if (fine)
		put_tail(t, meta, event, gone ? OP_DELETE : event->op, w);
	w->ops->struct_end(w);
	return fine;
}

static bool write_flat(const struct debezium_table *t, const struct batch *b, size_t row,
	const struct debezium_event *event, struct connect_writer *w, struct error *err)
{
	const struct row_meta *meta = &batch_meta(b)[row];
	bool gone = is_delete(event->op);
	const struct batch *from = gone && event->before ? event->before : b;

	w->ops->struct_begin(w);
	bool fine = put_columns(t, from, row, gone && !event->before && t->n_key, w, err);
	put_maybe_text(w, CONNECT_NAME("__deleted"), gone ? "true" : "false");
	put_maybe_text(w, CONNECT_NAME("__op"), (char[]){gone ? OP_DELETE : event->op, '\0'});
	put_maybe_number(w, CONNECT_NAME("__source_ts_ms"), meta->commit_time_us / 1000);
	put_maybe_number(w, CONNECT_NAME("__source_lsn"), (int64_t)lsn_of(meta));
	w->ops->struct_end(w);
	return fine;
}

bool debezium_write_value(const struct debezium_table *t, const struct batch *b, size_t row,
	const struct debezium_event *event, struct connect_writer *w, struct error *err)
{
	return t->modes.envelope == ENVELOPE_FLAT ? write_flat(t, b, row, event, w, err)
						  : write_envelope(t, b, row, event, w, err);
}

void debezium_write_truncate(const struct debezium_table *t, const struct row_meta *meta,
	const struct debezium_event *event, struct connect_writer *w)
{
	w->ops->struct_begin(w);
	put_nothing(w, CONNECT_NAME("before"), t->row_schema);
	put_nothing(w, CONNECT_NAME("after"), t->row_schema);
	put_tail(t, meta, event, 't', w);
	w->ops->struct_end(w);
}
