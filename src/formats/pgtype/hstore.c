/*
 * hstore. In binary (hstore_send): the number of pairs, and of each the key and the value, which
 * may be NULL. In text: "key"=>"value", "key"=>NULL.
 */
#include "formats/pgtype/forms.h"

struct part {
	const uint8_t *data; /* NULL: a NULL */
	size_t len;
};

static bool next_binary(struct pg_wire *w, struct part *key, struct part *value)
{
	return pg_wire_value(w, &key->data, &key->len) && key->data &&
	       pg_wire_value(w, &value->data, &value->len);
}

static void add_string(const struct part *part, struct column *column)
{
	uint8_t *to = column_add_string(column, part->len);

	if (part->len)
		memcpy(to, part->data, part->len);
}

static void add_value(const struct part *value, struct column *column)
{
	if (value->data)
		add_string(value, column);
	else
		column_add_null(column);
}

static bool give_up(struct column *column)
{
	column_truncate(column, column->rows);
	return false;
}

bool pg_hstore_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct pg_wire w = {data, data + len};
	struct part key, value;
	uint32_t n;

	if (!pg_wire_u32(&w, &n))
		return pg_bad_binary(c, err);
	for (uint32_t i = 0; i < n; i++) {
		if (!next_binary(&w, &key, &value)) {
			pg_bad_binary(c, err);
			return give_up(column);
		}
		add_string(&key, &column->children[0]);
		add_value(&value, &column->children[1]);
	}
	if (w.at != w.end) {
		pg_bad_binary(c, err);
		return give_up(column);
	}
	column_end_row(column);
	return true;
}

static void print_part(const struct part *part, struct buf *out)
{
	buf_u8(out, '"');
	for (size_t i = 0; i < part->len; i++) {
		if (part->data[i] == '"' || part->data[i] == '\\')
			buf_u8(out, '\\');
		buf_u8(out, part->data[i]);
	}
	buf_u8(out, '"');
}

bool pg_render_hstore(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	struct part key, value;
	uint32_t n;

	if (!pg_wire_u32(&w, &n))
		return pg_bad_binary(c, err);
	for (uint32_t i = 0; i < n; i++) {
		if (!next_binary(&w, &key, &value))
			return pg_bad_binary(c, err);
		if (i)
			buf_append(out, ", ", 2);
		print_part(&key, out);
		buf_append(out, "=>", 2);
		if (value.data)
			print_part(&value, out);
		else
			buf_append(out, "NULL", 4);
	}
	return w.at == w.end || pg_bad_binary(c, err);
}

/* --- Text ------------------------------------------------------------------------------------- */

static bool take(struct pg_wire *w, const char *text)
{
	size_t n = strlen(text);

	if (pg_wire_left(w) < n || memcmp(w->at, text, n) != 0)
		return false;
	w->at += n;
	return true;
}

/* Between quotes, without its backslashes: behind what `plain` holds. */
static bool take_quoted(struct pg_wire *w, struct buf *plain, size_t *len)
{
	size_t from = plain->len;

	if (!take(w, "\""))
		return false;
	while (w->at < w->end && *w->at != '"') {
		if (*w->at == '\\' && ++w->at == w->end)
			return false;
		buf_u8(plain, *w->at++);
	}
	*len = plain->len - from;
	return take(w, "\"");
}

static bool take_pair(struct pg_wire *w, struct buf *plain, struct part *key, struct part *value)
{
	buf_clear(plain);
	*value = (struct part){0};
	if (!take_quoted(w, plain, &key->len) || !take(w, "=>"))
		return false;
	bool null = take(w, "NULL");
	if (!null && !take_quoted(w, plain, &value->len))
		return false;
	if (!null)
		value->data = (const uint8_t *)buf_text(plain) + key->len;
	key->data = plain->data;
	return true;
}

bool pg_hstore_text(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct pg_wire w = {data, data + len};
	struct part key, value;

	while (w.at < w.end) {
		if ((w.at > data && !take(&w, ", ")) ||
			!take_pair(&w, &c->scratch->unescaped, &key, &value)) {
			pg_bad_text(c, err);
			return give_up(column);
		}
		add_string(&key, &column->children[0]);
		add_value(&value, &column->children[1]);
	}
	pg_trim(&c->scratch->unescaped);
	column_end_row(column);
	return true;
}
