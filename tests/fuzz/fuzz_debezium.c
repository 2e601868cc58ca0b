/*
 * A schema of values and, behind a line feed, an event: whatever they hold, columns are made or refused, and the
 * batch has a row more, a row set aside, or is as it was. A row that was taken is written anew in each mode and read
 * again.
 */
#include <assert.h>
#include <stdlib.h>
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct table_options options;
static const struct debezium_origin origin = {"postgresql", "p", "d"};

static void write_again(const struct batch *batch, const struct debezium_modes *modes)
{
	struct debezium_table *t = debezium_table_new(batch->table, &origin, modes);
	struct debezium_shape *shape = debezium_shape_known(batch->table, modes);
	struct connect_json_writer writer;
	struct connect_json_reader reader;
	struct buf text;
	struct batch back;
	struct error err;

	buf_init(&text, BUF_MAX);
	batch_init(&back, batch->table);
	connect_json_writer_init(&writer, &text);
	connect_json_reader_init(&reader);
	const struct debezium_event event = {.op = batch_meta(batch)->op};
	if (debezium_write_value(t, batch, 0, &event, &writer.base, &err)) {
		struct row_meta meta = {0};
		struct debezium_source seen;
		connect_json_read(&reader, text.data, text.len);
		if (!debezium_read(shape, NULL, &reader.base, &meta, &seen, &back, &err))
			abort();
	}
	batch_release(&back);
	buf_release(&text);
	connect_json_reader_release(&reader);
	debezium_shape_free(shape);
	debezium_table_free(t);
}

static void write_in_each_mode(const struct batch *batch)
{
	struct debezium_modes modes = {.unavailable = "__debezium_unavailable_value"};

	for (; modes.time <= TIME_ISOSTRING; modes.time++) {
		modes.decimal = modes.time % 3;
		modes.binary = modes.time % 4;
		modes.interval = modes.hstore = modes.envelope = modes.time % 2;
		write_again(batch, &modes);
	}
}

static void read_event(
	struct debezium_shape *shape, struct table *t, const uint8_t *data, size_t len)
{
	struct row_meta meta = {0};
	struct debezium_source seen;
	struct connect_json_reader reader;
	struct batch batch;
	struct error err;

	batch_init(&batch, t);
	connect_json_reader_init(&reader);
	connect_json_read(&reader, data, len);
	bool fine = debezium_read(shape, NULL, &reader.base, &meta, &seen, &batch, &err);
	assert(fine ? batch.rows <= 1 && batch.aside.len <= 1 : !batch.rows && !batch.aside.len);
	for (size_t i = 0; i < t->n_columns; i++)
		assert(batch.columns[i].rows == batch.rows);
	if (batch.rows)
		write_in_each_mode(&batch);
	connect_json_reader_release(&reader);
	batch_release(&batch);
}

static void read_by(const struct connect_schema *schema, const uint8_t *data, size_t len)
{
	const struct debezium_modes modes = {.unavailable = "__debezium_unavailable_value"};
	struct error err;
	struct debezium_shape *shape = debezium_shape_new(NULL, schema, &modes, &err);

	if (!shape)
		return;
	struct table *t = table_new();
	t->schema = "s";
	t->name = "t";
	t->options = &options;
	if (debezium_shape_columns(shape, t, &err)) {
		struct debezium_shape *known = debezium_shape_known(t, &modes);
		read_event(shape, t, data, len);
		read_event(known, t, data, len);
		debezium_shape_free(known);
	}
	debezium_shape_free(shape);
	table_unref(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	struct connect_json_reader reader;
	struct arena arena;

	if (!end)
		return 0;
	arena_init(&arena);
	connect_json_reader_init(&reader);
	connect_json_read(&reader, data, (size_t)(end - data));
	const struct connect_schema *schema = connect_schema_from_json(&reader, &arena, NULL);
	if (schema)
		read_by(schema, end + 1, len - (size_t)(end + 1 - data));
	connect_json_reader_release(&reader);
	arena_release(&arena);
	return 0;
}
