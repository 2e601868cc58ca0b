/*
 * Events that a real Debezium made, read: the rows are those that the PostgreSQL source gives, but for what
 * docs/debezium.md lists as lost. And ours, read again: what was written.
 */
#include "debezium_golden.h"
#include "formats/avro/avro.h"

static bool is_one_of(const char *name, const char *const *list)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* What Debezium's events lose, and in which modes. `all`: in every mode. */
static const struct {
	const char *column, *modes;
} lost[] = {
	{"exact", "default connect micros nanos iso flat"}, /* zeros behind the last digit */
	{"exact_set", "default connect micros nanos iso flat"},
	{"exacts", "default connect micros nanos iso flat"},
	{"cash", "connect"},     /* more digits than a double has */
	{"hour", "connect iso"}, /* microseconds; 24:00 */
	{"at", "connect nanos"},
	{"at_5", "connect"},
	{"hourz", "all"}, /* the zone */
	{"hourzs", "all"},
	{"span", "default connect micros nanos iso flat"}, /* months and days */
	{"span_set", "default connect micros nanos iso flat"},
	{"bits", "all"}, /* zeros in front */
	{"bits_9", "all"},
};

static bool was_lost[COUNT_OF(lost)]; /* else it would have no place in the list */

/* Of these it has nothing, or nothing right. */
static const char *const left_out[] = {"lsn", "xid4", "xid8", "who", "query", "periods", "cashes",
	"spans", "spots", "costs", "grid", "octets", NULL};
/* Where decimals are doubles, and are more than that. */
static const char *const too_long[] = {"wide", "widest", NULL};
/* By their schema these are text, or booleans; that they are bytes and bits only the table says. */
static const char *const not_in_schema[] = {"raw", "raw_set", "raws", "bit_1", "bit_1_set", NULL};

static bool is_lost(const char *column, const char *mode)
{
	for (size_t i = 0; i < COUNT_OF(lost); i++)
		if (!strcmp(lost[i].column, column))
			return strstr(lost[i].modes, mode) || !strcmp(lost[i].modes, "all");
	return false;
}

/* As the source describes it, without some columns. */
static struct table *without(const struct table *from, const struct mode *mode)
{
	struct table *t = table_new();

	t->schema = "public";
	t->name = from->name;
	t->options = &plain_options;
	t->columns = arena_alloc(&t->arena, from->n_columns * sizeof *t->columns);
	t->key = arena_alloc(&t->arena, sizeof *t->key);
	t->n_key = 1;
	for (size_t i = 0; i < from->n_columns; i++)
		if (!is_one_of(from->columns[i].name, left_out) &&
			(mode->modes.decimal != DECIMAL_AS_DOUBLE ||
				!is_one_of(from->columns[i].name, too_long)))
			t->columns[t->n_columns++] = from->columns[i];
	return t;
}

/* The member of an event, as it was recorded. */
static bool open_member(struct connect_json_reader *r, json_t *event, const char *name, char **text)
{
	*text = json_dumps(json_object_get(event, name), JSON_ENCODE_ANY);
	connect_json_reader_init(r);
	connect_json_read(r, *text, strlen(*text));
	return !json_is_null(json_object_get(event, name));
}

static void read_event(struct debezium_shape *shape, json_t *event, struct batch *out,
	struct debezium_source *seen, struct row_meta *meta)
{
	struct connect_json_reader key, value;
	struct error err;
	char *key_text, *value_text;

	bool has_key = open_member(&key, event, "key", &key_text);
	open_member(&value, event, "value", &value_text);
	if (!debezium_read(shape, has_key ? &key.base : NULL, &value.base, meta, seen, out, &err))
		fail_msg("%s: %.100s", err.text, value_text);
	free(key_text);
	free(value_text);
	connect_json_reader_release(&key);
	connect_json_reader_release(&value);
}

static void read_events(
	const struct recording *r, struct debezium_shape *shape, int table, struct batch *out)
{
	size_t i;
	json_t *event;

	json_array_foreach(r->events, i, event)
	{
		struct row_meta meta = {.version = version_make(3, 0, 0)};
		struct debezium_source seen;
		const char *of = json_string_value(json_object_get(event, "table"));
		if (!strcmp(of, table_names[table]))
			read_event(shape, event, out, &seen, &meta);
	}
}

static void fail_cell(const struct recording *r, const struct batch *got, size_t row,
	const struct batch *expected, size_t expected_row, const char *name)
{
	struct buf a, b;

	buf_init(&a, BUF_MAX);
	buf_init(&b, BUF_MAX);
	column_print(&got->columns[table_column_by_name(got->table, name)], row, &a);
	column_print(
		&expected->columns[table_column_by_name(expected->table, name)], expected_row, &b);
	fail_msg("%s, row %zu, %s: got %s, expected %s", r->mode->name, row, name, buf_text(&a),
		buf_text(&b));
}

/* JsonConverter writes a column's default for its NULL. */
static bool may_differ(const struct recording *r, const struct table_column *c,
	const struct column *source, size_t row, bool known)
{
	return is_lost(c->name, r->mode->name) || (column_is_null(source, row) && c->default_sql) ||
	       (!known && is_one_of(c->name, not_in_schema));
}

static void note_loss(const char *column, bool equal)
{
	for (size_t i = 0; i < COUNT_OF(lost); i++)
		if (!strcmp(lost[i].column, column) && !equal)
			was_lost[i] = true;
}

static size_t compare_row(
	const struct recording *r, const struct batch *got, size_t row, size_t id, bool known)
{
	const struct batch *expected = &r->rows[EVERY];
	size_t compared = 0;

	for (size_t i = 0; i < got->table->n_columns; i++) {
		const struct table_column *c = &got->table->columns[i];
		const struct column *source =
			&expected->columns[table_column_by_name(expected->table, c->name)];
		bool equal = column_equal(&got->columns[i], row, source, id - 1);
		if (may_differ(r, c, source, id - 1, known)) {
			note_loss(c->name, equal);
			continue;
		}
		if (!equal)
			fail_cell(r, got, row, expected, id - 1, c->name);
		compared++;
	}
	return compared;
}

static int32_t id_of(const struct batch *b, size_t row)
{
	int32_t id;

	memcpy(&id, column_fixed(&b->columns[0], row, sizeof id), sizeof id);
	return id;
}

static void compare_copied(const struct recording *r, const struct batch *got, bool known)
{
	size_t copied = 0;

	assert_int_equal(got->aside.len, 0);
	for (size_t row = 0; row < got->rows; row++) {
		const struct row_meta *meta = &batch_meta(got)[row];
		if (id_of(got, row) > 100)
			continue;
		assert_true(compare_row(r, got, row, (size_t)id_of(got, row), known) > 90);
		assert_int_equal(meta->op, OP_COPY);
		assert_true(meta->version == version_make(3, 0, meta->commit_lsn - 1));
		copied++;
	}
	assert_int_equal(copied, r->rows[EVERY].rows);
}

static struct debezium_shape *shape_of(const struct recording *r, int table, struct arena *arena)
{
	struct error err = {0};
	struct debezium_shape *shape = debezium_shape_new(
		recorded_schema(r, table_names[table], "key", arena),
		recorded_schema(r, table_names[table], "value", arena), &r->mode->modes, &err);

	if (!shape)
		fail_msg("%s", err.text);
	return shape;
}

static void each_mode(void (*test)(const struct recording *, struct arena *))
{
	for (size_t m = 0; m < COUNT_OF(mode_list); m++) {
		struct recording r;
		struct arena arena;
		recording_init(&r, &mode_list[m]);
		arena_init(&arena);
		test(&r, &arena);
		arena_release(&arena);
		recording_release(&r);
	}
}

static void read_with_and_without_schema(const struct recording *r, struct arena *arena)
{
	struct table *t = without(r->tables[EVERY].table, r->mode);

	for (int known = 0; known < 2; known++) {
		struct debezium_shape *shape = known ? debezium_shape_known(t, &r->mode->modes)
						     : shape_of(r, EVERY, arena);
		struct batch out;
		batch_init(&out, t);
		read_events(r, shape, EVERY, &out);
		/* a flat event has no position: its version stays the caller's */
		if (r->mode->modes.envelope == ENVELOPE_DEBEZIUM)
			compare_copied(r, &out, known);
		else
			assert_true(compare_row(r, &out, 0, 1, known) > 90);
		batch_release(&out);
		debezium_shape_free(shape);
	}
	table_unref(t);
}

static void rows_of_each_mode_are_the_sources_with_a_schema_and_without(void **state)
{
	(void)state;
	each_mode(read_with_and_without_schema);
	for (size_t i = 0; i < COUNT_OF(lost); i++)
		if (!was_lost[i])
			fail_msg("%s is not lost at all", lost[i].column);
}

/* --- Columns ---------------------------------------------------------------------------------- */

/* What a schema does not say, in the modes that are exact. */
static const struct {
	const char *column, *type;
} other_types[] = {
	{"cash", "nullable(decimal(76,2))"},
	{"cash_set", "decimal(76,2)"},
	{"number", "nullable(int64)"},
	{"bit_1", "nullable(bool)"},
	{"bit_1_set", "bool"},
	{"pairs_set", "string"},
	{"edge_set", "nullable(string)"},
	{"rect_set", "nullable(string)"},
	{"endless_set", "nullable(string)"},
	{"trail_set", "nullable(string)"},
	{"area_set", "nullable(string)"},
	{"round_set", "nullable(string)"},
};

static const char *expected_type(const struct table_column *c, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(other_types); i++)
		if (!strcmp(other_types[i].column, c->name))
			return other_types[i].type;
	buf_clear(out);
	type_print(&c->type, out);
	return buf_text(out);
}

static void columns_of_a_schema_are_the_sources(void **state)
{
	struct recording r;
	struct arena arena;
	struct buf expected, got;
	struct error err = {0};

	(void)state;
	recording_init(&r, &mode_list[0]);
	arena_init(&arena);
	buf_init(&expected, BUF_MAX);
	buf_init(&got, BUF_MAX);
	struct debezium_shape *shape = shape_of(&r, EVERY, &arena);
	struct table *t = without(r.tables[EVERY].table, &mode_list[0]), *made = table_new();
	made->options = &plain_options;
	assert_true(debezium_shape_columns(shape, made, &err));
	for (size_t i = 0; i < t->n_columns; i++) {
		int column = table_column_by_name(made, t->columns[i].name);
		assert_true(column >= 0);
		const struct table_column *c = &made->columns[column];
		buf_clear(&got);
		type_print(&c->type, &got);
		assert_string_equal(buf_text(&got), expected_type(&t->columns[i], &expected));
		assert_true(!c->json_of == !t->columns[i].json_of || !strcmp(c->name, "pairs"));
		assert_int_equal(table_column_by_attribute(made, c->attribute), column);
	}
	assert_int_equal(made->n_key, 1);
	assert_int_equal(made->key[0], 0);
	assert_true(made->columns[0].key);
	assert_string_equal(made->columns[table_column_by_name(made, "price_set")].missing, "1.50");
	assert_string_equal(
		made->columns[table_column_by_name(made, "day_set")].missing, "\"2020-02-03\"");
	assert_string_equal(made->columns[table_column_by_name(made, "mood")].labels,
		"sad,so so,it's \"x\",ünï");
	table_unref(t);
	table_unref(made);
	debezium_shape_free(shape);
	buf_release(&expected);
	buf_release(&got);
	arena_release(&arena);
	recording_release(&r);
}

/* --- Changes ---------------------------------------------------------------------------------- */

static void placeholders_are_unchanged(const struct recording *r, struct arena *arena)
{
	static const char *const null_in[] = {
		"b", "bs", "ds", NULL}; /* as the writer's test says */
	struct table *t = r->tables[TOASTED].table;
	struct debezium_shape *shape = shape_of(r, TOASTED, arena);
	struct batch out;

	batch_init(&out, t);
	read_events(r, shape, TOASTED, &out);
	assert_int_equal(out.rows, 1);
	assert_int_equal(out.aside.len, 0);
	for (size_t i = 2; i < t->n_columns; i++)
		if (!column_is_unchanged(&out.columns[i], 0) &&
			(!is_one_of(t->columns[i].name, null_in) ||
				!column_is_null(&out.columns[i], 0)))
			fail_msg("%s: %s is not unchanged", r->mode->name, t->columns[i].name);
	batch_release(&out);
	debezium_shape_free(shape);
}

static void values_that_were_not_sent_stay_so(void **state)
{
	(void)state;
	each_mode(placeholders_are_unchanged);
}

static json_t *find_event(const struct recording *r, int table, const char *op, json_int_t id)
{
	size_t i;
	json_t *event;

	json_array_foreach(r->events, i, event)
	{
		json_t *is = json_object_get(json_object_get(event, "value"), "op");
		json_t *key = json_object_get(json_object_get(event, "key"), "id");
		if (!strcmp(json_string_value(json_object_get(event, "table")),
			    table_names[table]) &&
			!strcmp(json_string_value(is), op) &&
			(!id || json_integer_value(key) == id))
			return event;
	}
	fail_msg("no event %s of %s", op, table_names[table]);
	return NULL;
}

static uint64_t sequence_of(json_t *event, int which)
{
	json_t *source = json_object_get(json_object_get(event, "value"), "source");
	json_t *sequence = load_json(json_string_value(json_object_get(source, "sequence")),
		json_string_length(json_object_get(source, "sequence")));
	const char *text = json_string_value(json_array_get(sequence, (size_t)which));
	uint64_t lsn = strtoull(text, NULL, 10);

	json_decref(sequence);
	return lsn;
}

static void a_delete_becomes_a_tombstone_of_its_key(void **state)
{
	struct recording r;
	struct arena arena;
	struct batch out;
	struct row_meta meta = {.version = version_make(3, 0, 0)};
	struct debezium_source seen;
	struct buf line;

	(void)state;
	recording_init(&r, &mode_list[0]);
	arena_init(&arena);
	buf_init(&line, BUF_MAX);
	struct debezium_shape *shape = shape_of(&r, EVERY, &arena);
	struct table *t = without(r.tables[EVERY].table, &mode_list[0]);
	batch_init(&out, t);
	json_t *event = find_event(&r, EVERY, "d", 102);
	read_event(shape, event, &out, &seen, &meta);
	assert_int_equal(out.rows, 1);
	assert_int_equal(batch_meta(&out)[0].op, OP_DELETE);
	assert_true(batch_meta(&out)[0].version ==
		    version_make(3, sequence_of(event, 0), sequence_of(event, 1)));
	assert_int_equal(batch_meta(&out)[0].commit_lsn, sequence_of(event, 0));
	assert_true(seen.has_position && seen.xid && seen.commit_time_us);
	assert_string_equal(seen.schema, "public");
	assert_string_equal(seen.table, "every");
	batch_print_key(&out, 0, &line);
	assert_string_equal(buf_text(&line), "{\"id\":102}");
	/* of the others nothing is known, whatever Debezium writes for it */
	size_t set = (size_t)table_column_by_name(t, "price_set");
	assert_int_equal(*column_fixed(&out.columns[set], 0, 8), 0);
	buf_release(&line);
	batch_release(&out);
	table_unref(t);
	debezium_shape_free(shape);
	arena_release(&arena);
	recording_release(&r);
}

static void a_truncation_is_seen_and_is_no_row(void **state)
{
	struct recording r;
	struct arena arena;
	struct batch out;
	struct row_meta meta = {0};
	struct debezium_source seen;

	(void)state;
	recording_init(&r, &mode_list[0]);
	arena_init(&arena);
	struct debezium_shape *shape = shape_of(&r, WHOLE, &arena);
	batch_init(&out, r.tables[WHOLE].table);
	json_t *event = find_event(&r, WHOLE, "t", 0);
	read_event(shape, event, &out, &seen, &meta);
	assert_int_equal(out.rows, 0);
	assert_int_equal(seen.op, 't');
	assert_true(meta.version == version_make(0, sequence_of(event, 0), sequence_of(event, 1)));
	batch_release(&out);
	debezium_shape_free(shape);
	arena_release(&arena);
	recording_release(&r);
}

/* --- Ours ------------------------------------------------------------------------------------- */

/* What our own events lose: the same, as they are equal; the rest that Debezium's have not is whole. */
static bool loses(const struct mode *mode, const struct table_column *c)
{
	static const char *const of_doubles[] = {"wide", "widest", "cash", "cashes", NULL};

	if (!strcmp(c->name, "spans"))
		return mode->modes.interval == INTERVAL_NUMERIC;
	if (!strcmp(c->name, "hour") && mode->modes.time == TIME_ISOSTRING)
		return false;
	return is_lost(c->name, mode->name) ||
	       (mode->modes.decimal == DECIMAL_AS_DOUBLE && is_one_of(c->name, of_doubles)) ||
	       (!strcmp(c->name, "exacts") && mode->modes.decimal == DECIMAL_AS_DOUBLE);
}

struct encoding {
	struct buf key, value;
	struct connect_json_writer json;
	struct avro_writer avro;
	struct connect_json_reader json_reader;
	struct avro_reader avro_reader;
	struct avro_schema *schema;
};

static struct avro_schema *avro_of(const struct connect_schema *schema)
{
	struct buf text;
	struct error err = {0};

	buf_init(&text, BUF_MAX);
	if (!avro_schema_from_connect(schema, &text, &err))
		fail_msg("%s", err.text);
	struct avro_schema *parsed = avro_schema_parse((const char *)text.data, text.len, &err);
	if (!parsed)
		fail_msg("%s", err.text);
	buf_release(&text);
	return parsed;
}

static struct connect_writer *start_writer(struct encoding *e, bool avro)
{
	buf_clear(&e->value);
	if (avro) {
		avro_writer_init(&e->avro, &e->value);
		return &e->avro.base;
	}
	connect_json_writer_init(&e->json, &e->value);
	return &e->json.base;
}

static struct connect_reader *start_reader(struct encoding *e, bool avro)
{
	if (avro) {
		avro_read(&e->avro_reader, e->schema, e->value.data, e->value.len);
		return &e->avro_reader.base;
	}
	connect_json_read(&e->json_reader, e->value.data, e->value.len);
	return &e->json_reader.base;
}

static void compare_back(
	const struct mode *mode, const struct batch *rows, const struct batch *back)
{
	for (size_t row = 0; row < back->rows; row++)
		for (size_t i = 0; i < rows->table->n_columns; i++) {
			const struct table_column *c = &rows->table->columns[i];
			size_t from = (size_t)id_of(back, row) - 1;
			if (!loses(mode, c) &&
				!column_equal(&back->columns[i], row, &rows->columns[i], from))
				fail_msg("%s, row %zu: %s is not what was written", mode->name,
					from, c->name);
		}
}

static void write_and_read(const struct recording *r, bool avro)
{
	const struct batch *rows = &r->rows[EVERY];
	const struct debezium_event event = {.op = OP_INSERT};
	struct debezium_table *t = recording_writer(r, EVERY);
	struct debezium_shape *shape = debezium_shape_known(rows->table, &r->mode->modes);
	struct encoding e = {0};
	struct batch back;
	struct error err = {0};
	size_t refused = 0;

	buf_init(&e.value, BUF_MAX);
	e.schema = avro ? avro_of(debezium_value_schema(t)) : NULL;
	connect_json_reader_init(&e.json_reader);
	avro_reader_init(&e.avro_reader);
	batch_init(&back, rows->table);
	for (size_t row = 0; row < rows->rows; row++) {
		struct row_meta meta = {0};
		struct debezium_source seen;
		if (!debezium_write_value(t, rows, row, &event, start_writer(&e, avro), &err)) {
			refused++;
			continue;
		}
		if (!debezium_read(shape, NULL, start_reader(&e, avro), &meta, &seen, &back, &err))
			fail_msg("%s", err.text);
	}
	assert_int_equal(refused, r->mode->modes.time == TIME_NANOSECONDS);
	/* doubles do not fit where they are decimals of that many digits */
	assert_int_equal(back.rows + back.aside.len + refused, rows->rows);
	if (r->mode->modes.decimal != DECIMAL_AS_DOUBLE)
		assert_int_equal(back.aside.len, 0);
	compare_back(r->mode, rows, &back);
	batch_release(&back);
	connect_json_reader_release(&e.json_reader);
	avro_schema_free(e.schema);
	buf_release(&e.value);
	debezium_shape_free(shape);
	debezium_table_free(t);
}

static void write_and_read_both(const struct recording *r, struct arena *arena)
{
	(void)arena;
	write_and_read(r, false);
	write_and_read(r, true);
}

static void our_events_give_the_rows_they_were_made_of(void **state)
{
	(void)state;
	each_mode(write_and_read_both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_each_mode_are_the_sources_with_a_schema_and_without),
		cmocka_unit_test(columns_of_a_schema_are_the_sources),
		cmocka_unit_test(values_that_were_not_sent_stay_so),
		cmocka_unit_test(a_delete_becomes_a_tombstone_of_its_key),
		cmocka_unit_test(a_truncation_is_seen_and_is_no_row),
		cmocka_unit_test(our_events_give_the_rows_they_were_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
