/*
 * Events that a real Debezium made: ours of the same rows are equal, but for what docs/debezium.md lists as
 * different.
 */
#include "debezium_golden.h"

/* --- Schemas ---------------------------------------------------------------------------------- */

/* Debezium's events have none of these columns. */
static const char *const beyond[] = {"lsn", "xid4", "xid8", "who", "query", "periods", "cashes",
	"spans", "spots", "costs", NULL};
/* Of these it says what it cannot keep: no NULL among labels; one dimension; bits for a list of them. */
static const char *const otherwise[] = {"moods", "moods_set", "grid", "octets", NULL};

static bool is_one_of(const char *name, const char *const *list)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

static json_t *dump_schema(const struct connect_schema *schema)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	connect_schema_to_json(schema, &text);
	json_t *json = load_json((const char *)text.data, text.len);
	buf_release(&text);
	return json;
}

static json_t *field_named(json_t *schema, const char *name)
{
	size_t i;
	json_t *field;

	json_array_foreach(json_object_get(schema, "fields"), i,
		field) if (!strcmp(json_string_value(json_object_get(field, "field")),
				   name)) return field;
	return NULL;
}

static void must_be_equal(const char *what, const char *name, json_t *ours, json_t *theirs)
{
	if (json_equal(ours, theirs))
		return;
	char *a = json_dumps(ours, JSON_ENCODE_ANY), *b = json_dumps(theirs, JSON_ENCODE_ANY);
	fail_msg("%s, %s: ours %s, theirs %s", what, name, a ? a : "nothing", b ? b : "nothing");
}

static size_t compare_fields(const char *what, json_t *ours, json_t *theirs)
{
	size_t i, compared = 0;
	json_t *field;

	json_array_foreach(json_object_get(ours, "fields"), i, field)
	{
		const char *name = json_string_value(json_object_get(field, "field"));
		json_t *other = field_named(theirs, name);
		if (is_one_of(name, beyond)) {
			assert_null(other);
			continue;
		}
		assert_non_null(other);
		if (is_one_of(name, otherwise)) {
			assert_false(json_equal(field, other));
			continue;
		}
		must_be_equal(what, name, field, other);
		compared++;
	}
	return compared;
}

static void compare_envelopes(json_t *ours, json_t *theirs)
{
	size_t i;
	json_t *field;

	must_be_equal("version", "", json_object_get(ours, "version"),
		json_object_get(theirs, "version"));
	json_array_foreach(json_object_get(ours, "fields"), i, field)
	{
		json_t *other = json_array_get(json_object_get(theirs, "fields"), i);
		if (i < 2)
			compare_fields("row", field, other);
		else
			must_be_equal("envelope",
				json_string_value(json_object_get(field, "field")), field, other);
	}
	assert_int_equal(json_array_size(json_object_get(theirs, "fields")), 8);
}

static void compare_schemas(const struct recording *r, int table)
{
	struct debezium_table *t = recording_writer(r, table);
	json_t *recorded = json_object_get(r->schemas, table_names[table]);
	json_t *key = dump_schema(debezium_key_schema(t));
	json_t *value = dump_schema(debezium_value_schema(t));

	must_be_equal(r->mode->name, "key", key, json_object_get(recorded, "key"));
	must_be_equal(r->mode->name, "name", json_object_get(value, "name"),
		json_object_get(json_object_get(recorded, "value"), "name"));
	if (r->mode->modes.envelope == ENVELOPE_FLAT)
		assert_true(compare_fields("flat", value, json_object_get(recorded, "value")) > 5);
	else
		compare_envelopes(value, json_object_get(recorded, "value"));
	json_decref(key);
	json_decref(value);
	debezium_table_free(t);
}

static void the_schemas_of_each_mode_are_debeziums(void **state)
{
	(void)state;
	for (size_t m = 0; m < COUNT_OF(mode_list); m++) {
		struct recording r;
		recording_init(&r, &mode_list[m]);
		for (int table = EVERY; table <= WHOLE; table++)
			compare_schemas(&r, table);
		recording_release(&r);
	}
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* In some modes Debezium has no placeholder for these, and writes NULL, as if they were empty. */
static const char *const lost[] = {"b", "bs", "ds", NULL};

/* Of a NULL in a column that has a default JsonConverter writes the default; ours is NULL in every encoding. */
static bool is_default(const struct table *t, const char *name, json_t *ours)
{
	int column = table_column_by_name(t, name);

	return json_is_null(ours) && column >= 0 && t->columns[column].default_sql;
}

static bool differs(const struct recording *r, const struct table *t, const char *name,
	json_t *ours, json_t *theirs)
{
	if (is_one_of(name, beyond) || is_one_of(name, otherwise) || is_default(t, name, ours))
		return true;
	if (is_one_of(name, lost) && json_is_null(theirs))
		return !json_is_null(ours);
	if (!strcmp(name, "real4") && json_is_number(ours))
		return (float)json_number_value(ours) == (float)json_number_value(theirs);
	/* Java's LocalTime ends before midnight. */
	const char *text = json_string_value(ours);
	return r->mode->modes.time == TIME_ISOSTRING && !strcmp(name, "hour") && text &&
	       !strcmp(text, "24:00:00Z") && !strcmp(json_string_value(theirs), "00:00:00Z");
}

static size_t compare_rows(
	const struct recording *r, const struct table *t, json_t *ours, json_t *theirs)
{
	const char *name;
	json_t *value;
	size_t compared = 0;

	json_object_foreach(ours, name, value)
	{
		json_t *other = json_object_get(theirs, name);
		if (differs(r, t, name, value, other))
			continue;
		must_be_equal(r->mode->name, name, value, other);
		compared++;
	}
	return compared;
}

/* What does not come from the rows: when, where, and by whom. */
static void compare_events(
	const struct recording *r, const struct table *t, json_t *ours, json_t *theirs)
{
	static const char *const same[] = {"connector", "name", "snapshot", "db", "schema", "table",
		"version", "xmin", "origin", "origin_lsn"};
	json_t *source = json_object_get(ours, "source");

	for (int part = 0; part < 2; part++) {
		const char *name = part ? "after" : "before";
		json_t *row = json_object_get(ours, name), *other = json_object_get(theirs, name);
		assert_int_equal(json_is_null(row), json_is_null(other));
		compare_rows(r, t, row, other);
	}
	for (size_t i = 0; i < COUNT_OF(same); i++)
		must_be_equal("source", same[i], json_object_get(source, same[i]),
			json_object_get(json_object_get(theirs, "source"), same[i]));
	assert_int_equal(
		json_object_size(source), json_object_size(json_object_get(theirs, "source")));
	must_be_equal("event", "op", json_object_get(ours, "op"), json_object_get(theirs, "op"));
	must_be_equal("event", "transaction", json_object_get(ours, "transaction"),
		json_object_get(theirs, "transaction"));
	assert_int_equal(json_object_size(ours), json_object_size(theirs));
}

static json_t *written(const struct debezium_table *t, const struct batch *b, size_t row,
	const struct debezium_event *event)
{
	struct connect_json_writer writer;
	struct buf text;
	struct error err = {0};

	buf_init(&text, BUF_MAX);
	connect_json_writer_init(&writer, &text);
	if (!debezium_write_value(t, b, row, event, &writer.base, &err))
		fail_msg("row %zu: %s", row, err.text);
	json_t *json = load_json((const char *)text.data, text.len);
	buf_release(&text);
	return json;
}

static json_t *written_key(const struct debezium_table *t, const struct batch *b, size_t row)
{
	struct connect_json_writer writer;
	struct buf text;

	buf_init(&text, BUF_MAX);
	connect_json_writer_init(&writer, &text);
	assert_true(debezium_write_key(t, b, row, &writer.base, NULL));
	json_t *json = load_json((const char *)text.data, text.len);
	buf_release(&text);
	return json;
}

static json_int_t id_of(json_t *event)
{
	return json_integer_value(json_object_get(json_object_get(event, "key"), "id"));
}

static bool is_of(json_t *event, int table, const char *op)
{
	json_t *value = json_object_get(event, "value");
	json_t *is = json_object_get(value, "op") ? json_object_get(value, "op")
						  : json_object_get(value, "__op");

	return !strcmp(json_string_value(json_object_get(event, "table")), table_names[table]) &&
	       !strcmp(json_string_value(is), op);
}

/* A year that nanoseconds do not reach: Debezium logs a warning and writes NULL, we refuse. */
static bool is_refused(const struct recording *r, const struct debezium_table *t, size_t row)
{
	const struct debezium_event event = {.op = OP_COPY};
	struct connect_json_writer writer;
	struct buf text;
	struct error err = {0};

	if (r->mode->modes.time != TIME_NANOSECONDS || row != 2)
		return false;
	buf_init(&text, BUF_MAX);
	connect_json_writer_init(&writer, &text);
	assert_false(debezium_write_value(t, &r->rows[EVERY], row, &event, &writer.base, &err));
	assert_string_equal(err.text, "column at: the time is out of the range of nanoseconds");
	assert_int_equal(err.kind, ERROR_DATA);
	buf_release(&text);
	return true;
}

static void compare_copied(const struct recording *r)
{
	const struct debezium_event event = {.op = OP_COPY, .snapshot = 't'};
	const struct table *table = r->tables[EVERY].table;
	struct debezium_table *t = recording_writer(r, EVERY);
	bool flat = r->mode->modes.envelope == ENVELOPE_FLAT;
	size_t i, rows = 0;
	json_t *recorded;

	json_array_foreach(r->events, i, recorded)
	{
		size_t row = (size_t)id_of(recorded) - 1;
		if (!is_of(recorded, EVERY, "r") || (rows++, is_refused(r, t, row)))
			continue;
		json_t *theirs = json_object_get(recorded, "value");
		json_t *ours = written(t, &r->rows[EVERY], row, &event);
		json_t *key = written_key(t, &r->rows[EVERY], row);
		must_be_equal("key", "", key, json_object_get(recorded, "key"));
		if (flat) {
			json_object_del(ours, "__source_ts_ms");
			json_object_del(ours, "__source_lsn");
		}
		size_t compared = compare_rows(r, table,
			flat ? ours : json_object_get(ours, "after"),
			flat ? theirs : json_object_get(theirs, "after"));
		assert_true(compared > 110);
		json_decref(ours);
		json_decref(key);
	}
	assert_int_equal(rows, r->rows[EVERY].rows);
	debezium_table_free(t);
}

static void copied_rows_are_debeziums_in_each_mode(void **state)
{
	(void)state;
	for (size_t m = 0; m < COUNT_OF(mode_list); m++) {
		struct recording r;
		recording_init(&r, &mode_list[m]);
		compare_copied(&r);
		recording_release(&r);
	}
}

/* --- Changes ---------------------------------------------------------------------------------- */

static json_t *find_event(const struct recording *r, int table, const char *op, json_int_t id)
{
	size_t i;
	json_t *event;

	json_array_foreach(r->events, i,
		event) if (is_of(event, table, op) && (!id || id_of(event) == id)) return event;
	fail_msg("no event %s of %s", op, table_names[table]);
	return NULL;
}

/* A row of which only the key is known. */
static void add_tombstone(struct batch *b, int32_t id, char op)
{
	memcpy(column_add_fixed(&b->columns[0], sizeof id), &id, sizeof id);
	for (size_t i = 1; i < b->table->n_columns; i++)
		column_add_default(&b->columns[i]);
	batch_commit_row(b, &(struct row_meta){.op = op, .version = version_make(1, 7, 9)});
}

static void compare_change(const struct recording *r, int table, const struct batch *b,
	const struct debezium_event *event, json_t *recorded)
{
	struct debezium_table *t = recording_writer(r, table);
	json_t *ours = written(t, b, 0, event);

	if (r->mode->modes.envelope == ENVELOPE_FLAT) {
		json_object_del(ours, "__source_ts_ms");
		json_object_del(ours, "__source_lsn");
		assert_true(
			compare_rows(r, b->table, ours, json_object_get(recorded, "value")) > 4);
	} else {
		compare_events(r, b->table, ours, json_object_get(recorded, "value"));
	}
	json_decref(ours);
	debezium_table_free(t);
}

static void compare_deletes(const struct recording *r)
{
	const struct debezium_event event = {.op = OP_DELETE}, moved = {.op = OP_KEY_CHANGED};
	struct batch b;

	batch_init(&b, r->tables[EVERY].table);
	add_tombstone(&b, 102, OP_DELETE);
	compare_change(r, EVERY, &b, &event, find_event(r, EVERY, "d", 102));
	batch_clear(&b);
	add_tombstone(&b, 101, OP_KEY_CHANGED);
	compare_change(r, EVERY, &b, &moved, find_event(r, EVERY, "d", 101));
	batch_release(&b);
}

static void a_delete_has_its_key_and_defaults_as_debeziums_has(void **state)
{
	(void)state;
	for (size_t m = 0; m < COUNT_OF(mode_list); m++) {
		struct recording r;
		recording_init(&r, &mode_list[m]);
		compare_deletes(&r);
		recording_release(&r);
	}
}

static void values_that_were_not_sent_are_debeziums_placeholders(void **state)
{
	const struct debezium_event event = {.op = OP_UPDATE};
	const int32_t n = 1;

	(void)state;
	for (size_t m = 0; m < COUNT_OF(mode_list); m++) {
		struct recording r;
		struct batch b;
		recording_init(&r, &mode_list[m]);
		batch_init(&b, r.tables[TOASTED].table);
		column_copy_row(&b.columns[0], &r.rows[TOASTED].columns[0], 0);
		memcpy(column_add_fixed(&b.columns[1], sizeof n), &n, sizeof n);
		for (size_t i = 2; i < b.table->n_columns; i++)
			column_add_unchanged(&b.columns[i]);
		batch_commit_row(&b, &(struct row_meta){.op = OP_UPDATE});
		compare_change(&r, TOASTED, &b, &event, find_event(&r, TOASTED, "u", 1));
		batch_release(&b);
		recording_release(&r);
	}
}

static void add_whole(struct batch *b, int32_t n)
{
	const int32_t id = 1;

	memcpy(column_add_fixed(&b->columns[0], sizeof id), &id, sizeof id);
	memcpy(column_add_string(&b->columns[1], 3), "one", 3);
	memcpy(column_add_fixed(&b->columns[2], sizeof n), &n, sizeof n);
	batch_commit_row(b, &(struct row_meta){.op = OP_UPDATE});
}

static void the_old_row_stands_in_before_where_it_is_known(void **state)
{
	struct recording r;
	struct batch old, new;

	(void)state;
	recording_init(&r, &mode_list[0]);
	batch_init(&old, r.tables[WHOLE].table);
	batch_init(&new, r.tables[WHOLE].table);
	add_whole(&old, 1);
	add_whole(&new, 2);
	compare_change(&r, WHOLE, &new, &(struct debezium_event){.op = OP_UPDATE, .before = &old},
		find_event(&r, WHOLE, "u", 1));
	compare_change(&r, WHOLE, &new, &(struct debezium_event){.op = OP_DELETE, .before = &new},
		find_event(&r, WHOLE, "d", 1));
	batch_release(&old);
	batch_release(&new);
	recording_release(&r);
}

static void a_truncation_is_debeziums(void **state)
{
	const struct row_meta meta = {.version = version_make(0, 5, 7), .commit_lsn = 5};
	struct connect_json_writer writer;
	struct recording r;
	struct buf text;

	(void)state;
	recording_init(&r, &mode_list[0]);
	struct debezium_table *t = recording_writer(&r, WHOLE);
	buf_init(&text, BUF_MAX);
	connect_json_writer_init(&writer, &text);
	debezium_write_truncate(t, &meta, &(struct debezium_event){.ts_us = 1}, &writer.base);
	json_t *ours = load_json((const char *)text.data, text.len);
	compare_events(&r, r.tables[WHOLE].table, ours,
		json_object_get(find_event(&r, WHOLE, "t", 0), "value"));
	json_t *sequence = json_object_get(json_object_get(ours, "source"), "sequence");
	assert_string_equal(json_string_value(sequence), "[\"5\",\"7\"]");
	json_decref(ours);
	buf_release(&text);
	debezium_table_free(t);
	recording_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schemas_of_each_mode_are_debeziums),
		cmocka_unit_test(copied_rows_are_debeziums_in_each_mode),
		cmocka_unit_test(a_delete_has_its_key_and_defaults_as_debeziums_has),
		cmocka_unit_test(values_that_were_not_sent_are_debeziums_placeholders),
		cmocka_unit_test(the_old_row_stands_in_before_where_it_is_known),
		cmocka_unit_test(a_truncation_is_debeziums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
