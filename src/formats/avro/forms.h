/* What schema text, writer and parser must agree on. */
#ifndef FORMATS_AVRO_FORMS_H
#define FORMATS_AVRO_FORMS_H

#include "formats/connect/connect.h"

#define CONNECT_DATE              "org.apache.kafka.connect.data.Date"
#define CONNECT_TIME              "org.apache.kafka.connect.data.Time"
#define CONNECT_TIMESTAMP         "org.apache.kafka.connect.data.Timestamp"
#define CONNECT_DECIMAL           "org.apache.kafka.connect.data.Decimal"
#define CONNECT_DECIMAL_SCALE     "scale"
#define CONNECT_DECIMAL_PRECISION "connect.decimal.precision"
#define AVRO_UNNAMED              "io.confluent.connect.avro.ConnectDefault"

enum { AVRO_DIGITS_UNKNOWN = 64 };

/*
 * Whether the schema says its default, which Avro wants to be of a union's first type. Left out are those of arrays,
 * maps and structs, and numbers that are none ("NaN"), which have no form there.
 */
static inline bool avro_has_default(const struct connect_schema *schema)
{
	bool is_real = schema->kind == CONNECT_FLOAT32 || schema->kind == CONNECT_FLOAT64;

	return schema->fallback && schema->kind < CONNECT_ARRAY &&
	       !(is_real && schema->fallback[0] == '"');
}

#endif
