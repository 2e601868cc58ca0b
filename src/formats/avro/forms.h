/* What schema text, writer and reader must agree on. */
#ifndef FORMATS_AVRO_FORMS_H
#define FORMATS_AVRO_FORMS_H

#include "formats/connect/connect.h"

/* Avro wants a union's default in its first place. Defaults of arrays, maps and structs are left out. */
static inline bool avro_has_default(const struct connect_schema *schema)
{
	return schema->fallback && schema->kind < CONNECT_ARRAY;
}

#endif
