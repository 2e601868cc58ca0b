/* The schema registry against a socket that answers by a script: who is asked, how often, and what an answer means. Against
 * a real one: tests/integration/kafka/test_registry.py. */
#include "peer.h"

#include "base/mem.h"
#include "clients/registry.h"
#include "clients/registry_diff.h"

#define ANSWER(status, body)                                                                       \
	{                                                                                          \
		.answer = "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body, .hang_up = true \
	}

static struct registry *registry_of(const struct registry_options *options)
{
	struct error err = {0};
	struct registry *r = registry_new(options, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static struct registry *registry_at(const char *urls)
{
	return registry_of(&(struct registry_options){.urls = urls, .register_schemas = true});
}

static void a_schema_is_asked_for_once(void **state)
{
	struct peer *peer = PEER(ANSWER("200 OK", "{\"schema\":\"\\\"int\\\"\"}"));
	struct registry *r = registry_at(peer->url);
	struct error err = {0};

	(void)state;
	const char *text = registry_schema(r, 4000000000, &err);
	assert_string_equal(text, "\"int\"");
	assert_memory_equal(peer->request, "GET /schemas/ids/4000000000 ", 28);
	assert_ptr_equal(registry_schema(r, 4000000000, &err), text);
	registry_free(r);
	end_peer(peer);
}

static void an_id_that_is_not_known_is_not_asked_for_again_and_again(void **state)
{
	struct peer *peer = PEER(
		ANSWER("404 Not Found", "{\"error_code\":40403,\"message\":\"no\"}"),
		ANSWER("200 OK", "{\"schema\":\"\\\"int\\\"\"}"));
	struct registry *r = registry_at(peer->url);
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_null(registry_schema(r, 7, &err));
		assert_int_equal(err.kind, ERROR_DATA);
	}
	assert_int_equal(peer->connections, 1);
	assert_non_null(registry_schema(r, 8, &err));
	registry_free(r);
	end_peer(peer);
}

static void a_schema_is_registered_once_under_each_subject(void **state)
{
	struct peer *peer = PEER(ANSWER("200 OK", "{\"id\":0}"), ANSWER("200 OK", "{\"id\":2}"));
	struct registry *r = registry_at(peer->url);
	struct error err = {0};
	uint32_t id = 9;

	(void)state;
	for (int i = 0; i < 2; i++, id = 9) {
		assert_true(registry_register(r, "a", "\"int\"", &id, &err));
		assert_int_equal(id, 0);
	}
	assert_memory_equal(peer->request, "POST /subjects/a/versions ", 26);
	assert_non_null(strstr(peer->request, "\r\n\r\n{\"schema\":\"\\\"int\\\"\"}"));
	assert_true(registry_register(r, "b", "\"int\"", &id, &err));
	assert_int_equal(id, 2);
	registry_free(r);
	end_peer(peer);
}

static void the_user_of_the_url_is_shown_or_else_the_options(void **state)
{
	struct peer *peer = PEER(ANSWER("200 OK", "[\"AVRO\"]"), ANSWER("200 OK", "[\"AVRO\"]"));
	CLEANUP(free_string) char *url = xasprintf("http://me:s%%3Aecret@%s/path/", peer->url + 7);
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct registry *r = registry_of(&(struct registry_options){
			.urls = i ? peer->url : url, .username = "other", .password = "word"});
		assert_true(registry_reach(r, &err));
		assert_non_null(
			strstr(peer->request, i ? "\r\nAuthorization: Basic b3RoZXI6d29yZA=="
						: "\r\nAuthorization: Basic bWU6czplY3JldA=="));
		if (!i)
			assert_memory_equal(peer->request, "GET /path/schemas/types ", 24);
		registry_free(r);
	}
	end_peer(peer);
}

static void who_may_not_is_told_without_the_password(void **state)
{
	struct peer *peer = PEER(
		ANSWER("401 Unauthorized", "{\"error_code\":401,\"message\":\"who?\"}"));
	CLEANUP(free_string) char *url = xasprintf("http://me:secret@%s", peer->url + 7);
	struct registry *r = registry_at(url);
	struct error err = {0};
	uint32_t id;

	(void)state;
	assert_false(registry_register(r, "a", "\"int\"", &id, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "who? (401); look at registry_username"));
	assert_null(strstr(err.text, "secret"));
	registry_free(r);
	end_peer(peer);
}

static void one_that_is_not_well_is_passed_over_and_then_left(void **state)
{
	struct peer *ill = PEER(ANSWER("503 Service Unavailable", "<html>"));
	struct peer *well = PEER(ANSWER("200 OK", "{\"id\":1}"), ANSWER("200 OK", "{\"id\":2}"));
	CLEANUP(free_string) char *urls = xasprintf("%s, %s", ill->url, well->url);
	struct registry *r = registry_at(urls);
	struct error err = {0};
	uint32_t id;

	(void)state;
	assert_true(registry_register(r, "a", "\"int\"", &id, &err));
	assert_true(registry_register(r, "b", "\"int\"", &id, &err));
	assert_int_equal(id, 2);
	assert_int_equal(ill->connections, 1);
	registry_free(r);
	end_peer(ill);
	end_peer(well);
}

static void all_of_them_unwell_is_for_later(void **state)
{
	struct peer *one = PEER(ANSWER("503 Service Unavailable", ""), ANSWER("429 Slow Down", ""));
	struct peer *other = PEER(ANSWER("500 No", ""), {.hang_up = true});
	CLEANUP(free_string) char *urls = xasprintf("%s,%s", one->url, other->url);
	struct registry *r = registry_at(urls);
	struct error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		error_clear(&err);
		assert_null(registry_schema(r, 1, &err));
		assert_int_equal(err.kind, ERROR_RETRY);
	}
	registry_free(r);
	end_peer(one);
	end_peer(other);
}

static void an_answer_that_makes_no_sense_is_an_error(void **state)
{
	static const char *const whys[] = {"no id", "no id", "no schema", "type PROTOBUF",
		"other subjects", "/apis/ccompat/v7", "no Avro"};
	struct peer *peer = PEER(ANSWER("200 OK", "<html>"), ANSWER("200 OK", "{\"id\":-1}"),
		ANSWER("200 OK", "{\"schema\":5}"),
		ANSWER("200 OK", "{\"schema\":\"\",\"schemaType\":\"PROTOBUF\"}"),
		ANSWER("200 OK", "{\"schema\":\"\",\"references\":[{}]}"),
		ANSWER("404 Not Found", "<html>"), ANSWER("200 OK", "[\"JSON\"]"));
	struct registry *r = registry_at(peer->url);
	uint32_t id;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(whys); i++) {
		struct error err = {0};
		if (i < 2)
			assert_false(registry_register(r, "a", "\"int\"", &id, &err));
		else if (i < COUNT_OF(whys) - 1)
			assert_null(registry_schema(r, 1, &err));
		else
			assert_false(registry_reach(r, &err));
		if (!strstr(err.text, whys[i]))
			fail_msg("\"%s\", expected \"%s\"", err.text, whys[i]);
	}
	registry_free(r);
	end_peer(peer);
}

static void a_url_that_is_none_is_refused(void **state)
{
	static const char *const urls[] = {NULL, "", " , ", "http://"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct error err = {0};
		assert_null(registry_new(&(struct registry_options){.urls = urls[i]}, &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_memory_equal(err.text, "registry: ", 10);
	}
}

static void subjects_are_named_by_the_strategy(void **state)
{
	static const char envelope[] =
		"{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"s.t\",\"fields\":[]}";
	static const char bare[] = "{\"type\":\"record\",\"name\":\"s.t.Key\",\"fields\":[]}";
	static const struct {
		int naming;
		bool is_key;
		const char *schema, *expected;
	} cases[] = {
		{SUBJECT_TOPIC_NAME, true, bare, "s.t-key"},
		{SUBJECT_TOPIC_NAME, false, envelope, "s.t-value"},
		{SUBJECT_RECORD_NAME, false, envelope, "s.t.Envelope"},
		{SUBJECT_RECORD_NAME, true, bare, "s.t.Key"},
		{SUBJECT_RECORD_NAME, true, "\"int\"", "s.t-key"},
		{SUBJECT_TOPIC_RECORD_NAME, false, envelope, "s.t-s.t.Envelope"},
		{SUBJECT_TOPIC_RECORD_NAME, false, "[\"null\"]", "s.t-value"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct registry *r = registry_of(&(struct registry_options){
			.urls = "http://127.0.0.1:1", .naming = cases[i].naming});
		buf_clear(&out);
		registry_subject(r, "s.t", cases[i].is_key, cases[i].schema, &out);
		assert_string_equal(buf_text(&out), cases[i].expected);
		registry_free(r);
	}
	buf_release(&out);
}

#define R(fields)      "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[" fields "]}"
#define F(name, type)  "{\"name\":\"" name "\",\"type\":" type "}"
#define FD(name, type) "{\"name\":\"" name "\",\"type\":" type ",\"default\":null}"

static void what_differs_is_told_by_field(void **state)
{
	static const struct {
		const char *before, *after, *said;
	} cases[] = {
		{R(F("a", "\"int\"")), R(F("a", "\"int\"")), ""},
		{R(""), R(FD("a", "[\"null\",\"long\"]")), "added a (null or long with a default)"},
		{R(F("a", "{\"type\":\"long\",\"connect.name\":\"io.debezium.time.Timestamp\"}")),
			R(F("a", "\"long\"")), "changed a from long (Timestamp) to long"},
		{R(F("a", "{\"type\":\"bytes\",\"scale\":2,\"precision\":10}")), R(""),
			"removed a (bytes (decimal 10, 2))"},
		{R(F("row", "[\"null\"," R(F("a", "\"int\"")) "]")),
			R(F("row", "[\"null\"," R(F("a", "\"int\"") "," F("b", "\"n.R\"")) "]")),
			"added row.b (R)"},
		{R(F("l", "{\"type\":\"array\",\"items\":" R(F("x", "\"int\"")) "}")),
			R(F("l", "{\"type\":\"array\",\"items\":" R(F("x", "\"long\"")) "}")),
			"changed l.x from int to long"},
		{R(F("m", "{\"type\":\"map\",\"values\":\"int\"}")),
			R(F("m", "{\"type\":\"map\",\"values\":\"long\"}")),
			"changed m from map of int to map of long"},
		{R(F("a", "\"int\"") "," F("b", "\"int\"") "," F("c", "\"int\"")),
			R(F("d", "\"int\"")), "added d (int); removed a (int); and 2 more"},
		{"no schema", R(F("a", "\"int\"")), "added a (int)"},
		{"\"int\"", "{\"type\":5,\"fields\":{}}", ""},
	};
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&out);
		registry_diff(cases[i].before, cases[i].after, 2, &out);
		assert_string_equal(buf_text(&out), cases[i].said);
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schema_is_asked_for_once),
		cmocka_unit_test(an_id_that_is_not_known_is_not_asked_for_again_and_again),
		cmocka_unit_test(a_schema_is_registered_once_under_each_subject),
		cmocka_unit_test(the_user_of_the_url_is_shown_or_else_the_options),
		cmocka_unit_test(who_may_not_is_told_without_the_password),
		cmocka_unit_test(one_that_is_not_well_is_passed_over_and_then_left),
		cmocka_unit_test(all_of_them_unwell_is_for_later),
		cmocka_unit_test(an_answer_that_makes_no_sense_is_an_error),
		cmocka_unit_test(a_url_that_is_none_is_refused),
		cmocka_unit_test(subjects_are_named_by_the_strategy),
		cmocka_unit_test(what_differs_is_told_by_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
