/*
 * The canonical types: what every source decodes to and every sink encodes from. They are the types
 * that analytical stores share, so a sink maps them one to one and nobody converts twice.
 */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_kind {
	TYPE_BOOL, /* 1 byte, 0 or 1 */
	TYPE_INT16,
	TYPE_INT32,
	TYPE_INT64,
	TYPE_UINT32,
	TYPE_UINT64,
	TYPE_FLOAT32,
	TYPE_FLOAT64,
	TYPE_DECIMAL, /* 4, 8, 16 or 32 bytes by precision: two's complement of value * 10^scale */
	TYPE_STRING,  /* bytes; text is UTF-8 */
	TYPE_SYMBOL,  /* a string out of few: laid out as one, a dictionary in the target */
	TYPE_JSON,    /* a string that is a JSON document */
	TYPE_UUID,    /* 16 bytes, in the order they are written (RFC 9562) */
	TYPE_DATE,    /* int32, days since 1970-01-01 */
	TYPE_TIMESTAMP,   /* int64, microseconds since 1970-01-01 00:00:00, of no time zone */
	TYPE_TIMESTAMPTZ, /* int64, microseconds since 1970-01-01 00:00:00 UTC */
	TYPE_POINT,       /* two float64 */
	TYPE_ARRAY,       /* of `element` */
	TYPE_MAP,         /* string to nullable string */
};

struct type {
	enum type_kind kind;
	bool nullable;              /* arrays, maps and points never are */
	uint8_t precision, scale;   /* of a decimal: 1 to 76, 0 to precision */
	const struct type *element; /* of an array; lives as long as the type */
};

#define DECIMAL_MAX_PRECISION 76

/* Bytes of one value of a fixed width; 0 for strings, points, arrays and maps. */
size_t type_width(const struct type *type);

bool type_is_string(const struct type *type); /* laid out as a string: STRING, SYMBOL, JSON */
bool type_equal(const struct type *a, const struct type *b);

/* Can every value of `from` be held by `to` unchanged (int32 to int64, a longer decimal, NULLs let
 * in)? */
bool type_widens(const struct type *from, const struct type *to);

/* The narrowest type that holds the values of both: one of them, with NULLs, digits or elements that the other
 * has besides. false: there is none. Elements are the arena's. */
struct arena;
bool type_join(const struct type *a, const struct type *b, struct arena *arena, struct type *out);

/* "decimal(10,2)", "array(nullable(int32))": for messages, golden dumps and the state store. */
struct buf;
void type_print(const struct type *type, struct buf *out);

struct error;
bool type_parse(const char *text, struct arena *arena, struct type *out, struct error *err);

#endif
