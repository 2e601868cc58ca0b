/*
 * tsvector and tsquery. A tsquery comes in prefix order with the right operand before the left one:
 * its items are listed first, with where each subtree ends, then printed in infix order.
 */
#include "base/vec.h"
#include "formats/pgtype/forms.h"

#define ITEM_VALUE    1 /* QI_VAL */
#define ITEM_OPERATOR 2 /* QI_OPR */
#define DEEPEST_QUERY 10000

enum query_operator { QUERY_NOT = 1, QUERY_AND, QUERY_OR, QUERY_PHRASE };

struct query_item {
	uint8_t kind, weight, operator;
	bool prefix;
	uint16_t distance;
	const char *lexeme;
	size_t len;
	size_t end; /* index behind its subtree */
};

struct query {
	VEC(struct query_item) items;
	int depth;
};

static void print_lexeme(const char *lexeme, size_t len, struct buf *out)
{
	buf_u8(out, '\'');
	for (size_t i = 0; i < len; i++) {
		if (lexeme[i] == '\'' || lexeme[i] == '\\')
			buf_u8(out, (uint8_t)lexeme[i]);
		buf_u8(out, (uint8_t)lexeme[i]);
	}
	buf_u8(out, '\'');
}

/* --- tsvector: lexemes with positions, each with a weight in its upper two bits --------------- */

static bool print_positions(struct pg_wire *w, struct buf *out)
{
	uint16_t n, position;

	if (!pg_wire_u16(w, &n))
		return false;
	for (uint16_t i = 0; i < n; i++) {
		if (!pg_wire_u16(w, &position))
			return false;
		buf_u8(out, i ? ',' : ':');
		pg_print_padded(position & 0x3fff, 1, out);
		if (position >> 14)
			buf_u8(out, (uint8_t)('D' - (position >> 14)));
	}
	return true;
}

bool pg_render_tsvector(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	uint32_t n;

	if (!pg_wire_u32(&w, &n))
		return pg_bad_binary(c, err);
	for (uint32_t i = 0; i < n; i++) {
		const char *lexeme;
		size_t lexeme_len;
		if (!pg_wire_string(&w, &lexeme, &lexeme_len))
			return pg_bad_binary(c, err);
		if (i)
			buf_u8(out, ' ');
		print_lexeme(lexeme, lexeme_len, out);
		if (!print_positions(&w, out))
			return pg_bad_binary(c, err);
	}
	return w.at == w.end || pg_bad_binary(c, err);
}

/* --- tsquery ---------------------------------------------------------------------------------- */

static bool read_item(struct pg_wire *w, struct query_item *item)
{
	uint8_t prefix;

	*item = (struct query_item){0};
	if (!pg_wire_u8(w, &item->kind))
		return false;
	if (item->kind == ITEM_VALUE) {
		if (!pg_wire_u8(w, &item->weight) || !pg_wire_u8(w, &prefix))
			return false;
		item->prefix = prefix;
		return pg_wire_string(w, &item->lexeme, &item->len);
	}
	if (item->kind != ITEM_OPERATOR || !pg_wire_u8(w, &item->operator) ||
		item->operator<QUERY_NOT || item->operator> QUERY_PHRASE)
		return false;
	return item->operator!= QUERY_PHRASE || pg_wire_u16(w, &item->distance);
}

/* From the last item to the first: the operands of an operator are done when it is reached. */
static bool find_ends(struct query *q)
{
	size_t n = q->items.len;

	for (size_t i = n; i-- > 0;) {
		struct query_item *item = &q->items.items[i];
		size_t operands = item->kind == ITEM_VALUE ? 0 : item->operator== QUERY_NOT ? 1 : 2;
		item->end = i + 1;
		for (; operands; operands--) {
			if (item->end >= n)
				return false;
			item->end = q->items.items[item->end].end;
		}
	}
	return n == 0 || q->items.items[0].end == n;
}

static void print_value(const struct query_item *item, struct buf *out)
{
	print_lexeme(item->lexeme, item->len, out);
	if (!item->prefix && !item->weight)
		return;
	buf_u8(out, ':');
	if (item->prefix)
		buf_u8(out, '*');
	for (int i = 3; i >= 0; i--)
		if (item->weight & 1 << i)
			buf_u8(out, (uint8_t)('D' - i));
}

static int priority(const struct query_item *item)
{
	switch ((enum query_operator)item->operator) {
	case QUERY_OR: return 1;
	case QUERY_AND: return 2;
	case QUERY_PHRASE: return 3;
	case QUERY_NOT: break;
	}
	return 4;
}

static void print_operator(const struct query_item *item, struct buf *out)
{
	if (item->operator== QUERY_OR)
		buf_append(out, " | ", 3);
	else if (item->operator== QUERY_AND)
		buf_append(out, " & ", 3);
	else if (item->distance == 1)
		buf_append(out, " <-> ", 5);
	else
		buf_printf(out, " <%u> ", item->distance);
}

/* A phrase as right operand of a phrase stands in brackets: there the order of doing matters. */
static bool print_query(
	struct query *q, size_t at, int above, bool right_of_phrase, struct buf *out)
{
	const struct query_item *item = &q->items.items[at];
	bool ok = true;

	if (item->kind == ITEM_VALUE) {
		print_value(item, out);
		return true;
	}
	if (q->depth++ > DEEPEST_QUERY)
		return false;
	bool phrase = item->operator== QUERY_PHRASE;
	bool brackets = priority(item) < above || (phrase && right_of_phrase);
	if (brackets)
		buf_append(out, "( ", 2);
	if (item->operator== QUERY_NOT) {
		buf_u8(out, '!');
		ok = print_query(q, at + 1, priority(item), false, out);
	} else {
		size_t left = q->items.items[at + 1].end;
		ok = print_query(q, left, priority(item), false, out);
		print_operator(item, out);
		ok = ok && print_query(q, at + 1, priority(item), phrase, out);
	}
	if (brackets)
		buf_append(out, " )", 2);
	q->depth--;
	return ok;
}

bool pg_render_tsquery(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	struct query q = {0};
	struct query_item item;
	uint32_t n;
	bool ok = pg_wire_u32(&w, &n);

	for (uint32_t i = 0; ok && i < n; i++) {
		ok = read_item(&w, &item);
		if (ok)
			vec_push(&q.items, item);
	}
	ok = ok && w.at == w.end && find_ends(&q);
	if (ok && n)
		ok = print_query(&q, 0, -1, false, out);
	vec_release(&q.items);
	return ok || pg_bad_binary(c, err);
}
