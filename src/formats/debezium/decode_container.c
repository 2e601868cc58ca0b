/* Lists, maps and points; and those of them that a nullable column carries as JSON text. */
#include <stdio.h>
#include <string.h>
#include "formats/connect/json.h"
#include "formats/debezium/decode.h"
#include "formats/debezium/field.h"

/* --- Lists ------------------------------------------------------------------------------------ */

static bool is_letter(const struct column *c, size_t row, char letter)
{
	size_t width = type_width(&c->type);
	int64_t v = 0;
	float narrow;
	double wide;

	if (!width || width > sizeof v || column_is_null(c, row))
		return false;
	memcpy(&v, column_fixed(c, row, width), width);
	if (c->type.kind == TYPE_FLOAT32)
		return memcpy(&narrow, &v, sizeof narrow), narrow == (float)letter;
	if (c->type.kind == TYPE_FLOAT64)
		return memcpy(&wide, &v, sizeof wide), wide == (double)letter;
	return v == letter;
}

/* Debezium's placeholder of a list: of one text, of one UUID, of the letters as numbers. */
static bool are_letters(const struct column *c, size_t from, size_t to, const char *placeholder)
{
	if (to - from != strlen(placeholder) || type_is_string(&c->type))
		return false;
	for (size_t i = from; i < to; i++)
		if (!is_letter(c, i, placeholder[i - from]))
			return false;
	return true;
}

static bool is_uuid_of(const struct column *c, size_t row, const char *placeholder)
{
	char text[40] = "\"";
	struct buf printed;

	placeholder_uuid(placeholder, text + 1);
	strcat(text, "\"");
	buf_init(&printed, sizeof text);
	column_print(c, row, &printed);
	bool same = !strcmp(buf_text(&printed), text);
	buf_release(&printed);
	return same;
}

static bool is_text_of(const struct decoder *d, const struct column *c, size_t row)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	if (!d->element->hex || d->element->wire != WIRE_BYTES)
		return len == d->unavailable_len && !memcmp(text, d->unavailable, len);
	if (len != 2 + 2 * d->unavailable_len)
		return false;
	for (size_t i = 0; i < d->unavailable_len; i++) {
		char byte[3];
		snprintf(byte, sizeof byte, "%02x", (uint8_t)d->unavailable[i]);
		if (memcmp(text + 2 + 2 * i, byte, 2) != 0)
			return false;
	}
	return true;
}

static bool is_placeholder_list(const struct decoder *d, const struct column *c, size_t from)
{
	if (c->rows - from == 1 && column_is_unchanged(c, from))
		return true;
	if (c->rows - from != 1 || column_is_null(c, from))
		return are_letters(c, from, c->rows, d->unavailable);
	if (c->type.kind == TYPE_UUID)
		return is_uuid_of(c, from, d->unavailable);
	return type_is_string(&c->type) && is_text_of(d, c, from);
}

bool decode_array(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	struct column *elements = &column->children[0];
	size_t from = elements->rows;

	if (token != TOKEN_ARRAY)
		return wrong_token(d, token, err);
	while ((token = connect_next(r, err)) != TOKEN_ARRAY_END)
		if (token == TOKEN_FAILED || !decode(d->element, r, token, elements, err)) {
			column_truncate(column, column->rows);
			return false;
		}
	if (d->unavailable && elements->rows > from && is_placeholder_list(d, elements, from)) {
		column_truncate(column, column->rows);
		column_add_unchanged(column);
		return true;
	}
	for (size_t i = from; i < elements->rows; i++)
		if (column_is_unchanged(elements, i)) {
			column_truncate(column, column->rows);
			return error_set(
				err, ERROR_DATA, "a placeholder among the values of a list");
		}
	column_end_row(column);
	return true;
}

/* --- Maps ------------------------------------------------------------------------------------- */

static bool add_pair(struct connect_reader *r, struct column *column, struct error *err)
{
	struct column *value = &column->children[1];

	memcpy(column_add_string(&column->children[0], r->len), r->data, r->len);
	enum connect_token token = connect_next(r, err);
	if (token == TOKEN_NULL)
		column_add_null(value);
	else if (token == TOKEN_STRING)
		memcpy(column_add_string(value, r->len), r->data, r->len);
	else if (token == TOKEN_FAILED)
		return false;
	else
		return error_set(err, ERROR_DATA, "the values of the map are not text");
	return true;
}

static bool is_placeholder_map(const struct decoder *d, const struct column *c, size_t from)
{
	for (int i = 0; i < 2; i++) {
		size_t len;
		const uint8_t *text = column_string(&c->children[i], from, &len);
		if (len != d->unavailable_len || memcmp(text, d->unavailable, len) != 0)
			return false;
	}
	return true;
}

static bool read_map(
	const struct decoder *d, struct connect_reader *r, struct column *column, struct error *err)
{
	size_t from = column->children[0].rows;
	enum connect_token token;

	while ((token = connect_next(r, err)) == TOKEN_FIELD)
		if (!add_pair(r, column, err))
			break;
	bool fine = token == TOKEN_STRUCT_END;
	bool unchanged = fine && d->unavailable && column->children[0].rows == from + 1 &&
			 is_placeholder_map(d, column, from);
	if (!fine || unchanged)
		column_truncate(column, column->rows);
	if (unchanged)
		column_add_unchanged(column);
	else if (fine)
		column_end_row(column);
	return fine;
}

/* In a string of JSON, as hstore_handling_mode json has it. */
static bool read_map_text(const struct decoder *d, const struct connect_reader *r,
	struct column *column, struct error *err)
{
	struct connect_json_reader json;

	connect_json_reader_init(&json);
	connect_json_read(&json, r->data, r->len);
	enum connect_token token = connect_next(&json.base, err);
	bool fine = token == TOKEN_STRUCT ? read_map(d, &json.base, column, err)
					  : wrong_token(d, token, err);
	connect_json_reader_release(&json);
	return fine;
}

bool decode_map(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	if (token == TOKEN_STRUCT)
		return read_map(d, r, column, err);
	if (token == TOKEN_STRING)
		return read_map_text(d, r, column, err);
	return wrong_token(d, token, err);
}

/* --- Points ----------------------------------------------------------------------------------- */

static const struct decoder coordinate = {
	.decode = decode_float, .type = {.kind = TYPE_FLOAT64}, .pg = {.name = "double"}};

static bool read_list_point(
	const struct decoder *d, struct connect_reader *r, struct column *column, struct error *err)
{
	for (int i = 0; i < 2; i++)
		if (!decode(d, r, connect_next(r, err), &column->children[i], err))
			return false;
	return connect_next(r, err) == TOKEN_ARRAY_END ||
	       error_set(err, ERROR_DATA, "a point has two coordinates");
}

static bool read_struct_point(
	const struct decoder *d, struct connect_reader *r, struct column *column, struct error *err)
{
	enum connect_token token;
	unsigned seen = 0;

	while ((token = connect_next(r, err)) == TOKEN_FIELD) {
		unsigned which = r->len == 1 && *r->data == 'x'   ? 1
				 : r->len == 1 && *r->data == 'y' ? 2
								  : 0;
		bool fine = which & ~seen ? decode(d, r, connect_next(r, err),
						    &column->children[which - 1], err)
					  : connect_skip(r, err);
		if (!fine)
			return false;
		seen |= which;
	}
	if (token == TOKEN_STRUCT_END && seen != 3)
		return error_set(err, ERROR_DATA, "a point has two coordinates");
	return token == TOKEN_STRUCT_END;
}

bool decode_point(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	struct decoder of = coordinate;
	bool fine;

	of.scratch = d->scratch;
	if (token == TOKEN_STRUCT)
		fine = read_struct_point(&of, r, column, err);
	else if (token == TOKEN_ARRAY)
		fine = read_list_point(&of, r, column, err);
	else
		return wrong_token(d, token, err);
	if (fine)
		column_end_row(column);
	else
		column_truncate(column, column->rows);
	return fine;
}

/* --- In JSON text ----------------------------------------------------------------------------- */

bool decode_carried(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	struct column *value = &d->scratch->value;
	struct buf *json = &d->scratch->text;

	column_clear(value);
	if (!decode(d->element, r, token, value, err))
		return false;
	if (column_is_unchanged(value, 0)) {
		column_add_unchanged(column);
		return true;
	}
	buf_clear(json);
	column_print(value, 0, json);
	memcpy(column_add_string(column, json->len), json->data, json->len);
	return true;
}
