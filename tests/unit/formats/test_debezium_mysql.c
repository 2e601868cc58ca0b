/* Events of Debezium's MySQL connector, recorded from a MariaDB: columns, rows and places. */
#include "debezium_golden.h"

static void print_columns(const struct table *t, struct buf *out)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct table_column *c = &t->columns[i];
		buf_printf(out, "%s%s ", c->key ? "key " : "", c->name);
		type_print(&c->type, out);
		buf_printf(out, " from %s%s%s\n", c->source_type, c->missing ? ", missing " : "",
			c->missing ? c->missing : "");
	}
}

static void read_line(struct debezium_shape *shape, json_t *line, struct batch *out)
{
	char *text = json_dumps(json_object_get(line, "value"), 0);
	struct row_meta meta = {.version = version_make(1, 0, 0)};
	struct connect_json_reader reader;
	struct debezium_source seen;
	struct error err;

	connect_json_reader_init(&reader);
	connect_json_read(&reader, text, strlen(text));
	if (!debezium_read(shape, NULL, &reader.base, &meta, &seen, out, &err))
		fail_msg("%s", err.text);
	assert_string_equal(seen.schema, "shop");
	assert_string_equal(seen.table, "every");
	assert_true(seen.has_position);
	connect_json_reader_release(&reader);
	free(text);
}

/* Versions are in the order of the binlog. */
static void check_versions(const struct batch *b)
{
	for (size_t row = 3; row < b->rows; row++) {
		version_t before = batch_meta(b)[row - 1].version;
		version_t version = batch_meta(b)[row].version;
		bool moved = batch_meta(b)[row - 1].op == OP_DELETE;
		assert_true(moved ? version >= before : version > before);
		batch_meta(b)[row - 1].version = 0;
	}
	assert_true(
		batch_meta(b)[0].version == version_make(1, 0, batch_meta(b)[0].commit_lsn - 1));
	batch_meta(b)[b->rows - 1].version = 0;
}

static void events_of_mysql_are_read(void **state)
{
	static const struct mode mode = {"mysql", {.unavailable = PLACEHOLDER}};
	struct recording r = {0};
	struct table *t = table_new();
	struct arena arena;
	struct batch out;
	struct buf dump;
	struct error err;
	size_t i;
	json_t *line;

	(void)state;
	recording_events(&r, &mode);
	arena_init(&arena);
	buf_init(&dump, BUF_MAX);
	struct debezium_shape *shape = debezium_shape_new(
		recorded_schema(&r, "every", "key", &arena),
		recorded_schema(&r, "every", "value", &arena), &mode.modes, &err);
	t->options = &plain_options;
	assert_true(debezium_shape_columns(shape, t, &err));
	batch_init(&out, t);
	json_array_foreach(r.events, i, line) read_line(shape, line, &out);
	check_versions(&out);
	print_columns(t, &dump);
	batch_print(&out, &dump);
	golden_compare("mysql.expected", &dump);
	batch_release(&out);
	buf_release(&dump);
	debezium_shape_free(shape);
	table_unref(t);
	arena_release(&arena);
	json_decref(r.schemas);
	json_decref(r.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_of_mysql_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
