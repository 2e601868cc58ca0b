/* What models make outside of the engine: files and commands, on a real server. */
#include <pthread.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/file.h"
#include "project.h"

static const char *content(struct shop *s, const char *path)
{
	CLEANUP(free_string) char *full = xasprintf("%s/%s", s->folder, path);
	struct buf text;

	buf_init(&text, 1 << 20);
	if (!file_read(full, &text, NULL))
		buf_puts(&text, "(none)");
	const char *kept = arena_strdup(&s->arena, buf_text(&text));
	buf_release(&text);
	return kept;
}

static void a_model_becomes_a_file(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='exports/all/t.csv') }}\nselect "
		"number as a, 'x,y' as b from numbers(2)");
	build(s, "t");
	assert_string_equal(content(s, "exports/all/t.csv"), "\"a\",\"b\"\n0,\"x,y\"\n1,\"x,y\"\n");
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='exports/all/t.csv', format='jsonl') "
		"}}\nselect 1 as a");
	build(s, "t");
	assert_string_equal(content(s, "exports/all/t.csv"), "{\"a\":1}\n");
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.parquet') }} select 1 as a");
	build(s, "t");
	assert_int_equal(strncmp(content(s, "t.parquet"), "PAR1", 4), 0);
}

static void each_partition_is_a_file(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='out/t_{partition}.csv', "
		"batch_size='day', begin='2026-11-01', "
		"event_time='d') }}\nselect toDate('{{ partition.key }}') as d");
	build_partition(s, "t", "2026-11-20");
	build_partition(s, "t", "2026-11-21");
	assert_string_equal(content(s, "out/t_2026-11-20.csv"), "\"d\"\n\"2026-11-20\"\n");
	assert_string_equal(content(s, "out/t_2026-11-21.csv"), "\"d\"\n\"2026-11-21\"\n");
	assert_int_equal(n_built(s, "model.shop.t"), 1);
}

static void a_file_is_whole_or_the_old_one(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.csv') }} select 'old' as a");
	build(s, "t");
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.csv') }} select throwIf(number = "
		"900000, 'stop') as a from "
		"numbers(1000000)");
	assert_non_null(strstr(refusal(s, "t", ""), "stop"));
	assert_string_equal(content(s, "t.csv"), "\"a\"\n\"old\"\n");
	assert_string_equal(content(s, ".t.csv__tailrace_next"), "(none)");
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.csv') }} select 'new' as a");
	assert_true(dies(s, "t", "", "build.filled"));
	assert_string_equal(content(s, "t.csv"), "\"a\"\n\"old\"\n");
	build(s, "t");
	assert_string_equal(content(s, "t.csv"), "\"a\"\n\"new\"\n");
	assert_string_equal(content(s, ".t.csv__tailrace_next"), "(none)");
}

static void a_location_that_cannot_be_is_refused(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "{{ config(materialized='external') }} select 1 as a");
	assert_non_null(strstr(refusal(s, "t", ""), "needs a 'location'"));
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.xls') }} select 1 as a");
	assert_non_null(strstr(refusal(s, "t", ""), "parquet, csv or jsonl"));
	write_file(s, "models/t.sql",
		"{{ config(materialized='external', location='t.csv', batch_size='day', "
		"begin='2026-11-01', event_time='d') }} select 1 as d");
	assert_non_null(strstr(refusal(s, "t", "2026-11-20"), "must hold {partition}"));
}

/* --- commands --- */

static void a_command_is_told_what_to_make(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='exec', command='cat > in.txt; echo \"$TAILRACE_ASSET "
		"$TAILRACE_PARTITION "
		"$TAILRACE_PARTITION_START $MORE attempt $TAILRACE_ATTEMPT of "
		"$TAILRACE_RUN\"; echo oops >&2', env={'MORE': 'and more'}, "
		"batch_size='day', "
		"begin='2026-11-01') }}\nday {{ partition.key }}");
	build_partition(s, "t", "2026-11-20");
	assert_non_null(strstr(content(s, "in.txt"), "day 2026-11-20"));
	assert_non_null(strstr(
		s->log, "model.shop.t 2026-11-20 2026-11-20T00:00:00.000000Z and more attempt "));
	assert_non_null(strstr(s->log, "oops\n"));
	assert_int_equal(n_built(s, "model.shop.t"), 1);
}

static void a_command_that_fails_is_no_build(void **state)
{
	struct shop *s = *state;
	struct error err = {0};

	write_file(s, "models/t.sql",
		"{{ config(materialized='exec', command=['sh', '-c', 'echo no luck; exit 3']) }}");
	assert_non_null(strstr(refusal(s, "t", ""), "ended with exit code 3"));
	assert_non_null(strstr(s->log, "no luck"));
	assert_int_equal(n_built(s, "model.shop.t"), 0);
	write_file(s, "models/t.sql", "{{ config(materialized='exec', command='exit 75') }}");
	assert_false(try_build(s, "t", "", &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	write_file(s, "models/t.sql",
		"{{ config(materialized='exec', command=['/no/such/program']) }}");
	assert_non_null(strstr(refusal(s, "t", ""), "cannot be run"));
	assert_non_null(strstr(s->log, "No such file"));
	write_file(s, "models/t.sql", "{{ config(materialized='exec', command='kill -9 $$') }}");
	assert_non_null(strstr(refusal(s, "t", ""), "signal 9"));
	write_file(s, "models/t.sql", "{{ config(materialized='exec') }}");
	assert_non_null(strstr(refusal(s, "t", ""), "needs a 'command'"));
}

static void a_command_ends_when_its_time_is_over(void **state)
{
	struct shop *s = *state;
	struct error err = {0};

	write_file(s, "models/t.sql",
		"{{ config(materialized='exec', command='echo begun; sleep 100') }}");
	s->timeout_ms = 300;
	int64_t began_ms = mono_ms();
	assert_false(try_build(s, "t", "", &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.text, "its time was over"));
	assert_true(mono_ms() - began_ms < 20000);
	assert_non_null(strstr(s->log, "begun"));
}

/* The shell ends at once, what it began does not want to. */
static void nothing_of_a_command_is_left_when_it_is_ended(void **state)
{
	struct shop *s = *state;
	struct error err = {0};

	write_file(s, "models/t.sql",
		"{{ config(materialized='exec', command='(trap \"\" TERM; while :; do sleep 0.1; "
		"done) "
		">/dev/null 2>&1 & echo $! > left.txt; wait') }}");
	s->timeout_ms = 500;
	assert_false(try_build(s, "t", "", &err));
	pid_t left = (pid_t)atol(content(s, "left.txt"));
	assert_true(left > 1);
	/* Dead, or not reaped yet by the process that it went to. */
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)left);
	for (int64_t until_ms = mono_ms() + 10000; mono_ms() < until_ms;) {
		FILE *file = fopen(path, "r");
		if (!file)
			return;
		char *got = fgets(text, sizeof text, file);
		fclose(file);
		if (!got || strstr(text, ") Z "))
			return;
	}
	fail_msg("%s", text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_model_becomes_a_file),
		SHOP_TEST(each_partition_is_a_file),
		SHOP_TEST(a_file_is_whole_or_the_old_one),
		SHOP_TEST(a_location_that_cannot_be_is_refused),
		SHOP_TEST(a_command_is_told_what_to_make),
		SHOP_TEST(a_command_that_fails_is_no_build),
		SHOP_TEST(a_command_ends_when_its_time_is_over),
		SHOP_TEST(nothing_of_a_command_is_left_when_it_is_ended),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
