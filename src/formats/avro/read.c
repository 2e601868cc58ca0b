/*
 * Avro values as tokens: the writer's schema is walked with a stack of what is open. Every length and count
 * is held against the bytes that are left before it is used; an array's element takes at least one.
 */
#include <string.h>
#include "base/text.h"
#include "formats/avro/node.h"

enum state { BEGINNING, WITHIN, FAILED };

static enum connect_token fail(struct avro_reader *r, const char *what, struct error *err)
{
	error_set(err, ERROR_DATA, "Avro, at byte %zu: %s", (size_t)(r->at - r->start), what);
	r->state = FAILED;
	return TOKEN_FAILED;
}

static inline size_t left(const struct avro_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* --- Pieces ------------------------------------------------------------------------------------ */

static bool long_rest(struct avro_reader *r, uint64_t v, struct error *err)
{
	for (int shift = 7; r->at < r->end; shift += 7) {
		uint8_t byte = *r->at++;
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			r->base.integer = (int64_t)(v >> 1 ^ -(v & 1));
			return true;
		}
	}
	return fail(r, "a number that does not end, or is beyond 64 bits", err) != TOKEN_FAILED;
}

/* Into r->base.integer. */
static inline bool take_long(struct avro_reader *r, struct error *err)
{
	if (r->at < r->end && *r->at < 0x80) {
		uint64_t v = *r->at++;
		r->base.integer = (int64_t)(v >> 1 ^ -(v & 1));
		return true;
	}
	return long_rest(r, r->at < r->end ? *r->at++ & 0x7fu : 0, err);
}

/* Into r->base.data and len. */
static inline bool take_sized(struct avro_reader *r, size_t n, struct error *err)
{
	if (n > left(r))
		return fail(r, "a value that is longer than what is left", err) != TOKEN_FAILED;
	r->base.data = r->at;
	r->base.len = n;
	r->at += n;
	return true;
}

static inline bool take_bytes(struct avro_reader *r, struct error *err)
{
	return take_long(r, err) && take_sized(r, (uint64_t)r->base.integer, err);
}

static inline bool is_text(const uint8_t *p, size_t n)
{
	uint64_t word;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		if (word & 0x8080808080808080u)
			break;
	}
	return utf8_valid((const char *)p, n);
}

static bool take_text(struct avro_reader *r, struct error *err)
{
	if (!take_bytes(r, err))
		return false;
	return is_text(r->base.data, r->base.len) ||
	       fail(r, "a string that is not UTF-8", err) != TOKEN_FAILED;
}

/* Into r->base.integer: less than n. */
static inline bool take_index(
	struct avro_reader *r, size_t n, const char *otherwise, struct error *err)
{
	if (!take_long(r, err))
		return false;
	return (uint64_t)r->base.integer < n || fail(r, otherwise, err) != TOKEN_FAILED;
}

/* How many values the next block of an array or a map has. The bytes that it may say it has are not relied on. */
static bool take_block(
	struct avro_reader *r, const struct avro_node *node, uint64_t *n, struct error *err)
{
	if (!take_long(r, err))
		return false;
	*n = (uint64_t)r->base.integer;
	if (r->base.integer < 0) {
		*n = -*n;
		if (!take_long(r, err))
			return false;
	}
	size_t least = node->parts[0]->least + (node->kind == AVRO_MAP);
	if (*n > left(r) / least)
		return fail(r, "a block that is longer than what is left", err) != TOKEN_FAILED;
	return true;
}

/* --- Tokens ------------------------------------------------------------------------------------ */

static inline enum connect_token open(
	struct avro_reader *r, const struct avro_node *node, size_t parts, enum connect_token token)
{
	r->frames[r->depth++] = (struct avro_frame){.node = node, .left = parts};
	return token;
}

static inline enum connect_token close(struct avro_reader *r, enum connect_token token)
{
	r->depth--;
	return token;
}

static enum connect_token take_boolean(struct avro_reader *r, struct error *err)
{
	if (!take_sized(r, 1, err))
		return TOKEN_FAILED;
	if (*r->base.data > 1)
		return fail(r, "a boolean that is neither 0 nor 1", err);
	r->base.boolean = *r->base.data;
	return TOKEN_BOOLEAN;
}

static enum connect_token take_int(struct avro_reader *r, struct error *err)
{
	if (!take_long(r, err))
		return TOKEN_FAILED;
	if (r->base.integer != (int32_t)r->base.integer)
		return fail(r, "an int beyond 32 bits", err);
	return TOKEN_INTEGER;
}

static enum connect_token take_float(struct avro_reader *r, struct error *err)
{
	float v;

	if (!take_sized(r, sizeof v, err))
		return TOKEN_FAILED;
	memcpy(&v, r->base.data, sizeof v); /* little-endian, as this machine is */
	r->base.real = (double)v;
	r->base.data = NULL;
	return TOKEN_REAL;
}

static enum connect_token take_double(struct avro_reader *r, struct error *err)
{
	if (!take_sized(r, sizeof r->base.real, err))
		return TOKEN_FAILED;
	memcpy(&r->base.real, r->base.data, sizeof r->base.real);
	r->base.data = NULL;
	return TOKEN_REAL;
}

static inline enum connect_token give_name(
	struct avro_reader *r, const struct avro_name *name, enum connect_token token)
{
	r->base.data = (const uint8_t *)name->text;
	r->base.len = name->len;
	return token;
}

static enum connect_token take_symbol(
	struct avro_reader *r, const struct avro_node *node, struct error *err)
{
	if (!take_index(r, node->n, "a symbol that the enum does not have", err))
		return TOKEN_FAILED;
	return give_name(r, &node->names[r->base.integer], TOKEN_STRING);
}

static enum connect_token value(
	struct avro_reader *r, const struct avro_node *node, struct error *err);

static enum connect_token take_branch(
	struct avro_reader *r, const struct avro_node *node, struct error *err)
{
	if (!take_index(r, node->n, "a branch that the union does not have", err))
		return TOKEN_FAILED;
	size_t branch = (size_t)r->base.integer;
	if (!node->tagged || node->parts[branch]->kind == AVRO_NULL)
		return value(r, node->parts[branch], err);
	open(r, node, 1, TOKEN_STRUCT);
	r->frames[r->depth - 1].at = branch;
	return TOKEN_STRUCT;
}

static enum connect_token value(
	struct avro_reader *r, const struct avro_node *node, struct error *err)
{
	switch (node->kind) {
	case AVRO_NULL: return TOKEN_NULL;
	case AVRO_BOOLEAN: return take_boolean(r, err);
	case AVRO_INT: return take_int(r, err);
	case AVRO_LONG: return take_long(r, err) ? TOKEN_INTEGER : TOKEN_FAILED;
	case AVRO_FLOAT: return take_float(r, err);
	case AVRO_DOUBLE: return take_double(r, err);
	case AVRO_BYTES: return take_bytes(r, err) ? TOKEN_BYTES : TOKEN_FAILED;
	case AVRO_STRING: return take_text(r, err) ? TOKEN_STRING : TOKEN_FAILED;
	case AVRO_FIXED: return take_sized(r, node->size, err) ? TOKEN_BYTES : TOKEN_FAILED;
	case AVRO_ENUM: return take_symbol(r, node, err);
	case AVRO_UNION: return take_branch(r, node, err);
	case AVRO_ARRAY: return open(r, node, 0, TOKEN_ARRAY);
	case AVRO_MAP: return open(r, node, 0, TOKEN_STRUCT);
	case AVRO_RECORD: break;
	}
	return open(r, node, node->n, TOKEN_STRUCT);
}

/* --- What is open ------------------------------------------------------------------------------ */

static bool is_block(const struct avro_frame *frame)
{
	return frame->node->kind == AVRO_ARRAY || frame->node->kind == AVRO_MAP;
}

/* Goes to the next block where one is at its end. False in *more: nothing follows any more. */
static inline bool has_more(
	struct avro_reader *r, struct avro_frame *frame, bool *more, struct error *err)
{
	if (!frame->left && is_block(frame) && !take_block(r, frame->node, &frame->left, err))
		return false;
	*more = frame->left;
	return true;
}

/* The type of the value that is due, which is then no longer. */
static inline const struct avro_node *take_due(struct avro_frame *frame)
{
	frame->named = false;
	frame->left--;
	return frame->node->parts[is_block(frame) ? 0 : frame->at++];
}

static enum connect_token next(struct connect_reader *base, struct error *err)
{
	struct avro_reader *r = (struct avro_reader *)base;
	bool more;

	if (!r->depth) {
		if (r->state == WITHIN && r->at == r->end)
			return TOKEN_END;
		if (r->state != BEGINNING)
			return fail(r, "more bytes than the value has", err);
		r->state = WITHIN;
		return value(r, r->schema->root, err);
	}
	struct avro_frame *frame = &r->frames[r->depth - 1];
	if (r->state == FAILED)
		return fail(r, "a value that cannot be read", err);
	if (frame->named)
		return value(r, take_due(frame), err);
	if (!has_more(r, frame, &more, err))
		return TOKEN_FAILED;
	if (!more)
		return close(
			r, frame->node->kind == AVRO_ARRAY ? TOKEN_ARRAY_END : TOKEN_STRUCT_END);
	if (frame->node->kind == AVRO_ARRAY)
		return value(r, take_due(frame), err);
	frame->named = true;
	if (frame->node->kind == AVRO_MAP)
		return take_text(r, err) ? TOKEN_FIELD : TOKEN_FAILED;
	return give_name(r, &frame->node->names[frame->at], TOKEN_FIELD);
}

/* --- Passing over ------------------------------------------------------------------------------ */

static bool skip_value(struct avro_reader *r, const struct avro_node *node, struct error *err);

static bool skip_blocks(struct avro_reader *r, const struct avro_node *node, struct error *err)
{
	uint64_t n;

	do {
		if (!take_block(r, node, &n, err))
			return false;
		for (uint64_t i = 0; i < n; i++)
			if ((node->kind == AVRO_MAP && !take_bytes(r, err)) ||
				!skip_value(r, node->parts[0], err))
				return false;
	} while (n);
	return true;
}

static bool skip_value(struct avro_reader *r, const struct avro_node *node, struct error *err)
{
	enum connect_token token;

	if (node->kind == AVRO_UNION) {
		if (!take_index(r, node->n, "a branch that the union does not have", err))
			return false;
		node = node->parts[r->base.integer];
	}
	if (node->kind == AVRO_ARRAY || node->kind == AVRO_MAP)
		return skip_blocks(r, node, err);
	if (node->kind == AVRO_STRING || node->kind == AVRO_BYTES)
		return take_bytes(r, err);
	if (node->kind != AVRO_RECORD) {
		token = value(r, node, err);
		return token != TOKEN_FAILED;
	}
	for (size_t i = 0; i < node->n; i++)
		if (!skip_value(r, node->parts[i], err))
			return false;
	return true;
}

static bool skip(struct connect_reader *base, struct error *err)
{
	struct avro_reader *r = (struct avro_reader *)base;
	struct avro_frame *frame = r->depth ? &r->frames[r->depth - 1] : NULL;
	bool more = frame && frame->named;

	if (!frame && r->state == BEGINNING) {
		r->state = WITHIN;
		return skip_value(r, r->schema->root, err);
	}
	if (frame && frame->node->kind == AVRO_ARRAY && !has_more(r, frame, &more, err))
		return false;
	if (!more || r->state == FAILED)
		return fail(r, "a value is missing", err) != TOKEN_FAILED;
	return skip_value(r, take_due(frame), err);
}

static void restart(struct connect_reader *base)
{
	struct avro_reader *r = (struct avro_reader *)base;

	r->at = r->start;
	r->depth = 0;
	r->state = BEGINNING;
}

void avro_reader_init(struct avro_reader *r)
{
	static const struct connect_reader_ops ops = {
		.next = next, .skip = skip, .restart = restart};

	memset(r, 0, sizeof *r);
	r->base.ops = &ops;
}

void avro_read(
	struct avro_reader *r, const struct avro_schema *schema, const void *data, size_t len)
{
	r->schema = schema;
	r->start = data;
	r->end = r->start + len;
	restart(&r->base);
}
