/*
 * `tailrace demo`: a private PostgreSQL with an online shop in which things happen, mirrored by the same parts as
 * `run` runs. The main thread starts and stops everything and draws; one more thread works in the shop.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/shops.h"
#include "cli/stop.h"
#include "cli/verdict.h"
#include "demo/shop.h"
#include "warehouse/warehouse.h"

#define RATE     200 /* rows changed a second: a shop in which much happens */
#define DRAW_MS  500
#define PRINT_MS 5000
#define COUNT_MS 1000
#define LOOK_MS  100

enum { FLAG_FOR, FLAG_ORDERS, FLAG_RATE };
static const struct flag flags[] = {
	{"for", "S", "end after so many seconds, compare, and exit by the verdict"},
	{"orders", "N", "of a shop that is made: how many (default 100000)"},
	{"rate", "R", "rows that the workload changes a second (default 200; 0: all it can)"},
	{0},
};

struct demo {
	int64_t orders, rate, for_ms; /* for_ms 0: until stopped */
	struct cluster *cluster;
	struct parts parts;
	struct clickhouse *client;
	struct shop_work work;
	atomic_bool work_over;
	pthread_t worker;
	bool working;

	struct screen screen;
	const char *doing;
	char addresses[256], models[256];
	int64_t began_ms, drawn_ms, counted_ms;
	VEC(struct target_count) counts; /* names live in `arena` */
	struct arena arena;
};

/* --- making the shop --- */

struct making {
	const char *url;
	int64_t orders;
	bool ok, made;
	atomic_bool over;
	struct error error;
};

static void *make_shop(void *argument)
{
	struct making *m = argument;

	m->ok = shop_create(m->url, m->orders, &m->made, &m->error);
	atomic_store(&m->over, true);
	return NULL;
}

/* What is being done stands on the terminal only until it is done, or has failed. */
static void tell_begin(const char *what)
{
	if (!on_terminal())
		return;
	printf("%s ...", what);
	fflush(stdout);
}

static void tell_end(void)
{
	if (on_terminal())
		fputs("\r\033[K", stdout);
	fflush(stdout);
}

static void tell_seconds(const char *what, int64_t began_ms)
{
	char time[AMOUNT];

	tell_end();
	printf("%s (%s)\n", what, print_time((double)(mono_ms() - began_ms) / 1000, time));
	fflush(stdout);
}

/* A statement that runs is ended together with its server, since nothing else could interrupt it. */
static bool create_shop(struct demo *d, struct error *err)
{
	struct making making = {.url = cluster_url(d->cluster), .orders = d->orders};
	char amount[AMOUNT], what[96];
	pthread_t thread;
	int64_t began_ms = mono_ms();

	snprintf(what, sizeof what, "the shop, %s orders and what belongs to them",
		print_count((uint64_t)d->orders, amount));
	tell_begin(what);
	if (pthread_create(&thread, NULL, make_shop, &making) != 0)
		return error_set(err, ERROR_RETRY, "no thread could be started");
	while (!atomic_load(&making.over) && !atomic_load(&stop_asked))
		screen_pause(LOOK_MS);
	if (!atomic_load(&making.over)) {
		cluster_stop(d->cluster);
		d->cluster = NULL;
	}
	pthread_join(thread, NULL);
	if (!making.ok) {
		*err = making.error;
		return false;
	}
	tell_seconds(making.made ? what : "the shop, as it was left", began_ms);
	return true;
}

/* --- the work in the shop --- */

static void *work(void *argument)
{
	struct demo *d = argument;
	struct backoff backoff = {0};
	struct error err = {0};

	while (!shop_run(&d->work, &err)) {
		log_warn("the shop's work is interrupted", F("error", (const char *)err.text));
		int64_t until_ms = mono_ms() + backoff_next_ms(&backoff);
		while (!atomic_load(&d->work_over) && mono_ms() < until_ms)
			usleep(LOOK_MS * 1000);
		if (atomic_load(&d->work_over))
			break;
	}
	return NULL;
}

static bool start_work(struct demo *d, struct error *err)
{
	d->work.url = cluster_url(d->cluster);
	d->work.rate = (double)d->rate;
	d->work.seed = (double)(wall_us() % 1000000) / 1000000;
	d->work.stop = &d->work_over;
	d->working = pthread_create(&d->worker, NULL, work, d) == 0;
	return d->working || error_set(err, ERROR_RETRY, "no thread could be started");
}

static void stop_work(struct demo *d)
{
	atomic_store(&d->work_over, true);
	if (d->working)
		pthread_join(d->worker, NULL);
	d->working = false;
}

/* --- rows in the target --- */

static const char *database_of(const struct demo *d)
{
	return d->parts.ends.config.streams[0].selection.target_database;
}

static int64_t count_rows(struct demo *d, const char *target)
{
	struct buf sql, answer;

	buf_init(&sql, BUF_MAX);
	buf_init(&answer, 64);
	buf_puts(&sql, "SELECT count() FROM ");
	clickhouse_quote_name(database_of(d), &sql);
	buf_puts(&sql, ".");
	clickhouse_quote_name(target, &sql);
	const struct clickhouse_query query = {
		.sql = buf_text(&sql), .answer = &answer, .cancelled = &stop_asked};
	int64_t rows = clickhouse_query(d->client, &query, NULL)
			       ? strtoll(buf_text(&answer), NULL, 10)
			       : -1;
	buf_release(&sql);
	buf_release(&answer);
	return rows;
}

/* Tables that are not there yet, or a server that is away, leave a count unknown. */
static void count_targets(struct demo *d, const struct snapshot *snapshot)
{
	if (mono_ms() - d->counted_ms < COUNT_MS)
		return;
	d->counts.len = 0;
	arena_reset(&d->arena);
	for (size_t i = 0; i < snapshot->streams[0].n_tables; i++) {
		struct target_count count = {
			.target = arena_strdup(&d->arena, snapshot->streams[0].tables[i].target)};
		count.rows = count_rows(d, count.target);
		vec_push(&d->counts, count);
	}
	d->counted_ms = mono_ms();
}

/* --- the table --- */

static void draw(struct demo *d)
{
	struct snapshot snapshot;

	pipeline_snapshot(d->parts.pipeline, &snapshot);
	count_targets(d, &snapshot);
	demo_models(d->parts.ends.state, d->models, sizeof d->models);
	const struct view view = {
		.snapshot = &snapshot,
		.counts = d->counts.items,
		.n_counts = d->counts.len,
		.doing = d->doing,
		.work_rows = atomic_load(&d->work.rows),
		.seconds = (double)(mono_ms() - d->began_ms) / 1000,
		.limit = (double)d->for_ms / 1000,
		.models = d->models,
		.addresses = d->addresses,
	};
	if (!atomic_load(&stop_asked)) /* which leaves counts unknown */
		screen_show(&d->screen, &view);
	snapshot_release(&snapshot);
	d->drawn_ms = mono_ms();
}

static void draw_when_due(struct demo *d)
{
	int64_t every_ms = d->screen.terminal ? DRAW_MS : PRINT_MS;

	if (mono_ms() - d->drawn_ms >= every_ms)
		draw(d);
}

/* --- from start to end --- */

static bool start_parts(struct demo *d, struct error *err)
{
	int64_t began_ms = mono_ms();

	tell_begin("ClickHouse, out of libchdb");
	if (!demo_config_ready(d->cluster, err) || !parts_start(&d->parts, DEMO_CONFIG, err))
		return false;
	tell_seconds("ClickHouse, out of libchdb", began_ms);
	const struct parts *p = &d->parts;
	d->client = ends_clickhouse(&d->parts.ends, p->ends.config.streams[0].to, err);
	if (!d->client)
		return false;
	snprintf(d->addresses, sizeof d->addresses,
		"ClickHouse http://127.0.0.1:%d, native 127.0.0.1:%d; status http://%s; Ctrl-C "
		"ends",
		warehouse_http_port(p->ends.own), warehouse_tcp_port(p->ends.own),
		p->server ? server_address(p->server) : "off");
	return true;
}

static bool start(struct demo *d, struct error *err)
{
	int64_t began_ms = mono_ms();
	char what[256];

	if (!demo_folder_open(err))
		return false;
	tell_begin("PostgreSQL");
	d->cluster = cluster_start(DEMO_POSTGRES, DEMO_DATABASE, err);
	if (!d->cluster)
		return false;
	snprintf(what, sizeof what, "PostgreSQL, its data in %s", cluster_dir(d->cluster));
	tell_seconds(what, began_ms);
	if (!demo_config_ready(d->cluster, err) || !create_shop(d, err) || !start_parts(d, err))
		return false;
	demo_tell(&d->parts, d->cluster);
	d->began_ms = mono_ms();
	return start_work(d, err);
}

static void stop(struct demo *d)
{
	stop_work(d);
	clickhouse_free(d->client);
	parts_stop(&d->parts);
	cluster_stop(d->cluster);
	screen_release(&d->screen);
	vec_release(&d->counts);
	arena_release(&d->arena);
}

static bool time_is_over(const struct demo *d)
{
	return d->for_ms && mono_ms() - d->began_ms >= d->for_ms;
}

/* False: it never will, or was stopped. */
static bool catch_up(struct demo *d, struct error *err)
{
	enum catch_up reached;

	d->doing = "the work is over, the last changes arrive";
	while ((reached = pipeline_caught_up(d->parts.pipeline, err)) == CATCH_UP_GOING &&
		!atomic_load(&stop_asked)) {
		screen_pause(LOOK_MS);
		draw_when_due(d);
	}
	d->counted_ms = 0;
	draw(d);
	return reached == CATCH_UP_DONE;
}

static int judge(struct demo *d)
{
	struct error err = {0};

	stop_work(d);
	if (!catch_up(d, &err) || atomic_load(&stop_asked))
		return atomic_load(&stop_asked) ? wrong_use("stopped before the comparison"),
		       FAILED                   : failed(&err);
	puts("\ncomparing source and target, row by row");
	fflush(stdout);
	return show_verdict(&d->parts.ends, &(struct verdict_call){0});
}

/* Where a verdict was asked for, there is none. */
static int tell_stopped(const struct demo *d)
{
	puts("stopping; `tailrace demo` goes on from here");
	return d->for_ms ? FAILED : DONE;
}

static int watch(struct demo *d)
{
	d->doing = "the shop is open";
	/* a reader that is gone has seen enough */
	while (!atomic_load(&stop_asked) && !time_is_over(d) && !ferror(stdout)) {
		draw_when_due(d);
		screen_pause(LOOK_MS);
	}
	if (time_is_over(d))
		return judge(d);
	putchar('\n');
	return tell_stopped(d);
}

static int demo(const struct call *call)
{
	struct demo d = {.orders = SHOP_ORDERS, .rate = RATE};
	struct error err = {0};

	if (!shop_named(call->n_args ? call->args[0] : NULL) ||
		!flag_count(call, FLAG_ORDERS, SHOP_ORDERS_MOST, &d.orders) ||
		!flag_count(call, FLAG_RATE, SHOP_RATE_MOST, &d.rate) ||
		!flag_duration(call, FLAG_FOR, &d.for_ms))
		return WRONG_USE;
	arena_init(&d.arena);
	stop_on_signals();
	screen_init(&d.screen);
	int code;
	if (start(&d, &err)) {
		code = watch(&d);
	} else {
		tell_end();
		if (atomic_load(&stop_asked))
			code = tell_stopped(&d);
		else
			code = failed(&err);
	}
	fflush(stdout);
	stop(&d);
	return code;
}

const struct command demo_command = {
	.name = "demo",
	.args = "[NAME]",
	.max_args = 1,
	.summary = "an online shop, mirrored before your eyes",
	.help = "Starts a PostgreSQL of its own with an online shop (NAME: shop) of 100,000\n"
		"orders, in which customers order, pay, get and return things, and staff\n"
		"correct and delete; mirrors it into the embedded ClickHouse; and shows what\n"
		"arrives, where to point clients at, and what to ask. A star schema stands on\n"
		"it (examples/shop), which is kept up to date as well. Everything is in the\n"
		"folder tailrace-demo, with a configuration that every command takes:\n"
		"`tailrace -c tailrace-demo/tailrace.yaml status`. Ctrl-C ends it, and a\n"
		"second start goes on where it stopped. With --for it ends by itself:\n"
		"source and target are compared, and 0 says that they are equal.\n",
	.flags = flags,
	.run = demo,
};
