/* COPY in binary: a recorded stream, whole, cut anywhere, and spoilt. */
#include "pg_golden.h"

static const struct table_options set_aside = {.unrepresentable = UNREPRESENTABLE_SET_ASIDE};
static const struct row_meta copied = {.op = OP_COPY, .commit_lsn = 1};

struct setup {
	struct pg_catalog catalog;
	struct golden_table table;
	struct pg_rows rows;
	struct buf stream;
};

static void add_column(void *with, const char *name, const struct pg_column *column, bool key)
{
	struct setup *s = with;

	golden_column(&s->table, &s->catalog, name, column, key);
}

static int set_up(void **state)
{
	struct setup *s = xcalloc(1, sizeof *s);
	struct error err;

	golden_catalog(&s->catalog);
	golden_read("rows.copy", &s->stream);
	golden_table_init(&s->table, "everything", &set_aside);
	golden_each_column("everything", add_column, s);
	assert_true(pg_rows_init(&s->rows, s->table.table, &s->catalog, s->table.columns, &err));
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *s = *state;

	pg_rows_release(&s->rows);
	table_unref(s->table.table);
	pg_catalog_release(&s->catalog);
	buf_release(&s->stream);
	free(s);
	return 0;
}

/* Feeds the stream in pieces; each in memory of its own size, so that a read behind its end is
 * seen. */
static bool copy_pieces(
	struct setup *s, size_t len, size_t piece, struct buf *dump, struct error *err)
{
	struct pgcopy copy;
	struct batch batch;
	bool ok = true, ended = false;

	pgcopy_init(&copy);
	batch_init(&batch, s->table.table);
	for (size_t at = 0; ok && at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *bytes = xmalloc(n);
		memcpy(bytes, s->stream.data + at, n);
		ok = golden_copied(
			&copy, bytes, n, &s->rows, s->table.cells, &batch, &copied, &ended, err);
		free(bytes);
	}
	if (ok && !ended)
		ok = error_set(err, ERROR_BROKEN, "not ended");
	buf_init(dump, BUF_MAX);
	batch_print(&batch, dump);
	batch_release(&batch);
	pgcopy_release(&copy);
	return ok;
}

static void rows_of_a_copy_come_out_as_expected(void **state)
{
	struct setup *s = *state;
	struct buf dump;
	struct error err = {0};

	if (!copy_pieces(s, s->stream.len, s->stream.len, &dump, &err))
		fail_msg("%s", err.text);
	golden_compare("rows.expected", &dump);
	buf_release(&dump);
}

static void messages_may_cut_the_stream_anywhere(void **state)
{
	struct setup *s = *state;
	struct buf whole, dump;
	struct error err = {0};

	assert_true(copy_pieces(s, s->stream.len, s->stream.len, &whole, &err));
	for (size_t piece = 1; piece < s->stream.len; piece += piece < 64 ? 1 : 97) {
		if (!copy_pieces(s, s->stream.len, piece, &dump, &err))
			fail_msg("pieces of %zu: %s", piece, err.text);
		assert_string_equal(buf_text(&dump), buf_text(&whole));
		buf_release(&dump);
	}
	buf_release(&whole);
}

static void a_stream_without_its_trailer_has_not_ended(void **state)
{
	struct setup *s = *state;
	struct buf dump;
	struct error err = {0};

	for (size_t len = 0; len < s->stream.len; len++) {
		assert_false(copy_pieces(s, len, 4096, &dump, &err));
		assert_string_equal(err.text, "not ended");
		buf_release(&dump);
	}
}

/* Changes one byte of the stream and wants an error with these words. */
static void spoil(struct setup *s, size_t at, uint8_t byte, const char *words)
{
	struct buf dump;
	struct error err = {0};
	uint8_t was = s->stream.data[at];

	s->stream.data[at] = byte;
	assert_false(copy_pieces(s, s->stream.len, s->stream.len, &dump, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	if (!strstr(err.text, words))
		fail_msg("got %s, expected %s", err.text, words);
	s->stream.data[at] = was;
	buf_release(&dump);
}

static void what_is_no_copy_in_binary_is_refused_with_its_place(void **state)
{
	struct setup *s = *state;

	spoil(s, 0, 'Q', "at byte 0: it does not begin");
	spoil(s, 10, 'Q', "at byte 0: it does not begin");
	spoil(s, 11, 0x01, "flags");
	spoil(s, 19, 0x01, "at byte 19: a row has another number of columns");
	spoil(s, 21, 0x80, "at byte 19: a value has a negative length");
	buf_u8(&s->stream, 'x');
	spoil(s, 0, 'P', "bytes follow its trailer");
	s->stream.len--;
}

static void a_header_extension_is_skipped(void **state)
{
	struct setup *s = *state;
	struct buf plain, extended, with = {.max = BUF_MAX}, without = s->stream;
	struct error err = {0};

	assert_true(copy_pieces(s, s->stream.len, 7, &plain, &err));
	buf_append(&with, without.data, 15);
	buf_append(&with, "\0\0\0\5extra", 9);
	buf_append(&with, without.data + 19, without.len - 19);
	s->stream = with;
	assert_true(copy_pieces(s, s->stream.len, 7, &extended, &err));
	s->stream = without;
	assert_string_equal(buf_text(&plain), buf_text(&extended));
	buf_release(&with);
	buf_release(&plain);
	buf_release(&extended);
}

static void nothing_but_a_trailer_is_an_empty_table(void **state)
{
	struct setup *s = *state;
	struct buf dump, empty = {.max = BUF_MAX}, rows = s->stream;
	struct error err = {0};

	buf_append(&empty, rows.data, 19);
	buf_append(&empty, "\xff\xff", 2);
	s->stream = empty;
	assert_true(copy_pieces(s, s->stream.len, 21, &dump, &err));
	assert_int_equal(dump.len, 0);
	s->stream = rows;
	buf_release(&empty);
	buf_release(&dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_copy_come_out_as_expected),
		cmocka_unit_test(messages_may_cut_the_stream_anywhere),
		cmocka_unit_test(a_stream_without_its_trailer_has_not_ended),
		cmocka_unit_test(what_is_no_copy_in_binary_is_refused_with_its_place),
		cmocka_unit_test(a_header_extension_is_skipped),
		cmocka_unit_test(nothing_but_a_trailer_is_an_empty_table),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
