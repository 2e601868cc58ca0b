/* Keys of the ClickHouse sink, on a real server: rows are found by them and come in their order,
 * whatever type they are of and whatever their columns are called. */
#include "fixture.h"

/* Random rows of unique keys, sorted by batch_key_compare into `order`. */
static void fill_unique(struct batch *b, size_t rows, uint32_t *order)
{
	for (size_t tries = 0; b->rows < rows && tries < rows * 10; tries++) {
		struct row_meta meta = {.version = version_make(1, 5, b->rows), .op = OP_INSERT};
		for (size_t c = 0; c < b->table->n_columns; c++)
			add_random(&b->columns[c]);
		size_t i = 0;
		while (i < b->rows && !batch_key_equal(b, i, b, b->rows))
			i++;
		if (i == b->rows)
			batch_commit_row(b, &meta);
		else
			batch_abort_row(b);
	}
	for (size_t i = 0; i < b->rows; i++) {
		size_t at = i;
		for (; at && batch_key_compare(b, order[at - 1], b, i) > 0; at--)
			order[at] = order[at - 1];
		order[at] = (uint32_t)i;
	}
}

static void copy_row(struct batch *to, const struct batch *from, size_t row)
{
	batch_clear(to);
	for (size_t c = 0; c < from->table->n_columns; c++)
		column_copy_row(&to->columns[c], &from->columns[c], row);
	batch_commit_row(to, &batch_meta(from)[row]);
}

/* Page by page from the first to the last row, and all between two. */
static void expect_scanned(struct fixture *f, const struct landing *landing, const struct batch *b,
	const uint32_t *order)
{
	struct batch out, after, upto;
	size_t page = 7, seen = 0;

	batch_init(&out, landing->table);
	batch_init(&after, landing->table);
	batch_init(&upto, landing->table);
	while (seen < b->rows) {
		batch_clear(&out);
		struct scan_range range = {.after = seen ? &after : NULL, .limit = page};
		WORKS(f->sink->ops->scan(f->sink, landing, &range, &out, &err));
		assert_int_equal(out.rows, b->rows - seen < page ? b->rows - seen : page);
		for (size_t i = 0; i < out.rows; i++)
			expect_same_row(b, order[seen + i], &out, i);
		seen += out.rows;
		copy_row(&after, b, order[seen - 1]);
	}
	if (b->rows > 20) {
		copy_row(&after, b, order[5]);
		copy_row(&upto, b, order[15]);
		batch_clear(&out);
		WORKS(f->sink->ops->scan(
			f->sink, landing, &(struct scan_range){&after, &upto, 100}, &out, &err));
		assert_int_equal(out.rows, 10);
		batch_clear(&out);
		WORKS(f->sink->ops->scan(
			f->sink, landing, &(struct scan_range){NULL, &upto, 100}, &out, &err));
		assert_int_equal(out.rows, 16);
		expect_same_row(b, order[15], &out, 15);
	}
	batch_release(&out);
	batch_release(&after);
	batch_release(&upto);
}

static void expect_found(struct fixture *f, const struct landing *landing, const struct batch *b)
{
	struct batch out;

	batch_init(&out, landing->table);
	WORKS(f->sink->ops->fetch(f->sink, landing, b, &out, &err));
	assert_int_equal(out.rows, b->rows);
	for (size_t i = 0; i < out.rows; i++) {
		size_t at = 0;
		while (at < b->rows && !batch_key_equal(b, at, &out, i))
			at++;
		assert_true(at < b->rows);
		expect_same_row(b, at, &out, i);
		assert_true(batch_meta(&out)[i].version == batch_meta(b)[at].version);
	}
	batch_release(&out);
}

static void expect_truncated(struct fixture *f, const struct landing *landing)
{
	uint64_t count;

	WORKS(f->sink->ops->truncate(
		f->sink, landing, &(struct row_meta){.version = version_make(1, 6, 0)}, &err));
	WORKS(f->sink->ops->count(f->sink, landing, &count, &err));
	assert_int_equal(count, 0);
}

static void expect_key_works(struct fixture *f, struct table *t, bool ordered)
{
	struct landing landing = {.table = t, .generation = 1};
	uint32_t order[100];
	struct batch b;

	ask(f, "DROP DATABASE IF EXISTS {db}");
	ask(f, "DROP DATABASE IF EXISTS {cdc}");
	attach(f, &landing);
	batch_init(&b, t);
	fill_unique(&b, ordered ? 100 : 1, order);
	write_rows(f, &landing, &b);
	expect_found(f, &landing, &b);
	if (ordered)
		expect_scanned(f, &landing, &b, order);
	expect_truncated(f, &landing);
	batch_release(&b);
	table_unref(t);
}

static void every_type_of_key_finds_and_orders_its_rows(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < N_EVERY_TYPE; i++) {
		char *key = arena_printf(&f->arena, "%s!", every_type[i]);
		expect_key_works(
			f, TABLE(f, KEEP_LATEST, {1, "k", key}, {2, "v", "nullable(int32)"}), true);
		if (i % 4 == 0 || !strcmp(every_type[i], "uuid"))
			expect_key_works(f,
				TABLE(f, KEEP_HISTORY, {1, "k", key}, {2, "v", "nullable(int32)"}),
				true);
	}
}

static void keys_of_several_columns_find_and_order_their_rows(void **state)
{
	struct fixture *f = *state;

	expect_key_works(f,
		TABLE(f, KEEP_LATEST, {1, "a", "bool!"}, {2, "b", "symbol!"}, {3, "c", "uuid!"}),
		true);
	expect_key_works(f,
		TABLE(f, KEEP_LATEST, {1, "a", "bool!"}, {2, "v", "string"}, {3, "c", "int16!"}),
		true);
	f->options.order_by = "c, a";
	expect_key_works(f,
		TABLE(f, KEEP_LATEST, {1, "a", "string!"}, {2, "v", "string"}, {3, "c", "bool!"}),
		true);
	assert_answer(f,
		"SELECT sorting_key FROM system.tables WHERE database = '{cdc}' AND name = "
		"'orders'",
		"c, a");
	f->options.order_by = NULL;
	f->options.partition_by = "a";
	f->options.settings = "index_granularity = 256";
	expect_key_works(f,
		TABLE(f, KEEP_BOTH, {1, "a", "bool!"}, {2, "v", "string"}, {3, "c", "int64!"}),
		true);
	assert_answer(f,
		"SELECT uniq(partition) FROM system.parts WHERE database = '{cdc}' AND table = "
		"'orders' AND active",
		"2");
}

static void a_key_of_arrays_finds_its_rows(void **state)
{
	struct fixture *f = *state;
	expect_key_works(f,
		TABLE(f, KEEP_LATEST, {1, "k", "array(nullable(int32))!"}, {2, "v", "string"}),
		false);
}

/* Names of our own that a statement uses must not get in the way of the source's. */
static void columns_may_have_any_name(void **state)
{
	struct fixture *f = *state;

	for (int keep = KEEP_LATEST; keep <= KEEP_HISTORY; keep++)
		expect_key_works(f,
			TABLE(f, (enum keep)keep, {1, "k1", "int32!"}, {2, "k0", "int16!"},
				{3, "bound", "nullable(int32)"}, {4, "keys", "string"},
				{5, "c0", "int64"}, {6, "max", "int64"}, {7, "version", "int64"},
				{8, "SELECT", "int64"}, {9, "`\\'\"", "int64"},
				{10, "Zo\xc3\xab \xf0\x9f\x92\xa7", "int64"}),
			true);
}

static void a_key_that_looks_like_the_end_of_a_form_is_only_a_key(void **state)
{
	struct fixture *f = *state;
	struct table *t = TABLE(f, KEEP_LATEST, {1, "k", "string!"});
	struct landing landing = {.table = t, .generation = 1};
	struct batch b, out;

	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	ROW(&b, OP_INSERT, version_make(1, 1, 0),
		"\r\n--tailrace\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1");
	ROW(&b, OP_INSERT, version_make(1, 1, 1), "'); DROP TABLE orders; --\\");
	ROW(&b, OP_INSERT, version_make(1, 1, 2), "");
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->fetch(f->sink, &landing, &b, &out, &err));
	assert_int_equal(out.rows, 3);
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}
static void many_keys_are_fetched_in_slices(void **state)
{
	struct fixture *f = *state;
	struct table *t = TABLE(f, KEEP_LATEST, {1, "id", "int64!"},
		{2, "status", "nullable(string)"}, {3, "amount", "decimal(10,2)"});
	struct landing landing = {.table = t, .generation = 1};
	struct batch b, out;
	char id[24];

	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	for (int i = 0; i < 50001; i++) {
		snprintf(id, sizeof id, "%d", i);
		ROW(&b, OP_INSERT, version_make(1, 1, (uint64_t)i), id, "x", "1");
	}
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->fetch(f->sink, &landing, &b, &out, &err));
	assert_int_equal(out.rows, 50001);
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_of_key_finds_and_orders_its_rows),
		TEST(keys_of_several_columns_find_and_order_their_rows),
		TEST(a_key_of_arrays_finds_its_rows),
		TEST(columns_may_have_any_name),
		TEST(a_key_that_looks_like_the_end_of_a_form_is_only_a_key),
		TEST(many_keys_are_fetched_in_slices),
	};
	return run_group(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
