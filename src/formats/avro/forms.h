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

/* Avro wants a union's default in its first place. Defaults of arrays, maps and structs are left out. */
static inline bool avro_has_default(const struct connect_schema *schema)
{
	return schema->fallback && schema->kind < CONNECT_ARRAY;
}

#endif
