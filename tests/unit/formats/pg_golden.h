/* What the golden tests of PostgreSQL's formats share: files of tests/golden/postgres (see record.py
 * there). */
#ifndef TESTS_PG_GOLDEN_H
#define TESTS_PG_GOLDEN_H

#ifndef GOLDEN
#define GOLDEN "tests/golden/postgres/"
#endif
#include "formats/pgcopy/pgcopy.h"
#include "formats/pgtype/pgrow.h"
#include "golden.h"

#define FIRST_USER_OID 16384

static inline uint32_t golden_u32(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

enum { TYPE_FIELDS = 13, GOLDEN_COLUMNS = 200 }; /* of catalog.tsv; of the widest table */

/* A row of catalog.tsv. The fields of a composite go to the arena. */
static inline struct pg_type golden_type(char *const f[TYPE_FIELDS], struct arena *arena)
{
	struct pg_field *fields = arena_alloc(arena, GOLDEN_COLUMNS * sizeof *fields);
	size_t n = 0;
	char *rest = f[12], *name;

	while ((name = strsep(&rest, " ")) && *name)
		fields[n++] = (struct pg_field){
			.name = name, .type = golden_u32(strsep(&rest, " "))};
	return (struct pg_type){
		.oid = golden_u32(f[0]),
		.schema = f[1],
		.name = f[2],
		.typtype = *f[3],
		.category = *f[4],
		.delimiter = *f[5],
		.no_send = *f[6] == '1',
		.element = golden_u32(f[7]),
		.base = golden_u32(f[8]),
		.base_typmod = (int32_t)strtol(f[9], NULL, 10),
		.base_dims = (int16_t)strtol(f[10], NULL, 10),
		.subtype = golden_u32(f[11]),
		.fields = fields,
		.n_fields = n,
	};
}

/* The built-in types, and those that the recording made. */
static inline void golden_catalog(struct pg_catalog *catalog)
{
	struct buf file;
	struct arena arena;
	char *fields[TYPE_FIELDS];

	golden_read("catalog.tsv", &file);
	arena_init(&arena);
	pg_catalog_init(catalog);
	for (char *rest = (char *)file.data; golden_line(&rest, fields, TYPE_FIELDS);) {
		struct pg_type type = golden_type(fields, &arena);
		if (type.oid >= FIRST_USER_OID)
			pg_catalog_add(catalog, &type);
	}
	arena_release(&arena);
	buf_release(&file);
}

/* A table and what the source knows of its columns. */
struct golden_table {
	struct table *table;
	struct pg_column columns[GOLDEN_COLUMNS];
	struct pg_cell cells[GOLDEN_COLUMNS];
};

static inline void golden_table_init(
	struct golden_table *g, const char *name, const struct table_options *options)
{
	struct table *t = table_new();

	*g = (struct golden_table){.table = t};
	t->name = arena_strdup(&t->arena, name);
	t->columns = arena_alloc(&t->arena, GOLDEN_COLUMNS * sizeof *t->columns);
	t->key = arena_alloc(&t->arena, GOLDEN_COLUMNS * sizeof *t->key);
	t->options = options;
}

static inline void golden_column(struct golden_table *g, const struct pg_catalog *catalog,
	const char *name, const struct pg_column *column, bool key)
{
	struct table *t = g->table;
	struct table_column *described = &t->columns[t->n_columns];
	struct pg_codec codec;
	struct error err = {0};

	if (!pg_codec_init(&codec, &t->arena, catalog, column, t->options, &err))
		fail_msg("%s.%s: %s", t->name, name, err.text);
	*described = (struct table_column){
		.name = arena_strdup(&t->arena, name),
		.type = codec.type,
		.json_of = codec.json_of,
		.attribute = (int)t->n_columns + 1,
		.rule.kind = column->rule,
		.key = key,
	};
	pg_codec_release(&codec);
	if (key)
		t->key[t->n_key++] = (uint16_t)t->n_columns;
	g->columns[t->n_columns++] = *column;
}

/* Visits the recorded columns of a table: tables.tsv. */
static inline void golden_each_column(const char *table,
	void (*visit)(void *, const char *name, const struct pg_column *, bool key), void *with)
{
	struct buf file;
	char *f[7];

	golden_read("tables.tsv", &file);
	for (char *rest = (char *)file.data; golden_line(&rest, f, 7);) {
		struct pg_column column = {
			.type = golden_u32(f[2]),
			.typmod = (int32_t)strtol(f[3], NULL, 10),
			.dims = (int16_t)strtol(f[4], NULL, 10),
			.not_null = *f[5] == '1' || *f[6] == '1',
		};
		if (!strcmp(f[0], table))
			visit(with, f[1], &column, *f[6] == '1');
	}
	buf_release(&file);
}

/* Feeds a message and appends its rows; the COPY selected all columns of the table, in its
 * order, those with codec.cast_in_copy as text. `cells` is room for table->n_columns. *ended is
 * set at the trailer: a COPY that ends without it was cut off. */
static inline bool golden_copied(struct pgcopy *c, const uint8_t *data, size_t len,
	struct pg_rows *rows, struct pg_cell *cells, struct batch *batch,
	const struct row_meta *meta, bool *ended, struct error *err)
{
	size_t n = rows->table->n_columns;
	enum pgcopy_status status;

	pgcopy_feed(c, data, len);
	while ((status = pgcopy_next(c, cells, n, err)) == PGCOPY_ROW) {
		for (size_t i = 0; i < n; i++)
			if (rows->codecs[i].cast_in_copy && cells[i].kind == PG_CELL_BINARY)
				cells[i].kind = PG_CELL_TEXT;
		if (!pg_rows_append(rows, batch, cells, meta, err))
			return false;
	}
	*ended = status == PGCOPY_END;
	return status != PGCOPY_FAILED;
}

#endif
