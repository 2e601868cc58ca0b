/* The command line, without any server: what is said, where it is said, and the exit code. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli/cli.h"
#include "state/state.h"

static char dir[64], out[65536], err_out[65536];
static const char *stdout_path = ".out";

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int enter_folder(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-cli-XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave_folder(void **unused)
{
	(void)unused;
	return chdir("/") || nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void slurp(const char *path, char *into, size_t size)
{
	FILE *f = fopen(path, "r");
	into[fread(into, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Runs `tailrace LINE` in a process of its own; `out` and `err_out` hold what it said. */
static int run(const char *line)
{
	char copy[512], *argv[16] = {(char *)(uintptr_t) "tailrace"}, *rest = copy;
	int argc = 1, status;
	snprintf(copy, sizeof copy, "%s", line);
	while ((argv[argc] = strsep(&rest, " ")))
		argc += *argv[argc] != '\0';
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (!freopen(stdout_path, "w", stdout) || !freopen(".err", "w", stderr))
			_exit(99);
		int code = cli_main(argc, argv);
		fflush(NULL);
		_exit(code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	slurp(".out", out, sizeof out);
	slurp(".err", err_out, sizeof err_out);
	return WEXITSTATUS(status);
}

static void assert_wrong_use(const char *line, const char *message)
{
	assert_int_equal(run(line), WRONG_USE);
	assert_string_equal(out, "");
	assert_string_equal(err_out, message);
}

static void write_config(void)
{
	FILE *f = fopen("tailrace.yaml", "w");
	fputs("connections:\n  shop: {kind: postgres, url: postgresql://127.0.0.1:1/none}\n"
	      "  warehouse: {kind: clickhouse, url: \"http://127.0.0.1:1\", database: shop}\n"
	      "streams:\n  shop: {from: shop, to: warehouse, tables: [public.*]}\n"
	      "  copy: {from: shop, to: warehouse, tables: [public.*]}\n",
		f);
	fclose(f);
}

static void help_goes_to_standard_output(void **unused)
{
	(void)unused;
	assert_int_equal(run("--help"), DONE);
	for (size_t i = 0; commands[i]; i++)
		assert_int_equal(strstr(out, commands[i]->summary) != NULL, !commands[i]->hidden);
	assert_int_equal(run("help"), DONE);
	assert_int_equal(run("--version"), DONE);
	assert_string_equal(out, "tailrace " TAILRACE_VERSION "\n");
	assert_int_equal(run(""), WRONG_USE);
	assert_string_equal(out, "");
	assert_non_null(strstr(err_out, "Usage: tailrace"));
}

static void every_command_has_help(void **unused)
{
	(void)unused;
	for (size_t i = 0; commands[i]; i++) {
		char line[64], usage[64];
		if (commands[i]->hidden)
			continue;
		snprintf(usage, sizeof usage, "Usage: tailrace %s", commands[i]->name);
		snprintf(line, sizeof line, "help %s", commands[i]->name);
		assert_int_equal(run(line), DONE);
		assert_non_null(strstr(out, usage));
		snprintf(line, sizeof line, "%s --help", commands[i]->name);
		assert_int_equal(run(line), DONE);
		assert_non_null(strstr(out, usage));
	}
}

static void a_call_holds_all_flags_of_its_command(void **unused)
{
	(void)unused;
	for (size_t i = 0; commands[i]; i++) {
		size_t n = 0;
		for (const struct flag *f = commands[i]->flags; f && f->name; f++)
			n++;
		assert_in_range(n, 0, MOST_FLAGS);
	}
}

static void lines_of_help_fit_a_terminal(void **unused)
{
	(void)unused;
	for (size_t i = 0; commands[i]; i++)
		for (const char *line = commands[i]->help; *line;) {
			size_t len = strcspn(line, "\n");
			assert_in_range(len, 0, 86);
			line += len + (line[len] == '\n');
		}
}

static void wrong_use_says_what_to_type(void **unused)
{
	(void)unused;
	assert_wrong_use("stauts", "tailrace: unknown command 'stauts'; did you mean 'status'?\n");
	assert_wrong_use("frobnicate",
		"tailrace: unknown command 'frobnicate'; `tailrace help` lists them\n");
	assert_wrong_use(
		"help stauts", "tailrace: unknown command 'stauts'; did you mean 'status'?\n");
	assert_wrong_use("--frob", "tailrace: unknown option '--frob'; see `tailrace help`\n");
	assert_wrong_use("status --jsn", "tailrace: status takes no --jsn; did you mean --json?\n");
	assert_wrong_use("status -x", "tailrace: status takes no -x; see `tailrace help status`\n");
	assert_wrong_use("status --json=1", "tailrace: --json takes no value\n");
	assert_wrong_use("plan orders -s", "tailrace: -s needs a value\n");
	assert_wrong_use(
		"status now", "tailrace: unexpected argument 'now'; usage: tailrace status\n");
	assert_wrong_use(
		"resync", "tailrace: an argument is missing; usage: tailrace resync TABLE\n");
	assert_wrong_use("resync --stream", "tailrace: --stream needs a value\n");
	assert_wrong_use("verify --show many",
		"tailrace: --show takes a number from 0 to 1000000, not 'many'\n");
	assert_wrong_use("-c", "tailrace: -c needs a file\n");
	assert_wrong_use("init mysql://x",
		"tailrace: 'mysql://x' is no database that can be mirrored; give "
		"postgresql://user@host:5432/database\n");
}

static void the_configuration_is_named_before_or_behind_the_command(void **unused)
{
	(void)unused;
	static const char *const lines[] = {"-c x.yaml check", "-cx.yaml check",
		"--config x.yaml check", "--config=x.yaml check", "check -c x.yaml",
		"check --config=x.yaml"};
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_wrong_use(lines[i],
			"tailrace: x.yaml: No such file or directory; `tailrace init "
			"postgresql://...` writes one, and -c FILE names another\n");
}

static void init_leaves_a_file_that_is_there(void **unused)
{
	(void)unused;
	write_config();
	assert_wrong_use("init postgresql://127.0.0.1:1/shop",
		"tailrace: tailrace.yaml is there already; --force writes over it, and -c FILE "
		"names another\n");
}

static void init_says_who_does_not_answer(void **unused)
{
	(void)unused;
	assert_int_equal(run("init postgresql://u:geheim@127.0.0.1:1/shop"), FAILED);
	assert_non_null(strstr(err_out, "127.0.0.1"));
	assert_null(strstr(err_out, "geheim"));
	assert_int_not_equal(access("tailrace.yaml", F_OK), 0);
	assert_int_not_equal(access("shop.secret", F_OK), 0);
}

static void status_without_a_process_is_what_is_recorded(void **unused)
{
	(void)unused;
	write_config();
	assert_int_equal(run("status"), DONE);
	assert_non_null(strstr(out, "not running; `tailrace run` starts it\n"));
	assert_int_equal(run("status --json"), DONE);
	assert_non_null(strstr(out, "{\"running\":false,"));
	assert_string_equal(err_out, "");
}

static void record_table(const char *stream)
{
	struct table_state table = {.source_id = 1,
		.schema = "sales",
		.name = "orders",
		.target = "sales_orders",
		.status = TABLE_LIVE,
		.generation = 1};
	struct error err = {0};
	struct state *state = state_open(".tailrace", &err);
	assert_non_null(state);
	assert_true(state_table_put(state, stream, &table, &err));
	state_close(state);
}

static size_t requests_made(const char *stream)
{
	struct requests requests;
	size_t n = 0;
	struct state *state = state_open(".tailrace", NULL);
	assert_true(state_requests(state, &requests, NULL));
	vec_each (&requests, it)
		n += strcmp(it->stream, stream) == 0 && strcmp(it->table, "sales_orders") == 0;
	vec_release(&requests);
	state_close(state);
	return n;
}

static void a_resync_without_a_process_is_kept_for_the_next(void **unused)
{
	(void)unused;
	write_config();
	assert_wrong_use("resync orders",
		"tailrace: no table is mirrored yet by tailrace.yaml; `tailrace run` begins "
		"with a copy of each\n");
	record_table("shop");
	static const char *const names[] = {"orders", "sales.orders", "sales_orders"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char line[64];
		snprintf(line, sizeof line, "resync %s", names[i]);
		assert_int_equal(run(line), DONE);
		assert_string_equal(out, "sales.orders of stream shop will be copied anew by the "
					 "next `tailrace run`; "
					 "none runs now\n");
		assert_int_equal(requests_made("shop"), i + 1);
	}
	assert_wrong_use("resync sales.ordrs",
		"tailrace: no table 'sales.ordrs'; did you mean 'sales.orders'?\n");
	assert_wrong_use(
		"resync orders --stream none", "tailrace: tailrace.yaml has no stream 'none'\n");
}

static void a_resync_of_a_table_in_two_streams_asks_which(void **unused)
{
	(void)unused;
	write_config();
	record_table("shop");
	record_table("copy");
	assert_int_equal(run("resync orders"), WRONG_USE);
	assert_non_null(strstr(err_out, "  tailrace resync sales.orders --stream copy\n"));
	assert_int_equal(requests_made("copy"), 0);
	assert_int_equal(run("resync orders --stream copy"), DONE);
	assert_int_equal(requests_made("copy"), 1);
	assert_int_equal(requests_made("shop"), 0);
}

static void a_retry_is_of_streams_from_kafka(void **unused)
{
	(void)unused;
	write_config();
	record_table("shop");
	assert_int_equal(run("retry orders --stream shop"), FAILED);
	assert_non_null(
		strstr(err_out, "sales.orders of stream shop is read from a database, which "
				"has the rows: mend the value there"));
	assert_int_equal(run("retry"), DONE);
	assert_string_equal(out, "no table is read from Kafka into ClickHouse yet\n");
	assert_int_equal(requests_made("shop"), 0);
	assert_wrong_use("retry sales.ordrs",
		"tailrace: no table 'sales.ordrs'; did you mean 'sales.orders'?\n");
	assert_wrong_use("retry --stream none", "tailrace: tailrace.yaml has no stream 'none'\n");
}

static void a_server_that_is_away_is_a_failure(void **unused)
{
	(void)unused;
	write_config();
	assert_int_equal(run("query SELECT"), FAILED);
	assert_string_equal(out, "");
	assert_non_null(strstr(err_out, "127.0.0.1"));
	assert_int_equal(run("query SELECT --connection shop"), WRONG_USE);
	assert_int_equal(run("check"), FAILED);
	assert_non_null(strstr(out, "✘"));
	assert_int_equal(run("check --json"), FAILED);
	assert_non_null(strstr(out, "\"level\":\"problem\""));
}

static void what_cannot_be_written_is_a_failure(void **unused)
{
	(void)unused;
	write_config();
	FILE *f = fopen(".out", "w");
	fclose(f);
	stdout_path = "/dev/full";
	int code = run("status");
	stdout_path = ".out";
	assert_int_equal(code, FAILED);
	assert_string_equal(err_out, "tailrace: standard output: No space left on device\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(help_goes_to_standard_output),
		TEST(every_command_has_help),
		TEST(a_call_holds_all_flags_of_its_command),
		TEST(lines_of_help_fit_a_terminal),
		TEST(wrong_use_says_what_to_type),
		TEST(the_configuration_is_named_before_or_behind_the_command),
		TEST(init_leaves_a_file_that_is_there),
		TEST(init_says_who_does_not_answer),
		TEST(status_without_a_process_is_what_is_recorded),
		TEST(a_resync_without_a_process_is_kept_for_the_next),
		TEST(a_resync_of_a_table_in_two_streams_asks_which),
		TEST(a_retry_is_of_streams_from_kafka),
		TEST(a_server_that_is_away_is_a_failure),
		TEST(what_cannot_be_written_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
