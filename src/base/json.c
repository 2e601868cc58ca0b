/* See json.h. */
#include "base/json.h"

#include <string.h>
#include "base/clock.h"
#include "base/text.h"

void json_put_key(struct buf *out, const char *key)
{
	if (out->len && !strchr("{[:\n", out->data[out->len - 1]))
		buf_u8(out, ',');
	if (!key)
		return;
	text_print_json(key, strlen(key), out);
	buf_u8(out, ':');
}

void json_put_open(struct buf *out, const char *key, char bracket)
{
	json_put_key(out, key);
	buf_u8(out, (uint8_t)bracket);
}

void json_put_text(struct buf *out, const char *key, const char *text)
{
	json_put_key(out, key);
	if (text)
		text_print_json(text, strlen(text), out);
	else
		buf_puts(out, "null");
}

void json_put_raw(struct buf *out, const char *key, const char *document)
{
	json_put_key(out, key);
	buf_puts(out, document ? document : "null");
}

void json_put_int(struct buf *out, const char *key, int64_t n)
{
	json_put_key(out, key);
	text_print_int(n, out);
}

void json_put_uint(struct buf *out, const char *key, uint64_t n)
{
	json_put_key(out, key);
	text_print_uint(n, out);
}

void json_put_decimal(struct buf *out, const char *key, double n)
{
	json_put_key(out, key);
	buf_printf(out, "%.3f", n);
}

void json_put_bool(struct buf *out, const char *key, bool is)
{
	json_put_key(out, key);
	buf_puts(out, is ? "true" : "false");
}

void json_put_utc(struct buf *out, const char *key, int64_t us)
{
	char text[28];

	if (us)
		format_utc(us, text);
	json_put_text(out, key, us ? text : NULL);
}
