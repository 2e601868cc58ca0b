/* The client of Kafka against librdkafka's own mock of a cluster, which fails as it is told to. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "clients/kafka_consumer.h"
#include "clients/kafka_handle.h"
#include "clients/kafka_producer.h"

#include <librdkafka/rdkafka_mock.h> /* behind rdkafka.h */

#define MESSAGE_BYTES ((size_t)1 << 20)

static struct kafka_options options;
static struct arena arena;
static struct error err;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	options = (struct kafka_options){0};
	error_clear(&err);
	assert_true(option_defaults(kafka_option_table, &options, &arena, &err));
	options.brokers = "127.0.0.1:1";
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void assert_said(enum error_kind kind, const char *part)
{
	if (err.kind != kind || !strstr(err.text, part))
		fail_msg("'%s' is not in: %s error, %s", part, error_kind_name(err.kind), err.text);
	error_clear(&err);
}

/* A producer with a cluster of its own; transactional where `id` is given. */
static struct kafka *producer(const char *id)
{
	const struct kafka_setting settings[] = {
		{"test.mock.num.brokers", "3", false},
		{"acks", "all", true},
		{"enable.idempotence", "true", true},
		{"delivery.report.only.error", "true", true},
		{id ? "transactional.id" : NULL, id, true},
		{0},
	};
	struct kafka *k = kafka_new(&options, KAFKA_PRODUCER, settings, &err);

	assert_non_null(k);
	return k;
}

static rd_kafka_mock_cluster_t *cluster_of(struct kafka *k)
{
	return rd_kafka_handle_mock_cluster(k->rk);
}

/* Of a topic that takes so much: the mock does not tell. */
static struct kafka_topic *open_topic(struct kafka *k, size_t takes_bytes)
{
	struct kafka_topic *topic = kafka_topic_open(k, "orders");

	topic->takes_bytes = takes_bytes;
	topic->asked_ms = mono_ms();
	return topic;
}

static bool send_text(struct kafka_topic *topic, const char *text)
{
	const struct kafka_message message = {
		.key = "k", .key_len = 1, .value = text, .value_len = strlen(text)};

	return kafka_send(topic, &message, &err);
}

/* One message whose request meets this answer first. */
static bool send_met_by(struct kafka *k, rd_kafka_resp_err_t code)
{
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	rd_kafka_mock_push_request_errors(cluster_of(k), 0 /* Produce */, 1, code);
	bool ok = send_text(topic, "v") && kafka_flush(k, &err);
	kafka_topic_close(topic);
	return ok;
}

/* --- Settings -------------------------------------------------------------------------------------- */

static void settings_are_taken_apart(void **state)
{
	(void)state;
	struct kafka_setting *s = kafka_settings_parse(
		" a = 1 ,b.c=x=y,, d=", "properties", &arena, &err);

	assert_string_equal(s[0].name, "a");
	assert_string_equal(s[0].value, "1");
	assert_string_equal(s[1].name, "b.c");
	assert_string_equal(s[1].value, "x=y");
	assert_string_equal(s[2].name, "d");
	assert_string_equal(s[2].value, "");
	assert_null(s[3].name);
	assert_null(kafka_settings_parse(NULL, "properties", &arena, &err)->name);
	assert_null(kafka_settings_parse("a=secret,word", "topic_settings", &arena, &err));
	assert_null(strstr(err.text, "word"));
	assert_said(ERROR_CONFIG, "option 'topic_settings': setting 2 is none");
}

static void settings_one_a_line_may_have_commas(void **state)
{
	struct kafka_setting *s = kafka_settings_parse(
		"\na=1,2\n  b=x=y,z\n\n", "properties", &arena, &err);
	(void)state;

	assert_string_equal(s[0].name, "a");
	assert_string_equal(s[0].value, "1,2");
	assert_string_equal(s[1].value, "x=y,z");
	assert_null(s[2].name);
	s = kafka_settings_parse("a=1, b=2\n", "properties", &arena, &err);
	assert_string_equal(s[1].name, "b");
	assert_string_equal(s[1].value, "2");
}

static void properties_cannot_change_what_delivery_rests_on(void **state)
{
	static const struct kafka_setting fixed[] = {{"acks", "all", true}, {0}};
	(void)state;

	options.properties = "linger.ms=5, acks=0";
	assert_null(kafka_new(&options, KAFKA_PRODUCER, fixed, &err));
	assert_said(ERROR_CONFIG, "acks=all");
	options.properties = "no.such.thing=5";
	assert_null(kafka_new(&options, KAFKA_PRODUCER, fixed, &err));
	assert_said(ERROR_CONFIG, "option 'properties': No such configuration property");
}

static void a_user_without_a_protocol_that_takes_one_is_refused(void **state)
{
	static const struct kafka_setting none[] = {{0}};
	(void)state;

	options.sasl_username = "tailrace";
	assert_null(kafka_new(&options, KAFKA_PRODUCER, none, &err));
	assert_said(ERROR_CONFIG, "security_protocol");
}

/* --- Messages --------------------------------------------------------------------------------------- */

static void what_is_flushed_has_arrived(void **state)
{
	struct kafka *k = producer(NULL);
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);
	(void)state;

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 3, 3);
	for (int i = 0; i < 1000; i++)
		assert_true(send_text(topic, "v"));
	assert_true(kafka_flush(k, &err));
	assert_int_equal(rd_kafka_outq_len(k->rk), 0);
	kafka_topic_close(topic);
	kafka_free(k);
}

static void a_leader_that_moved_is_found(void **state)
{
	struct kafka *k = producer(NULL);
	(void)state;

	assert_true(send_met_by(k, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION));
	kafka_free(k);
}

static void what_no_broker_takes_is_told_with_its_topic(void **state)
{
	static const struct {
		rd_kafka_resp_err_t code;
		enum error_kind kind;
		const char *said;
	} refusals[] = {
		{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERROR_RETRY, "max.message.bytes"},
		{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERROR_CONFIG, "allow the user"},
		{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERROR_CONFIG, "IdempotentWrite"},
		{RD_KAFKA_RESP_ERR_INVALID_RECORD, ERROR_RETRY, "topic orders"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct kafka *k = producer(NULL);
		assert_false(send_met_by(k, refusals[i].code));
		assert_said(refusals[i].kind, refusals[i].said);
		kafka_free(k);
	}
}

static void a_message_of_any_size_has_a_limit(void **state)
{
	struct kafka *k = producer(NULL);
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);
	size_t len = (size_t)2 << 20;
	char *large = xcalloc(1, len);
	const struct kafka_message message = {.value = large, .value_len = len};
	(void)state;

	assert_false(kafka_send(topic, &message, &err));
	assert_said(ERROR_DATA, "orders");
	free(large);
	kafka_topic_close(topic);
	kafka_free(k);
}

static void a_request_is_not_larger_than_its_topic_takes(void **state)
{
	struct kafka *k = producer(NULL);
	struct kafka_topic *topic = open_topic(k, 5000);
	char text[400];
	(void)state;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	for (int i = 0; i < 100; i++) {
		assert_true(send_text(topic, text));
		assert_true((size_t)rd_kafka_outq_len(k->rk) * sizeof text <= 5000);
	}
	assert_true(kafka_flush(k, &err));
	kafka_topic_close(topic);
	kafka_free(k);
}

/* --- Reading ----------------------------------------------------------------------------------------- */

#define LARGE (16 << 10)
#define MANY  200

/* Each in a batch of its own, so that as few are fetched at once as is asked for. */
static void send_many(struct kafka *k)
{
	static const uint8_t value[LARGE];
	const struct kafka_message message = {.value = value, .value_len = sizeof value};

	/* first: to ask for a topic makes it, of four partitions */
	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);
	for (int i = 0; i < MANY; i++)
		assert_true(kafka_send(topic, &message, &err) && kafka_flush(k, &err));
	kafka_topic_close(topic);
}

/* librdkafka alone sleeps for up to a second each time that its queue is full: after every third message. */
static void a_small_buffer_is_filled_again_as_soon_as_there_is_room(void **state)
{
	struct kafka *k = producer(NULL);
	struct kafka_place begin = {.topic = "orders"};
	const struct kafka_places places = {.items = &begin, .len = 1};
	struct kafka_record record;
	size_t n, all = 0;
	(void)state;

	send_many(k);
	options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_of(k));
	struct kafka_consumer *c = kafka_consumer_new(&options, NULL, 2 * LARGE, &err);
	assert_true(c && kafka_assign(c, &places, &err));
	int64_t until_ms = mono_ms() + 45000; /* it would be 66 s */
	while (all < MANY && mono_ms() < until_ms) {
		assert_true(kafka_read(c, &record, 1, &n, 100, &err));
		all += n && !record.end;
		usleep(2000); /* the reader is slower than the brokers, so the queue is full */
	}
	assert_int_equal(all, MANY);
	kafka_consumer_free(c);
	kafka_free(k);
}

/* --- Transactions ------------------------------------------------------------------------------------ */

static void transactions_begin_and_end(void **state)
{
	struct kafka *k = producer("tailrace.shop");
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);
	(void)state;

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	assert_true(kafka_fence(k, &err));
	for (int i = 0; i < 3; i++) {
		assert_true(kafka_begin(k, &err));
		assert_true(send_text(topic, "v"));
		assert_true(kafka_commit(k, &err));
	}
	assert_true(kafka_begin(k, &err));
	assert_true(send_text(topic, "v"));
	kafka_abort(k);
	assert_true(kafka_begin(k, &err));
	assert_true(kafka_commit(k, &err));
	kafka_topic_close(topic);
	kafka_free(k);
}

static void a_message_that_is_refused_is_why_its_transaction_fails(void **state)
{
	struct kafka *k = producer("tailrace.shop");
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);
	(void)state;

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	assert_true(kafka_fence(k, &err) && kafka_begin(k, &err));
	rd_kafka_mock_push_request_errors(
		cluster_of(k), 0, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_true(send_text(topic, "v"));
	assert_false(kafka_commit(k, &err));
	assert_said(ERROR_CONFIG, "writing to topic orders");
	kafka_topic_close(topic);
	kafka_free(k);
}

/* A transaction that began so long ago, and whose end meets this answer. */
static void assert_not_committed(
	int64_t age_ms, rd_kafka_resp_err_t code, enum error_kind kind, const char *said)
{
	struct kafka *k = producer("tailrace.shop");
	struct kafka_topic *topic = open_topic(k, MESSAGE_BYTES);

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	assert_true(kafka_fence(k, &err) && kafka_begin(k, &err));
	rd_kafka_mock_push_request_errors(cluster_of(k), 26 /* EndTxn */, 1, code);
	assert_true(send_text(topic, "v"));
	k->began_ms -= age_ms;
	assert_false(kafka_commit(k, &err));
	assert_said(kind, said);
	kafka_topic_close(topic);
	kafka_free(k);
}

static void who_is_fenced_stops_and_is_told_why(void **state)
{
	(void)state;
	assert_not_committed(0, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERROR_BROKEN,
		"another process runs this stream");
}

static void who_is_fenced_by_the_transactions_own_timeout_tries_again(void **state)
{
	(void)state;
	assert_not_committed(60000, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERROR_RETRY,
		"was not written within transaction_timeout (60 s)");
}

static void a_producer_that_the_brokers_have_forgotten_is_replaced(void **state)
{
	(void)state;
	assert_not_committed(0, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, ERROR_RETRY,
		"committing a transaction");
}

static void who_may_not_use_the_transactional_id_is_told_so(void **state)
{
	struct kafka *k = producer("tailrace.shop");
	(void)state;

	rd_kafka_mock_push_request_errors(cluster_of(k), 22 /* InitProducerId */, 1,
		RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	assert_false(kafka_fence(k, &err));
	assert_said(ERROR_CONFIG, "delivery: at_least_once");
	kafka_free(k);
}

/* --- Brokers ----------------------------------------------------------------------------------------- */

static void brokers_are_reached(void **state)
{
	struct kafka *k = producer(NULL);
	char about[64];
	(void)state;

	assert_true(kafka_reach(k, 5000, about, sizeof about, &err));
	assert_string_equal(about, "3 brokers");
	kafka_free(k);
}

static void brokers_that_are_away_are_named_with_why(void **state)
{
	static const struct kafka_setting none[] = {{0}};
	struct kafka *k = kafka_new(&options, KAFKA_PRODUCER, none, &err);
	(void)state;

	assert_non_null(k);
	assert_false(kafka_reach(k, 1000, NULL, 0, &err));
	assert_said(ERROR_RETRY, "Connection refused");
	kafka_free(k);
}

static void who_does_not_speak_kafka_is_asked_about(void **state)
{
	static const struct kafka_setting none[] = {{0}};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof at;
	char broker[32];
	int silent = socket(AF_INET, SOCK_STREAM, 0);
	(void)state;

	assert_true(bind(silent, (struct sockaddr *)&at, len) == 0 && listen(silent, 4) == 0 &&
		    getsockname(silent, (struct sockaddr *)&at, &len) == 0);
	snprintf(broker, sizeof broker, "127.0.0.1:%d", ntohs(at.sin_port));
	options.brokers = broker;
	struct kafka *k = kafka_new(&options, KAFKA_PRODUCER, none, &err);
	assert_non_null(k);
	assert_false(kafka_reach(k, 500, NULL, 0, &err));
	assert_said(ERROR_RETRY, "security_protocol");
	kafka_free(k);
	close(silent);
}

/* A row is not too large because nobody says what its topic takes. */
static void a_limit_that_no_broker_tells_is_asked_for_again(void **state)
{
	static const struct kafka_setting none[] = {{0}};
	struct kafka *k = kafka_new(&options, KAFKA_PRODUCER, none, &err);
	struct kafka_topic *topic = kafka_topic_open(k, "orders");
	(void)state;

	assert_false(send_text(topic, "v"));
	assert_said(ERROR_RETRY, "orders");
	assert_int_equal(topic->takes_bytes, 0);
	kafka_topic_close(topic);
	kafka_free(k);
}

static void topics_are_listed(void **state)
{
	struct kafka *k = producer(NULL);
	struct kafka_topic_infos found = {0};
	(void)state;

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 4, 3);
	rd_kafka_mock_topic_create(cluster_of(k), "parts", 1, 1);
	assert_true(kafka_topics(k, NULL, &found, &err));
	assert_int_equal(found.len, 2);
	kafka_topic_infos_release(&found);
	assert_true(kafka_topics(k, "orders", &found, &err));
	assert_int_equal(found.len, 1);
	assert_int_equal(found.items[0].partitions, 4);
	assert_int_equal(found.items[0].replication, 3);
	kafka_topic_infos_release(&found);
	kafka_free(k);
}

static bool commits(struct kafka_consumer *c)
{
	struct kafka_places places = {0};

	vec_push(&places, ((struct kafka_place){.topic = "orders", .offset = 1}));
	bool ok = kafka_commit_offsets(kafka_consumer_client(c), &places, true, &err);
	vec_release(&places);
	return ok;
}

static void a_commit_that_no_broker_answers_is_not_waited_for_until_one_does(void **state)
{
	struct kafka *k = producer(NULL);
	const struct kafka_group group = {.name = "readers"};
	(void)state;

	rd_kafka_mock_topic_create(cluster_of(k), "orders", 1, 3);
	options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_of(k));
	struct kafka_consumer *c = kafka_consumer_new(&options, &group, 1 << 20, &err);
	assert_non_null(c);
	assert_true(commits(c));
	for (int broker = 1; broker <= 3; broker++)
		rd_kafka_mock_broker_push_request_error_rtts(cluster_of(k), broker,
			8 /* OffsetCommit */, 1, RD_KAFKA_RESP_ERR_NO_ERROR, KAFKA_WAIT_MS + 3000);
	assert_false(commits(c));
	assert_said(ERROR_RETRY, "committing offsets");
	kafka_consumer_free(c);
	kafka_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_are_taken_apart, start, stop),
		cmocka_unit_test_setup_teardown(settings_one_a_line_may_have_commas, start, stop),
		cmocka_unit_test_setup_teardown(
			properties_cannot_change_what_delivery_rests_on, start, stop),
		cmocka_unit_test_setup_teardown(
			a_user_without_a_protocol_that_takes_one_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(what_is_flushed_has_arrived, start, stop),
		cmocka_unit_test_setup_teardown(a_leader_that_moved_is_found, start, stop),
		cmocka_unit_test_setup_teardown(
			what_no_broker_takes_is_told_with_its_topic, start, stop),
		cmocka_unit_test_setup_teardown(a_message_of_any_size_has_a_limit, start, stop),
		cmocka_unit_test_setup_teardown(
			a_request_is_not_larger_than_its_topic_takes, start, stop),
		cmocka_unit_test_setup_teardown(
			a_small_buffer_is_filled_again_as_soon_as_there_is_room, start, stop),
		cmocka_unit_test_setup_teardown(transactions_begin_and_end, start, stop),
		cmocka_unit_test_setup_teardown(
			a_message_that_is_refused_is_why_its_transaction_fails, start, stop),
		cmocka_unit_test_setup_teardown(who_is_fenced_stops_and_is_told_why, start, stop),
		cmocka_unit_test_setup_teardown(
			who_is_fenced_by_the_transactions_own_timeout_tries_again, start, stop),
		cmocka_unit_test_setup_teardown(
			a_producer_that_the_brokers_have_forgotten_is_replaced, start, stop),
		cmocka_unit_test_setup_teardown(
			who_may_not_use_the_transactional_id_is_told_so, start, stop),
		cmocka_unit_test_setup_teardown(brokers_are_reached, start, stop),
		cmocka_unit_test_setup_teardown(
			brokers_that_are_away_are_named_with_why, start, stop),
		cmocka_unit_test_setup_teardown(
			who_does_not_speak_kafka_is_asked_about, start, stop),
		cmocka_unit_test_setup_teardown(
			a_limit_that_no_broker_tells_is_asked_for_again, start, stop),
		cmocka_unit_test_setup_teardown(topics_are_listed, start, stop),
		cmocka_unit_test_setup_teardown(
			a_commit_that_no_broker_answers_is_not_waited_for_until_one_does, start,
			stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
