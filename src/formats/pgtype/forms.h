/*
 * The rooms of pgtype among themselves: which functions read which built-in type. A form is a row
 * of the table in forms.c; a codec is a form bound to a column.
 */
#ifndef FORMATS_PGTYPE_FORMS_H
#define FORMATS_PGTYPE_FORMS_H

#include "formats/pgtype/pgtype.h"
#include "formats/pgtype/pgwire.h"

struct pg_form {
	uint32_t oid;
	const char *name;
	uint32_t array; /* oid of its array type; 0: none */
	char category;
	uint32_t subtype;    /* of a range or multirange */
	enum type_kind kind; /* what a value is carried as; decimals see codec.c */
	pg_render_fn *render;
	pg_decode_fn *binary; /* NULL: the rendered text, as a string */
	pg_decode_fn *text;   /* NULL: the text, as a string */
};

const struct pg_form *pg_form_find(uint32_t oid);      /* NULL: not built in, or not known */
const struct pg_form *pg_form_named(const char *name); /* types of extensions: citext, hstore */
const struct pg_form *pg_form_all(size_t *n);

/* What decoding needs beside the codec; each node of a codec has its own. */
struct pg_scratch {
	struct buf rendered;  /* text form of a binary value */
	struct buf unescaped; /* an element of a text array or hstore */
	struct column
		value; /* a value on its way to JSON; initialised with the codec's child type */
	bool value_ready;
};

/* Scratch that one giant value needed is not kept for the next. */
static inline void pg_trim(struct buf *scratch)
{
	if (scratch->cap > (size_t)1 << 20)
		buf_release(scratch);
}

/* Errors that every type knows. Both return false. */
bool pg_bad_binary(const struct pg_codec *c, struct error *err);
bool pg_bad_text(const struct pg_codec *c, struct error *err);

/* Strings, as they are or as they render. */
pg_decode_fn pg_decode_string, pg_decode_rendered;
pg_render_fn pg_render_text, pg_render_versioned;
pg_decode_fn pg_decode_json_text, pg_decode_json_binary; /* of `json` and `jsonb` for JSON_NATIVE */

/* scalar.c */
pg_render_fn pg_render_bool, pg_render_int2, pg_render_int4, pg_render_int8, pg_render_oid,
	pg_render_xid8, pg_render_lsn, pg_render_float4, pg_render_float8, pg_render_uuid,
	pg_render_bytea, pg_render_char, pg_render_money;
pg_decode_fn pg_bool_binary, pg_bool_text, pg_int2_binary, pg_int2_text, pg_int4_binary,
	pg_int4_text, pg_int8_binary, pg_int8_text, pg_oid_binary, pg_oid_text, pg_xid8_text,
	pg_lsn_text, pg_float4_binary, pg_float4_text, pg_float8_text, pg_uuid_binary, pg_uuid_text,
	pg_bytea_text, pg_char_text, pg_money_binary, pg_money_text;

/* shortest.c: the fewest digits that read back as the same number, as float8out and float4out
 * print them. */
void pg_print_float8(double v, struct buf *out);
void pg_print_float4(float v, struct buf *out);

/* numeric.c */
pg_render_fn pg_render_numeric;
pg_decode_fn pg_decimal_binary, pg_decimal_text, pg_numeric_float_binary, pg_numeric_float_text;

/* datetime.c, interval.c */
pg_render_fn pg_render_date, pg_render_timestamp, pg_render_timestamptz, pg_render_time,
	pg_render_timetz, pg_render_interval;
pg_decode_fn pg_date_binary, pg_date_text, pg_timestamp_binary, pg_timestamp_text;
void pg_print_time(int64_t us, struct buf *out);
void pg_print_seconds_fraction(int64_t us, struct buf *out);
void pg_print_padded(uint64_t value, int width, struct buf *out);

/* network.c, bits.c, textsearch.c, geometry.c, hstore.c */
pg_render_fn pg_render_inet, pg_render_macaddr;
pg_render_fn pg_render_bit, pg_render_tid, pg_render_snapshot, pg_render_vector;
pg_render_fn pg_render_tsvector, pg_render_tsquery;
pg_render_fn pg_render_point, pg_render_lseg, pg_render_box, pg_render_line, pg_render_path,
	pg_render_polygon, pg_render_circle;
pg_decode_fn pg_point_binary, pg_point_text;
pg_render_fn pg_render_hstore;
pg_decode_fn pg_hstore_binary, pg_hstore_text;

/* array.c, record.c: of codecs with children. */
pg_render_fn pg_render_array, pg_render_record, pg_render_range, pg_render_multirange;
pg_decode_fn pg_array_binary, pg_array_text;

/* quote.c: quotes what stands in `out` from `from` on, in place, where its container needs that. */
enum pg_quoting { PG_QUOTE_ARRAY, PG_QUOTE_RECORD, PG_QUOTE_RANGE };
void pg_quote_tail(struct buf *out, size_t from, enum pg_quoting how, char delimiter);

#endif
