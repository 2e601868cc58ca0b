/*
 * What the tests of the configuration share: a folder of their own, and three kinds of connections, so that a message
 * does not change with a connector: a source, a sink, and one that is both.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"
#include "config/config.h"

struct fake_source {
	struct source source;
	const char *url, *topic;
	int64_t bulk_bytes;
};
static const struct option source_options[] = {
	{"url", OPTION_SECRET, offsetof(struct fake_source, url), .required = true,
		.help = "Where it is."},
	{"bulk_bytes", OPTION_BYTES, offsetof(struct fake_source, bulk_bytes), "16MiB",
		.max = INT64_MAX, .help = "Backlog."},
	OPTION_END,
};
static const struct option both_source_options[] = {
	{"brokers", OPTION_STRING, offsetof(struct fake_source, url), .required = true,
		.help = "Where they are."},
	{"topic", OPTION_STRING, offsetof(struct fake_source, topic), .required = true,
		.help = "What to read."},
	OPTION_END,
};

struct fake_sink {
	struct sink sink;
	const char *url, *database, *user;
	bool verify;
};
static const struct option sink_options[] = {
	{"url", OPTION_STRING, offsetof(struct fake_sink, url), "embedded", .help = "Where it is."},
	{"database", OPTION_STRING, offsetof(struct fake_sink, database), .help = "Which."},
	{"user", OPTION_STRING, offsetof(struct fake_sink, user), .help = "Who."},
	{"verify", OPTION_BOOL, offsetof(struct fake_sink, verify), "true", .help = "Whether."},
	OPTION_END,
};
static const struct option both_sink_options[] = {
	{"brokers", OPTION_STRING, offsetof(struct fake_sink, url), .required = true,
		.help = "Where they are."},
	OPTION_END,
};

/* That it is there says: this source has tables. */
static bool fake_scan(struct source *source, struct table *table, const struct batch *after,
	size_t limit, struct batch *out, struct error *error)
{
	(void)source, (void)table, (void)after, (void)limit, (void)out, (void)error;
	return false;
}

static const struct source_ops postgres = {
	"postgres", sizeof(struct fake_source), source_options, .scan = fake_scan};
static const struct source_ops kafka_source = {
	"kafka", sizeof(struct fake_source), both_source_options, .shared = true};
static const struct sink_ops clickhouse = {"clickhouse", sizeof(struct fake_sink), sink_options};
static const struct sink_ops kafka_sink = {"kafka", sizeof(struct fake_sink), both_sink_options};
const struct source_ops *const source_kinds[] = {&postgres, &kafka_source, NULL};
const struct sink_ops *const sink_kinds[] = {&clickhouse, &kafka_sink, NULL};

const struct source_ops *source_find(const char *kind)
{
	for (size_t i = 0; source_kinds[i]; i++)
		if (strcmp(source_kinds[i]->kind, kind) == 0)
			return source_kinds[i];
	return NULL;
}

const struct sink_ops *sink_find(const char *kind)
{
	for (size_t i = 0; sink_kinds[i]; i++)
		if (strcmp(sink_kinds[i]->kind, kind) == 0)
			return sink_kinds[i];
	return NULL;
}

/* --- helpers --- */

static char dir[64];
static struct config config;
static struct error err;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int enter_folder(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-config-XXXXXX");
	unsetenv("SHOP_HOST");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave_folder(void **unused)
{
	(void)unused;
	config_release(&config);
	return chdir("/") || nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void write_bytes(const char *name, const char *bytes, size_t n)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static inline bool load(const char *yaml)
{
	write_bytes("tailrace.yaml", yaml, strlen(yaml));
	config_release(&config);
	error_clear(&err);
	return config_load("tailrace.yaml", &config, &err);
}

static inline void assert_loads(const char *yaml)
{
	if (!load(yaml))
		fail_msg("%s", err.text);
}

static inline void assert_refused(const char *yaml, const char *message)
{
	if (load(yaml))
		fail_msg("was accepted; expected: %s", message);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text, message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

#endif
