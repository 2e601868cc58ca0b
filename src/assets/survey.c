/*
 * Statuses of assets, parents first; see survey.h. A parent's changes are mapped to the partitions of the asset, and
 * compared with the seq of what is built there. Marks and built ranges are ascending, so each change looks only at the
 * ranges that it touches; those that touch everything count as one, by their latest.
 */
#include "assets/survey.h"

#include <string.h>
#include "assets/internal.h"

struct survey {
	struct arena arena;
	const struct graph *graph;
	struct state *state;
	struct status *of; /* by index of the asset */
	bool *known;
	struct map streams; /* name -> struct stream_known * */
};

/* A stream, and its tables. */
struct stream_known {
	struct stream_state state;
	bool found;
	struct table_states tables;
};

struct survey *survey_new(const struct graph *g, struct state *state)
{
	struct survey *v = xcalloc(1, sizeof *v);

	arena_init(&v->arena);
	v->graph = g;
	v->state = state;
	v->of = xcalloc(graph_assets(g)->len + 1, sizeof *v->of);
	v->known = xcalloc(graph_assets(g)->len + 1, sizeof *v->known);
	return v;
}

static void release(struct status *s)
{
	vec_release(&s->built);
	vec_release(&s->changes);
	vec_release(&s->dirty);
}

void survey_free(struct survey *v)
{
	const void *key;
	size_t len;
	void *stream;

	if (!v)
		return;
	for (size_t i = 0; i < graph_assets(v->graph)->len; i++)
		release(&v->of[i]);
	for (size_t i = 0; map_next(&v->streams, &i, &key, &len, &stream);)
		table_states_release(&((struct stream_known *)stream)->tables);
	map_release(&v->streams);
	arena_release(&v->arena);
	free(v->of);
	free(v->known);
	free(v);
}

struct state *survey_state(struct survey *v)
{
	return v->state;
}

const struct graph *survey_graph(struct survey *v)
{
	return v->graph;
}

/* --- up to when --- */

static struct stream_known *stream_of(struct survey *v, const char *name, struct error *err)
{
	struct stream_known *stream = map_get(&v->streams, name, strlen(name));

	if (stream)
		return stream;
	stream = arena_alloc(&v->arena, sizeof *stream);
	if (!state_stream_get(v->state, name, &stream->state, &stream->found, err) ||
		!state_tables(v->state, name, &stream->tables, err))
		return NULL;
	map_put(&v->streams, name, strlen(name), stream);
	return stream;
}

/* A history is beside its table, as TABLE_log. */
static bool is_table(const struct table_state *t, const char *name)
{
	size_t len = strlen(t->target);

	return !strncmp(t->target, name, len) && (!name[len] || !strcmp(name + len, "_log"));
}

static bool is_whole(const struct stream_known *stream, const char *table)
{
	bool whole = false;

	vec_each (&stream->tables, t)
		whole |= is_table(t, table) && t->status == TABLE_LIVE;
	return whole;
}

/* A table that is copied anew is there meanwhile. */
static bool is_there(const struct stream_known *stream, const char *table)
{
	bool there = false;

	vec_each (&stream->tables, t)
		there |= is_table(t, table) && t->generation;
	return there;
}

bool survey_mirrored(struct survey *v, const char *name, const char *table,
	const struct table_state **out, struct error *err)
{
	const struct stream_known *stream = stream_of(v, name, err);

	*out = NULL;
	for (size_t i = 0; stream && i < stream->tables.len && !*out; i++)
		if (is_table(&stream->tables.items[i], table))
			*out = &stream->tables.items[i];
	return stream;
}

static bool mirror_as_of(
	struct survey *v, const struct asset *asset, struct as_of *out, struct error *err)
{
	const struct source_table *t = asset->source;
	const struct stream_known *stream = stream_of(v, t->stream->name, err);

	if (!stream)
		return false;
	*out = (struct as_of){.position = ""};
	v->of[asset->index].absent = !stream->found || !is_there(stream, t->table);
	if (!stream->found || !is_whole(stream, t->table)) {
		out->unknown = asset;
		return true;
	}
	const struct position *position = &stream->state.resume.position;
	out->us = position->commit_time_us;
	out->position = arena_printf(&v->arena, "%s %s", t->stream->name, position->token);
	return true;
}

/* The least of what is known. */
static void least(struct as_of *a, const struct as_of *b)
{
	if (!a->unknown)
		a->unknown = b->unknown;
	if (b->always)
		return;
	a->always = false;
	if (b->us && (!a->us || b->us < a->us)) {
		a->us = b->us;
		a->position = b->position;
	}
}

static void sum_parents(struct survey *v, const struct asset *asset, struct as_of *out)
{
	*out = (struct as_of){.always = true, .position = ""};
	vec_each (&asset->parents, it)
		least(out, &v->of[(*it)->index].as_of);
}

/* --- what is dirty --- */

/* The first that ends behind the time, of those without a key. */
static size_t first_built(const struct builts *built, int64_t us)
{
	size_t low = 0, high = built->len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct built *b = &built->items[middle];
		if (*b->partition || b->to_us > us)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void add_dirty(struct status *s, const struct effect *change, struct span span)
{
	const struct builts *built = &s->built;

	for (size_t i = first_built(built, span.from_us); i < built->len; i++) {
		const struct built *b = &built->items[i];
		struct effect part = *change;
		if (*b->partition || b->from_us >= span.to_us)
			break;
		part.span = span_common(span, (struct span){b->from_us, b->to_us});
		part.partition = "";
		if (b->seq < change->seq)
			vec_push(&s->dirty, part);
	}
}

/* Of static partitions: those of the change's key, where it has one and the parent the same keys; or all. */
static void add_dirty_keys(struct status *s, const struct effect *change, bool same)
{
	vec_each (&s->built, b) {
		struct effect part = *change;
		if (!*b->partition || b->seq >= change->seq)
			continue;
		if (same && *change->partition && strcmp(change->partition, b->partition))
			continue;
		part.partition = b->partition;
		part.span = SPAN_ALL;
		vec_push(&s->dirty, part);
	}
}

static void find_dirty(struct survey *v, const struct asset *asset, const struct asset *parent)
{
	struct status *s = &v->of[asset->index];
	const struct effects *changes = &v->of[parent->index].changes;
	struct partition_mapping mapping = asset_mapping(asset, parent);
	const struct effect *latest = NULL; /* of those that touch everything */
	bool same = mapping.kind == MAPPING_SAME && parent->partitioning.keys.n;

	if (mapping.kind == MAPPING_IGNORE || !s->built.len)
		return;
	vec_each (changes, change) {
		if (asset->partitioning.keys.n) {
			add_dirty_keys(s, change, same);
			continue;
		}
		struct span span = mapped(
			&asset->partitioning, mapping, asset->node->lookback, change->span);
		bool all = mapping.kind == MAPPING_ALL || asset->partitioning.period == PERIOD_NONE;
		if (!all)
			add_dirty(s, change, span);
		else if (!latest || change->seq > latest->seq)
			latest = change;
	}
	if (latest)
		add_dirty(s, latest, SPAN_ALL);
}

/* --- changes --- */

static int compare_effects(const void *a, const void *b)
{
	const struct effect *x = a, *y = b;
	const int64_t pairs[][2] = {{x->span.from_us, y->span.from_us},
		{x->span.to_us, y->span.to_us}, {y->seq, x->seq},
		{(int64_t)x->cause->index, (int64_t)y->cause->index}};

	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1] ? -1 : 1;
	return strcmp(x->partition, y->partition);
}

static bool covers(const struct effect *a, const struct effect *b)
{
	bool all = a->span.from_us == TIME_MIN && a->span.to_us == TIME_MAX && !*a->partition;

	return a->span.from_us == b->span.from_us && a->span.to_us == b->span.to_us &&
	       a->seq >= b->seq &&
	       (all || (a->cause == b->cause && !strcmp(a->partition, b->partition)));
}

void effects_compact(struct effects *effects)
{
	size_t kept = 0;

	if (effects->len)
		qsort(effects->items, effects->len, sizeof *effects->items, compare_effects);
	vec_each (effects, it)
		if (!kept || !covers(&effects->items[kept - 1], it))
			effects->items[kept++] = *it;
	effects->len = kept;
}

static bool own_changes(
	struct survey *v, const struct asset *asset, struct status *s, struct error *err)
{
	struct marks marks;

	if (!state_marks(v->state, asset->id, &v->arena, &marks, err))
		return false;
	vec_each (&marks, m) {
		struct effect change = {asset, m->partition, {m->from_us, m->to_us}, m->seq};
		vec_push(&s->changes, change);
	}
	vec_release(&marks);
	return true;
}

/* A view's rows of a time are made of its parent's of that time, or of all. */
static void pass_changes(struct survey *v, const struct asset *asset, const struct asset *parent)
{
	struct partition_mapping mapping = asset_mapping(asset, parent);
	bool same = mapping.kind == MAPPING_SAME;

	if (mapping.kind == MAPPING_IGNORE)
		return;
	vec_each (&v->of[parent->index].changes, it) {
		struct effect change = *it;
		if (!same) {
			change.partition = "";
			change.span = SPAN_ALL;
		}
		vec_push(&v->of[asset->index].changes, change);
	}
}

/* --- the whole --- */

/* What is dirty is up to when it was built; all else, as no change came since, up to where its parents are. */
static void built_as_of(struct status *s)
{
	s->as_of = s->parents;
	if (!s->built.len)
		s->as_of = (struct as_of){.position = "", .unknown = s->parents.unknown};
	for (size_t i = 0, k = 0; i < s->dirty.len; i++) {
		const struct effect *part = &s->dirty.items[i];
		for (k = *part->partition ? 0 : first_built(&s->built, part->span.from_us);
			k < s->built.len; k++) {
			const struct built *b = &s->built.items[k];
			if (strcmp(b->partition, part->partition))
				continue;
			struct as_of then = {.us = b->as_of_us, .position = b->position};
			least(&s->as_of, &then);
			break;
		}
	}
}

/* A view shows what its parents are; whatever else is built from them is what it is until it is built again. */
static void find_unknown(struct survey *v, const struct asset *asset, struct status *s)
{
	s->unfed = asset->kind == ASSET_SOURCE ? asset : NULL;
	s->blind = asset->passes && !asset->parents.len ? asset : NULL;
	for (size_t i = 0; asset->passes && i < asset->parents.len; i++) {
		const struct asset *parent = asset->parents.items[i];
		if (asset_mapping(asset, parent).kind == MAPPING_IGNORE)
			continue;
		s->unfed = s->unfed ? s->unfed : v->of[parent->index].unfed;
		s->blind = s->blind ? s->blind : v->of[parent->index].blind;
	}
}

static bool look(struct survey *v, const struct asset *asset, struct error *err)
{
	struct status *s = &v->of[asset->index];

	find_unknown(v, asset, s);
	sum_parents(v, asset, &s->parents);
	s->as_of = s->parents;
	if (asset->kind == ASSET_SOURCE)
		s->as_of = (struct as_of){.position = "", .unknown = asset};
	if (asset->kind == ASSET_CHECK || asset->kind == ASSET_SOURCE)
		return true;
	if (!own_changes(v, asset, s, err))
		return false;
	if (asset->kind == ASSET_MIRROR)
		return mirror_as_of(v, asset, &s->as_of, err);
	if (!state_built(v->state, asset->id, &v->arena, &s->built, err))
		return false;
	vec_each (&asset->parents, it) {
		if (asset->passes)
			pass_changes(v, asset, *it);
		else
			find_dirty(v, asset, *it);
	}
	if (asset->passes)
		effects_compact(&s->changes);
	else
		built_as_of(s);
	return true;
}

const struct status *survey_status(struct survey *v, const struct asset *asset, struct error *err)
{
	if (v->known[asset->index])
		return &v->of[asset->index];
	vec_each (&asset->parents, it)
		if (!survey_status(v, *it, err))
			return NULL;
	if (!look(v, asset, err))
		return NULL;
	v->known[asset->index] = true;
	return &v->of[asset->index];
}

void survey_forget(struct survey *v, const struct asset *asset)
{
	struct status *s = &v->of[asset->index];

	v->known[asset->index] = false;
	release(s);
	*s = (struct status){0};
}

bool survey_stamp(struct survey *v, const struct asset *asset, struct arena *arena,
	struct built *out, struct error *err)
{
	struct asset_ids inputs = {0};
	struct as_of as_of;

	asset_inputs(v->graph, asset, &inputs);
	/* The seq first: what is marked behind it makes the build dirty again. */
	bool ok = state_seq(v->state, inputs.items, inputs.len, &out->seq, err);
	vec_release(&inputs);
	vec_each (&asset->parents, it)
		ok = ok && survey_status(v, *it, err);
	if (!ok)
		return false;
	sum_parents(v, asset, &as_of);
	out->as_of_us = as_of.us;
	out->position = arena_strdup(arena, as_of.position);
	return true;
}
