/*
 * JSON as anyone may send it. What the reader takes it takes again when it is written anew, token for token,
 * and skips to the same end; a schema that it takes prints as one that is equal.
 */
#include <assert.h>
#include "formats/connect/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_token(
	struct connect_writer *w, const struct connect_reader *r, enum connect_token token)
{
	switch (token) {
	case TOKEN_NULL: w->ops->optional(w, NULL, false); break;
	case TOKEN_BOOLEAN: w->ops->boolean(w, r->boolean); break;
	case TOKEN_INTEGER: w->ops->integer(w, r->integer); break;
	case TOKEN_REAL: w->ops->float64(w, r->real); break;
	case TOKEN_STRING: w->ops->string(w, r->data, r->len); break;
	case TOKEN_ARRAY: w->ops->array_begin(w, 0); break;
	case TOKEN_ARRAY_END: w->ops->array_end(w); break;
	case TOKEN_STRUCT: w->ops->struct_begin(w); break;
	case TOKEN_STRUCT_END: w->ops->struct_end(w); break;
	case TOKEN_FIELD: w->ops->field(w, (const char *)r->data, r->len); break;
	case TOKEN_BYTES:
	case TOKEN_END:
	case TOKEN_FAILED: assert(false);
	}
}

/* What the document says, written anew; false: it is not JSON. */
static bool rewrite(struct connect_json_reader *r, struct buf *out)
{
	struct connect_json_writer w;
	struct error err = {0};
	enum connect_token token;

	connect_json_writer_init(&w, out);
	while ((token = connect_next(&r->base, &err)) != TOKEN_END) {
		assert((token == TOKEN_FAILED) == (err.kind != ERROR_NONE));
		if (token == TOKEN_FAILED)
			return false;
		write_token(&w.base, &r->base, token);
	}
	return true;
}

static void compare(struct connect_json_reader *r, const struct buf *first)
{
	struct buf second;
	struct error err;

	connect_json_read(r, first->data, first->len);
	bool ok = connect_skip(&r->base, &err);
	assert(ok && r->base.len == first->len);
	r->base.ops->restart(&r->base);
	buf_init(&second, BUF_MAX);
	ok = rewrite(r, &second);
	assert(ok && second.len == first->len && !memcmp(second.data, first->data, first->len));
	buf_release(&second);
}

static void compare_schema(
	struct connect_json_reader *r, const struct connect_schema *schema, struct arena *arena)
{
	struct buf text;
	struct error err;

	buf_init(&text, BUF_MAX);
	connect_schema_to_json(schema, &text);
	connect_json_read(r, text.data, text.len);
	const struct connect_schema *again = connect_schema_from_json(r, arena, &err);
	assert(again && connect_schema_equal(schema, again));
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct connect_json_reader r;
	struct arena arena;
	struct error err;
	struct buf out;

	connect_json_reader_init(&r);
	arena_init(&arena);
	buf_init(&out, BUF_MAX);
	connect_json_read(&r, data, len);
	if (rewrite(&r, &out)) {
		compare(&r, &out);
		connect_json_read(&r, data, len);
		const struct connect_schema *schema = connect_schema_from_json(&r, &arena, &err);
		if (schema)
			compare_schema(&r, schema, &arena);
	}
	buf_release(&out);
	arena_release(&arena);
	connect_json_reader_release(&r);
	return 0;
}
