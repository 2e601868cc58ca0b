/* Geometric structs to PostgreSQL's text; see shape_text.h. The way back is write_shape.c. */
#include "formats/debezium/shape_text.h"

#include <string.h>
#include "base/mem.h"
#include "formats/debezium/base64.h"
#include "formats/pgtype/forms.h"

enum { X, Y, RADIUS, A, B, C, NUMBERS };

struct shape {
	double numbers[NUMBERS];
	struct buf wkb;
	char type[16]; /* "box", "path" ... */
	bool closed;
};

static bool is(const struct connect_reader *r, const char *text)
{
	return r->len == strlen(text) && !memcmp(r->data, text, r->len);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool read_wkb(struct connect_reader *r, struct shape *s, struct error *err)
{
	enum connect_token token = connect_next(r, err);

	buf_clear(&s->wkb);
	if (token == TOKEN_BYTES) {
		buf_append(&s->wkb, r->data, r->len);
		return true;
	}
	if (token != TOKEN_STRING)
		return token == TOKEN_NULL;
	ssize_t n = base64_decode(r->data, r->len, buf_extend(&s->wkb, r->len + 1));
	s->wkb.len = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

static bool read_extensions(struct connect_reader *r, struct shape *s, struct error *err)
{
	enum connect_token token = connect_next(r, err);

	if (token != TOKEN_STRUCT)
		return token == TOKEN_NULL;
	while ((token = connect_next(r, err)) == TOKEN_FIELD) {
		bool type = is(r, "type"), closed = is(r, "closed");
		if (connect_next(r, err) != TOKEN_STRING)
			return false;
		if (type && r->len < sizeof s->type) {
			memcpy(s->type, r->data, r->len);
			s->type[r->len] = '\0';
		} else if (closed) {
			s->closed = is(r, "true");
		}
	}
	return token == TOKEN_STRUCT_END;
}

/* The scratch is the caller's output: numbers get one of their own. */
static bool read_number(struct connect_reader *r, double *out, struct error *err)
{
	struct decoder number = {.decode = decode_float, .pg.name = "double"};
	struct decode_scratch scratch = {0};
	struct column value;

	number.type = (struct type){.kind = TYPE_FLOAT64};
	number.scratch = &scratch;
	buf_init(&scratch.text, BUF_MAX);
	column_init(&value, &number.type);
	bool fine = decode(&number, r, connect_next(r, err), &value, err);
	if (fine)
		memcpy(out, column_fixed(&value, 0, sizeof *out), sizeof *out);
	column_release(&value);
	buf_release(&scratch.text);
	return fine;
}

static bool read_struct(struct connect_reader *r, struct shape *s, struct error *err);

static bool read_field(struct connect_reader *r, struct shape *s, struct error *err)
{
	static const char *const numbers[] = {"x", "y", "radius", "a", "b", "c"};

	if (is(r, "wkb"))
		return read_wkb(r, s, err);
	if (is(r, "extensions"))
		return read_extensions(r, s, err);
	if (is(r, "center"))
		return connect_next(r, err) == TOKEN_STRUCT && read_struct(r, s, err);
	for (int i = 0; i < NUMBERS; i++)
		if (is(r, numbers[i]))
			return read_number(r, &s->numbers[i], err);
	return connect_skip(r, err);
}

static bool read_struct(struct connect_reader *r, struct shape *s, struct error *err)
{
	enum connect_token token;

	while ((token = connect_next(r, err)) == TOKEN_FIELD)
		if (!read_field(r, s, err))
			return false;
	return token == TOKEN_STRUCT_END;
}

/* --- Printing --------------------------------------------------------------------------------- */

static void print_point(double x, double y, struct buf *out)
{
	buf_u8(out, '(');
	pg_print_float8(x, out);
	buf_u8(out, ',');
	pg_print_float8(y, out);
	buf_u8(out, ')');
}

/* The points of a line string or of a polygon's only ring; NULL: it is neither. */
static const uint8_t *points_of(const struct buf *wkb, size_t *n)
{
	uint32_t type, count;
	size_t head = 9;

	if (wkb->len < head || wkb->data[0] != 1)
		return NULL;
	memcpy(&type, wkb->data + 1, sizeof type);
	memcpy(&count, wkb->data + 5, sizeof count);
	if (type == 3 && count == 1 && wkb->len >= 13) {
		head = 13;
		memcpy(&count, wkb->data + 9, sizeof count);
	} else if (type != 2) {
		return NULL;
	}
	*n = count;
	return (wkb->len - head) / 16 == count && (wkb->len - head) % 16 == 0 && count
		       ? wkb->data + head
		       : NULL;
}

static void print_points(
	const uint8_t *points, size_t n, size_t step, const char *brackets, struct buf *out)
{
	double p[2];

	if (*brackets)
		buf_u8(out, (uint8_t)brackets[0]);
	for (size_t i = 0; i < n; i++) {
		memcpy(p, points + i * step * sizeof p, sizeof p);
		if (i)
			buf_u8(out, ',');
		print_point(p[0], p[1], out);
	}
	if (*brackets)
		buf_u8(out, (uint8_t)brackets[1]);
}

static void print_hex(const struct buf *wkb, struct buf *out)
{
	for (size_t i = 0; i < wkb->len; i++)
		buf_printf(out, "%02x", wkb->data[i]);
}

static void print_geometry(const struct shape *s, struct buf *out)
{
	size_t n = 0;
	const uint8_t *points = points_of(&s->wkb, &n);

	if (!points)
		print_hex(&s->wkb, out);
	else if (!strcmp(s->type, "box") && n == 5)
		print_points(points, 2, 2, "", out); /* corners that lie across */
	else if (!strcmp(s->type, "lseg"))
		print_points(points, n, 1, "[]", out);
	else if (!strcmp(s->type, "path"))
		print_points(points, n, 1, s->closed ? "()" : "[]", out);
	else if (!strcmp(s->type, "polygon"))
		print_points(points,
			n > 1 && !memcmp(points, points + (n - 1) * 16, 16) ? n - 1 : n, 1, "()",
			out);
	else
		print_hex(&s->wkb, out);
}

static void print(const struct decoder *d, const struct shape *s, struct buf *out)
{
	const double *v = s->numbers;

	if (d->wire == WIRE_GEOMETRY) {
		print_geometry(s, out);
	} else if (d->wire == WIRE_CIRCLE) {
		buf_u8(out, '<');
		print_point(v[X], v[Y], out);
		buf_u8(out, ',');
		pg_print_float8(v[RADIUS], out);
		buf_u8(out, '>');
	} else {
		for (int i = A; i <= C; i++) {
			buf_u8(out, i == A ? '{' : ',');
			pg_print_float8(v[i], out);
		}
		buf_u8(out, '}');
	}
}

bool print_shape(const struct decoder *d, struct connect_reader *r, struct buf *out,
	bool *unchanged, struct error *err)
{
	struct shape s = {0};

	buf_init(&s.wkb, BUF_MAX);
	bool fine = read_struct(r, &s, err);
	if (!fine && (!err || err->kind == ERROR_NONE))
		error_set(err, ERROR_DATA, "this is no geometry");
	*unchanged = fine && d->unavailable && s.wkb.len == d->unavailable_len &&
		     !memcmp(s.wkb.data, d->unavailable, s.wkb.len);
	if (fine && !*unchanged)
		print(d, &s, out);
	buf_release(&s.wkb);
	return fine;
}
