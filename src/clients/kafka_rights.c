/*
 * Rights, asked for without using them; see kafka.h. Brokers look at who asks before they look at what he asks
 * for: a message with a number of acknowledgements that the protocol does not have, a transaction that may
 * last for ever, a place in a partition that no topic has.
 */
#include <stdio.h>
#include "base/clock.h"
#include "clients/kafka_handle.h"

#define NO_ACKS      "2" /* -1, 0 and 1 are all that there are */
#define NO_TIMEOUT   "2147483647"
#define NO_PARTITION 2147483646

struct kafka *kafka_asker_new(const struct kafka_options *options, struct error *err)
{
	static const struct kafka_setting settings[] = {{"acks", NO_ACKS, true},
		{"retries", "0", true}, {"linger.ms", "0", true},
		{"message.timeout.ms", "10000", true}, {0}};

	return kafka_new(options, KAFKA_PRODUCER, settings, err);
}

bool kafka_may_write(struct kafka *k, const char *topic, struct error *err)
{
	rd_kafka_topic_t *to = rd_kafka_topic_new(k->rk, topic, NULL);
	rd_kafka_resp_err_t answer = RD_KAFKA_RESP_ERR__TIMED_OUT;

	if (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, 0, NULL, 0, "tailrace", 8, &answer) != 0)
		answer = rd_kafka_last_error();
	else
		rd_kafka_flush(k->rk, KAFKA_WAIT_MS + 1000);
	rd_kafka_topic_destroy(to);
	if (answer == RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS || !answer)
		return true;
	CLEANUP(free_string) char *what = xasprintf("writing to topic %s", topic);
	return kafka_fail_right(k, err, answer, what, NULL, "Write on the topic");
}

bool kafka_may_transact(const struct kafka_options *options, const char *id, struct error *err)
{
	const struct kafka_setting settings[] = {
		{"transactional.id", id, true}, {"transaction.timeout.ms", NO_TIMEOUT, true}, {0}};
	struct kafka *k = kafka_new(options, KAFKA_PRODUCER, settings, err);

	if (!k)
		return false;
	rd_kafka_error_t *answer = rd_kafka_init_transactions(k->rk, KAFKA_WAIT_MS);
	bool may = !answer ||
		   rd_kafka_error_code(answer) == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT;
	if (may)
		rd_kafka_error_destroy(answer);
	else
		may = kafka_check(k, answer, "getting ready for transactions", err);
	kafka_free(k);
	return may;
}

bool kafka_may_join(struct kafka *k, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(
		list, "tailrace", NO_PARTITION);
	rd_kafka_resp_err_t answer = kafka_group_offsets(k, list);

	if (answer != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
		place->offset = 0;
		answer = rd_kafka_commit(k->rk, list, false);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return answer != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
	       kafka_fail(k, err, answer, "joining the group", NULL);
}
