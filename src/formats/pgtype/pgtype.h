/*
 * PostgreSQL's types: what a column becomes, and how its values are read. One codec per type serves
 * copy and stream, and reads both forms that PostgreSQL sends, binary (typsend) and text
 * (typoutput): the same value gives the same bytes in the column, whichever way it came.
 *
 * Text forms are those of a session with PG_SESSION_OPTIONS; the renderers of binary values print
 * them byte for byte. Binary forms: src/backend/utils/adt/ of PostgreSQL, the *_send functions.
 */
#ifndef FORMATS_PGTYPE_PGTYPE_H
#define FORMATS_PGTYPE_PGTYPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "core/column.h"
#include "core/table.h"

/* Every connection that gives values must have these (libpq: options=...; client_encoding
 * beside). */
#define PG_SESSION_OPTIONS                                                                    \
	"-c datestyle=ISO -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=1 " \
	"-c bytea_output=hex -c lc_monetary=C -c xmlbinary=base64"

/* What COPY selects for a column with cast_in_copy: the type's own output, which COLUMN::text is
 * not always. */
#define PG_COPY_AS_TEXT \
	"CASE WHEN pg_catalog.num_nulls(%s) = 0 THEN pg_catalog.format('%%s', %s) END"

/* A numeric without precision under NUMERIC_DECIMAL is a Decimal(76, this). */
#define PG_NUMERIC_SCALE 38

/* --- The catalog ------------------------------------------------------------------------------ */

struct pg_field {
	const char *name;
	uint32_t type;
};

/* A row of pg_type, joined with what stands beside it. Strings are copied by pg_catalog_add(). */
struct pg_type {
	uint32_t oid;
	const char *schema, *name;
	char typtype;   /* b base, e enum, d domain, c composite, r range, m multirange, p pseudo */
	char category;  /* typcategory */
	char delimiter; /* typdelim; 0 means ',' */
	bool no_send;   /* typsend is 0: PostgreSQL itself has no binary form */
	uint32_t element;    /* of an array: the type whose typarray is this one; else 0 */
	uint32_t base;       /* of a domain: typbasetype */
	int32_t base_typmod; /* of a domain: typtypmod */
	int16_t base_dims;   /* of a domain: typndims */
	uint32_t subtype;    /* of a range: rngsubtype; of a multirange: its range */
	/* of a composite: its attributes by attnum, dropped ones left out */
	const struct pg_field *fields;
	size_t n_fields;
};

/* Types by oid. Filled by one thread; then any number may look. */
struct pg_catalog {
	struct arena arena;
	struct map types; /* uint32_t oid -> const struct pg_type * */
};

/* It knows the built-in types, their arrays and ranges already. */
void pg_catalog_init(struct pg_catalog *c);
void pg_catalog_release(struct pg_catalog *c);

/* Replaces what was known of the oid. */
void pg_catalog_add(struct pg_catalog *c, const struct pg_type *type);

/* NULL when unknown. */
const struct pg_type *pg_catalog_find(const struct pg_catalog *c, uint32_t oid);

/* --- Codecs ----------------------------------------------------------------------------------- */

/* A column as pg_attribute has it. */
struct pg_column {
	uint32_t type;  /* atttypid */
	int32_t typmod; /* atttypmod */
	int16_t dims;   /* attndims; 0 counts as 1 */
	/* NOT NULL, or part of the key. A domain's NOT NULL is no promise: leave it out. */
	bool not_null;
	/* Takes no NULL, not even for a value that cannot be had. */
	bool key;
	/* As core/selection.h applies it: hash, hmac and mask carry the text form. */
	enum rule_kind rule;
};

struct pg_codec;

/* Appends one non-NULL value. On failure (ERROR_DATA: this value cannot be had; ERROR_TABLE: its
 * type is no longer what the catalog said) the column is as it was. */
typedef bool pg_decode_fn(
	const struct pg_codec *, const uint8_t *data, size_t len, struct column *, struct error *);

/* Appends PostgreSQL's text form of a binary value; what it appended before a failure is left
 * there. */
typedef bool pg_render_fn(
	const struct pg_codec *, const uint8_t *data, size_t len, struct buf *, struct error *);

struct pg_scratch;

/* Read-only for users. A codec holds scratch memory: one thread at a time. */
struct pg_codec {
	/* What the column carries; its element lives in the arena of pg_codec_init(). */
	struct type type;
	/* the container whose JSON text the column carries, being nullable; else NULL */
	const struct type *json_of;
	pg_decode_fn *binary;
	pg_decode_fn *text;
	pg_render_fn *render; /* NULL: the binary form is not known here */
	/* COPY must select the text form (PG_COPY_AS_TEXT); its cells are PG_CELL_TEXT. */
	bool cast_in_copy;
	bool text_stream;   /* pgoutput's `binary` option must be off for this column to be read */
	bool approximate;   /* text form for want of a type: table_column.approximate */
	bool null_is_empty; /* a NULL is carried as an empty array or map, or the point (0,0) */
	bool ignored;       /* under `null` or `constant`: the column gets its default */
	bool clamp;         /* infinity and far dates become the nearest that the target holds */
	char delimiter;     /* of arrays of this type */
	int16_t dims;       /* of an array: declared */
	uint32_t oid;       /* as declared: of a domain its own */
	const char *name;   /* of the type, for messages */
	struct pg_codec *children; /* array, range, multirange: 1; composite: one a field */
	size_t n_children;
	struct pg_scratch *scratch;
};

/* Compiles the codec of a column. Memory comes from the arena and, scratch, from the heap:
 * release it. Fails (ERROR_TABLE) where the catalog does not know a type. */
MUST_CHECK bool pg_codec_init(struct pg_codec *c, struct arena *arena,
	const struct pg_catalog *catalog, const struct pg_column *column,
	const struct table_options *options, struct error *err);
void pg_codec_release(struct pg_codec *c);

/* --- Values ----------------------------------------------------------------------------------- */

/* One value as it stands in a message; `data` is borrowed. The kinds are pgoutput's own bytes. */
enum pg_cell_kind {
	PG_CELL_ABSENT = 0, /* the message has no such column */
	PG_CELL_NULL = 'n',
	PG_CELL_UNCHANGED = 'u', /* TOAST: as it was before */
	PG_CELL_TEXT = 't',
	PG_CELL_BINARY = 'b',
};
struct pg_cell {
	const uint8_t *data;
	uint32_t len;
	enum pg_cell_kind kind;
};

/* Appends a cell, NULL and unchanged ones too. ERROR_DATA: NULL where the type takes none (and of
 * pg_decode_fn); ERROR_TABLE: absent. On failure the column is as it was. */
MUST_CHECK bool pg_codec_decode(const struct pg_codec *c, const struct pg_cell *cell,
	struct column *column, struct error *err);

/* May a cell be NULL? */
bool pg_codec_takes_null(const struct pg_codec *c);

/* Appends PostgreSQL's text form of a text or binary cell. */
MUST_CHECK bool pg_codec_text(
	const struct pg_codec *c, const struct pg_cell *cell, struct buf *out, struct error *err);

/* Appends the value as it is carried, as JSON (column_print): for table_column.missing and for
 * keys. Of a missing value: attmissingval as text is an array of one; give the element. */
MUST_CHECK bool pg_codec_json(
	const struct pg_codec *c, const struct pg_cell *cell, struct buf *out, struct error *err);

#endif
