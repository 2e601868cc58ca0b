/* `tailrace load NAME`: the demo's data, and the work in it, in a database of the user's. */
#include <string.h>
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/shops.h"
#include "cli/stop.h"
#include "demo/shop.h"

enum { FLAG_ROWS, FLAG_RATE, FLAG_FOR, FLAG_URL, FLAG_STREAM };
static const struct flag flags[] = {
	{"rows", "N", "orders of the shop that is made (default 100000)"},
	{"rate", "R", "then work in it: so many rows changed a second; 0: all it can"},
	{"for", "S", "end the work after so many seconds (default: at Ctrl-C)"},
	{"url", "URL", "the database, in place of the source of the configured stream"},
	{"stream", "NAME", "where the configuration has several streams: which"},
	{0},
};

bool shop_named(const char *name)
{
	if (!name || strcmp(name, "shop") == 0)
		return true;
	wrong_use("there is no data set '%s'; there is: shop", name);
	return false;
}

struct source_options {
	const char *url;
};
static const struct option source_table[] = {
	{"url", OPTION_SECRET, offsetof(struct source_options, url)},
	OPTION_END,
};

static const struct stream_config *find_stream(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_streams; i++)
		if (!name || strcmp(config->streams[i].name, name) == 0)
			return &config->streams[i];
	return NULL;
}

/* The URL of the source of the stream; memory from the arena. NULL: it was said why. */
static const char *source_url(const struct call *call, struct arena *arena, int *code)
{
	struct config config;
	struct source_options options = {0};
	struct error err = {0};

	if (!config_load(call->config_path, &config, &err)) {
		*code = failed(&err);
		return NULL;
	}
	const struct stream_config *stream = find_stream(&config, call->flags[FLAG_STREAM]);
	*code = WRONG_USE;
	if (!stream)
		wrong_use("%s has no stream '%s'", config.path,
			call->flags[FLAG_STREAM] ? call->flags[FLAG_STREAM] : "");
	else if (strcmp(stream->from->kind, "postgres") != 0)
		wrong_use("'%s' is a %s connection; the shop goes into a postgres one",
			stream->from->name, stream->from->kind);
	else if (!connection_options(stream->from, source_table, &options, arena, &err))
		*code = failed(&err);
	config_release(&config);
	return options.url;
}

static int work(struct shop_work *w)
{
	char rows[AMOUNT], rate[AMOUNT];
	struct error err = {0};

	stop_on_signals();
	int64_t began_ms = mono_ms();
	bool ok = shop_run(w, &err);
	double seconds = (double)(mono_ms() - began_ms) / 1000;
	uint64_t n = atomic_load(&w->rows);
	printf("%s row%s changed in %.1f s, %s a second\n", print_count(n, rows), plural(n),
		seconds, print_count(seconds > 0 ? (uint64_t)((double)n / seconds) : 0, rate));
	return ok ? DONE : failed(&err);
}

static int make_shop(const char *url, int64_t orders)
{
	char amount[AMOUNT], time[AMOUNT];
	struct error err = {0};
	int64_t began_ms = mono_ms();
	bool made;

	if (!shop_create(url, orders, &made, &err))
		return failed(&err);
	if (made)
		printf("made the shop with %s order%s in %s\n",
			print_count((uint64_t)orders, amount), plural((uint64_t)orders),
			print_time((double)(mono_ms() - began_ms) / 1000, time));
	else
		puts("the shop is there already, and stays as it is");
	fflush(stdout);
	return DONE;
}

static int load(const struct call *call)
{
	struct shop_work w = {.stop = &stop_asked, .seed = (double)(wall_us() % 1000000) / 1000000};
	int64_t orders = SHOP_ORDERS, rate = 0;
	struct arena arena;

	if (!shop_named(call->args[0]) || !flag_count(call, FLAG_ROWS, SHOP_ORDERS_MOST, &orders) ||
		!flag_count(call, FLAG_RATE, SHOP_RATE_MOST, &rate) ||
		!flag_duration(call, FLAG_FOR, &w.duration_ms))
		return WRONG_USE;
	arena_init(&arena);
	int code = DONE;
	w.rate = (double)rate;
	w.url = call->flags[FLAG_URL] ? call->flags[FLAG_URL] : source_url(call, &arena, &code);
	if (w.url)
		code = make_shop(w.url, orders);
	if (w.url && code == DONE && (call->flags[FLAG_RATE] || call->flags[FLAG_FOR]))
		code = work(&w);
	arena_release(&arena);
	return code;
}

const struct command load_command = {
	.name = "load",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "fill a database with an example, and work in it",
	.help = "NAME is shop: the tables of an online shop with a year of history, made in\n"
		"the source database of the configuration, or in that of --url, unless they\n"
		"are there. With --rate or --for, customers and staff then go about their\n"
		"business: they order, pay, ship, return, review, correct and delete. To try\n"
		"tailrace with, or to measure it.\n",
	.flags = flags,
	.run = load,
};
