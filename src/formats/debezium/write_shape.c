/*
 * Geometric values, of which the batch has PostgreSQL's text: their numbers in the order they stand, and from
 * them the structs of io.debezium.data.geometry. Shapes are WKB (OGC 06-103r4), little-endian.
 */
#include <stdlib.h>
#include "base/vec.h"
#include "formats/debezium/field.h"

enum { WKB_POINT = 1, WKB_LINE_STRING = 2, WKB_POLYGON = 3 };

VEC_TYPE(numbers, double);

/* Of "((0,0),(1,-2.5))", "{1,NaN,0}": what stands between the punctuation. */
static void read_numbers(const struct column *c, size_t row, struct numbers *out)
{
	size_t len;
	const char *at = (const char *)column_string(c, row, &len), *end = at + len;
	char number[64];

	while (at < end) {
		size_t n = 0;
		for (; at < end && !strchr("()[]{}<>,", *at); at++)
			if (n + 1 < sizeof number)
				number[n++] = *at;
		number[n] = '\0';
		if (n)
			vec_push(out, strtod(number, NULL));
		at++;
	}
}

static uint8_t *put_double(uint8_t *p, double v)
{
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static void put_field(struct connect_writer *w, const char *name)
{
	w->ops->field(w, name, strlen(name));
}

static void put_double_field(struct connect_writer *w, const char *name, double v)
{
	put_field(w, name);
	w->ops->float64(w, v);
}

static void put_no_srid(struct connect_writer *w)
{
	put_field(w, "srid");
	w->ops->optional(w, &optional_int32, false);
}

static void put_point(double x, double y, struct connect_writer *w)
{
	uint8_t wkb[21] = {1};

	put_double(put_double(put_u32(wkb + 1, WKB_POINT), x), y);
	w->ops->struct_begin(w);
	put_double_field(w, "x", x);
	put_double_field(w, "y", y);
	put_field(w, "wkb");
	w->ops->optional(w, &optional_bytes, true);
	w->ops->bytes(w, wkb, sizeof wkb);
	put_no_srid(w);
	w->ops->struct_end(w);
}

bool write_point(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	double x, y;

	(void)f;
	(void)err;
	memcpy(&x, column_fixed(&c->children[0], row, sizeof x), sizeof x);
	memcpy(&y, column_fixed(&c->children[1], row, sizeof y), sizeof y);
	put_point(x, y, w);
	return true;
}

static bool no_shape(const struct field *f, struct numbers *numbers, struct error *err)
{
	vec_release(numbers);
	return error_set(err, ERROR_DATA, "the text is not that of a %s", f->source);
}

bool write_circle(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	struct numbers n = {0};

	read_numbers(c, row, &n);
	if (n.len != 3)
		return no_shape(f, &n, err);
	w->ops->struct_begin(w);
	put_field(w, "center");
	put_point(n.items[0], n.items[1], w);
	put_double_field(w, "radius", n.items[2]);
	w->ops->struct_end(w);
	vec_release(&n);
	return true;
}

bool write_line(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	struct numbers n = {0};

	read_numbers(c, row, &n);
	if (n.len != 3)
		return no_shape(f, &n, err);
	w->ops->struct_begin(w);
	put_double_field(w, "a", n.items[0]);
	put_double_field(w, "b", n.items[1]);
	put_double_field(w, "c", n.items[2]);
	w->ops->struct_end(w);
	vec_release(&n);
	return true;
}

/* The corners of a box, around it, and back. */
static void unfold_box(struct numbers *n)
{
	double x1 = n->items[0], y1 = n->items[1], x2 = n->items[2], y2 = n->items[3];
	const double ring[] = {x1, y1, x1, y2, x2, y2, x2, y1, x1, y1};

	n->len = 0;
	for (size_t i = 0; i < COUNT_OF(ring); i++)
		vec_push(n, ring[i]);
}

static void close_ring(struct numbers *n)
{
	double x = n->items[0], y = n->items[1];

	if (n->len < 4 || (n->items[n->len - 2] == x && n->items[n->len - 1] == y))
		return;
	vec_push(n, x);
	vec_push(n, y);
}

static void put_wkb(const struct numbers *n, bool polygon, struct connect_writer *w)
{
	size_t size = 1 + 4 + (polygon ? 4 : 0) + 4 + n->len * sizeof(double);
	uint8_t *wkb = xmalloc(size), *p = wkb;

	*p++ = 1;
	p = put_u32(p, polygon ? WKB_POLYGON : WKB_LINE_STRING);
	if (polygon)
		p = put_u32(p, 1);
	p = put_u32(p, (uint32_t)(n->len / 2));
	for (size_t i = 0; i < n->len; i++)
		p = put_double(p, n->items[i]);
	put_field(w, "wkb");
	w->ops->bytes(w, wkb, size);
	free(wkb);
}

static void put_extension(struct connect_writer *w, const char *name, const char *value)
{
	put_field(w, name);
	w->ops->string(w, value, strlen(value));
}

/* The kind of shape, and whether a path is closed, stand beside: WKB has no words for them. */
bool write_geometry(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	bool box = !strcmp(f->source, "box"), path = !strcmp(f->source, "path");
	bool polygon = box || !strcmp(f->source, "polygon");
	struct numbers n = {0};
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	read_numbers(c, row, &n);
	if (n.len < 2 || n.len % 2 || (box && n.len != 4))
		return no_shape(f, &n, err);
	if (box)
		unfold_box(&n);
	else if (polygon)
		close_ring(&n);
	w->ops->struct_begin(w);
	put_wkb(&n, polygon, w);
	put_no_srid(w);
	put_field(w, "extensions");
	w->ops->optional(w, &optional_strings, true);
	w->ops->map_begin(w, path ? 2 : 1);
	put_extension(w, "type", f->source);
	if (path)
		put_extension(w, "closed", *text == '(' ? "true" : "false");
	w->ops->map_end(w);
	w->ops->struct_end(w);
	vec_release(&n);
	return true;
}
