/* Origins of text, noted while it is written, and told; see origin.h. */
#include "models/template/origin.h"

#include "models/template/place.h"
#include "models/template/render.h"

#define MOST_NOTED 200000 /* pieces of a rendering; what is beyond them is not known */
#define MOST_TOLD  6      /* macros */

/* --- pieces --- */

/* Items with room for one more. */
static void *with_room(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 8;
	void *more = arena_alloc(a, *cap * size);
	if (n)
		memcpy(more, items, n * size);
	return more;
}

void origins_add(struct origins *o, struct origin piece)
{
	o->items = with_room(o->arena, o->items, o->n, &o->cap, sizeof piece);
	o->items[o->n++] = piece;
}

/* The first piece that ends behind that byte. */
static size_t first_behind(const struct origins *o, size_t at)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->items[middle].start + o->items[middle].len > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void origins_copy(
	struct origins *out, size_t at, const struct origins *of, size_t start, size_t len)
{
	for (size_t i = first_behind(of, start); i < of->n; i++) {
		struct origin piece = of->items[i];
		size_t end = piece.start + piece.len;
		if (piece.start >= start + len)
			return;
		if (piece.start < start) {
			piece.at += piece.is_verbatim ? (uint32_t)(start - piece.start) : 0;
			piece.start = start;
		}
		if (end > start + len)
			end = start + len;
		piece.len = end - piece.start;
		piece.start = piece.start - start + at;
		origins_add(out, piece);
	}
}

const struct origin *origins_find(const struct origins *o, size_t at)
{
	size_t i = first_behind(o, at);
	return i < o->n && o->items[i].start <= at ? &o->items[i] : NULL;
}

/* --- while it is written --- */

static const struct origin_call *keep(struct render *r, struct frame *frame)
{
	if (!frame || frame->kept)
		return frame ? frame->kept : NULL;
	struct origin_call *call = arena_alloc(r->origins->arena, sizeof *call);
	*call = frame->call;
	call->outer = keep(r, frame->outer);
	frame->kept = call;
	return call;
}

void origin_note(struct render *r, size_t start, uint32_t at, bool is_verbatim)
{
	if (!r->origins || r->out->len == start || r->n_origins++ >= MOST_NOTED)
		return;
	origins_add(r->origins, (struct origin){start, r->out->len - start, r->template, at,
					is_verbatim, keep(r, r->frame)});
}

/* The index of the captured text that lies there or, where none does, of the first one behind. */
static size_t captured_at(const struct render *r, const char *s)
{
	size_t low = 0, high = r->n_captured;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct captured *text = &r->captured[middle];
		if (text->s + text->len > s)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void origin_note_value(struct render *r, size_t start, uint32_t at, struct value v)
{
	size_t i = r->origins && v.kind == VALUE_STRING ? captured_at(r, v.s) : r->n_captured;
	const struct captured *text = r->captured + i;

	if (i == r->n_captured || text->s > v.s || v.s + v.len > text->s + text->len) {
		origin_note(r, start, at, false);
		return;
	}
	r->n_origins += text->origins.n;
	if (r->n_origins < MOST_NOTED)
		origins_copy(r->origins, start, &text->origins, (size_t)(v.s - text->s), v.len);
}

void origin_capture(struct render *r, struct value v, const struct origins *origins)
{
	size_t i = captured_at(r, v.s);

	if (!origins->n)
		return;
	r->captured = with_room(
		&r->arena, r->captured, r->n_captured, &r->cap_captured, sizeof *r->captured);
	memmove(r->captured + i + 1, r->captured + i, (r->n_captured++ - i) * sizeof *r->captured);
	r->captured[i] = (struct captured){v.s, v.len, *origins};
}

/* --- to be told --- */

static const char *place_text(struct arena *a, const struct template *t, uint32_t at)
{
	return arena_printf(a, "%s:%d", t->name, place_of(t, at).line);
}

/* The inner macros of that many, the outer of them first; gives where the outermost was called. */
static const char *tell_macros(
	const struct origin_call *call, const char *inside, int told, struct arena *a, char **out)
{
	if (!call)
		return inside;
	const char *outermost = tell_macros(
		call->outer, place_text(a, call->template, call->at), told + 1, a, out);
	if (told < MOST_TOLD)
		*out = arena_printf(a, "%s\n  in macro %s, %s", *out, call->macro, inside);
	return outermost;
}

struct origin_places origin_places(const struct origin *piece, size_t at, struct arena *arena)
{
	uint32_t source = piece->at;
	char *macros = arena_strdup(arena, "");

	if (piece->is_verbatim && at > piece->start)
		source += (uint32_t)(at - piece->start);
	const char *inside = place_text(arena, piece->template, source);
	const char *outermost = tell_macros(piece->call, inside, 0, arena, &macros);
	return (struct origin_places){outermost, macros, place_of(piece->template, source).line};
}
