/*
 * Which streams and tables are compared, and what comes of it; see verify.h. What a table is, and where it
 * lives in the target, is read from the state store before it is compared and again behind it: a table that
 * changed meanwhile (copied anew, columns added) is compared once more.
 */
#include "verify/verify.h"

#include <fnmatch.h>
#include <stdio.h>
#include "base/clock.h"
#include "verify/compare.h"

#define SHOW       20
#define MOST_TRIES 3 /* of a table that changes while it is compared */

struct run {
	const struct config *config;
	struct state *state;
	const struct verify_options *options;
	struct verify_report *report;
	bool *matched; /* of each pattern */
};

/* --- Selection --- */

static bool is_selected(struct run *run, const struct verify_table *table)
{
	bool selected = run->options->n_tables == 0;

	for (size_t i = 0; i < run->options->n_tables; i++) {
		const char *pattern = run->options->tables[i];
		if (fnmatch(pattern, table->name, 0) != 0 && strcmp(pattern, table->target) != 0)
			continue;
		run->matched[i] = true;
		selected = true;
	}
	return selected;
}

/* NULL where both ends of a stream are tables. */
static const char *not_comparable(const struct stream_config *stream)
{
	if (stream->to->sink->log)
		return "its rows go into a log of changes, which is no table to compare it with";
	if (!stream->from->source->scan && !stream->verify_with)
		return "its rows come from a log of changes, which is no table to compare it with; "
		       "the stream may name the database that the log is written from as "
		       "verify_with";
	return NULL;
}

static void add_table(struct run *run, const struct stream_config *stream,
	const struct table_state *table, bool history)
{
	struct arena *a = &run->report->arena;
	const char *why = not_comparable(stream);
	struct verify_table added = {
		.not_verified = why,
		.excused = why != NULL,
		.stream = arena_strdup(a, stream->name),
		.name = arena_printf(a, "%s.%s", table->schema, table->name),
		.target = arena_printf(a, "%s%s", table->target, history ? "_log" : ""),
		.history = history,
	};
	if (is_selected(run, &added))
		vec_push(&run->report->tables, added);
}

/* One entry for each storage that the table has. */
static void add_storages(
	struct run *run, const struct stream_config *stream, const struct table_state *known)
{
	static const struct table_options none;
	struct table *table = table_from_json(known->definition, stream->name, &none, NULL);
	enum keep keep = table ? table->keep : KEEP_LATEST;

	if (keep != KEEP_HISTORY)
		add_table(run, stream, known, false);
	if (keep != KEEP_LATEST)
		add_table(run, stream, known, true);
	table_unref(table);
}

/* --- One table --- */

/* The state of a table as recorded now. NULL when there is none. The caller releases *states. */
static const struct table_state *recorded(struct run *run, const struct verify_table *t,
	struct table_states *states, struct error *err)
{
	char name[sizeof states->items->schema + sizeof states->items->name];

	if (!state_tables(run->state, t->stream, states, err))
		return NULL;
	vec_each (states, it) {
		snprintf(name, sizeof name, "%s.%s", it->schema, it->name);
		if (!strcmp(name, t->name))
			return it;
	}
	error_set(err, ERROR_TABLE, "it is no longer in the state store");
	return NULL;
}

static void not_verified(struct run *run, struct verify_table *t, bool excused, const char *why)
{
	t->not_verified = arena_strdup(&run->report->arena, why);
	t->excused = excused;
}

/* Is the target's storage one to compare with? */
static bool is_comparable(struct run *run, struct verify_table *t, const struct table_state *known)
{
	char why[1100];

	switch (known->status) {
	case TABLE_LIVE: return true;
	case TABLE_COPYING:
		snprintf(why, sizeof why, "it is being copied, %u of %u chunks are done",
			known->chunks_done, known->chunks);
		break;
	case TABLE_BROKEN: snprintf(why, sizeof why, "it is broken: %s", known->error); break;
	case TABLE_DROPPED:
		snprintf(why, sizeof why, "it is gone in the source and kept in the target");
		break;
	case TABLE_EXCLUDED: snprintf(why, sizeof why, "it is no longer selected"); break;
	}
	not_verified(
		run, t, known->status == TABLE_DROPPED || known->status == TABLE_EXCLUDED, why);
	return false;
}

static struct table *find_table(const struct tables *tables, uint64_t source_id)
{
	vec_each (tables, table) {
		if ((*table)->source_id == source_id)
			return *table;
	}
	return NULL;
}

static bool discover(struct sides *sides, struct tables *out, struct error *err)
{
	vec_each (out, table)
		table_unref(*table);
	out->len = 0;
	return sides->source->ops->discover(sides->source, out, err);
}

/* The definition that source and target agree on, a reference; NULL with the reason when they do not. */
static struct table *agreed_table(struct run *run, struct verify_table *t,
	const struct tables *tables, const struct table_state *known)
{
	struct table *table = find_table(tables, known->source_id);
	struct error err = {0};

	if (!table)
		return not_verified(
			       run, t, false, "it is gone in the source, or no longer selected"),
		       NULL;
	if (table->problem)
		return not_verified(run, t, false, table->problem), NULL;
	struct table *then = table_from_json(known->definition, t->stream, table->options, &err);
	bool same = then && table_same_definition(table, then);
	table_unref(then);
	if (same)
		return table_ref(table);
	return not_verified(run, t, false,
		       "its definition changed in the source and the stream has not come to that "
		       "yet"),
	       NULL;
}

/* The same where the source is a log: the table of the database that it was written from. *stored is as the
 * target has it. */
static struct table *agreed_origin(struct run *run, struct sides *sides, struct verify_table *t,
	struct tables *tables, const struct table_state *known, struct table **stored)
{
	static const struct table_options none;
	struct error err = {0};
	struct table *then = table_from_json(known->definition, t->stream, &none, &err);
	struct table *table = NULL;
	bool again = true, ok = then;

	while (ok && again) {
		table = origin_table(tables, then);
		ok = origin_fit(sides, table, then, &again, &err) &&
		     (!again || discover(sides, tables, &err));
	}
	if (ok) {
		*stored = origin_as_stored(table, then, &sides->arena);
	} else {
		not_verified(run, t, false, err.text);
	}
	table_unref(then);
	return ok ? table_ref(table) : NULL;
}

void add_note(struct comparison *c, const char *note)
{
	const char *before = c->result->note;

	c->result->note = before ? arena_printf(c->arena, "%s; %s", before, note)
				 : arena_strdup(c->arena, note);
}

/* ClickHouse's own JSON rewrites documents: what comes back is not what went in. */
static void choose_columns(struct comparison *c)
{
	const char *left_out = NULL;

	c->compared = xcalloc(c->table->n_columns + 1, sizeof *c->compared);
	for (size_t i = 0; i < c->table->n_columns; i++) {
		const struct table_column *column = &c->table->columns[i];
		c->compared[i] = column->type.kind != TYPE_JSON;
		if (!c->compared[i])
			left_out = arena_printf(c->arena, "%s%s%s", left_out ? left_out : "",
				left_out ? ", " : "", column->name);
	}
	if (left_out)
		add_note(c,
			arena_printf(c->arena,
				"not compared, because the target keeps JSON in a form of its own: "
				"%s",
				left_out));
	left_out = origin_left_out(c->sides, c->table);
	if (left_out)
		add_note(c, arena_printf(c->arena,
				    "not compared, because the topic has them in another form or "
				    "not at "
				    "all: %s",
				    left_out));
}

/* What a log's writer has yet to write cannot be told from what it will never write. */
static void note_writer(struct comparison *c)
{
	const struct verify_table *t = c->result;

	if (c->sides->log && (t->missing || t->extra || t->different))
		add_note(c, "what has not come into the topics yet counts as different");
}

static bool compare_agreed(struct run *run, struct sides *sides, struct verify_table *t,
	struct table *table, struct table *stored, uint32_t generation, struct error *err)
{
	struct table landed = *stored;
	struct comparison c = {
		.sides = sides,
		.table = table,
		.stored = stored,
		.landing = {.table = &landed, .generation = generation},
		.result = t,
		.arena = &run->report->arena,
		.show = run->options->show ? run->options->show : SHOW,
	};
	struct arena filter_arena;

	landed.keep = t->history ? KEEP_HISTORY : KEEP_LATEST;
	arena_init(&filter_arena);
	const char *where = table->options ? table->options->where : NULL;
	if (where)
		c.filter = filter_compile(where, table, &filter_arena, err);
	choose_columns(&c);
	batch_init(&c.suspects, table);
	bool ok = (!where || c.filter) &&
		  (table->n_key ? compare_table(&c, err) : compare_multiset(&c, err));
	note_writer(&c);
	batch_release(&c.suspects);
	free(c.compared);
	map_release(&c.asides);
	map_release(&c.asides_before);
	arena_release(&filter_arena);
	return ok;
}

/* What was found is forgotten: the table is compared once more. */
static void begin_anew(struct verify_table *t)
{
	struct verify_table fresh = {
		.stream = t->stream, .name = t->name, .target = t->target, .history = t->history};

	vec_release(&t->differences);
	vec_release(&t->asides);
	*t = fresh;
}

static bool same_storage(const struct table_state *a, const struct table_state *b)
{
	return a->source_id == b->source_id && a->status == b->status &&
	       a->generation == b->generation && !strcmp(a->definition, b->definition);
}

/* One comparison, with the table as it is recorded now. *changed: it is another by now. */
static bool compare_recorded(struct run *run, struct sides *sides, struct verify_table *t,
	struct tables *tables, bool *changed, struct error *err)
{
	struct table_states before = {0}, after = {0};
	struct table *table = NULL, *stored = NULL;
	struct error ignored;
	bool ok = true;

	*changed = false;
	const struct table_state *known = recorded(run, t, &before, err);
	if (!known)
		return false;
	if (is_comparable(run, t, known) && sides->log)
		table = agreed_origin(run, sides, t, tables, known, &stored);
	else if (!t->not_verified)
		table = stored = agreed_table(run, t, tables, known);
	if (table)
		ok = compare_agreed(run, sides, t, table, stored, known->generation, err);
	const struct table_state *now = recorded(run, t, &after, &ignored);
	*changed = table && (!now || !same_storage(known, now));
	table_unref(table);
	table_states_release(&before);
	table_states_release(&after);
	return ok;
}

static void verify_one(
	struct run *run, struct sides *sides, struct verify_table *t, struct tables *tables)
{
	int64_t began_ms = mono_ms();
	struct error err = {0};
	bool ok = true, changed = true;

	for (int tries = 0; changed && tries < MOST_TRIES && !verify_stopped(sides, NULL);
		tries++) {
		begin_anew(t);
		ok = (tries == 0 || discover(sides, tables, &err)) &&
		     compare_recorded(run, sides, t, tables, &changed, &err);
	}
	t->seconds = (double)(mono_ms() - began_ms) / 1000;
	if (!ok)
		not_verified(run, t, false, err.text);
	else if (changed)
		not_verified(run, t, false, "it changed each time it was compared");
	else if (sides->stands_still && !t->note)
		t->note = "the stream stood still meanwhile: what it has yet to carry counts as "
			  "different";
}

/* --- One stream --- */

static bool begin_stream(struct sides *sides, struct tables *tables, struct error *err)
{
	bool passed;

	if (!sides_open(sides, err))
		return false;
	/* changes of tables that the stream has yet to come to would keep them from being compared */
	if (wait_for_stream(sides, &passed, err) && discover(sides, tables, err))
		return true;
	sides_close(sides);
	return false;
}

/* Tables [from, to) of the report. */
static void verify_stream(
	struct run *run, const struct stream_config *stream, size_t from, size_t to)
{
	struct sides sides = {.options = run->options,
		.settings = stream,
		.state = run->state,
		.hmac_key = run->config->server.hmac_key};
	struct tables tables = {0};
	struct error err = {0};

	bool open = begin_stream(&sides, &tables, &err);
	for (size_t i = from; i < to; i++) {
		struct verify_table *t = &run->report->tables.items[i];
		if (open)
			verify_one(run, &sides, t, &tables);
		else
			not_verified(run, t, false, err.text);
	}
	vec_each (&tables, table)
		table_unref(*table);
	vec_release(&tables);
	if (open)
		sides_close(&sides);
}

/* --- All of them --- */

static bool select_tables(struct run *run, const struct stream_config *stream, struct error *err)
{
	struct table_states known;

	if (!state_tables(run->state, stream->name, &known, err))
		return false;
	vec_each (&known, table)
		add_storages(run, stream, table);
	table_states_release(&known);
	return true;
}

static bool check_patterns(const struct run *run, struct error *err)
{
	for (size_t i = 0; i < run->options->n_tables; i++) {
		if (!run->matched[i])
			return error_set(err, ERROR_CONFIG,
				"there is no mirrored table %s; `tailrace status` lists what there "
				"is",
				run->options->tables[i]);
	}
	if (!run->report->tables.len)
		return error_set(
			err, ERROR_CONFIG, "nothing is mirrored yet; `tailrace run` begins");
	vec_each (&run->report->tables, t) {
		if (!t->excused)
			return true;
	}
	return error_set(err, ERROR_CONFIG,
		"nothing here can be compared: these tables go into logs of changes, or come from "
		"them; `verify_with` of a stream from Kafka names the database to compare with");
}

static enum verdict judge(const struct verify_report *report)
{
	bool different = false, incomplete = false, compared = false;

	vec_each (&report->tables, t) {
		different = different || t->missing || t->extra || t->different;
		incomplete = incomplete || t->unsettled || (t->not_verified && !t->excused);
		compared = compared || !t->not_verified;
	}
	if (different)
		return VERDICT_DIFFERENT;
	return incomplete || !compared ? VERDICT_INCOMPLETE : VERDICT_EQUAL;
}

static bool verify_all(struct run *run, struct error *err)
{
	const struct config *config = run->config;
	size_t *first = xcalloc(config->n_streams + 1, sizeof *first);
	bool ok = true;

	for (size_t i = 0; ok && i < config->n_streams; i++) {
		first[i] = run->report->tables.len;
		ok = select_tables(run, &config->streams[i], err);
	}
	first[config->n_streams] = run->report->tables.len;
	ok = ok && check_patterns(run, err);
	for (size_t i = 0; ok && i < config->n_streams; i++) {
		if (first[i] < first[i + 1] && !not_comparable(&config->streams[i]))
			verify_stream(run, &config->streams[i], first[i], first[i + 1]);
	}
	free(first);
	return ok;
}

bool verify_run(const struct config *config, struct state *state,
	const struct verify_options *options, struct verify_report *out, struct error *err)
{
	struct run run = {.config = config, .state = state, .options = options, .report = out};

	*out = (struct verify_report){.sample = options->sample};
	arena_init(&out->arena);
	run.matched = xcalloc(options->n_tables + 1, sizeof *run.matched);
	bool ok = verify_all(&run, err);
	free(run.matched);
	if (ok && options->stop && *options->stop)
		ok = error_set(err, ERROR_BROKEN, "the comparison was stopped");
	out->verdict = judge(out);
	return ok;
}
