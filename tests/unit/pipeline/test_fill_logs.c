/* Unchanged TOAST values over random logs: what is filled in must be what a plain replay of the log gives. */
#include "../fakes.h"
#include "pipeline/fill.h"

static struct table *table;
static struct batch batch;
static struct source source = {.ops = &fake_source_ops};
static struct sink sink = {.ops = &fake_sink_ops};
static struct prepare prepare;

static int set_up(void **unused)
{
	(void)unused;
	table = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"status", "nullable(string)", "text"}, {"note", "nullable(string)", "text"},
		{"body", "string", "text"}, {0}});
	batch_init(&batch, table);
	fakes_init(table);
	prepare = (struct prepare){
		.source = &source, .sink = &sink, .landing = {.table = table, .generation = 1}};
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	fakes_release();
	batch_release(&batch);
	table_unref(table);
	return 0;
}

static void run(void)
{
	struct error err = {0};
	if (!prepare_batch(&prepare, &batch, &err))
		fail_msg("%s", err.text);
	assert_false(batch_has_unchanged(&batch));
}

/* Many rows, few keys, all of them in one batch. */
static void random_histories_are_filled_as_a_replay_would(void **unused)
{
	(void)unused;
	for (unsigned seed = 1; seed <= 200; seed++) {
		const char *now[12] = {0}; /* body of each key, NULL: no such row */
		char texts[300][16], expected[300][16] = {0};
		unsigned random = seed * 2654435761u, n = 0;

		batch_clear(&batch);
		for (unsigned i = 0; i < 200; i++) {
			random = random * 1664525 + 1013904223;
			unsigned key = random >> 16 & 7, what = random >> 20 & 3,
				 to = random >> 24 & 7;
			char id[8], other[8];
			snprintf(id, sizeof id, "%u", key);
			snprintf(other, sizeof other, "%u", to);
			if (!now[key]) {
				snprintf(texts[n], sizeof texts[n], "b%u", i);
				now[key] = texts[n];
				add_row(&batch, OP_INSERT, i + 1, id, "s", "n", texts[n]);
			} else if (what == 0) {
				now[key] = NULL;
				add_row(&batch, OP_DELETE, i + 1, id);
			} else if (what == 1 && !now[to]) {
				add_row(&batch, OP_KEY_CHANGED, i + 1, id);
				n++;
				now[to] = now[key];
				now[key] = NULL;
				snprintf(expected[n], sizeof expected[n], "%s", now[to]);
				add_row(&batch, OP_UPDATE, i + 1, other, "s", "n", UNCHANGED);
			} else {
				snprintf(expected[n], sizeof expected[n], "%s", now[key]);
				add_row(&batch, OP_UPDATE, i + 1, id, "s", "n", UNCHANGED);
			}
			n++;
		}
		run();
		assert_int_equal(batch.rows, n);
		for (unsigned row = 0; row < n; row++) {
			size_t len;
			const uint8_t *text = column_string(&batch.columns[3], row, &len);
			if (*expected[row] && (len != strlen(expected[row]) ||
						      memcmp(text, expected[row], len) != 0))
				fail_msg("seed %u, row %u", seed, row);
		}
		assert_int_equal(fake_source.fetches + fake_sink.fetches, 0);
	}
}

#define KEYS 8
#define LOG  120

/* A log of random changes, and what each key holds behind each of them. */
struct event {
	enum row_op op;
	unsigned key, to; /* to: of a key change */
	bool out;         /* of a filter by status, if there is one */
	char body[8];
};
struct world {
	struct event events[LOG];
	const char *bodies[LOG + 1][KEYS]; /* NULL: no such row */
	unsigned since[LOG + 1][KEYS];     /* the event that wrote it last */
	bool out[LOG + 1][KEYS];
};

static void make_world(struct world *w, unsigned seed)
{
	unsigned random = seed * 2654435761u;

	memset(w, 0, sizeof *w);
	for (unsigned i = 0; i < LOG; i++) {
		struct event *e = &w->events[i];
		memcpy(w->bodies[i + 1], w->bodies[i], sizeof w->bodies[i]);
		memcpy(w->since[i + 1], w->since[i], sizeof w->since[i]);
		memcpy(w->out[i + 1], w->out[i], sizeof w->out[i]);
		const char **now = w->bodies[i + 1];
		random = random * 1664525 + 1013904223;
		e->key = e->to = random >> 16 & 7;
		e->op = now[e->key] ? OP_UPDATE : OP_INSERT;
		if (e->op == OP_UPDATE && (random >> 20 & 3) == 0)
			e->op = OP_DELETE;
		if (e->op == OP_UPDATE && (random >> 20 & 3) == 1)
			e->to = now[random >> 24 & 7] ? e->key : random >> 24 & 7;
		snprintf(e->body, sizeof e->body, "b%u", i);
		const char *body = e->op == OP_INSERT ? e->body : now[e->key];
		now[e->key] = NULL;
		now[e->to] = e->op == OP_DELETE ? NULL : body;
		w->since[i + 1][e->to] = i + 1;
		w->out[i + 1][e->to] = e->out = random >> 28 & 1;
	}
}

static void add_state(struct batch *to, const struct world *w, unsigned at, enum row_op op)
{
	char id[8];

	for (unsigned key = 0; key < KEYS; key++) {
		snprintf(id, sizeof id, "%u", key);
		if (w->bodies[at][key] && !(prepare.filter && w->out[at][key]))
			add_row(to, op, op == OP_COPY ? 0 : w->since[at][key], id, "s", "n",
				w->bodies[at][key]);
	}
}

static void add_event(const struct world *w, unsigned i)
{
	const struct event *e = &w->events[i];
	const char *status = e->out ? "out" : "s";
	char id[8], to[8];

	snprintf(id, sizeof id, "%u", e->key);
	snprintf(to, sizeof to, "%u", e->to);
	if (e->op == OP_INSERT)
		add_row(&batch, OP_INSERT, i + 1, id, status, "n", e->body);
	else if (e->op == OP_DELETE)
		add_row(&batch, OP_DELETE, i + 1, id);
	else if (e->to == e->key)
		add_row(&batch, OP_UPDATE, i + 1, id, status, "n", UNCHANGED);
	if (e->op != OP_UPDATE || e->to == e->key)
		return;
	add_row(&batch, OP_KEY_CHANGED, i + 1, id);
	add_row(&batch, OP_UPDATE, i + 1, to, status, "n", UNCHANGED);
}

/* Each row that is left holds what its key held behind its change, or what it holds at the end. */
static void assert_bodies(const struct world *w, unsigned seed, bool exactly)
{
	for (size_t row = 0; row < batch.rows; row++) {
		const struct row_meta *meta = &batch_meta(&batch)[row];
		unsigned i = (unsigned)meta->version - 1, key = w->events[i].to;
		size_t len;
		const char *body = (const char *)column_string(&batch.columns[3], row, &len);
		const char *then = w->bodies[i + 1][key], *last = w->bodies[LOG][key];
		if (meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED)
			continue;
		bool right = strlen(then) == len && !memcmp(then, body, len);
		bool late = !exactly && last && strlen(last) == len && !memcmp(last, body, len);
		if (!right && !late)
			fail_msg("seed %u, version %u: %.*s, not %s", seed, i + 1, (int)len, body,
				then);
	}
}

static bool has_version(unsigned version)
{
	for (size_t row = 0; row < batch.rows; row++)
		if (batch_meta(&batch)[row].version == version)
			return true;
	return false;
}

/* What the target does not have yet is left out only where the source has no such row any more. */
static void assert_complete(const struct world *w, unsigned seed, unsigned cut)
{
	for (unsigned i = cut; i < LOG; i++)
		if (w->bodies[LOG][w->events[i].to] && !has_version(i + 1))
			fail_msg("seed %u: version %u is missing", seed, i + 1);
}

static void a_log_that_goes_on_finds_all_in_the_target(void **unused)
{
	static struct world w;

	(void)unused;
	for (unsigned seed = 1; seed <= 300; seed++) {
		unsigned cut = seed % LOG;
		make_world(&w, seed);
		batch_clear(&batch);
		batch_clear(&fake_sink.rows);
		add_state(&fake_sink.rows, &w, cut, OP_UPDATE);
		for (unsigned i = cut; i < LOG; i++)
			add_event(&w, i);
		size_t rows = batch.rows;
		run();
		assert_int_equal(batch.rows, rows);
		assert_bodies(&w, seed, true);
	}
	assert_int_equal(fake_source.fetches, 0);
}

/* A target that has the log up to `cut`, a source that has all of it, and a batch from `from` on. */
static void replay(struct world *w, unsigned seed, unsigned from, unsigned cut)
{
	make_world(w, seed);
	batch_clear(&batch);
	batch_clear(&fake_sink.rows);
	batch_clear(&fake_source.rows);
	add_state(&fake_sink.rows, w, cut, OP_UPDATE);
	add_state(&fake_source.rows, w, LOG, OP_COPY);
	for (unsigned i = from; i < LOG; i++)
		add_event(w, i);
}

static void a_log_that_is_replayed_takes_no_value_for_anothers(void **unused)
{
	static struct world w;

	(void)unused;
	for (unsigned seed = 1; seed <= 300; seed++) {
		unsigned from = seed % LOG, cut = from + (LOG - from) * (seed % 7) / 7;
		replay(&w, seed, from, cut);
		run();
		assert_bodies(&w, seed, false);
		assert_complete(&w, seed, cut);
	}
}

/* What a key has once the batch is written; NULL: no such row. */
static const char *last_body(const struct world *w, unsigned cut, unsigned key)
{
	version_t latest = w->out[cut][key] || !w->bodies[cut][key] ? 0 : w->since[cut][key];
	const char *body = latest ? w->bodies[cut][key] : NULL;
	static char text[8];

	for (size_t row = 0; row < batch.rows; row++) {
		const struct row_meta *meta = &batch_meta(&batch)[row];
		char id[16];
		size_t len;
		snprintf(id, sizeof id, "{\"id\":%u}", key);
		if (strcmp(fake_key(&batch, row), id) != 0 || meta->version < latest)
			continue;
		bool gone = meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED;
		latest = meta->version;
		const uint8_t *value = column_string(&batch.columns[3], row, &len);
		snprintf(text, sizeof text, "%.*s", (int)len, (const char *)value);
		body = gone ? NULL : text;
	}
	return body;
}

/* Beside a row set aside nothing but the source is asked, and that has the rows of the filter alone. */
static void a_log_under_a_filter_leaves_what_the_filter_takes(void **unused)
{
	static struct world w;
	struct error err = {0};
	struct arena arena;

	(void)unused;
	arena_init(&arena);
	prepare.filter = filter_compile("status = 's'", table, &arena, &err);
	for (unsigned seed = 1; seed <= 600; seed++) {
		unsigned from = seed % LOG, cut = seed % 3 ? from : from + (LOG - from) / 2;
		table->keep = seed % 2 ? KEEP_LATEST : KEEP_BOTH;
		replay(&w, seed, from, cut);
		if (seed % 5 == 0)
			batch_set_aside(
				&batch, &(struct set_aside){.key = "{\"id\":99}", .row = "{}"});
		run();
		assert_bodies(&w, seed, false);
		vec_each (&batch.aside, aside)
			assert_false(aside->meta.version && w.events[aside->meta.version - 1].out);
		for (unsigned key = 0; key < KEYS; key++) {
			const char *is = last_body(&w, cut, key);
			const char *should = w.out[LOG][key] ? NULL : w.bodies[LOG][key];
			if (is != should && (!is || !should || strcmp(is, should) != 0))
				fail_msg("seed %u, key %u: %s, not %s", seed, key, is, should);
		}
	}
	arena_release(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_histories_are_filled_as_a_replay_would),
		TEST(a_log_that_goes_on_finds_all_in_the_target),
		TEST(a_log_that_is_replayed_takes_no_value_for_anothers),
		TEST(a_log_under_a_filter_leaves_what_the_filter_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
