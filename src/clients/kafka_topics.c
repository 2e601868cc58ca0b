/* Brokers and topics: looked at, made, asked for a setting; see kafka.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"
#include "clients/kafka_handle.h"

#define MADE_MS       5000 /* until all brokers know a topic that was made just now */
#define MADE_AGAIN_US 100000

enum topics_wanted { NO_TOPICS, ALL_TOPICS, ONE_TOPIC };

/* Errors of connections are told while it is polled; who is refused is not kept waiting. */
static bool metadata(struct kafka *k, enum topics_wanted wanted, const char *name, int wait_ms,
	const struct rd_kafka_metadata **out, struct error *err)
{
	rd_kafka_topic_t *only = wanted == ONE_TOPIC ? rd_kafka_topic_new(k->rk, name, NULL) : NULL;
	int64_t until_ms = mono_ms() + wait_ms;
	rd_kafka_resp_err_t code;

	do {
		code = rd_kafka_metadata(k->rk, wanted == ALL_TOPICS, only, out, KAFKA_SLICE_MS);
		rd_kafka_poll(k->rk, 0);
	} while (kafka_may_answer(k, code) && mono_ms() < until_ms);
	if (only)
		rd_kafka_topic_destroy(only);
	if (code)
		return kafka_fail(k, err, code, "asking the brokers", NULL);
	kafka_answered(k);
	return true;
}

bool kafka_reach(struct kafka *k, int wait_ms, char *about, size_t size, struct error *err)
{
	const struct rd_kafka_metadata *found;

	if (!metadata(k, NO_TOPICS, NULL, wait_ms, &found, err))
		return false;
	if (about)
		snprintf(about, size, "%d broker%s", found->broker_cnt, plural(found->broker_cnt));
	rd_kafka_metadata_destroy(found);
	return true;
}

static bool take_topic(struct kafka *k, const struct rd_kafka_metadata_topic *t,
	struct kafka_topic_infos *out, struct error *err)
{
	struct kafka_topic_info info = {.partitions = t->partition_cnt};

	if (t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || !t->partition_cnt)
		return true;
	if (t->err && t->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
		return kafka_fail(k, err, t->err, t->topic, NULL);
	info.name = xstrdup(t->topic);
	info.replication = t->partitions[0].replica_cnt;
	vec_push(out, info);
	return true;
}

bool kafka_topics(
	struct kafka *k, const char *name, struct kafka_topic_infos *out, struct error *err)
{
	const struct rd_kafka_metadata *found;
	bool ok = true;

	if (!metadata(k, name ? ONE_TOPIC : ALL_TOPICS, name, KAFKA_WAIT_MS, &found, err))
		return false;
	for (int i = 0; ok && i < found->topic_cnt; i++)
		ok = take_topic(k, &found->topics[i], out, err);
	rd_kafka_metadata_destroy(found);
	return ok;
}

void kafka_topic_infos_release(struct kafka_topic_infos *infos)
{
	vec_each (infos, info)
		free(info->name);
	vec_release(infos);
}

/* The answer to an admin request; NULL: err says why. */
static rd_kafka_event_t *answer(
	struct kafka *k, rd_kafka_queue_t *queue, const char *what, struct error *err)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_WAIT_MS + 1000);
	rd_kafka_resp_err_t code = kafka_event_code(event);

	if (!code)
		return event;
	kafka_fail(k, err, code, what, event ? rd_kafka_event_error_string(event) : NULL);
	rd_kafka_event_destroy(event);
	return NULL;
}

static rd_kafka_AdminOptions_t *admin_options(struct kafka *k)
{
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(k->rk, RD_KAFKA_ADMIN_OP_ANY);
	char why[128];

	rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_WAIT_MS, why, sizeof why);
	rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_WAIT_MS, why, sizeof why);
	return options;
}

static rd_kafka_resp_err_t result_of(rd_kafka_event_t *event, const char **why)
{
	size_t n = 0;
	const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(event), &n);

	*why = n ? rd_kafka_topic_result_error_string(results[0]) : NULL;
	return n ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Who may not make topics may still write to those that are there. */
static bool is_refused(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
}

static bool is_there(struct kafka *k, const char *name)
{
	struct kafka_topic_infos found = {0};
	struct error ignored = {0};
	bool there = kafka_topics(k, name, &found, &ignored) && found.len;

	kafka_topic_infos_release(&found);
	return there;
}

static bool settle(struct kafka *k, rd_kafka_event_t *event, const char *name, bool *made,
	const char *what, struct error *err)
{
	const char *why;
	rd_kafka_resp_err_t code = result_of(event, &why);

	*made = !code;
	return !code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
	       (is_refused(code) && is_there(k, name)) ||
	       kafka_fail_right(k, err, code, what, why, "Create on the topic");
}

static bool create(struct kafka *k, rd_kafka_NewTopic_t *topic,
	const struct kafka_new_topic *wanted, bool *made, struct error *err)
{
	const char *name = wanted->name;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	rd_kafka_AdminOptions_t *options = admin_options(k);
	char why[128];

	CLEANUP(free_string) char *what = xasprintf("making topic %s", name);
	if (wanted->asked)
		rd_kafka_AdminOptions_set_validate_only(options, true, why, sizeof why);
	rd_kafka_CreateTopics(k->rk, &topic, 1, options, queue);
	rd_kafka_event_t *event = answer(k, queue, what, err);
	bool ok = event && settle(k, event, name, made, what, err);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return ok;
}

/* Not asked for first: a broker may make a topic, its own way, when asked for one that is not there. */
bool kafka_topic_create(
	struct kafka *k, const struct kafka_new_topic *wanted, bool *made, struct error *err)
{
	char why[256];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
		wanted->name, wanted->partitions, wanted->replication, why, sizeof why);

	if (!topic)
		return error_set(err, ERROR_CONFIG, "topic %s: %s", wanted->name, why);
	for (const struct kafka_setting *s = wanted->settings; s && s->name; s++)
		rd_kafka_NewTopic_set_config(topic, s->name, s->value);
	bool ok = create(k, topic, wanted, made, err);
	rd_kafka_NewTopic_destroy(topic);
	return ok;
}

static rd_kafka_resp_err_t find_setting(
	rd_kafka_event_t *event, const char *name, struct arena *arena, char **value)
{
	size_t n = 0, entries = 0;
	const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(event), &n);
	const rd_kafka_ConfigEntry_t **list = n ? rd_kafka_ConfigResource_configs(
							  resources[0], &entries)
						: NULL;

	for (size_t i = 0; i < entries; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(list[i]), name) == 0)
			*value = arena_strdup(arena, rd_kafka_ConfigEntry_value(list[i]));
	return n ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t describe(
	struct kafka *k, const char *topic, const char *name, struct arena *arena, char **value)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(k->rk);
	rd_kafka_AdminOptions_t *options = admin_options(k);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(
		RD_KAFKA_RESOURCE_TOPIC, topic);

	rd_kafka_DescribeConfigs(k->rk, &resource, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_WAIT_MS + 1000);
	rd_kafka_resp_err_t code = kafka_event_code(event);
	if (!code)
		code = find_setting(event, name, arena, value);
	rd_kafka_event_destroy(event);
	rd_kafka_ConfigResource_destroy(resource);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return code;
}

/* Codes below 0 are librdkafka's own. */
static bool has_answered(rd_kafka_resp_err_t code)
{
	return code >= 0 || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

bool kafka_topic_setting(struct kafka *k, const char *topic, const char *name, struct arena *arena,
	char **value, struct error *err)
{
	int64_t until_ms = mono_ms() + MADE_MS;
	rd_kafka_resp_err_t code = describe(k, topic, name, arena, value);

	while (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && mono_ms() < until_ms) {
		usleep(MADE_AGAIN_US);
		code = describe(k, topic, name, arena, value);
	}
	return has_answered(code) || kafka_fail(k, err, code, topic, NULL);
}
