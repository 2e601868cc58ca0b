/* Messages out, in transactions or not; see kafka_producer.h. */
#include "clients/kafka_producer.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "clients/kafka_handle.h"

#define STALL_MS    30000 /* brokers that take nothing for so long are away */
#define FENCE_MS    60000
#define COMMIT_MS   30000
#define ABORT_MS    5000
#define ROOM_MS     5 /* between two looks for room */
#define QUEUE_BYTES (8 << 20)
#define LOOK_BYTES  (256 << 10)

/* What a request takes beside keys, values and headers, and what each message does: at most so much. */
#define FRAME_BYTES   512
#define RECORD_BYTES  64
#define BYTES_DEFAULT 1048588 /* the brokers' message.max.bytes */
#define ASK_AGAIN_MS  1000

struct kafka_topic *kafka_topic_open(struct kafka *k, const char *name)
{
	struct kafka_topic *t = xcalloc(1, sizeof *t);

	t->client = k;
	t->topic = rd_kafka_topic_new(k->rk, name, NULL);
	return t;
}

void kafka_topic_close(struct kafka_topic *t)
{
	if (!t)
		return;
	rd_kafka_topic_destroy(t->topic);
	free(t);
}

void kafka_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *kafka)
{
	struct kafka *k = kafka;
	struct error err = {0};
	(void)rk;

	if (message->_private)
		*(rd_kafka_resp_err_t *)message->_private = message->err;
	/* what we throw away ourselves is no news */
	if (message->_private || !message->err || message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
		message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return;
	CLEANUP(free_string)
	char *what = xasprintf("writing to topic %s", rd_kafka_topic_name(message->rkt));
	kafka_fail_right(k, &err, message->err, what, NULL, "Write on the topic");
	pthread_mutex_lock(&k->lock);
	if (k->delivery.kind == ERROR_NONE)
		k->delivery = err;
	pthread_mutex_unlock(&k->lock);
}

static bool all_delivered(struct kafka *k, struct error *err)
{
	pthread_mutex_lock(&k->lock);
	bool ok = k->delivery.kind == ERROR_NONE;
	if (!ok)
		*err = k->delivery;
	pthread_mutex_unlock(&k->lock);
	return ok;
}

/* --- What a topic takes ----------------------------------------------------------------------------- */

static size_t size_of(const struct kafka_message *m)
{
	size_t header = m->header ? strlen(m->header) + m->header_len : 0;

	return m->key_len + m->value_len + header + RECORD_BYTES;
}

static bool ask_limit(struct kafka_topic *t, struct error *err)
{
	struct arena arena;
	char *text = NULL;

	arena_init(&arena);
	bool ok = kafka_topic_setting(
		t->client, rd_kafka_topic_name(t->topic), "max.message.bytes", &arena, &text, err);
	long long most = text ? atoll(text) : 0;
	arena_release(&arena);
	if (!ok)
		return false;
	t->takes_bytes = (size_t)(most > FRAME_BYTES ? most : BYTES_DEFAULT) - FRAME_BYTES;
	t->asked_ms = mono_ms();
	return true;
}

/* The limit may have been raised since it was asked for. */
static bool check_fits(struct kafka_topic *t, size_t bytes, struct error *err)
{
	bool known = bytes <= t->takes_bytes ||
		     (t->takes_bytes && mono_ms() - t->asked_ms < ASK_AGAIN_MS);

	if (!known && !ask_limit(t, err))
		return false;
	return bytes <= t->takes_bytes ||
	       error_set(err, ERROR_DATA,
		       "a message of %zu bytes is more than topic %s takes; raise its "
		       "max.message.bytes",
		       bytes, rd_kafka_topic_name(t->topic));
}

/* Brokers refuse a request whole that is larger than the topic takes, however small its messages are; and
 * librdkafka gathers as much for any topic. */
static bool make_room(struct kafka_topic *t, size_t bytes, struct error *err)
{
	if (t->takes_bytes >= t->client->gathers_bytes)
		return true;
	t->gathered_bytes += bytes;
	if (t->gathered_bytes <= t->takes_bytes)
		return true;
	t->gathered_bytes = bytes;
	return kafka_flush(t->client, err);
}

/* --- Messages --------------------------------------------------------------------------------------- */

static rd_kafka_resp_err_t send_with_header(
	rd_kafka_topic_t *topic, const struct kafka_message *m, rd_kafka_t *rk)
{
	const rd_kafka_vu_t parts[] = {
		{.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
		{.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
		{.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key, m->key_len}},
		{.vtype = RD_KAFKA_VTYPE_VALUE,
			.u.mem = {(void *)(uintptr_t)m->value, m->value_len}},
		{.vtype = RD_KAFKA_VTYPE_HEADER,
			.u.header = {m->header, m->header_value, (ssize_t)m->header_len}},
	};
	rd_kafka_error_t *error = rd_kafka_produceva(rk, parts, COUNT_OF(parts));
	rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;

	rd_kafka_error_destroy(error);
	return code;
}

/* About how much waits to be sent. librdkafka's own limit in bytes would be one for a single message, too. */
static bool is_full(struct kafka *k)
{
	if (k->unlooked < LOOK_BYTES)
		return false;
	if ((uint64_t)rd_kafka_outq_len(k->rk) * (k->sent_bytes / k->sent) > QUEUE_BYTES)
		return true;
	k->unlooked = 0;
	return false;
}

static void count_sent(struct kafka *k, const struct kafka_message *m)
{
	size_t bytes = m->key_len + m->value_len + m->header_len;

	k->sent++;
	k->sent_bytes += bytes;
	k->unlooked += bytes;
}

static rd_kafka_resp_err_t send_once(struct kafka_topic *t, const struct kafka_message *m)
{
	if (is_full(t->client))
		return RD_KAFKA_RESP_ERR__QUEUE_FULL;
	if (m->header)
		return send_with_header(t->topic, m, t->client->rk);
	if (rd_kafka_produce(t->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
		    (void *)(uintptr_t)m->value, m->value_len, m->key, m->key_len, NULL) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_last_error();
}

/* The state of a transaction that has failed says less than what made it fail. */
static bool fail_sending(struct kafka_topic *t, rd_kafka_resp_err_t code, struct error *err)
{
	struct kafka *k = t->client;

	rd_kafka_poll(k->rk, 0);
	if (!all_delivered(k, err))
		return false;
	rd_kafka_error_t *why = code == RD_KAFKA_RESP_ERR__STATE && k->began_ms
					? rd_kafka_commit_transaction(k->rk, KAFKA_SLICE_MS)
					: NULL;
	return why ? kafka_check(k, why, "writing in a transaction", err)
		   : kafka_fail_right(k, err, code, rd_kafka_topic_name(t->topic), NULL,
			     "Write on the topic");
}

bool kafka_send(struct kafka_topic *t, const struct kafka_message *m, struct error *err)
{
	struct kafka *k = t->client;
	size_t bytes = size_of(m);

	if (!check_fits(t, bytes, err) || !make_room(t, bytes, err))
		return false;
	rd_kafka_resp_err_t code = send_once(t, m);
	int64_t until = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? mono_ms() + STALL_MS : 0;
	for (; code == RD_KAFKA_RESP_ERR__QUEUE_FULL; code = send_once(t, m)) {
		if (mono_ms() > until)
			return kafka_fail(k, err, RD_KAFKA_RESP_ERR__TIMED_OUT,
				rd_kafka_topic_name(t->topic), "the brokers take nothing");
		rd_kafka_poll(k->rk, ROOM_MS);
		if (!all_delivered(k, err))
			return false;
	}
	if (!code) {
		count_sent(k, m);
		return true;
	}
	return fail_sending(t, code, err);
}

/* In time is as long as they take something. */
bool kafka_flush(struct kafka *k, struct error *err)
{
	int left = rd_kafka_outq_len(k->rk);
	int64_t until = mono_ms() + STALL_MS;

	while (rd_kafka_flush(k->rk, KAFKA_SLICE_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		if (!all_delivered(k, err))
			return false;
		int now = rd_kafka_outq_len(k->rk);
		if (now < left)
			until = mono_ms() + STALL_MS;
		if (mono_ms() > until || (now >= left && kafka_is_refused(k)))
			return kafka_fail(k, err, RD_KAFKA_RESP_ERR__TIMED_OUT, "writing",
				"the brokers take nothing");
		left = now;
	}
	if (k->sent)
		kafka_answered(k);
	k->sent = k->sent_bytes = k->unlooked = 0;
	return all_delivered(k, err);
}

bool kafka_fence(struct kafka *k, struct error *err)
{
	rd_kafka_error_t *error = rd_kafka_init_transactions(k->rk, FENCE_MS);

	rd_kafka_poll(k->rk, 0);
	return kafka_check(k, error, "getting ready for transactions", err);
}

bool kafka_begin(struct kafka *k, struct error *err)
{
	k->began_ms = mono_ms();
	return kafka_check(k, rd_kafka_begin_transaction(k->rk), "beginning a transaction", err);
}

bool kafka_commit(struct kafka *k, struct error *err)
{
	if (!kafka_flush(k, err))
		return false;
	rd_kafka_error_t *error = rd_kafka_commit_transaction(k->rk, COMMIT_MS);

	rd_kafka_poll(k->rk, 0);
	/* a message that was not taken is why the transaction failed */
	if (!all_delivered(k, err)) {
		rd_kafka_error_destroy(error);
		return false;
	}
	if (!kafka_check(k, error, "committing a transaction", err))
		return false;
	k->began_ms = 0;
	return true;
}

void kafka_abort(struct kafka *k)
{
	rd_kafka_error_t *error = rd_kafka_abort_transaction(k->rk, ABORT_MS);

	rd_kafka_error_destroy(error);
	k->began_ms = 0;
}
