/*
 * Values of PostgreSQL's types, in both forms. The first byte picks the type, the second the form.
 * A value that fails leaves its column as it was; one that decodes from binary and has a text must
 * decode from that text to the same.
 */
#include <assert.h>
#include "formats/pgtype/pgtype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { USER = 16384, ENUM, HSTORE, RECORD, RECORDS, DOMAIN_, NESTED, HSTORES };

static const struct pg_field record_fields[] = {{"a", 25}, {"b", 23}, {"c", 1009}, {"d", 1186}};
static const struct pg_field nested_fields[] = {
	{"r", RECORD}, {"rs", RECORDS}, {"h", HSTORE}, {"n", 1700}};

static const struct pg_type types[] = {
	{.oid = ENUM, .name = "mood", .typtype = 'e', .category = 'E'},
	{.oid = HSTORE, .name = "hstore", .typtype = 'b', .category = 'U'},
	{.oid = HSTORES, .name = "_hstore", .typtype = 'b', .category = 'A', .element = HSTORE},
	{.oid = RECORD,
		.name = "record",
		.typtype = 'c',
		.category = 'C',
		.fields = record_fields,
		.n_fields = 4},
	{.oid = RECORDS, .name = "_record", .typtype = 'b', .category = 'A', .element = RECORD},
	{.oid = NESTED,
		.name = "nested",
		.typtype = 'c',
		.category = 'C',
		.fields = nested_fields,
		.n_fields = 4},
	{.oid = DOMAIN_,
		.name = "grid",
		.typtype = 'd',
		.base = 1007,
		.base_typmod = -1,
		.base_dims = 2},
};

#define ARRAY(oid, depth)                                                  \
	{                                                                  \
		.type = oid, .typmod = -1, .dims = depth, .not_null = true \
	}
#define PLAIN(oid)                        \
	{                                 \
		.type = oid, .typmod = -1 \
	}

static const struct pg_column columns[] = {
	ARRAY(1007, 1),
	ARRAY(1007, 2),
	ARRAY(1009, 1),
	ARRAY(1009, 3),
	PLAIN(1009),
	ARRAY(HSTORES, 1),
	ARRAY(HSTORE, 0),
	PLAIN(HSTORE),
	PLAIN(RECORD),
	ARRAY(RECORDS, 1),
	PLAIN(NESTED),
	ARRAY(DOMAIN_, 0),
	ARRAY(1017, 1),
	ARRAY(1020, 1),
	ARRAY(1001, 1),
	PLAIN(1001),
	PLAIN(3615),
	PLAIN(3614),
	PLAIN(3910),
	PLAIN(6150),
	PLAIN(869),
	PLAIN(1184),
	PLAIN(1082),
	PLAIN(1186),
	PLAIN(1266),
	PLAIN(1562),
	PLAIN(22),
	PLAIN(2970),
	PLAIN(602),
	PLAIN(3220),
	PLAIN(2950),
	PLAIN(790),
	PLAIN(16),
	PLAIN(18),
	PLAIN(20),
	PLAIN(3802),
	PLAIN(ENUM),
	/* Hostile digits and NaNs have no text of their own: from here on only robustness is
	 * looked at. */
	PLAIN(1700),
	{.type = 1700, .typmod = (10 << 16 | 2) + 4},
	{.type = 1700, .typmod = (76 << 16 | 38) + 4},
	{.type = 1231, .typmod = (18 << 16 | 4) + 4, .not_null = true, .dims = 1},
	PLAIN(700),
	PLAIN(701),
	ARRAY(600, 0),
};

enum { N_COLUMNS = sizeof columns / sizeof *columns, N_EXACT = N_COLUMNS - 7 };

static struct pg_codec codecs[N_COLUMNS];

static void set_up(void)
{
	static struct arena arena;
	static struct pg_catalog catalog;
	static const struct table_options options;

	arena_init(&arena);
	pg_catalog_init(&catalog);
	for (size_t i = 0; i < COUNT_OF(types); i++)
		pg_catalog_add(&catalog, &types[i]);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		struct error err;
		bool ok = pg_codec_init(&codecs[i], &arena, &catalog, &columns[i], &options, &err);
		assert(ok);
	}
}

static void compare_with_text(
	const struct pg_codec *codec, const struct pg_cell *cell, struct column *column)
{
	struct buf text;
	struct column again;
	struct error err;

	buf_init(&text, BUF_MAX);
	column_init(&again, &codec->type);
	if (pg_codec_text(codec, cell, &text, &err)) {
		buf_text(&text);
		struct pg_cell as_text = {text.data, (uint32_t)text.len, PG_CELL_TEXT};
		bool ok = pg_codec_decode(codec, &as_text, &again, &err);
		assert(ok && column_equal(column, 0, &again, 0));
	}
	column_release(&again);
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct column column;
	struct error err;

	if (len < 2)
		return 0;
	if (!codecs[0].text)
		set_up();
	size_t which = data[0] % N_COLUMNS;
	const struct pg_codec *codec = &codecs[which];
	struct pg_cell cell = {
		data + 2, (uint32_t)(len - 2), data[1] & 1 ? PG_CELL_TEXT : PG_CELL_BINARY};
	column_init(&column, &codec->type);
	bool ok = pg_codec_decode(codec, &cell, &column, &err);
	assert(column.rows == ok && (ok || column_bytes(&column) == 0));
	if (ok && cell.kind == PG_CELL_BINARY && which < N_EXACT)
		compare_with_text(codec, &cell, &column);
	column_release(&column);
	return 0;
}
