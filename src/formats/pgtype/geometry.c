/* Geometric types: float8 coordinates in binary, brackets of each type's own in text. */
#include <stdlib.h>
#include "formats/pgtype/forms.h"

#define POINT_BYTES 16

static void print_coordinate(const uint8_t *p, struct buf *out)
{
	uint64_t bits = pg_load64(p);
	double v;

	memcpy(&v, &bits, sizeof v);
	pg_print_float8(v, out);
}

static void print_point(const uint8_t *p, struct buf *out)
{
	buf_u8(out, '(');
	print_coordinate(p, out);
	buf_u8(out, ',');
	print_coordinate(p + 8, out);
	buf_u8(out, ')');
}

static void print_points(const uint8_t *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_u8(out, ',');
		print_point(p + i * POINT_BYTES, out);
	}
}

bool pg_render_point(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != POINT_BYTES)
		return pg_bad_binary(c, err);
	print_point(data, out);
	return true;
}

bool pg_render_box(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 2 * POINT_BYTES)
		return pg_bad_binary(c, err);
	print_points(data, 2, out);
	return true;
}

bool pg_render_lseg(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 2 * POINT_BYTES)
		return pg_bad_binary(c, err);
	buf_u8(out, '[');
	print_points(data, 2, out);
	buf_u8(out, ']');
	return true;
}

/* The three coefficients of Ax + By + C = 0. */
bool pg_render_line(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 24)
		return pg_bad_binary(c, err);
	for (size_t i = 0; i < 3; i++) {
		buf_u8(out, i ? ',' : '{');
		print_coordinate(data + i * 8, out);
	}
	buf_u8(out, '}');
	return true;
}

bool pg_render_circle(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 24)
		return pg_bad_binary(c, err);
	buf_u8(out, '<');
	print_point(data, out);
	buf_u8(out, ',');
	print_coordinate(data + POINT_BYTES, out);
	buf_u8(out, '>');
	return true;
}

static bool has_points(const uint8_t *data, size_t len)
{
	return len >= 4 && (len - 4) % POINT_BYTES == 0 &&
	       (len - 4) / POINT_BYTES == pg_load32(data);
}

bool pg_render_polygon(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (!has_points(data, len))
		return pg_bad_binary(c, err);
	buf_u8(out, '(');
	print_points(data + 4, pg_load32(data), out);
	buf_u8(out, ')');
	return true;
}

bool pg_render_path(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len < 1 || !has_points(data + 1, len - 1))
		return pg_bad_binary(c, err);
	bool closed = data[0];
	buf_u8(out, closed ? '(' : '[');
	print_points(data + 5, pg_load32(data + 1), out);
	buf_u8(out, closed ? ')' : ']');
	return true;
}

/* --- point, the one that has a type in the target --------------------------------------------- */

static void add_point(const double xy[2], struct column *column)
{
	for (size_t i = 0; i < 2; i++)
		memcpy(column_add_fixed(&column->children[i], sizeof xy[i]), &xy[i], sizeof xy[i]);
	column_end_row(column);
}

bool pg_point_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	double xy[2];

	if (len != POINT_BYTES)
		return pg_bad_binary(c, err);
	for (size_t i = 0; i < 2; i++) {
		uint64_t bits = pg_load64(data + i * 8);
		memcpy(&xy[i], &bits, sizeof bits);
	}
	add_point(xy, column);
	return true;
}

bool pg_point_text(const struct pg_codec *c, const uint8_t *data, size_t len, struct column *column,
	struct error *err)
{
	char text[80], *end;
	double xy[2];

	if (len < 5 || len >= sizeof text)
		return pg_bad_text(c, err);
	memcpy(text, data, len);
	text[len] = '\0';
	if (text[0] != '(')
		return pg_bad_text(c, err);
	xy[0] = strtod(text + 1, &end);
	if (*end != ',')
		return pg_bad_text(c, err);
	xy[1] = strtod(end + 1, &end);
	if (*end != ')' || end[1])
		return pg_bad_text(c, err);
	add_point(xy, column);
	return true;
}
