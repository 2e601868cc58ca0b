/* HTTP and ClickHouse's use of it against a socket that answers by a script: what is sent, what
 * an answer means, and what happens when the other side is away, dies, stands still or has closed
 * a kept connection. */
#include "peer.h"
#include <lz4frame.h>
#include <zstd.h>

#include "base/mem.h"
#include "clients/clickhouse.h"
#include "clients/http_coding.h"

static struct clickhouse *client_of(const char *url, int64_t stall_timeout_ms)
{
	const struct clickhouse_options options = {
		.url = url, .http.stall_timeout_ms = stall_timeout_ms};
	struct clickhouse *c;
	struct error err = {0};

	assert_true(clickhouse_new(&c, &options, &err));
	return c;
}

static bool ask(
	struct clickhouse *c, const char *sql, bool streams, struct buf *answer, struct error *err)
{
	struct clickhouse_query q = {.sql = sql, .answer = answer, .streams = streams};

	error_clear(err);
	buf_clear(answer);
	return clickhouse_query(c, &q, err);
}

static void a_connection_is_kept_and_carries_user_settings_and_parameters(void **state)
{
	struct peer *p = PEER({OK(2, "1\n")}, {OK(2, "2\n")});
	const struct clickhouse_setting settings[] = {
		{"max_threads", "3"}, {"param_name", "a\\b\tc'&="}, {NULL, NULL}};
	CLEANUP(free_string)
	char *url = xasprintf("http://me:se%%40cret@%s", p->url + strlen("http://"));
	struct clickhouse *c = client_of(url, 0);
	struct buf answer;
	struct error err = {0};
	(void)state;

	buf_init(&answer, 100);
	assert_true(ask(c, "SELECT 1", false, &answer, &err));
	assert_string_equal(buf_text(&answer), "1\n");
	uint64_t rows = 1;
	assert_true(clickhouse_query(c,
		&(struct clickhouse_query){
			.sql = "SELECT 2", .settings = settings, .answer_rows = &rows},
		&err));
	assert_int_equal(rows, 0);
	assert_int_equal(p->connections, 1);
	assert_non_null(strstr(p->request, "max_threads=3&param_name=a%5C%5Cb%5Ctc%27%26%3D "));
	assert_non_null(strstr(p->request, "X-ClickHouse-User: me\r\n"));
	assert_non_null(strstr(p->request, "X-ClickHouse-Key: se@cret\r\n"));
	assert_non_null(strstr(p->request, "\r\n\r\nSELECT 2"));
	assert_null(strstr(clickhouse_url(c), "cret"));
	clickhouse_free(c);
	end_peer(p);
	buf_release(&answer);
}

static void a_request_is_made_again_when_the_kept_connection_was_closed(void **state)
{
	struct peer *p = PEER({OK(0, ""), .hang_up = true}, {OK(0, "")});
	struct clickhouse *c = client_of(p->url, 0);
	struct http_bytes rows;
	struct error err = {0};
	(void)state;

	assert_true(clickhouse_run(c, "SELECT 1", &err));
	http_bytes_init(&rows, "abc", 3);
	assert_true(clickhouse_query(
		c, &(struct clickhouse_query){.sql = "INSERT", .rows = &rows.body}, &err));
	assert_non_null(strstr(p->request, "3\r\nabc\r\n0\r\n\r\n"));
	clickhouse_free(c);
	end_peer(p);
}

static void expect_error(
	const struct script *script, bool streams, enum error_kind kind, const char *words)
{
	struct peer *p = start_peer(script, 1);
	struct clickhouse *c = client_of(p->url, 500);
	struct buf answer;
	struct error err = {0};

	buf_init(&answer, 100);
	assert_false(ask(c, "SELECT 1", streams, &answer, &err));
	assert_string_equal(error_kind_name(err.kind), error_kind_name(kind));
	if (!strstr(err.text, words))
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
	clickhouse_free(c);
	end_peer(p);
	buf_release(&answer);
}

#define EXCEPTION(code, status, body_len, body)                      \
	"HTTP/1.1 " status "\r\nX-ClickHouse-Exception-Code: " #code \
	"\r\nContent-Length: " #body_len "\r\n\r\n" body

static void exceptions_are_told_by_code_status_or_the_end_of_a_stream(void **state)
{
	(void)state;
	expect_error(&(struct script){EXCEPTION(252, "500 Internal Server Error", 63,
			     "Code: 252. DB::Exception: Too many parts. (X) (version 26.7.1)\n")},
		false, ERROR_RETRY, "ClickHouse: Too many parts. (X)");
	/* headers of progress went out first: the status could not be taken back */
	expect_error(&(struct script){EXCEPTION(
			     60, "200 OK", 38, "Code: 60. DB::Exception: No table. (X)")},
		false, ERROR_TABLE, "No table");
	expect_error(&(struct script){"HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\n"
				      "Code: 516. DB::Exception: Who is it? (X)"},
		false, ERROR_CONFIG, "Who is it?");
	expect_error(
		&(struct script){
			"HTTP/1.1 200 OK\r\nX-ClickHouse-Exception-Tag: abcd\r\nContent-Length: "
			"106\r\n\r\n1\n"
			"\r\n__exception__\r\nabcd\r\nCode: 241. DB::Exception: Memory. (X)\n"
			"36 abcd\r\n__exception__\r\nsome more"},
		true, ERROR_RETRY, "Memory");
}

static void what_is_not_clickhouse_is_seen(void **state)
{
	(void)state;
	expect_error(
		&(struct script){
			"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nproxy"},
		false, ERROR_RETRY, "503");
	expect_error(&(struct script){"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}, false,
		ERROR_CONFIG, "404");
	expect_error(&(struct script){"SSH-2.0-OpenSSH\r\n", .hang_up = true}, false, ERROR_CONFIG,
		"127.0.0.1");
}

static void what_is_cut_off_or_stands_still_is_tried_again(void **state)
{
	(void)state;
	expect_error(&(struct script){NULL, .hang_up = true}, false, ERROR_RETRY, "127.0.0.1");
	expect_error(&(struct script){"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 03:46:19 GMT\r\n",
			     .hang_up = true},
		false, ERROR_RETRY, "cut before the answer came");
	expect_error(&(struct script){"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
			     .hang_up = true},
		false, ERROR_RETRY, "cut before the answer came");
	expect_error(&(struct script){"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
			     .hang_up = true},
		false, ERROR_RETRY, "127.0.0.1");
	expect_error(&(struct script){NULL}, false, ERROR_RETRY, "nothing came or went");
	expect_error(&(struct script){"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"}, false,
		ERROR_RETRY, "nothing came or went");
}

static void an_answer_larger_than_asked_for_is_refused(void **state)
{
	(void)state;
	expect_error(
		&(struct script){OK(101, "00000000000000000000000000000000000000000000000000"
					 "000000000000000000000000000000000000000000000000000")},
		false, ERROR_DATA, "larger than the 100 bytes");
}

static void a_request_can_be_cancelled(void **state)
{
	static atomic_bool cancelled = true;
	struct peer *p = PEER({NULL});
	struct clickhouse *c = client_of(p->url, 0);
	struct error err = {0};
	(void)state;

	assert_false(clickhouse_query(
		c, &(struct clickhouse_query){.sql = "SELECT 1", .cancelled = &cancelled}, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.text, "cancelled"));
	clickhouse_free(c);
	end_peer(p);
}

static void nobody_there_is_tried_again(void **state)
{
	struct peer *p = PEER({NULL});
	char url[64];
	struct error err = {0};
	(void)state;

	snprintf(url, sizeof url, "%s", p->url);
	end_peer(p);
	struct clickhouse *c = client_of(url, 0);
	assert_false(clickhouse_run(c, "SELECT 1", &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	clickhouse_free(c);
}

static void a_temporary_table_goes_as_a_form_nobody_can_end_early(void **state)
{
	struct peer *p = PEER({OK(0, "")}, {OK(0, "")});
	struct clickhouse *c = client_of(p->url, 0);
	struct http_bytes table;
	struct error err = {0};
	char first[128] = "", second[128] = "";
	(void)state;

	for (int i = 0; i < 2; i++) {
		http_bytes_init(&table, "\x01\x02", 2);
		struct clickhouse_query q = {.sql = "SELECT * FROM keys",
			.table = &table.body,
			.table_name = "keys",
			.table_structure = "k Int8"};
		assert_true(clickhouse_query(c, &q, &err));
		const char *mark = strstr(p->request, "boundary=");
		assert_non_null(mark);
		assert_int_equal(sscanf(mark, "boundary=%100s", i ? second : first), 1);
	}
	assert_string_not_equal(first, second);
	assert_non_null(strstr(p->request, "keys_format=Native&keys_structure=k+Int8"));
	assert_non_null(strstr(p->request, "&query=SELECT+%2A+FROM+keys "));
	clickhouse_free(c);
	end_peer(p);
}

static size_t read_all(struct http_body *body, uint8_t *out, size_t room)
{
	size_t len = 0, n;

	while (len < room &&
		(n = body->read(body, out + len, room - len < 1000 ? room - len : 1000)))
		len += n;
	return len;
}

static void compressed_bodies_unpack_to_what_they_were(void **state)
{
	static uint8_t bytes[300000], packed[400000], again[400000], unpacked[sizeof bytes];
	static const enum http_coding codings[] = {HTTP_LZ4, HTTP_ZSTD};
	(void)state;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i % 1000 < 500 ? random() : 7);
	for (size_t i = 0; i < 2; i++) {
		struct http_bytes body;
		http_bytes_init(&body, bytes, sizeof bytes);
		struct http_coder *coder = http_coder_new(&body.body, codings[i]);
		size_t len = read_all(http_coder_body(coder), packed, sizeof packed);
		http_coder_body(coder)->rewind(http_coder_body(coder));
		assert_int_equal(read_all(http_coder_body(coder), again, sizeof again), len);
		assert_memory_equal(packed, again, len);
		http_coder_free(coder);
		size_t size = sizeof unpacked;
		if (codings[i] == HTTP_ZSTD) {
			size = ZSTD_decompress(unpacked, sizeof unpacked, packed, len);
		} else {
			LZ4F_dctx *context;
			LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
			assert_int_equal(
				LZ4F_decompress(context, unpacked, &size, packed, &len, NULL), 0);
			LZ4F_freeDecompressionContext(context);
		}
		assert_int_equal(size, sizeof bytes);
		assert_memory_equal(unpacked, bytes, size);
	}
}

static void loopback_is_known_by_its_names(void **state)
{
	(void)state;
	assert_true(http_is_loopback("http://127.0.0.1:8123"));
	assert_true(http_is_loopback("http://me:pw@localhost/x"));
	assert_true(http_is_loopback("https://[::1]:8443/"));
	assert_false(http_is_loopback("http://10.0.0.1"));
	assert_false(http_is_loopback("http://127.example.com.attacker.net"));
	assert_false(http_is_loopback("nonsense"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_kept_and_carries_user_settings_and_parameters),
		cmocka_unit_test(a_request_is_made_again_when_the_kept_connection_was_closed),
		cmocka_unit_test(exceptions_are_told_by_code_status_or_the_end_of_a_stream),
		cmocka_unit_test(what_is_not_clickhouse_is_seen),
		cmocka_unit_test(what_is_cut_off_or_stands_still_is_tried_again),
		cmocka_unit_test(an_answer_larger_than_asked_for_is_refused),
		cmocka_unit_test(a_request_can_be_cancelled),
		cmocka_unit_test(nobody_there_is_tried_again),
		cmocka_unit_test(a_temporary_table_goes_as_a_form_nobody_can_end_early),
		cmocka_unit_test(compressed_bodies_unpack_to_what_they_were),
		cmocka_unit_test(loopback_is_known_by_its_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
