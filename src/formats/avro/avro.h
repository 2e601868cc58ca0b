/*
 * Connect data as Avro (Avro 1.11 specification, "Binary Encoding"), with the schemas that Confluent's
 * AvroConverter makes of Connect's: optional is a union with null, names and parameters are kept as
 * "connect.name" and "connect.parameters". A message begins with Confluent's wire format: 0, and the
 * schema's id in the registry as a big-endian int32.
 */
#ifndef FORMATS_AVRO_AVRO_H
#define FORMATS_AVRO_AVRO_H

#include "formats/connect/connect.h"

/*
 * Appends what the registry is given: equal schemas have equal text. Names that Avro does not allow are
 * adjusted as by Debezium's schema.name.adjustment.mode and field.name.adjustment.mode "avro". ERROR_TABLE:
 * two fields have the same name then.
 */
MUST_CHECK bool avro_schema_from_connect(
	const struct connect_schema *, struct buf *out, struct error *);

/* Writes what fits the schema above. Structs, maps and arrays lie in each other up to 64 deep. */
struct avro_writer {
	struct connect_writer base;
	uint64_t in_map; /* a bit a level */
};
void avro_writer_init(struct avro_writer *, struct buf *out);
void avro_header(struct buf *out, uint32_t schema_id);
bool avro_take_header(
	const uint8_t **data, size_t *len, uint32_t *schema_id); /* false: not in this format */

/*
 * A schema that somebody wrote with, as the registry has it; immutable, for any number of threads. Refused: a type
 * that contains itself, and what takes no bytes in an array, so that a value's size bounds what it says.
 */
struct avro_schema;
struct avro_schema *avro_schema_parse(
	const char *json, size_t len, struct error *); /* NULL: ERROR_DATA */
void avro_schema_free(struct avro_schema *);           /* NULL is allowed */

/*
 * As Connect's, in the schema's own memory: as Confluent's converter makes it, and where that has no form the nearest:
 * an enum is io.debezium.data.Enum, microseconds and nanoseconds are io.debezium.time's, null alone an
 * optional string. A union of more than one type is a struct "io.confluent.connect.avro.Union" of optional
 * fields named after the types, and so it is read.
 */
const struct connect_schema *avro_schema_connect(const struct avro_schema *);

/* No memory of its own. */
enum { AVRO_DEPTH = 64 };
struct avro_frame {
	const struct avro_node *node; /* what is open */
	size_t at;                    /* of a record: the field; of a union: the branch */
	uint64_t left;                /* values to come: of a record, of a block */
	bool named;                   /* its name was given */
};
struct avro_reader {
	struct connect_reader base;
	const struct avro_schema *schema;
	const uint8_t *at, *start, *end;
	unsigned state;
	size_t depth;
	struct avro_frame frames[AVRO_DEPTH];
};
void avro_reader_init(struct avro_reader *);
/* Begins a value, header taken. */
void avro_read(struct avro_reader *, const struct avro_schema *, const void *data, size_t len);

#endif
