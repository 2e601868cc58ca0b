/*
 * A value on its way from an event into a column. What it is on the wire is told by its schema (its kind and
 * meaning) and, more loosely, by the token itself: where there is no schema, numbers, ISO 8601 texts and nested
 * lists are taken for what the column's type asks. What it becomes is told by the column's type.
 */
#ifndef FORMATS_DEBEZIUM_DECODE_H
#define FORMATS_DEBEZIUM_DECODE_H

#include "core/batch.h"
#include "formats/connect/connect.h"
#include "formats/debezium/debezium.h"
#include "formats/pgtype/pgtype.h"

/* How a value stands in an event. */
enum wire {
	WIRE_PLAIN,
	WIRE_FLOAT, /* its shortest digits are its number */
	WIRE_BYTES,
	WIRE_BASE64, /* a string in text form of the bytes: of tables whose modes are known */
	WIRE_HEX,
	WIRE_DECIMAL,  /* bytes, `scale` */
	WIRE_VARIABLE, /* {scale, value} */
	WIRE_BITS,     /* bytes, `scale` bits; 0: as many as there are */
	WIRE_DAYS,
	WIRE_TIMESTAMP, /* an integer of `unit_ns`, or ISO 8601 */
	WIRE_TIME,
	WIRE_ISO_TIME,   /* "10:00:00Z" of no time zone */
	WIRE_ZONED_TIME, /* "10:00:00Z" */
	WIRE_DURATION,   /* microseconds */
	WIRE_INTERVAL,   /* "P0Y0M1DT0H0M0S" */
	WIRE_POINT,
	WIRE_GEOMETRY,
	WIRE_CIRCLE,
	WIRE_LINE,
};

struct decoder;

/*
 * Appends one value, of which the first token was taken; takes the rest. ERROR_DATA: the column is as it was, the
 * reader stands anywhere.
 */
typedef bool decode_fn(const struct decoder *, struct connect_reader *, enum connect_token,
	struct column *, struct error *);

struct decoder {
	decode_fn *decode; /* of a value that is neither NULL nor the placeholder */
	struct type type;  /* of the column */
	enum wire wire;
	int scale;
	int64_t unit_ns;
	bool null_is_empty;
	bool hex;                /* bytes within a container's JSON text */
	const char *unavailable; /* the placeholder; NULL: none is expected */
	size_t unavailable_len;
	const struct decoder
		*element;   /* of an array; of JSON text: of the container it stands for */
	struct pg_codec pg; /* for pgtype's decoders: type, clamp, name */
	struct decode_scratch *scratch;
};
struct decode_scratch {
	struct buf text;
	struct column value; /* of a container on its way to JSON; of json_of's type */
	bool has_value;
};

/* Names of ours where a schema does not say what a table that is known does: strings that are bytes, a boolean that is
 * a bit. */
#define SCHEMA_BASE64 "tailrace.Base64"
#define SCHEMA_HEX    "tailrace.Hex"
#define SCHEMA_BIT    "tailrace.Bit"

/* What `schema` says of the wire; NULL: WIRE_PLAIN. */
void decoder_init(struct decoder *, struct arena *, const struct connect_schema *,
	const struct table_column *, const struct table_options *, const struct debezium_modes *);
void decoder_release(struct decoder *); /* its scratch */

/* NULL and the placeholder too. */
MUST_CHECK bool decode(const struct decoder *, struct connect_reader *, enum connect_token,
	struct column *, struct error *);

/* The column's JSON (column_print), back into a column of that type. */
MUST_CHECK bool decode_json(
	const struct type *, const void *json, size_t len, struct column *, struct error *);

/* decode_*.c: by the type of the column */
decode_fn decode_bool, decode_integer, decode_float, decode_decimal, decode_string, decode_uuid,
	decode_date, decode_timestamp, decode_point, decode_array, decode_map, decode_carried;

/* Of {scale, value}, the struct having begun. */
MUST_CHECK bool decode_variable(
	const struct decoder *, struct connect_reader *, struct column *, struct error *);
/* A number's digits, without an exponent, in the scratch: of a number, a text, Connect's Decimal. */
MUST_CHECK bool decode_digits(
	const struct decoder *, struct connect_reader *, enum connect_token, struct error *);

/* "2024-01-01T10:00:00.5+02:00", "2024-01-01", "2024-01-01Z", with a blank for the T. Microseconds, UTC. */
bool iso_parse(const uint8_t *text, size_t len, int64_t *us);
/* "P1Y2M3DT4H5M6.7S", as PostgreSQL prints it: what is zero is left out. */
bool iso_interval(const uint8_t *text, size_t len, struct buf *out);
void iso_duration(int64_t us, struct buf *out);

/* Appends one whole value as JSON. */
MUST_CHECK bool print_json(
	struct connect_reader *, enum connect_token, struct buf *out, struct error *);

bool wrong_token(const struct decoder *, enum connect_token, struct error *); /* false */

#endif
