/*
 * Kafka Connect's data model, which Debezium's events are made of: schemas, a writer that values are
 * pushed into and a reader that tokens are pulled from. JSON (connect/json.h) and Avro (avro/avro.h)
 * are both; what stands in an event is told by debezium/debezium.h alone, once for all encodings.
 *
 * Source: Kafka's connect/api (Schema, SchemaBuilder) and connect/json (JsonConverter).
 */
#ifndef FORMATS_CONNECT_CONNECT_H
#define FORMATS_CONNECT_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/attrs.h"
#include "base/buf.h"
#include "base/error.h"

enum connect_kind {
	CONNECT_INT8,
	CONNECT_INT16,
	CONNECT_INT32,
	CONNECT_INT64,
	CONNECT_FLOAT32,
	CONNECT_FLOAT64,
	CONNECT_BOOLEAN,
	CONNECT_STRING,
	CONNECT_BYTES,
	CONNECT_ARRAY,  /* of `element` */
	CONNECT_MAP,    /* string to `element` */
	CONNECT_STRUCT, /* of `fields` */
};

struct connect_parameter {
	const char *key, *value;
};
struct connect_field {
	const char *name;
	const struct connect_schema *schema;
};

/* Immutable once made; it and all it points to live in one arena. */
struct connect_schema {
	enum connect_kind kind;
	bool optional;
	const char *
		name; /* the meaning: "io.debezium.time.MicroTimestamp"; of a struct its own; or NULL */
	int version; /* 0: none */
	const char *doc;
	const char *fallback; /* the default as JSON text, as JsonConverter writes it; NULL: none */
	struct connect_parameter *parameters;
	size_t n_parameters;
	const struct connect_schema *element;
	struct connect_field *fields;
	size_t n_fields;
};

const struct connect_field *connect_field(
	const struct connect_schema *, const char *name);                      /* or NULL */
const char *connect_parameter(const struct connect_schema *, const char *key); /* or NULL */
bool connect_schema_equal(const struct connect_schema *, const struct connect_schema *);

/* A field's name made ready for the many events that it stands in: as text, and as JSON behind a comma. */
struct connect_name {
	const char *text, *json; /* "id", ",\"id\":" */
	size_t len, json_len;
};
/* Of a literal that JSON takes as it is. */
#define CONNECT_NAME(literal)                            \
	(&(const struct connect_name){.text = (literal), \
		.json = ",\"" literal "\":",             \
		.len = sizeof(literal) - 1,              \
		.json_len = sizeof(",\"" literal "\":") - 1})
struct connect_name connect_name_make(struct arena *, const char *text);

/*
 * Takes one value: a scalar, or begin ... end with the values within. Before each value that its schema
 * calls optional, optional() is called; after optional(.., false) no value follows. An encoding that names
 * fields gets them by field().
 */
struct connect_writer {
	const struct connect_writer_ops *ops;
	struct buf *out;
};
struct connect_writer_ops {
	void (*optional)(struct connect_writer *, const struct connect_schema *, bool present);
	void (*boolean)(struct connect_writer *, bool);
	void (*integer)(struct connect_writer *, int64_t); /* INT8 to INT64 */
	void (*float32)(struct connect_writer *, float);
	void (*float64)(struct connect_writer *, double);
	void (*string)(struct connect_writer *, const void *, size_t); /* UTF-8 */
	void (*bytes)(struct connect_writer *, const void *, size_t);  /* JSON: base64 */
	void (*array_begin)(struct connect_writer *, size_t n);
	void (*array_end)(struct connect_writer *);
	void (*map_begin)(struct connect_writer *, size_t n); /* then field() and value, n times */
	void (*map_end)(struct connect_writer *);
	void (*struct_begin)(struct connect_writer *);
	void (*struct_end)(struct connect_writer *);
	void (*field)(struct connect_writer *, const char *name, size_t len);
	void (*name)(struct connect_writer *, const struct connect_name *); /* as field() */
};

/* Gives the tokens of one document, front to back. */
enum connect_token {
	TOKEN_NULL,
	TOKEN_BOOLEAN,
	TOKEN_INTEGER, /* `integer`; of JSON what has neither point nor exponent and fits int64 */
	TOKEN_REAL, /* `real`, infinite where the digits are beyond it; these in `data` of a text, else NULL */
	TOKEN_STRING, /* `data`, unescaped */
	TOKEN_BYTES,  /* `data`; JSON has none: there they are a base64 TOKEN_STRING */
	TOKEN_ARRAY,
	TOKEN_ARRAY_END,
	TOKEN_STRUCT, /* of a map as well; then TOKEN_FIELD and the value, each */
	TOKEN_STRUCT_END,
	TOKEN_FIELD, /* `data` is its name */
	TOKEN_END,   /* of the document */
	TOKEN_FAILED,
};
struct connect_reader {
	const struct connect_reader_ops *ops;
	int64_t integer;
	double real;
	bool boolean;
	const uint8_t *data; /* valid until the next call */
	size_t len;
};
struct connect_reader_ops {
	enum connect_token (*next)(
		struct connect_reader *, struct error *); /* ERROR_DATA, with the offset */
	/* instead of next(): passes over one whole value; of a text encoding it stands in `data` then, as it
	 * is written, and what lies in an array or object was not looked at */
	MUST_CHECK bool (*skip)(struct connect_reader *, struct error *);
	void (*restart)(struct connect_reader *); /* back to the beginning of the document */
};

static inline enum connect_token connect_next(struct connect_reader *r, struct error *err)
{
	return r->ops->next(r, err);
}

MUST_CHECK static inline bool connect_skip(struct connect_reader *r, struct error *err)
{
	return (r->ops->skip)(r, err); /* in parentheses: cmocka has a macro of that name */
}

#endif
