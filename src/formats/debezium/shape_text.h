/* The structs of io.debezium.data.geometry as PostgreSQL prints such values. */
#ifndef FORMATS_DEBEZIUM_SHAPE_TEXT_H
#define FORMATS_DEBEZIUM_SHAPE_TEXT_H

#include "formats/debezium/decode.h"

/* Of WIRE_GEOMETRY, WIRE_CIRCLE, WIRE_LINE; the struct has begun. What is no shape of PostgreSQL's becomes its WKB in
 * hexadecimal. */
MUST_CHECK bool print_shape(const struct decoder *, struct connect_reader *, struct buf *out,
	bool *unchanged, struct error *);

#endif
