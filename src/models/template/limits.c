/* What a rendering may take, and how it ends: errors with their place, memory; see render.h. */
#include <stdarg.h>
#include <stdio.h>
#include "models/template/place.h"
#include "models/template/render.h"

const struct limits limits_default = {
	.depth = 1000, .steps = 50000000, .max_bytes = (size_t)256 << 20};

#define CHECK_EVERY 256   /* steps: the arena's bytes are summed up */
#define MOST_TOLD   6     /* calls that a message names */
#define LARGE       65536 /* bytes: looked at before they are made */

bool render_fail(struct render *r, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	r->returning = false;
	if (!r->err)
		return false;
	const struct render_place here = render_here(r, &r->arena);
	return error_set(r->err, ERROR_CONFIG, "%s: %s%s", here.place, message, here.shown);
}

bool render_return(struct render *r, struct value v)
{
	r->returning = true;
	r->returned = v;
	return false;
}

bool fail_undefined(struct render *r, struct value v)
{
	if (v.kind == VALUE_UNDEFINED)
		render_fail(r, "%s", v.why);
	return false;
}

bool render_enter(struct render *r)
{
	if (r->depth >= r->limits.depth)
		return render_fail(r,
			"calls and expressions are nested more than %u deep; does a macro "
			"call itself without end?",
			r->limits.depth);
	r->depth++;
	return true;
}

static bool fail_memory(struct render *r)
{
	return render_fail(r, "the template makes more than %zu MiB of text and values",
		r->limits.max_bytes >> 20);
}

bool render_charge(struct render *r, uint64_t steps)
{
	uint64_t before = r->steps;

	r->steps += steps;
	if (r->steps > r->limits.steps || r->steps < before)
		return render_fail(r,
			"the template takes more than %llu steps; does a loop have no end?",
			(unsigned long long)r->limits.steps);
	if (before / CHECK_EVERY != r->steps / CHECK_EVERY &&
		arena_bytes(&r->arena) > r->limits.max_bytes)
		return fail_memory(r);
	return true;
}

bool render_room(struct render *r, size_t bytes)
{
	if (bytes < LARGE)
		return true;
	if (bytes > r->limits.max_bytes || arena_bytes(&r->arena) > r->limits.max_bytes - bytes)
		return fail_memory(r);
	return render_charge(r, bytes / 64);
}

void render_buf(struct render *r, struct buf *b)
{
	buf_init(b, r->limits.max_bytes + 64);
}

bool render_grow(struct render *r, struct buf *b, size_t n)
{
	if (n > buf_room(b))
		return fail_memory(r);
	return render_charge(r, n / 64);
}

bool render_append(struct render *r, struct buf *b, const char *s, size_t n)
{
	if (!render_grow(r, b, n))
		return false;
	buf_append(b, s, n);
	return true;
}

struct value render_text(struct render *r, const void *bytes, size_t len)
{
	return value_bytes(arena_strndup(&r->arena, len ? bytes : "", len), len);
}

struct value render_take(struct render *r, struct buf *b)
{
	struct value text = render_text(r, b->data, b->len);

	buf_release(b);
	return text;
}

struct value render_printf(struct render *r, const char *fmt, ...)
{
	struct buf b;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&b, sizeof text);
	buf_append(&b, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
	return render_take(r, &b);
}

struct arena *render_arena(struct render *r)
{
	return &r->arena;
}

const char *render_line(struct render *r)
{
	return arena_printf(
		&r->arena, "%s:%d", r->template->name, place_of(r->template, r->at).line);
}

struct render_place render_here(struct render *r, struct arena *arena)
{
	int told = 0;
	struct buf shown;

	buf_init(&shown, (size_t)1 << 20);
	place_show(r->template, r->at, &shown);
	for (const struct frame *f = r->frame; f && told < MOST_TOLD; f = f->outer, told++)
		buf_printf(&shown, "\n  in macro %s, called at %s:%d", f->call.macro,
			f->call.template->name, place_of(f->call.template, f->call.at).line);
	struct place place = place_of(r->template, r->at);
	struct render_place here = {
		arena_printf(arena, "%s:%d:%d", r->template->name, place.line, place.column),
		arena_strdup(arena, buf_text(&shown))};
	buf_release(&shown);
	return here;
}
