/* A stable merge sort whose comparison may fail; see render.h. */
#include "models/template/render.h"

struct sorting {
	struct render *r;
	struct value *items, *keys, *spare_items, *spare_keys;
	bool reverse;
};

/* Does the right one go before the left? Equal ones stay as they are, in reverse as well. */
static bool right_first(struct sorting *s, struct value left, struct value right, bool *out)
{
	return s->reverse ? less(s->r, left, right, out) : less(s->r, right, left, out);
}

static bool merge(struct sorting *s, size_t from, size_t middle, size_t to)
{
	size_t left = from, right = middle;

	for (size_t at = from; at < to; at++) {
		bool take_right = left == middle;
		if (left < middle && right < to &&
			!right_first(s, s->keys[left], s->keys[right], &take_right))
			return false;
		size_t taken = take_right ? right++ : left++;
		s->spare_items[at] = s->items[taken];
		s->spare_keys[at] = s->keys[taken];
	}
	memcpy(s->items + from, s->spare_items + from, (to - from) * sizeof *s->items);
	memcpy(s->keys + from, s->spare_keys + from, (to - from) * sizeof *s->keys);
	return render_charge(s->r, to - from);
}

static bool sort(struct sorting *s, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;

	if (to - from < 2)
		return true;
	return sort(s, from, middle) && sort(s, middle, to) && merge(s, from, middle, to);
}

bool sort_values(struct render *r, struct value *items, struct value *keys, size_t n, bool reverse)
{
	struct sorting s = {.r = r, .items = items, .keys = keys, .reverse = reverse};

	if (n < 2)
		return true;
	if (!render_room(r, 2 * n * sizeof *items))
		return false;
	s.spare_items = arena_alloc(&r->arena, n * sizeof *items);
	s.spare_keys = arena_alloc(&r->arena, n * sizeof *keys);
	return sort(&s, 0, n);
}
