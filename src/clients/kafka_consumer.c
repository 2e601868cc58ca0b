/* Reading topics; see kafka_consumer.h. */
#include "clients/kafka_consumer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "clients/kafka_handle.h"

#define LEAVE_MS    5000
#define SLICE_MS    100
#define SETTLE_US   100000 /* between two questions to a group whose brokers are not ready */
#define FETCH_SHARE 16     /* of the buffer, for a partition in one answer: what comes is packed */
#define FETCH_LEAST 65536
#define HAS_BACKOFF 0x02020000 /* librdkafka since 2.2 has fetch.queue.backoff.ms */

struct kafka_consumer {
	struct kafka *kafka;
	struct kafka_group group; /* name NULL: alone */
	rd_kafka_queue_t *queue;
	VEC(rd_kafka_message_t *) taken; /* of the last kafka_read() */
	rd_kafka_message_t *kept;        /* came while joining */
	bool joined, held;
	int64_t buffer_bytes, read_bytes; /* read_bytes: since the fetcher was woken */
	struct error failure;             /* of a callback */
};

/* --- Lists ----------------------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_places *places)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)places->len);

	vec_each (places, p)
		rd_kafka_topic_partition_list_add(list, p->topic, p->partition)->offset = p->offset;
	return list;
}

/* The topic's name stays the list's. */
static struct kafka_place place_of(const rd_kafka_topic_partition_t *p)
{
	return (struct kafka_place){
		.topic = p->topic, .partition = p->partition, .offset = p->offset};
}

static void places_of(const rd_kafka_topic_partition_list_t *list, struct kafka_places *out)
{
	for (int i = 0; i < list->cnt; i++)
		vec_push(out, place_of(&list->elems[i]));
}

/* Takes over the offsets of a list that was made of the places; looks for what failed in one partition. */
static bool take_offsets(struct kafka *k, const rd_kafka_topic_partition_list_t *list,
	struct kafka_places *places, const char *what, struct error *err)
{
	for (size_t i = 0; i < places->len; i++) {
		struct kafka_place *p = &places->items[i];
		rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(
			(rd_kafka_topic_partition_list_t *)list, p->topic, p->partition);
		if (found->err) {
			kafka_fail(k, err, found->err, what, NULL);
			return error_add(err, "%s [%d]", p->topic, p->partition);
		}
		p->offset = found->offset < 0 ? KAFKA_NOWHERE : found->offset;
	}
	return true;
}

/* --- Offsets --------------------------------------------------------------------------------------- */

/* The group's coordinator is being made out: the first answer after a start is often such. */
static bool is_settling(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__WAIT_COORD || code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
	       code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
	       code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

/* That the group is not for us comes as a message, and nothing else does before it is joined. */
static bool is_shut_out(struct kafka *k)
{
	rd_kafka_message_t *message = k->consumer->joined ? NULL : rd_kafka_consumer_poll(k->rk, 0);
	bool shut_out = message && message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;

	if (message)
		rd_kafka_message_destroy(message);
	return shut_out;
}

rd_kafka_resp_err_t kafka_group_offsets(struct kafka *k, rd_kafka_topic_partition_list_t *list)
{
	int64_t until_ms = mono_ms() + KAFKA_WAIT_MS;
	rd_kafka_resp_err_t code = rd_kafka_committed(k->rk, list, KAFKA_SLICE_MS);

	while ((is_settling(code) || kafka_may_answer(k, code)) && mono_ms() < until_ms) {
		if (is_shut_out(k))
			return RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
		usleep(SETTLE_US);
		code = rd_kafka_committed(k->rk, list, KAFKA_SLICE_MS);
	}
	return code;
}

bool kafka_committed(struct kafka *k, struct kafka_places *places, struct error *err)
{
	static const char what[] = "asking for committed offsets";

	if (!places->len)
		return true;
	rd_kafka_topic_partition_list_t *list = list_of(places);
	rd_kafka_resp_err_t code = kafka_group_offsets(k, list);
	bool ok = code ? kafka_fail(k, err, code, what, NULL)
		       : take_offsets(k, list, places, what, err);
	rd_kafka_topic_partition_list_destroy(list);
	return ok;
}

bool kafka_bounds(
	struct kafka *k, struct kafka_places *places, int64_t earliest_or_latest, struct error *err)
{
	static const char what[] = "asking for the ends of partitions";

	if (!places->len)
		return true;
	rd_kafka_topic_partition_list_t *list = list_of(places);
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = earliest_or_latest;
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(k->rk, list, KAFKA_WAIT_MS);
	bool ok = code ? kafka_fail(k, err, code, what, NULL)
		       : take_offsets(k, list, places, what, err);
	rd_kafka_topic_partition_list_destroy(list);
	return ok;
}

bool kafka_since(struct kafka *k, struct kafka_places *places, int64_t time_ms, struct error *err)
{
	struct kafka_places ends = {0};

	vec_each (places, p)
		vec_push(&ends, *p);
	bool ok = kafka_bounds(k, places, time_ms, err) &&
		  kafka_bounds(k, &ends, KAFKA_LATEST, err);
	for (size_t i = 0; ok && i < places->len; i++)
		if (places->items[i].offset == KAFKA_NOWHERE)
			places->items[i].offset = ends.items[i].offset;
	vec_release(&ends);
	return ok;
}

/* rd_kafka_commit() would wait for as long as no broker takes it. */
static rd_kafka_resp_err_t commit_and_wait(
	struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	rd_kafka_resp_err_t code = rd_kafka_commit_queue(k->rk, list, queue, NULL, NULL);
	rd_kafka_event_t *event = code ? NULL : rd_kafka_queue_poll(queue, KAFKA_WAIT_MS);

	if (!code)
		code = kafka_event_code(event);
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return code;
}

bool kafka_commit_offsets(
	struct kafka *k, const struct kafka_places *places, bool wait, struct error *err)
{
	if (!places->len)
		return true;
	rd_kafka_topic_partition_list_t *list = list_of(places);
	rd_kafka_resp_err_t code = wait ? commit_and_wait(k, list)
					: rd_kafka_commit(k->rk, list, true);
	rd_kafka_topic_partition_list_destroy(list);
	return !code || kafka_fail(k, err, code, "committing offsets", NULL);
}

const char *kafka_cluster(struct kafka *k, struct arena *arena)
{
	char *id = rd_kafka_clusterid(k->rk, KAFKA_WAIT_MS);
	const char *copy = arena_strdup(arena, id ? id : "");

	rd_kafka_mem_free(k->rk, id);
	return copy;
}

/* --- What librdkafka tells ------------------------------------------------------------------------- */

void kafka_offsets_committed(rd_kafka_t *rk, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *list, void *kafka)
{
	struct kafka_consumer *c = ((struct kafka *)kafka)->consumer;
	struct kafka_places refused = {0};
	rd_kafka_resp_err_t why = code;

	(void)rk;
	for (int i = 0; list && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];
		if (!code && !p->err)
			continue;
		why = p->err ? p->err : code;
		vec_push(&refused, place_of(p));
	}
	if (refused.len) {
		log_info("offsets not committed", F("reason", rd_kafka_err2str(why)));
		c->group.refused(c->group.context, &refused);
	}
	vec_release(&refused);
}

static void take(struct kafka_consumer *c, rd_kafka_topic_partition_list_t *list)
{
	struct kafka_places places = {0};

	places_of(list, &places);
	if (!c->group.taken(c->group.context, &places, &c->failure))
		error_add(&c->failure, "group %s", c->group.name);
	for (size_t i = 0; i < places.len; i++)
		list->elems[i].offset = places.items[i].offset;
	vec_release(&places);
}

static void give(struct kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
	struct kafka_places places = {0};

	places_of(list, &places);
	c->group.given(c->group.context, &places);
	vec_release(&places);
}

void kafka_rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *list, void *kafka)
{
	struct kafka_consumer *c = ((struct kafka *)kafka)->consumer;
	rd_kafka_error_t *error = NULL;

	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		take(c, list);
		c->joined = true;
		error = rd_kafka_incremental_assign(rk, list);
		if (c->held)
			rd_kafka_pause_partitions(rk, list);
	} else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
		give(c, list);
		error = rd_kafka_incremental_unassign(rk, list);
	} else {
		kafka_fail(c->kafka, &c->failure, code, "joining the group", NULL);
		rd_kafka_assign(rk, NULL);
	}
	if (!kafka_check(c->kafka, error, "taking partitions", &c->failure))
		error_add(&c->failure, "group %s", c->group.name);
}

/* --- The consumer ---------------------------------------------------------------------------------- */

struct kafka_consumer *kafka_consumer_new(const struct kafka_options *options,
	const struct kafka_group *group, int64_t buffer_bytes, struct error *err)
{
	struct kafka_consumer *c = xcalloc(1, sizeof *c);
	int64_t fetch = buffer_bytes / FETCH_SHARE;
	char kbytes[32], fetch_bytes[32];

	snprintf(kbytes, sizeof kbytes, "%lld", (long long)(buffer_bytes / 1024) + 1);
	snprintf(fetch_bytes, sizeof fetch_bytes, "%lld",
		(long long)(fetch > FETCH_LEAST ? fetch : FETCH_LEAST));
	const struct kafka_setting settings[] = {
		{"enable.auto.commit", "false", true},
		{"enable.auto.offset.store", "false", true},
		{"enable.partition.eof", "true", true},
		{"isolation.level", "read_committed", true},
		/* a place that is not there any more is a gap, and nobody jumps over it */
		{"auto.offset.reset", "error", true},
		{"partition.assignment.strategy", "cooperative-sticky", true},
		/* partitions that are added are noticed as soon as topics that come */
		{"topic.metadata.refresh.interval.ms", "5000", false},
		{"session.timeout.ms", "10000", false},
		/* alone, somebody waits for an answer */
		{"fetch.wait.max.ms", group ? "500" : "50", false},
		{"queued.max.messages.kbytes", kbytes, false},
		{"fetch.message.max.bytes", fetch_bytes, false},
		/* it must have one; alone it never joins, nor commits */
		{"group.id", group ? group->name : "tailrace", true},
		{rd_kafka_version() >= HAS_BACKOFF ? "fetch.queue.backoff.ms" : NULL, "10", false},
		{0},
	};
	if (group)
		c->group = *group;
	c->buffer_bytes = buffer_bytes;
	c->kafka = kafka_new(options, KAFKA_CONSUMER, settings, err);
	if (!c->kafka) {
		kafka_consumer_free(c);
		return NULL;
	}
	c->kafka->consumer = c;
	c->queue = rd_kafka_queue_get_consumer(c->kafka->rk);
	return c;
}

static void forget_taken(struct kafka_consumer *c)
{
	vec_each (&c->taken, message)
		rd_kafka_message_destroy(*message);
	c->taken.len = 0;
}

/*
 * So that others have its partitions at once. Where brokers do not answer, or do not let us in, they miss it in time:
 * librdkafka would wait, for ever, for a commit that it could not send.
 */
static void leave(struct kafka_consumer *c)
{
	int64_t until_ms = mono_ms() + LEAVE_MS;
	rd_kafka_queue_t *last = rd_kafka_queue_new(c->kafka->rk);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(c->kafka->rk, last);

	while (!error && !rd_kafka_consumer_closed(c->kafka->rk) && mono_ms() < until_ms) {
		rd_kafka_message_t *message = rd_kafka_consume_queue(last, SLICE_MS);
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_error_destroy(error);
	rd_kafka_queue_destroy(last);
}

void kafka_consumer_free(struct kafka_consumer *c)
{
	if (!c)
		return;
	forget_taken(c);
	if (c->kept)
		rd_kafka_message_destroy(c->kept);
	if (c->queue) {
		leave(c);
		rd_kafka_queue_destroy(c->queue);
	}
	kafka_free(c->kafka);
	vec_release(&c->taken);
	free(c);
}

struct kafka *kafka_consumer_client(struct kafka_consumer *c)
{
	return c->kafka;
}

bool kafka_subscribe(
	struct kafka_consumer *c, const char *const *topics, size_t n, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);

	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code = rd_kafka_subscribe(c->kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return !code || kafka_fail(c->kafka, err, code, "subscribing to topics", NULL);
}

bool kafka_assign(struct kafka_consumer *c, const struct kafka_places *places, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = list_of(places);
	rd_kafka_resp_err_t code = rd_kafka_assign(c->kafka->rk, list);

	rd_kafka_topic_partition_list_destroy(list);
	return !code || kafka_fail(c->kafka, err, code, "taking partitions", NULL);
}

void kafka_hold(struct kafka_consumer *c, bool hold)
{
	rd_kafka_topic_partition_list_t *list;

	if (c->held == hold || rd_kafka_assignment(c->kafka->rk, &list))
		return;
	c->held = hold;
	if (hold)
		rd_kafka_pause_partitions(c->kafka->rk, list);
	else
		rd_kafka_resume_partitions(c->kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

void kafka_pause(struct kafka_consumer *c, const struct kafka_places *places)
{
	rd_kafka_topic_partition_list_t *list = list_of(places);

	rd_kafka_pause_partitions(c->kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

bool kafka_go_on(struct kafka_consumer *c, const struct kafka_places *places, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = list_of(places);
	static const char what[] = "going back in partitions";

	bool ok = kafka_check(
		c->kafka, rd_kafka_seek_partitions(c->kafka->rk, list, KAFKA_WAIT_MS), what, err);
	for (int i = 0; ok && i < list->cnt; i++)
		ok = !list->elems[i].err ||
		     kafka_fail(c->kafka, err, list->elems[i].err, what, NULL);
	rd_kafka_resume_partitions(c->kafka->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return ok;
}

/* --- Reading --------------------------------------------------------------------------------------- */

/*
 * Before 2.2 librdkafka's fetching thread, having found its queue full, sleeps for up to a second, however soon there
 * is room (its issue 2879). A question to the leaders wakes it; nobody waits for the answer.
 */
static void wake_fetcher(struct kafka_consumer *c)
{
	rd_kafka_topic_partition_list_t *list;

	c->read_bytes = 0;
	if (rd_kafka_version() >= HAS_BACKOFF || rd_kafka_assignment(c->kafka->rk, &list))
		return;
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = KAFKA_LATEST;
	rd_kafka_offsets_for_times(c->kafka->rk, list, 0);
	rd_kafka_topic_partition_list_destroy(list);
}

/* False: an error that is none, or err. */
static bool is_record(
	struct kafka_consumer *c, const rd_kafka_message_t *message, struct error *err)
{
	char what[320] = "reading";

	if (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return true;
	if (message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED && !c->group.name)
		return false; /* one that is alone only goes by a group's name */
	if (message->rkt)
		snprintf(what, sizeof what, "reading %s [%d] from offset %lld",
			rd_kafka_topic_name(message->rkt), message->partition,
			(long long)message->offset);
	if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
		message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
		return error_set(err, ERROR_GAP,
			"%s: the topic does not hold it (any more); see docs/kafka.md on gaps",
			what);
	if (message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
		message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
		message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
		message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
		/* others have the partitions until we are back; a topic that is gone gives nothing */
		log_info("kafka", F("while", what), F("said", rd_kafka_message_errstr(message)));
		return false;
	}
	return kafka_fail_right(c->kafka, err, message->err, what, rd_kafka_message_errstr(message),
		"Read on the topic");
}

static struct kafka_record record_of(const rd_kafka_message_t *m)
{
	int64_t timestamp = rd_kafka_message_timestamp(m, NULL);

	return (struct kafka_record){
		.topic = rd_kafka_topic_name(m->rkt),
		.partition = m->partition,
		.offset = m->offset,
		.timestamp_ms = timestamp > 0 ? timestamp : 0,
		.key = m->key,
		.value = m->payload,
		.key_len = m->key_len,
		.value_len = m->len,
		.has_key = m->key != NULL,
		.has_value = m->payload != NULL,
		.end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF,
		.message = m,
	};
}

bool kafka_header(const struct kafka_record *record, size_t i, struct kafka_header *out)
{
	rd_kafka_headers_t *headers;
	const void *value;

	if (rd_kafka_message_headers(record->message, &headers) ||
		rd_kafka_header_get_all(headers, i, &out->name, &value, &out->len))
		return false;
	out->value = value;
	return true;
}

/* One to wait for, then those that are there: librdkafka would wait for the last of a batch as long as for
 * the first. */
static void poll_messages(struct kafka_consumer *c, size_t most, int wait_ms)
{
	rd_kafka_message_t *first = c->kept;

	rd_kafka_poll(c->kafka->rk, 0); /* errors, and commits that were refused */
	c->kept = NULL;
	if (!first)
		first = rd_kafka_consumer_poll(c->kafka->rk, wait_ms);
	if (!first)
		return;
	if (c->taken.cap < most) {
		c->taken.items = xrealloc(c->taken.items, most * sizeof *c->taken.items);
		c->taken.cap = most;
	}
	c->taken.items[0] = first;
	ssize_t n = most > 1 ? rd_kafka_consume_batch_queue(
				       c->queue, 0, c->taken.items + 1, most - 1)
			     : 0;
	c->taken.len = 1 + (n > 0 ? (size_t)n : 0);
}

static bool check_failure(struct kafka_consumer *c, struct error *err)
{
	if (c->failure.kind == ERROR_NONE)
		return true;
	*err = c->failure;
	error_clear(&c->failure);
	return false;
}

bool kafka_read(struct kafka_consumer *c, struct kafka_record *out, size_t most, size_t *n,
	int wait_ms, struct error *err)
{
	*n = 0;
	forget_taken(c);
	if (c->read_bytes > c->buffer_bytes / 2)
		wake_fetcher(c);
	poll_messages(c, most, wait_ms);
	vec_each (&c->taken, message) {
		c->read_bytes += (int64_t)((*message)->key_len + (*message)->len);
		if (is_record(c, *message, err))
			out[(*n)++] = record_of(*message);
		else if (err->kind != ERROR_NONE)
			return false;
	}
	return check_failure(c, err);
}

bool kafka_join(struct kafka_consumer *c, int wait_ms, struct error *err)
{
	int64_t until_ms = mono_ms() + wait_ms;

	while (!c->joined && !c->kept) {
		int64_t left = until_ms - mono_ms();
		rd_kafka_poll(c->kafka->rk, 0);
		if (left <= 0 || kafka_is_refused(c->kafka)) {
			kafka_fail(c->kafka, err, RD_KAFKA_RESP_ERR__TIMED_OUT, "joining the group",
				NULL);
			return error_add(err, "group %s", c->group.name);
		}
		c->kept = rd_kafka_consumer_poll(c->kafka->rk, left < 100 ? (int)left : 100);
		if (!check_failure(c, err))
			return false;
	}
	return true;
}
