/* A schema and, behind a line feed, a value by it: whatever they hold, the parser answers and the reader ends; passing over
 * the value takes the same bytes as reading it. */
#include <stdlib.h>
#include "formats/avro/avro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { TOKENS_MAX = 1 << 20 };

static volatile uint8_t seen;

/* TOKEN_END or TOKEN_FAILED; TOKEN_NULL: it goes on for too long to wait. */
static enum connect_token read_all(struct connect_reader *r)
{
	for (size_t n = 0; n < TOKENS_MAX; n++) {
		enum connect_token token = connect_next(r, NULL);
		if (token == TOKEN_END || token == TOKEN_FAILED)
			return token;
		bool has_data = token == TOKEN_STRING || token == TOKEN_BYTES ||
				token == TOKEN_FIELD;
		if (has_data && r->len)
			seen ^= r->data[r->len - 1];
	}
	return TOKEN_NULL;
}

static void read_value(const struct avro_schema *schema, const uint8_t *data, size_t len)
{
	struct avro_reader r;

	avro_reader_init(&r);
	avro_read(&r, schema, data, len);
	if (read_all(&r.base) != TOKEN_END)
		return;
	r.base.ops->restart(&r.base);
	if (!connect_skip(&r.base, NULL) || connect_next(&r.base, NULL) != TOKEN_END)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	struct buf text;

	if (!end)
		return 0;
	struct avro_schema *schema = avro_schema_parse(
		(const char *)data, (size_t)(end - data), NULL);
	if (!schema)
		return 0;
	buf_init(&text, BUF_MAX);
	struct error err;
	if (avro_schema_from_connect(avro_schema_connect(schema), &text, &err)) {
		struct avro_schema *again = avro_schema_parse(buf_text(&text), text.len, NULL);
		avro_schema_free(again);
	}
	buf_release(&text);
	read_value(schema, end + 1, len - (size_t)(end + 1 - data));
	avro_schema_free(schema);
	return 0;
}
