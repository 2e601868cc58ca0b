/* What the tests of Avro share. */
#ifndef TESTS_AVRO_PARSE_H
#define TESTS_AVRO_PARSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/mem.h"
#include "formats/avro/avro.h"

static inline void from_hex(const char *hex, struct buf *out)
{
	unsigned byte;

	buf_init(out, BUF_MAX);
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		buf_u8(out, (uint8_t)byte);
}

static inline struct avro_schema *parse(const char *json, size_t len)
{
	struct error err = {0};
	struct avro_schema *schema = avro_schema_parse(json, len, &err);

	if (!schema)
		fail_msg("%.*s: %s", (int)len, json, err.text);
	return schema;
}

#endif
