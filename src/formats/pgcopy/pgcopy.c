/* The COPY BINARY stream; see pgcopy.h. A tuple that a message cuts is gathered in `carry`. */
#include "formats/pgcopy/pgcopy.h"

#include "formats/pgtype/pgwire.h"

static const uint8_t signature[11] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0};

#define CRITICAL_FLAGS 0xffff0000u
#define TRAILER        0xffff
#define NULL_FIELD     UINT32_MAX
#define CARRY_KEPT     ((size_t)1 << 20)

void pgcopy_init(struct pgcopy *c)
{
	*c = (struct pgcopy){0};
	buf_init(&c->carry, BUF_MAX);
}

void pgcopy_release(struct pgcopy *c)
{
	buf_release(&c->carry);
	pgcopy_reset(c);
}

void pgcopy_reset(struct pgcopy *c)
{
	buf_clear(&c->carry);
	c->data = NULL;
	c->len = 0;
	c->offset = 0;
	c->state = PGCOPY_AT_HEADER;
}

void pgcopy_feed(struct pgcopy *c, const uint8_t *data, size_t len)
{
	if (!c->carry.len) {
		c->data = data;
		c->len = len;
		return;
	}
	if (len > buf_room(&c->carry)) {
		c->state = PGCOPY_TOO_LONG;
		return;
	}
	buf_append(&c->carry, data, len);
	c->data = c->carry.data;
	c->len = c->carry.len;
}

static enum pgcopy_status failed(const struct pgcopy *c, const char *what, struct error *err)
{
	error_set(err, ERROR_BROKEN, "COPY in binary, at byte %llu: %s",
		(unsigned long long)c->offset, what);
	return PGCOPY_FAILED;
}

static void consume(struct pgcopy *c, const struct pg_wire *w)
{
	c->offset += (uint64_t)(w->at - c->data);
	c->len = pg_wire_left(w);
	c->data = w->at;
}

/* Keeps what is left for the next message. */
static enum pgcopy_status want_more(struct pgcopy *c)
{
	bool carried = c->carry.len > 0;

	if (!carried) {
		buf_append(&c->carry, c->data, c->len);
	} else if (!c->len && c->carry.cap > CARRY_KEPT) {
		buf_release(&c->carry);
	} else if (c->data != c->carry.data) {
		memmove(c->carry.data, c->data, c->len);
		c->carry.len = c->len;
	}
	c->data = NULL;
	c->len = 0;
	return PGCOPY_MORE;
}

static enum pgcopy_status read_header(struct pgcopy *c, struct error *err)
{
	struct pg_wire w = {c->data, c->data + c->len};
	size_t n = c->len < sizeof signature ? c->len : sizeof signature;
	uint32_t flags, extension;
	const uint8_t *skipped;

	if (n && memcmp(c->data, signature, n) != 0)
		return failed(c, "it does not begin as COPY in binary does", err);
	if (!pg_wire_bytes(&w, sizeof signature, &skipped) || !pg_wire_u32(&w, &flags) ||
		!pg_wire_u32(&w, &extension))
		return want_more(c);
	if (flags & CRITICAL_FLAGS)
		return failed(c, "its header has flags that are not known", err);
	if (!pg_wire_bytes(&w, extension, &skipped))
		return want_more(c);
	consume(c, &w);
	c->state = PGCOPY_AT_ROWS;
	return PGCOPY_ROW;
}

static enum pgcopy_status read_end(struct pgcopy *c, const struct pg_wire *w, struct error *err)
{
	consume(c, w);
	c->state = PGCOPY_AT_END;
	if (c->len)
		return failed(c, "bytes follow its trailer", err);
	return PGCOPY_END;
}

static enum pgcopy_status read_row(
	struct pgcopy *c, struct pg_cell *cells, size_t n, struct error *err)
{
	struct pg_wire w = {c->data, c->data + c->len};
	uint16_t fields;

	if (!pg_wire_u16(&w, &fields))
		return want_more(c);
	if (fields == TRAILER)
		return read_end(c, &w, err);
	if (fields != n)
		return failed(c, "a row has another number of columns than was asked for", err);
	for (size_t i = 0; i < n; i++) {
		uint32_t len;
		if (!pg_wire_u32(&w, &len))
			return want_more(c);
		cells[i] = (struct pg_cell){.kind = PG_CELL_NULL};
		if (len == NULL_FIELD)
			continue;
		if (len > INT32_MAX)
			return failed(c, "a value has a negative length", err);
		cells[i] = (struct pg_cell){.len = len, .kind = PG_CELL_BINARY};
		if (!pg_wire_bytes(&w, len, &cells[i].data))
			return want_more(c);
	}
	consume(c, &w);
	return PGCOPY_ROW;
}

enum pgcopy_status pgcopy_next(struct pgcopy *c, struct pg_cell *cells, size_t n, struct error *err)
{
	if (c->state == PGCOPY_TOO_LONG)
		return failed(c, "a row is too long", err);
	if (c->state == PGCOPY_AT_HEADER && c->len) {
		enum pgcopy_status status = read_header(c, err);
		if (status != PGCOPY_ROW)
			return status;
	}
	if (c->state == PGCOPY_AT_END)
		return c->len ? failed(c, "bytes follow its trailer", err) : PGCOPY_END;
	if (!c->len)
		return want_more(c);
	return read_row(c, cells, n, err);
}
