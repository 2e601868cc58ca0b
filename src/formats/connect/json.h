/*
 * Connect data as JSON, as JsonConverter writes it: numbers as numbers, bytes as base64, structs and maps
 * as objects; schemas.enable puts {"schema":..,"payload":..} around. The reader takes any JSON document
 * (RFC 8259), of a depth up to 64.
 */
#ifndef FORMATS_CONNECT_JSON_H
#define FORMATS_CONNECT_JSON_H

#include "formats/connect/connect.h"

struct connect_json_writer {
	struct connect_writer base;
	bool comma; /* a value stands before this place */
};
void connect_json_writer_init(struct connect_json_writer *, struct buf *out);

struct connect_json_reader {
	struct connect_reader base;
	const uint8_t *at, *start, *end;
	struct buf text;   /* of strings with escapes */
	uint64_t is_array; /* a bit a level */
	unsigned depth;
	unsigned state;
};
void connect_json_reader_init(struct connect_json_reader *); /* once; release at the end */
void connect_json_reader_release(struct connect_json_reader *);
void connect_json_read(
	struct connect_json_reader *, const void *data, size_t len); /* begins a document */

/*
 * The "schema" object of schemas.enable, and back. skip() goes over one at gigabytes a second and leaves its
 * text: compare it with the last message's, and read only what is new. So do for the "payload", which as a
 * document of its own can be restarted.
 */
void connect_schema_to_json(const struct connect_schema *, struct buf *out);
struct connect_schema *connect_schema_from_json(
	struct connect_json_reader *, struct arena *, struct error *); /* NULL: ERROR_DATA */

#endif
