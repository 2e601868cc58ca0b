/* A parsed schema: a graph without cycles in the schema's arena, each named type once. */
#ifndef FORMATS_AVRO_NODE_H
#define FORMATS_AVRO_NODE_H

#include "formats/avro/avro.h"
#include "formats/connect/json.h"

enum avro_kind {
	AVRO_NULL,
	AVRO_BOOLEAN,
	AVRO_INT,
	AVRO_LONG,
	AVRO_FLOAT,
	AVRO_DOUBLE,
	AVRO_BYTES,
	AVRO_STRING,
	AVRO_RECORD,
	AVRO_ENUM,
	AVRO_ARRAY,
	AVRO_MAP,
	AVRO_UNION,
	AVRO_FIXED,
};

struct avro_name {
	const char *text;
	size_t len;
};

struct avro_node {
	enum avro_kind kind;
	const char *name; /* of a named type, with its namespace */
	bool complete;    /* false while its own definition is read */
	bool tagged;      /* a union of more than one type, null aside */

	/* a record's fields, a union's branches, what an array or a map has; an enum's symbols are names alone */
	const struct avro_node **parts;
	const struct avro_name *names;
	size_t n;

	size_t size;   /* of a fixed */
	size_t least;  /* bytes that a value takes at least */
	size_t values; /* that one says at most, arrays and maps counted as one element */
	size_t depth;
	const struct connect_schema *connect;
};

struct avro_schema {
	struct arena arena;
	const struct avro_node *root;
};

/* A value of a JSON document, as it is written; empty: it is not there. */
struct avro_json {
	const uint8_t *at;
	size_t len;
};

/* What a type's JSON object says, of the keys that mean something. */
enum avro_key {
	KEY_TYPE,
	KEY_NAME,
	KEY_NAMESPACE,
	KEY_FIELDS,
	KEY_ITEMS,
	KEY_VALUES,
	KEY_SYMBOLS,
	KEY_SIZE,
	KEY_DEFAULT,
	KEY_LOGICAL_TYPE,
	KEY_SCALE,
	KEY_PRECISION,
	KEY_CONNECT_NAME,
	KEY_CONNECT_VERSION,
	KEY_CONNECT_DOC,
	KEY_CONNECT_TYPE,
	KEY_CONNECT_DEFAULT,
	KEY_CONNECT_PARAMETERS,
	N_KEYS,
};
struct avro_object {
	struct avro_json keys[N_KEYS];
};

/* Its first token; release the reader whatever it is. */
enum connect_token avro_json_begin(struct connect_json_reader *, struct avro_json, struct error *);
/* NULL: it is not there, or not a string. */
const char *avro_json_string(struct avro_json, struct arena *);
bool avro_json_integer(struct avro_json, int64_t *out);

/* Of a union's branch, in Connect. */
const char *avro_branch_name(const struct avro_node *);
/* The Connect schema of a type whose parts are complete; `object` says more of it, or NULL. */
const struct connect_schema *avro_connect(
	const struct avro_node *, const struct avro_object *, struct arena *);
/* Of a field: the same with the field's default. */
const struct connect_schema *avro_connect_field(
	const struct connect_schema *, struct avro_json fallback, struct arena *);

#endif
