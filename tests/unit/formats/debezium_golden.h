/*
 * What the tests of formats/debezium share: the recordings of tests/golden/debezium (see record.py there), the tables
 * they were made of, and rows on their way into JSON and back.
 */
#ifndef TESTS_DEBEZIUM_GOLDEN_H
#define TESTS_DEBEZIUM_GOLDEN_H

#define GOLDEN "tests/golden/debezium/"
#include <jansson.h>
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"
#include "pg_golden.h"

/* As record.py names them, and as Debezium was asked for them. */
struct mode {
	const char *name;
	struct debezium_modes modes;
};
#define PLACEHOLDER "__debezium_unavailable_value"
static const struct mode mode_list[] = {
	{"default", {.unavailable = PLACEHOLDER}},
	{"texts", {.decimal = DECIMAL_AS_STRING,
			  .time = TIME_ADAPTIVE_MICROSECONDS,
			  .binary = BINARY_BASE64,
			  .interval = INTERVAL_STRING,
			  .hstore = HSTORE_MAP,
			  .unavailable = PLACEHOLDER}},
	{"connect", {.decimal = DECIMAL_AS_DOUBLE,
			    .time = TIME_CONNECT,
			    .binary = BINARY_BASE64_URL,
			    .unavailable = PLACEHOLDER}},
	{"micros", {.time = TIME_MICROSECONDS, .binary = BINARY_HEX, .unavailable = PLACEHOLDER}},
	{"nanos", {.time = TIME_NANOSECONDS, .unavailable = PLACEHOLDER}},
	{"iso", {.time = TIME_ISOSTRING, .unavailable = PLACEHOLDER}},
	{"flat", {.envelope = ENVELOPE_FLAT, .unavailable = PLACEHOLDER}},
};

/* The tables, their rows, and one mode's events. */
struct recording {
	struct pg_catalog catalog;
	struct golden_table tables[3];
	struct batch rows[3]; /* every: copied; toasted: whole values; whole: none */
	const struct mode *mode;
	json_t *schemas;
	json_t *events; /* an array */
};
static const char *const table_names[] = {"every", "toasted", "whole"};
enum { EVERY, TOASTED, WHOLE };

static const struct table_options plain_options = {0};

static inline int table_index(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(name, table_names[i]))
			return i;
	fail_msg("there is no table %s", name);
	return -1;
}

static inline const char *text_or_null(struct table *t, const char *text)
{
	return *text ? arena_strdup(&t->arena, text) : NULL;
}

/* columns.tsv */
static inline void recording_tables(struct recording *r)
{
	struct buf file;
	char *f[11];

	for (int i = 0; i < 3; i++) {
		golden_table_init(&r->tables[i], table_names[i], &plain_options);
		r->tables[i].table->schema = "public";
	}
	golden_read("columns.tsv", &file);
	for (char *rest = (char *)file.data; golden_line(&rest, f, COUNT_OF(f));) {
		struct golden_table *g = &r->tables[table_index(f[0])];
		struct pg_column column = {
			.type = golden_u32(f[2]),
			.typmod = (int32_t)strtol(f[3], NULL, 10),
			.dims = (int16_t)strtol(f[4], NULL, 10),
			.not_null = *f[5] == '1' || *f[6] == '1',
		};
		golden_column(g, &r->catalog, f[1], &column, *f[6] == '1');
		struct table_column *c = &g->table->columns[g->table->n_columns - 1];
		c->source_type = text_or_null(g->table, f[7]);
		c->base_type = text_or_null(g->table, f[8]);
		c->labels = text_or_null(g->table, f[9]);
		c->default_sql = text_or_null(g->table, f[10]);
	}
	buf_release(&file);
}

static inline void recording_rows(struct recording *r, int table, const char *name)
{
	struct golden_table *g = &r->tables[table];
	struct row_meta meta = {.op = OP_COPY, .commit_lsn = 1000};
	struct pg_rows rows;
	struct pgcopy copy;
	struct buf file;
	struct error err = {0};
	bool ended = false;

	batch_init(&r->rows[table], g->table);
	if (!name)
		return;
	golden_read(name, &file);
	pgcopy_init(&copy);
	if (!pg_rows_init(&rows, g->table, &r->catalog, g->columns, &err) ||
		!golden_copied(&copy, file.data, file.len, &rows, g->cells, &r->rows[table], &meta,
			&ended, &err))
		fail_msg("%s: %s", name, err.text);
	assert_true(ended);
	assert_int_equal(r->rows[table].aside.len, 0);
	pgcopy_release(&copy);
	pg_rows_release(&rows);
	buf_release(&file);
}

static inline json_t *load_json(const char *text, size_t len)
{
	json_error_t why;
	json_t *json = json_loadb(text, len, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &why);

	if (!json)
		fail_msg("no JSON: %s: %.*s", why.text, (int)(len < 200 ? len : 200), text);
	return json;
}

static inline void recording_events(struct recording *r, const struct mode *mode)
{
	struct buf file;
	char name[64];

	r->mode = mode;
	snprintf(name, sizeof name, "%s.schemas.json", mode->name);
	golden_read(name, &file);
	r->schemas = load_json((const char *)file.data, file.len);
	buf_release(&file);
	snprintf(name, sizeof name, "%s.jsonl", mode->name);
	golden_read(name, &file);
	r->events = json_array();
	char *rest = (char *)file.data;
	for (char *line; (line = strsep(&rest, "\n")) && *line;)
		json_array_append_new(r->events, load_json(line, strlen(line)));
	buf_release(&file);
}

static inline void recording_init(struct recording *r, const struct mode *mode)
{
	*r = (struct recording){0};
	golden_catalog(&r->catalog);
	recording_tables(r);
	recording_rows(r, EVERY, "every.copy");
	recording_rows(r, TOASTED, "toasted.copy");
	recording_rows(r, WHOLE, NULL);
	recording_events(r, mode);
}

static inline void recording_release(struct recording *r)
{
	json_decref(r->schemas);
	json_decref(r->events);
	for (int i = 0; i < 3; i++) {
		batch_release(&r->rows[i]);
		table_unref(r->tables[i].table);
	}
	pg_catalog_release(&r->catalog);
}

static inline struct debezium_table *recording_writer(const struct recording *r, int table)
{
	const struct debezium_origin origin = {"postgresql", r->mode->name, "postgres"};

	return debezium_table_new(r->tables[table].table, &origin, &r->mode->modes);
}

/* The recorded schema of a table's key or value. Its memory is the arena's. */
static inline struct connect_schema *recorded_schema(
	const struct recording *r, const char *table, const char *part, struct arena *arena)
{
	char *text = json_dumps(json_object_get(json_object_get(r->schemas, table), part), 0);
	struct connect_json_reader reader;
	struct error err = {0};

	connect_json_reader_init(&reader);
	connect_json_read(&reader, text, strlen(text));
	struct connect_schema *schema = connect_schema_from_json(&reader, arena, &err);
	if (!schema)
		fail_msg("the schema of %s: %s", table, err.text);
	connect_json_reader_release(&reader);
	free(text);
	return schema;
}

#endif
