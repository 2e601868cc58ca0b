/*
 * Quoting within arrays, records and ranges. The text is already in the buffer when it turns out
 * that it needs quotes, so it is spread from its end: no second buffer, whatever the depth of
 * nesting.
 */
#include <strings.h>
#include "formats/pgtype/forms.h"

static bool is_space(uint8_t ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static bool is_special(uint8_t ch, enum pg_quoting how, char delimiter)
{
	if (ch == '"' || ch == '\\' || is_space(ch))
		return true;
	switch (how) {
	case PG_QUOTE_ARRAY: return ch == '{' || ch == '}' || ch == (uint8_t)delimiter;
	case PG_QUOTE_RECORD: return ch == '(' || ch == ')' || ch == ',';
	case PG_QUOTE_RANGE: return ch == '(' || ch == ')' || ch == '[' || ch == ']' || ch == ',';
	}
	return false;
}

void pg_quote_tail(struct buf *out, size_t from, enum pg_quoting how, char delimiter)
{
	size_t n = out->len - from, escapes = 0;
	const uint8_t *text = n ? out->data + from : NULL;
	bool quote = n == 0 || (how == PG_QUOTE_ARRAY && n == 4 &&
				       strncasecmp((const char *)text, "null", 4) == 0);

	for (size_t i = 0; i < n; i++) {
		quote = quote || is_special(text[i], how, delimiter);
		escapes += text[i] == '"' || text[i] == '\\';
	}
	if (!quote)
		return;
	buf_extend(out, escapes + 2);
	uint8_t *to = out->data + out->len;
	*--to = '"';
	for (const uint8_t *ch = out->data + from + n; ch-- > out->data + from;) {
		uint8_t value = *ch;
		*--to = value;
		if (value == '"' || value == '\\')
			*--to = how == PG_QUOTE_ARRAY ? '\\' : value;
	}
	*--to = '"';
}
