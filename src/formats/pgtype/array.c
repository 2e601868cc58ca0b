/*
 * Arrays. In binary (array_send): dimensions, a flag, the element's type, length and lower bound of
 * each dimension, then the elements in order. In text: braces, after the bounds ("[0:1]={a,b}")
 * where one does not begin at 1. Both are read as dimensions and a row of elements; where the
 * bounds begin is not carried.
 */
#include <inttypes.h>
#include "formats/pgtype/forms.h"

#define MAX_DIMS 6 /* MAXDIM */

struct array {
	const struct pg_codec *codec;
	int ndim;
	uint32_t dims[MAX_DIMS];
	int32_t lower[MAX_DIMS]; /* binary only */
	uint64_t n;              /* elements */
	struct pg_wire rest;
	bool text;
};

static bool malformed(const struct array *a, struct error *err)
{
	return a->text ? pg_bad_text(a->codec, err) : pg_bad_binary(a->codec, err);
}

/* --- Binary ----------------------------------------------------------------------------------- */

static bool open_binary(struct array *a, const struct pg_codec *c, const uint8_t *data, size_t len,
	struct error *err)
{
	uint32_t ndim, flags, element;

	*a = (struct array){.codec = c, .rest = {data, data + len}, .n = 1};
	if (!pg_wire_u32(&a->rest, &ndim) || !pg_wire_u32(&a->rest, &flags) ||
		!pg_wire_u32(&a->rest, &element) || ndim > MAX_DIMS)
		return malformed(a, err);
	if (element != c->children[0].oid)
		return error_set(err, ERROR_TABLE,
			"the elements of %s are no longer of the type that the "
			"catalog said",
			c->name);
	a->ndim = (int)ndim;
	for (int i = 0; i < a->ndim; i++) {
		uint32_t lower;
		if (!pg_wire_u32(&a->rest, &a->dims[i]) || !pg_wire_u32(&a->rest, &lower) ||
			__builtin_mul_overflow(a->n, a->dims[i], &a->n))
			return malformed(a, err);
		a->lower[i] = (int32_t)lower;
	}
	if (!ndim)
		a->n = 0;
	/* Each element has at least its length. */
	return a->n <= pg_wire_left(&a->rest) / 4 || malformed(a, err);
}

static bool next_binary(struct array *a, struct pg_cell *out)
{
	size_t len;

	if (!pg_wire_value(&a->rest, &out->data, &len))
		return false;
	out->len = (uint32_t)len;
	out->kind = out->data ? PG_CELL_BINARY : PG_CELL_NULL;
	return true;
}

/* --- Text ------------------------------------------------------------------------------------- */

static bool is_space(uint8_t ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

struct token {
	const uint8_t *from, *to; /* without quotes */
	bool quoted, escaped;
};

/* An element, quoted or bare; the cursor is at its first byte, and then behind it. */
static bool take_element(struct pg_wire *w, uint8_t delimiter, struct token *out)
{
	*out = (struct token){.quoted = *w->at == '"'};
	w->at += out->quoted;
	out->from = w->at;
	for (; w->at < w->end; w->at++) {
		uint8_t ch = *w->at;
		if (ch == '\\') {
			out->escaped = true;
			if (++w->at == w->end)
				return false;
		} else if (out->quoted ? ch == '"'
				       : ch == delimiter || ch == '{' || ch == '}' || ch == '"') {
			break;
		}
	}
	out->to = w->at;
	if (out->quoted) {
		bool closed = w->at < w->end;
		w->at += closed;
		return closed;
	}
	while (!out->escaped && out->to > out->from && is_space(out->to[-1]))
		out->to--;
	return true;
}

/* How many there are at each depth; all groups of a depth must have as many. */
struct shape {
	uint32_t counts[MAX_DIMS + 1];
	bool known[MAX_DIMS];
	int depth, leaf;
	bool after_value;
};

static bool open_group(struct array *a, struct shape *s)
{
	if (s->depth == MAX_DIMS || s->after_value || (s->leaf && s->depth >= s->leaf))
		return false;
	s->counts[++s->depth] = 0;
	if (s->depth > a->ndim)
		a->ndim = s->depth;
	return true;
}

static bool close_group(struct array *a, struct shape *s)
{
	if (!s->depth)
		return false;
	uint32_t count = s->counts[s->depth--];
	if (count && !s->after_value)
		return false;
	if (s->known[s->depth] && a->dims[s->depth] != count)
		return false;
	s->known[s->depth] = true;
	a->dims[s->depth] = count;
	s->counts[s->depth]++;
	s->after_value = true;
	return true;
}

static bool count_element(struct array *a, struct shape *s, struct pg_wire *w)
{
	struct token token;

	if (!s->depth || s->after_value || (s->leaf && s->leaf != s->depth))
		return false;
	s->leaf = s->depth;
	s->counts[s->depth]++;
	s->after_value = true;
	return take_element(w, (uint8_t)a->codec->delimiter, &token);
}

static bool scan_step(struct array *a, struct shape *s, struct pg_wire *w)
{
	uint8_t ch = *w->at;

	if (ch != '{' && ch != '}' && ch != (uint8_t)a->codec->delimiter && !is_space(ch))
		return count_element(a, s, w);
	w->at++;
	if (ch == '{')
		return open_group(a, s);
	if (ch == '}')
		return close_group(a, s);
	if (is_space(ch))
		return true;
	bool good = s->after_value && s->depth;
	s->after_value = false;
	return good;
}

static bool open_text(struct array *a, const struct pg_codec *c, const uint8_t *data, size_t len,
	struct error *err)
{
	struct shape s = {0};

	*a = (struct array){.codec = c, .text = true, .rest = {data, data + len}, .n = 1};
	if (len && *data == '[') {
		const uint8_t *equals = memchr(data, '=', len);
		if (!equals)
			return malformed(a, err);
		a->rest.at = equals + 1;
	}
	struct pg_wire w = a->rest;
	if (w.at == w.end || *w.at != '{')
		return malformed(a, err);
	do
		if (!scan_step(a, &s, &w))
			return malformed(a, err);
	while (s.depth && w.at < w.end);
	if (s.depth || w.at != w.end || (s.leaf && s.leaf != a->ndim))
		return malformed(a, err);
	for (int i = 0; i < a->ndim; i++)
		a->n *= a->dims[i]; /* each was counted: they fit */
	return true;
}

static void unescape(const struct token *token, struct buf *out)
{
	buf_clear(out);
	for (const uint8_t *p = token->from; p < token->to; p++) {
		if (*p == '\\')
			p++;
		buf_u8(out, *p);
	}
}

/* open_text() has seen that the text is well-formed. */
static bool next_text(struct array *a, struct pg_cell *out)
{
	uint8_t delimiter = (uint8_t)a->codec->delimiter;
	struct pg_wire *w = &a->rest;
	struct token token;

	while (w->at < w->end &&
		(*w->at == '{' || *w->at == '}' || *w->at == delimiter || is_space(*w->at)))
		w->at++;
	if (w->at == w->end || !take_element(w, delimiter, &token))
		return false;
	*out = (struct pg_cell){token.from, (uint32_t)(token.to - token.from), PG_CELL_TEXT};
	if (!token.quoted && out->len == 4 && !memcmp(out->data, "NULL", 4))
		out->kind = PG_CELL_NULL;
	if (token.escaped) {
		struct buf *plain = &a->codec->scratch->unescaped;
		unescape(&token, plain);
		out->data = plain->data;
		out->len = (uint32_t)plain->len;
	}
	return true;
}

/* --- Into the column -------------------------------------------------------------------------- */

static bool add_element(struct array *a, struct column *column, struct error *err)
{
	const struct pg_codec *element = &a->codec->children[0];
	struct pg_cell cell;

	if (!(a->text ? next_text(a, &cell) : next_binary(a, &cell)))
		return malformed(a, err);
	if (cell.kind != PG_CELL_NULL)
		return (a->text ? element->text : element->binary)(
			element, cell.data, cell.len, column, err);
	if (!column->type.nullable)
		return error_set(err, ERROR_DATA,
			"a NULL within an array of %s, which the target's array cannot "
			"hold",
			element->name);
	column_add_null(column);
	return true;
}

static bool fill(struct array *a, struct column *column, int level, struct error *err)
{
	struct column *elements = &column->children[0];

	for (uint32_t i = 0; i < a->dims[level]; i++) {
		bool leaf = level == a->ndim - 1;
		if (!(leaf ? add_element(a, elements, err) : fill(a, elements, level + 1, err)))
			return false;
	}
	column_end_row(column);
	return true;
}

static bool build(struct array *a, struct column *column, struct error *err)
{
	size_t rows = column->rows;

	if (!a->n) {
		column_end_row(column);
		return true;
	}
	if (a->ndim != a->codec->dims)
		return error_set(err, ERROR_DATA,
			"the array has %d dimensions where the column declares %d", a->ndim,
			a->codec->dims);
	bool ok = fill(a, column, 0, err);
	if (ok && !a->text && a->rest.at != a->rest.end)
		ok = malformed(a, err);
	if (!ok)
		column_truncate(column, rows);
	return ok;
}

bool pg_array_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct array a;

	return open_binary(&a, c, data, len, err) && build(&a, column, err);
}

bool pg_array_text(const struct pg_codec *c, const uint8_t *data, size_t len, struct column *column,
	struct error *err)
{
	struct array a;

	bool ok = open_text(&a, c, data, len, err) && build(&a, column, err);
	pg_trim(&c->scratch->unescaped);
	return ok;
}

/* --- Text of binary values -------------------------------------------------------------------- */

static bool render_element(struct array *a, struct buf *out, struct error *err)
{
	const struct pg_codec *element = &a->codec->children[0];
	struct pg_cell cell;
	size_t from = out->len;

	if (!next_binary(a, &cell))
		return malformed(a, err);
	if (cell.kind == PG_CELL_NULL) {
		buf_append(out, "NULL", 4);
		return true;
	}
	if (!element->render(element, cell.data, cell.len, out, err))
		return false;
	pg_quote_tail(out, from, PG_QUOTE_ARRAY, a->codec->delimiter);
	return true;
}

static bool render_level(struct array *a, int level, struct buf *out, struct error *err)
{
	buf_u8(out, '{');
	for (uint32_t i = 0; i < a->dims[level]; i++) {
		if (i)
			buf_u8(out, (uint8_t)a->codec->delimiter);
		bool leaf = level == a->ndim - 1;
		if (!(leaf ? render_element(a, out, err) : render_level(a, level + 1, out, err)))
			return false;
	}
	buf_u8(out, '}');
	return true;
}

static void print_bounds(const struct array *a, struct buf *out)
{
	bool plain = true;

	for (int i = 0; i < a->ndim; i++)
		plain = plain && a->lower[i] == 1;
	if (plain)
		return;
	for (int i = 0; i < a->ndim; i++)
		buf_printf(out, "[%" PRId32 ":%" PRId64 "]", a->lower[i],
			(int64_t)a->lower[i] + a->dims[i] - 1);
	buf_u8(out, '=');
}

bool pg_render_array(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct array a;

	if (!open_binary(&a, c, data, len, err))
		return false;
	if (!a.n) {
		buf_append(out, "{}", 2);
		return true;
	}
	print_bounds(&a, out);
	return render_level(&a, 0, out, err) && (a.rest.at == a.rest.end || malformed(&a, err));
}
