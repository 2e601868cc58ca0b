/* The HTTP server asked over real sockets; the pipeline behind it is what the test says it is. */
#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>
#include "http/server.h"
#include "pipeline/status.h"
#include "schedule/scheduler.h"
#include "state/runs.h"

static const char *not_ready; /* the reason, or NULL */

bool pipeline_ready(struct pipeline *p, char *why, size_t size)
{
	(void)p;
	snprintf(why, size, "%s", not_ready ? not_ready : "");
	return !not_ready;
}

static struct sensor_config sensors[] = {
	{.name = "arrival", .webhook = true}, {.name = "drop", .file = "/in/*.csv"}};
static struct config config = {.sensors = sensors, .n_sensors = 2, .models.schedules = true};

const struct config *pipeline_config(const struct pipeline *p)
{
	(void)p;
	return &config;
}

void pipeline_snapshot(struct pipeline *p, struct snapshot *out)
{
	(void)p;
	*out = (struct snapshot){.running = true, .uptime_s = 12.5, .memory_bytes = 1 << 20};
	arena_init(&out->arena);
	struct table_snapshot *tables = arena_alloc(&out->arena, 2 * sizeof *tables);
	tables[0] = (struct table_snapshot){.name = "public.orders",
		.target = "orders",
		.status = "live",
		.generation = 1,
		.rows_copied = 100000,
		.copy_progress = 1,
		.copy_eta_s = -1,
		.changes = 12345678901,
		.error = ""};
	tables[1] = (struct table_snapshot){.name = "public.a\"b\\c\nd",
		.target = "odd",
		.status = "broken",
		.copy_progress = 0.25,
		.set_aside = 7,
		.error = "column \"x\" is gone"};
	out->streams = arena_alloc(&out->arena, sizeof *out->streams);
	out->streams[0] = (struct stream_snapshot){.name = "shop",
		.status = "retrying",
		.error = "connection refused",
		.epoch = 1,
		.position = "0/16B3748",
		.lag_bytes = 4096,
		.lag_seconds = 1.5,
		.set_aside = 7,
		.tables = tables,
		.n_tables = 2};
	out->n_streams = 1;
}

void scheduler_facts(struct scheduler *s, struct arena *arena, struct model_facts *out)
{
	static const struct model_fact facts[] = {
		{.project = "shop",
			.name = "orders",
			.up_to_date = true,
			.built_us = 1700000000500000,
			.as_of_us = 1699999999000000,
			.took_us = 2250000,
			.rows = 42,
			.status = "succeeded"},
		{.project = "shop", .name = "b\"d", .took_us = -1, .status = "failed"},
		{.project = "shop", .name = "new", .took_us = -1, .status = ""},
	};

	(void)s, (void)arena;
	*out = (struct model_facts){0};
	for (size_t i = 0; i < COUNT_OF(facts); i++)
		vec_push(out, facts[i]);
}

/* --- Server and state --- */

static char dir[64];
static struct state *state;
static struct server *server;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void put_table(uint64_t id, const char *schema, const char *name, const char *target,
	enum table_status status)
{
	char definition[] = "{}";
	struct table_state table = {.source_id = id, .status = status, .definition = definition};
	struct error err;

	snprintf(table.schema, sizeof table.schema, "%s", schema);
	snprintf(table.name, sizeof table.name, "%s", name);
	snprintf(table.target, sizeof table.target, "%s", target);
	if (!state_table_put(state, "shop", &table, &err))
		fail_msg("%s", err.text);
}

static int start(void **unused)
{
	struct error err = {0};

	(void)unused;
	not_ready = NULL;
	snprintf(dir, sizeof dir, "/tmp/tailrace-http-XXXXXX");
	if (!mkdtemp(dir) || !(state = state_open(dir, &err)))
		return -1;
	put_table(1, "public", "orders", "orders", TABLE_LIVE);
	put_table(2, "sales", "orders", "sales_orders", TABLE_LIVE);
	put_table(3, "public", "old", "old", TABLE_DROPPED);
	server = server_start("127.0.0.1:0", NULL, state, &err);
	if (!server)
		fail_msg("%s", err.text);
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	server_stop(server);
	state_close(state);
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static char scheduler; /* asked for nothing: scheduler_facts() is above */

static void have_models(void)
{
	server_tell_models(server, (struct scheduler *)&scheduler);
}

static void queue_run(void)
{
	struct run run = {.kind = "build", .reason = "by hand"};
	const struct step step = {.asset = "model.shop.orders", .why = "never built"};
	struct error err = {0};

	if (!state_run_add(state, &run, &step, 1, &err))
		fail_msg("%s", err.text);
}

static size_t requests_waiting(char table[192])
{
	struct requests waiting;
	struct error err;

	assert_true(state_requests(state, &waiting, &err));
	size_t n = waiting.len;
	if (n && table)
		snprintf(table, 192, "%s", waiting.items[n - 1].table);
	vec_release(&waiting);
	return n;
}

/* --- A client --- */

static int connect_to_server(void)
{
	const char *colon = strrchr(server_address(server), ':');
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(colon + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static char answer[1 << 20];

/* Sends the bytes, reads until the server closes, returns the status. The whole answer is in `answer`. */
static int ask_raw(const char *bytes, size_t len)
{
	int fd = connect_to_server(), status = 0;
	size_t got = 0;
	ssize_t n = 0;

	while (len && (n = send(fd, bytes, len, MSG_NOSIGNAL)) > 0) {
		bytes += n;
		len -= (size_t)n;
	}
	while ((n = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0)
		got += (size_t)n;
	answer[got] = 0;
	close(fd);
	sscanf(answer, "HTTP/1.1 %d", &status);
	return status;
}

static int ask(const char *method, const char *path, const char *headers)
{
	char request[4096];
	int len = snprintf(request, sizeof request,
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n%s\r\n", method,
		path, headers);
	return ask_raw(request, (size_t)len);
}

static const char *body(void)
{
	const char *end = strstr(answer, "\r\n\r\n");
	return end ? end + 4 : "";
}

static bool has_line(const char *line)
{
	size_t len = strlen(line);
	for (const char *at = body(); (at = strstr(at, line)); at++) {
		if ((at == body() || at[-1] == '\n') && at[len] == '\n')
			return true;
	}
	return false;
}

/* --- Tests --- */

static void health_is_that_of_the_process(void **unused)
{
	(void)unused;
	not_ready = "stream shop is stopped";
	assert_int_equal(ask("GET", "/healthz", ""), 200);
	assert_string_equal(body(), "{\"alive\":true}\n");
}

static void readiness_names_what_is_not_ready(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/readyz", ""), 200);
	assert_string_equal(body(), "{\"ready\":true}\n");
	not_ready = "stream shop is retrying: FATAL: role \"x\" does not exist";
	assert_int_equal(ask("GET", "/readyz", ""), 503);
	assert_string_equal(body(), "{\"ready\":false,\"reason\":\"stream shop is retrying: FATAL: "
				    "role \\\"x\\\" does not exist\"}\n");
}

static void head_is_get_without_its_body(void **unused)
{
	(void)unused;
	assert_int_equal(ask("HEAD", "/healthz", ""), 200);
	assert_string_equal(body(), "");
	assert_non_null(strstr(answer, "Content-Length: 15\r\n"));
}

static void status_is_the_snapshot(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/api/v1/status?pretty=1", ""), 200);
	assert_non_null(strstr(answer, "Content-Type: application/json\r\n"));
	json_t *json = json_loads(body(), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	json_t *stream = json_array_get(json_object_get(json, "streams"), 0);
	json_t *odd = json_array_get(json_object_get(stream, "tables"), 1);
	assert_true(json_is_true(json_object_get(json, "running")));
	assert_string_equal(json_string_value(json_object_get(stream, "position")), "0/16B3748");
	assert_true(json_real_value(json_object_get(stream, "lag_seconds")) == 1.5);
	assert_int_equal(json_integer_value(json_object_get(stream, "lag_bytes")), 4096);
	assert_string_equal(json_string_value(json_object_get(odd, "name")), "public.a\"b\\c\nd");
	assert_string_equal(
		json_string_value(json_object_get(odd, "error")), "column \"x\" is gone");
	json_decref(json);
}

static void metrics_are_in_the_text_format_of_prometheus(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/metrics", ""), 200);
	assert_non_null(
		strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	static const char *const lines[] = {
		"# HELP tailrace_stream_lag_bytes Bytes of the source's log that are written there "
		"and not yet "
		"confirmed durable here.",
		"# TYPE tailrace_stream_lag_bytes gauge",
		"tailrace_stream_lag_bytes{stream=\"shop\"} 4096",
		"tailrace_stream_lag_seconds{stream=\"shop\"} 1.500000",
		"# TYPE tailrace_stream_changes_total counter",
		"tailrace_stream_status{stream=\"shop\",status=\"retrying\"} 1",
		"tailrace_stream_status{stream=\"shop\",status=\"streaming\"} 0",
		"tailrace_stream_progressing{stream=\"shop\"} 0",
		"tailrace_table_status{stream=\"shop\",table=\"public.orders\",status=\"live\"} 1",
		"tailrace_table_set_aside_total{stream=\"shop\",table=\"public.a\\\"b\\\\c\\nd\"} "
		"7",
		"tailrace_table_copy_progress_ratio{stream=\"shop\",table=\"public.orders\"} 1",
		"tailrace_table_changes_total{stream=\"shop\",table=\"public.orders\"} "
		"12345678901",
		"tailrace_build_info{version=\"" TAILRACE_VERSION "\"} 1",
		"tailrace_ready 1",
		"# TYPE process_cpu_seconds_total counter",
	};
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		if (!has_line(lines[i]))
			fail_msg("no line \"%s\" in\n%s", lines[i], body());
	}
}

static void models_are_measured(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/metrics", ""), 200);
	assert_null(strstr(body(), "tailrace_model_"));
	have_models();
	queue_run();
	queue_run();
	assert_int_equal(ask("GET", "/metrics", ""), 200);
	static const char *const lines[] = {
		"# TYPE tailrace_model_up_to_date gauge",
		"tailrace_model_up_to_date{project=\"shop\",model=\"orders\"} 1",
		"tailrace_model_up_to_date{project=\"shop\",model=\"b\\\"d\"} 0",
		"tailrace_model_last_built_timestamp_seconds{project=\"shop\",model=\"orders\"} "
		"1700000000.500000",
		"tailrace_model_freshness_timestamp_seconds{project=\"shop\",model=\"orders\"} "
		"1699999999",
		"tailrace_model_last_build_seconds{project=\"shop\",model=\"orders\"} 2.250000",
		"tailrace_model_last_build_rows{project=\"shop\",model=\"orders\"} 42",
		"tailrace_model_status{project=\"shop\",model=\"orders\",status=\"succeeded\"} 1",
		"tailrace_model_status{project=\"shop\",model=\"orders\",status=\"failed\"} 0",
		"tailrace_model_status{project=\"shop\",model=\"b\\\"d\",status=\"failed\"} 1",
		"tailrace_model_status{project=\"shop\",model=\"new\",status=\"queued\"} 0",
		"tailrace_runs_open{status=\"queued\"} 2",
		"tailrace_runs_open{status=\"running\"} 0",
	};
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		if (!has_line(lines[i]))
			fail_msg("no line \"%s\" in\n%s", lines[i], body());
	}
	/* what is not known is left out, and not 0 */
	assert_null(strstr(body(), "seconds{project=\"shop\",model=\"new\""));
	assert_null(strstr(body(), "rows{project=\"shop\",model=\"new\""));
}

static void models_are_summed_up_in_the_status(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/api/v1/status", ""), 200);
	assert_null(strstr(body(), "\"models\""));
	have_models();
	queue_run();
	assert_int_equal(ask("GET", "/api/v1/status", ""), 200);
	assert_non_null(strstr(body(), ",\"models\":{\"total\":3,\"up_to_date\":1,\"failed\":1,"
				       "\"runs_queued\":1,\"runs_running\":0}}\n"));
}

/* Every sample belongs to the # TYPE above it, and no metric comes twice. */
static void each_metric_is_one_group(void **unused)
{
	(void)unused;
	have_models();
	char name[200] = "", seen[1 << 16] = "\n";
	size_t samples = 0;

	assert_int_equal(ask("GET", "/metrics", ""), 200);
	for (char *save, *line = strtok_r(strstr(answer, "\r\n\r\n") + 4, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "# TYPE %199s", name) == 1) {
			char once[202];
			snprintf(once, sizeof once, "\n%s\n", name);
			assert_null(strstr(seen, once));
			strcat(strcat(seen, name), "\n");
		} else if (*line != '#') {
			size_t len = strcspn(line, "{ ");
			assert_int_equal(len, strlen(name));
			assert_memory_equal(line, name, len);
			samples++;
		}
	}
	assert_true(samples > 30);
}

static double sample(const char *name)
{
	char start[100];
	double value = -1;

	snprintf(start, sizeof start, "\n%s ", name);
	const char *at = strstr(body(), start);
	assert_non_null(at);
	sscanf(at + strlen(start), "%lf", &value);
	return value;
}

static void the_process_is_measured(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/metrics", ""), 200);
	assert_true(sample("process_resident_memory_bytes") > 1e6);
	assert_true(
		sample("process_virtual_memory_bytes") >= sample("process_resident_memory_bytes"));
	assert_true(sample("process_open_fds") >= 4);
	assert_true(sample("process_max_fds") >= sample("process_open_fds"));
	assert_true(sample("process_start_time_seconds") > 1.7e9);
	assert_true(sample("process_start_time_seconds") < 1e10);
	assert_true(sample("process_cpu_seconds_total") >= 0);
	assert_true(sample("process_threads") >= 3);
}

static void unknown_paths_and_methods_are_told_what_there_is(void **unused)
{
	(void)unused;
	assert_int_equal(ask("GET", "/", ""), 404);
	assert_non_null(
		strstr(body(), "{\"error\":\"there is no / here; there is: GET /healthz, "));
	assert_int_equal(ask("GET", "/healthz/", ""), 404);
	assert_int_equal(ask("GET", "/health", ""), 404);
	assert_int_equal(ask("GET", "/api/v1/streams//tables//resync", ""), 404);
	assert_int_equal(ask("DELETE", "/healthz", ""), 405);
	assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
	assert_int_equal(ask("GET", "/api/v1/streams/shop/tables/orders/resync", ""), 405);
	assert_non_null(strstr(answer, "Allow: POST\r\n"));
	assert_int_equal(requests_waiting(NULL), 0);
}

static void a_resync_is_asked_for_once(void **unused)
{
	(void)unused;
	char table[192];

	assert_int_equal(ask("POST", "/api/v1/streams/shop/tables/sales.orders/resync", ""), 202);
	assert_string_equal(body(),
		"{\"requested\":\"resync\",\"stream\":\"shop\",\"table\":\"sales_orders\"}\n");
	assert_int_equal(requests_waiting(table), 1);
	assert_string_equal(table, "sales_orders");
	assert_int_equal(ask("POST", "/api/v1/streams/shop/tables/sales_orders/resync", ""), 202);
	assert_int_equal(requests_waiting(NULL), 1);
	assert_int_equal(ask("POST", "/api/v1/streams/shop/tables/public%2Eorders/resync",
				 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
		202);
	assert_int_equal(requests_waiting(table), 2);
	assert_string_equal(table, "orders");
}

static void a_webhook_is_taken_once_until_it_is_seen(void **unused)
{
	(void)unused;
	char name[192];
	int before = (int)requests_waiting(NULL);

	assert_int_equal(ask("POST", "/api/v1/sensors/arrival", ""), 202);
	assert_string_equal(body(), "{\"requested\":\"sensor\",\"sensor\":\"arrival\"}\n");
	assert_int_equal(requests_waiting(name), before + 1);
	assert_string_equal(name, "arrival");
	assert_int_equal(ask("POST", "/api/v1/sensors/arrival", ""), 202);
	assert_int_equal(requests_waiting(NULL), before + 1);
	assert_int_equal(ask("POST", "/api/v1/sensors/drop", ""), 404);
	assert_int_equal(ask("POST", "/api/v1/sensors/nothing", ""), 404);
	assert_int_equal(ask("GET", "/api/v1/sensors/arrival", ""), 405);
	config.models.schedules = false;
	assert_int_equal(ask("POST", "/api/v1/sensors/arrival", ""), 409);
}

static void a_table_that_is_not_there_cannot_be_copied_anew(void **unused)
{
	(void)unused;
	assert_int_equal(ask("POST", "/api/v1/streams/shop/tables/nothing/resync", ""), 404);
	assert_string_equal(body(), "{\"error\":\"stream shop has no table nothing; GET "
				    "/api/v1/status lists what there is\"}\n");
	assert_int_equal(ask("POST", "/api/v1/streams/other/tables/orders/resync", ""), 404);
	assert_int_equal(ask("POST", "/api/v1/streams/shop/tables/public.old/resync", ""), 409);
	assert_int_equal(requests_waiting(NULL), 0);
}

static void pages_of_other_origins_cannot_ask_for_changes(void **unused)
{
	(void)unused;
	static const char path[] = "/api/v1/streams/shop/tables/orders/resync";

	assert_int_equal(ask("POST", path, "Origin: http://evil.example\r\n"), 403);
	assert_int_equal(ask("POST", path, "Origin: null\r\n"), 403);
	assert_int_equal(requests_waiting(NULL), 0);
	assert_int_equal(ask("POST", path, "Origin: http://127.0.0.1:8080\r\n"), 202);
}

static void a_body_is_bounded(void **unused)
{
	(void)unused;
	static char request[400000];

	memset(request, 'x', sizeof request);
	int head = snprintf(request, sizeof request,
		"POST /api/v1/streams/shop/tables/orders/resync HTTP/1.1\r\nHost: h\r\nConnection: "
		"close\r\n"
		"Content-Length: 100000\r\n\r\n");
	request[head] = 'x';
	assert_int_equal(ask_raw(request, (size_t)head + 100000), 413);
	assert_int_equal(requests_waiting(NULL), 0);
}

static void nonsense_is_refused_and_the_server_lives_on(void **unused)
{
	(void)unused;
	static char request[200000];

	int status = ask_raw("nonsense\r\n\r\n", 12);
	assert_true(status == 0 || status / 100 == 4);
	int head = snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nX: ");
	memset(request + head, 'x', sizeof request - (size_t)head);
	status = ask_raw(request, sizeof request);
	assert_true(status == 0 || status / 100 == 4);
	memset(request, 'a', 20000);
	memcpy(request, "GET /", 5);
	head = 20000 +
	       snprintf(request + 20000, 100, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_int_equal(ask_raw(request, (size_t)head), 404);
	assert_int_equal(ask("GET", "/healthz", ""), 200);
}

static void a_client_that_says_nothing_holds_up_nobody(void **unused)
{
	(void)unused;
	int silent[10];

	for (size_t i = 0; i < COUNT_OF(silent); i++) {
		silent[i] = connect_to_server();
		assert_int_equal(send(silent[i], "GET /hea", 8, MSG_NOSIGNAL), 8);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask("GET", "/healthz", ""), 200);
	for (size_t i = 0; i < COUNT_OF(silent); i++)
		close(silent[i]);
}

static void an_address_in_use_or_wrong_is_refused(void **unused)
{
	(void)unused;
	static const char *const wrong[] = {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
		"127.0.0.1:99999", "::1:8080", "[::1]", "localhost:80 80", "nowhere.invalid:80"};
	struct error err = {0};

	assert_null(server_start(server_address(server), NULL, state, &err));
	assert_non_null(strstr(err.text, "Address already in use"));
	assert_int_equal(err.kind, ERROR_CONFIG);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		err.kind = ERROR_NONE;
		struct server *other = server_start(wrong[i], NULL, state, &err);
		if (other || err.kind != ERROR_CONFIG)
			fail_msg("%s", wrong[i]);
	}
}

static void every_address_can_be_listened_on(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct server *first = server;

	server = server_start(":0", NULL, state, &err);
	if (!server)
		fail_msg("%s", err.text);
	assert_int_equal(ask("GET", "/healthz", ""), 200); /* over IPv4 */
	server_stop(server);
	server = first;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(health_is_that_of_the_process),
		TEST(readiness_names_what_is_not_ready),
		TEST(head_is_get_without_its_body),
		TEST(status_is_the_snapshot),
		TEST(metrics_are_in_the_text_format_of_prometheus),
		TEST(models_are_measured),
		TEST(models_are_summed_up_in_the_status),
		TEST(each_metric_is_one_group),
		TEST(the_process_is_measured),
		TEST(unknown_paths_and_methods_are_told_what_there_is),
		TEST(a_resync_is_asked_for_once),
		TEST(a_webhook_is_taken_once_until_it_is_seen),
		TEST(a_table_that_is_not_there_cannot_be_copied_anew),
		TEST(pages_of_other_origins_cannot_ask_for_changes),
		TEST(a_body_is_bounded),
		TEST(nonsense_is_refused_and_the_server_lives_on),
		TEST(a_client_that_says_nothing_holds_up_nobody),
		TEST(an_address_in_use_or_wrong_is_refused),
		TEST(every_address_can_be_listened_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
