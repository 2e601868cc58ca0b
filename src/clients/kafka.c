/* A client of Kafka: settings, logs, errors; see kafka.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "clients/kafka_handle.h"

#define DESTROY_MS 5000

static const char *const formats[] = {
	[KAFKA_JSON] = "json", [KAFKA_JSON_SCHEMA] = "json_schema", [KAFKA_AVRO] = "avro", NULL};

enum { PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL };
static const char *const protocols[] = {[PLAINTEXT] = "plaintext",
	[SSL] = "ssl",
	[SASL_PLAINTEXT] = "sasl_plaintext",
	[SASL_SSL] = "sasl_ssl",
	NULL};
static const char *const mechanisms[] = {
	"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER", NULL};

#define AT(field) offsetof(struct kafka_options, field)
const struct option kafka_option_table[] = {
	{"brokers", OPTION_STRING, AT(brokers), .required = true,
		.help = "Some of the cluster's brokers as `host:port`, separated by commas; the "
			"others are found through them."},
	{"topic_prefix", OPTION_STRING, AT(topic_prefix),
		.help = "What the names of topics begin with, as in `prefix.schema.table`. Without "
			"it the name of the connection."},
	{"format", OPTION_CHOICE, AT(format), "json", .choices = formats,
		.help = "How keys and values are encoded. `json_schema` is JSON with the schema in "
			"each message, as Kafka Connect's JsonConverter writes it; `avro` needs a "
			"`registry`."},
	{"security_protocol", OPTION_CHOICE, AT(security_protocol), "plaintext",
		.choices = protocols, .help = "How brokers are talked to."},
	{"sasl_mechanism", OPTION_CHOICE, AT(sasl_mechanism), "PLAIN", .choices = mechanisms,
		.help = "How user and password are shown, with `sasl_plaintext` and `sasl_ssl`."},
	{"sasl_username", OPTION_STRING, AT(sasl_username), .help = "User at the brokers."},
	{"sasl_password", OPTION_SECRET, AT(sasl_password), .help = "Password of the user."},
	{"ssl_ca_location", OPTION_STRING, AT(ssl_ca_location),
		.help = "Certificates to trust, in PEM. Without it the system's."},
	{"ssl_certificate_location", OPTION_STRING, AT(ssl_certificate_location),
		.help = "Certificate to show to the brokers, in PEM."},
	{"ssl_key_location", OPTION_STRING, AT(ssl_key_location),
		.help = "Its private key, in PEM."},
	{"ssl_key_password", OPTION_SECRET, AT(ssl_key_password),
		.help = "Password of the private key."},
	{"properties", OPTION_STRING, AT(properties),
		.help = "Further settings of librdkafka by its own names, as `linger.ms=50, "
			"batch.size=500000`. Those that delivery rests on cannot be changed."},
	OPTION_END,
};

/* --- Errors ---------------------------------------------------------------------------------------- */

static enum error_kind kind_of(rd_kafka_resp_err_t code)
{
	/* a list of those that differ: librdkafka has 200 of them */
	static const struct {
		rd_kafka_resp_err_t code;
		enum error_kind kind;
	} kinds[] = {
		{RD_KAFKA_RESP_ERR__AUTHENTICATION, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_SECURITY_DISABLED, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR__SSL, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR__INVALID_ARG, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_INVALID_CONFIG, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, ERROR_CONFIG},
		{RD_KAFKA_RESP_ERR__FENCED, ERROR_BROKEN},
		{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERROR_BROKEN},
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (kinds[i].code == code)
			return kinds[i].kind;
	return ERROR_RETRY;
}

/* What mends it, where the brokers' own word does not say. */
static const char *advice(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		return "; look at sasl_mechanism, sasl_username and sasl_password";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return "; allow the user Create, Describe, DescribeConfigs, Read and Write on "
		       "these topics";
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return "; allow the user Read on the consumer group";
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
		return "; if others read other topics as this group, give the connection a `group` "
		       "of its own";
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return "; allow the user IdempotentWrite on the cluster, and Create where topics "
		       "are to be made";
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return "; allow the user Write and Describe on the transactional id, or set "
		       "delivery: at_least_once";
	case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
		return "; lower transaction_timeout, or raise the brokers' "
		       "transaction.max.timeout.ms";
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		return "; its max.message.bytes was lowered, or is not told: allow the user "
		       "DescribeConfigs on the topic";
	case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
		return "; lower replication_factor, or start more brokers";
	case RD_KAFKA_RESP_ERR__FENCED:
	case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
		return "; another process runs this stream: stop one of them, or give one another "
		       "topic_prefix";
	default: return "";
	}
}

static bool is_silence(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
	       code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
	       code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static bool is_overdue(const struct kafka *k)
{
	return k->began_ms && mono_ms() - k->began_ms >= k->timeout_ms;
}

bool kafka_fail(struct kafka *k, struct error *err, int code, const char *what, const char *why)
{
	rd_kafka_resp_err_t fatal = RD_KAFKA_RESP_ERR_NO_ERROR, of = (rd_kafka_resp_err_t)code;
	struct error trouble = {0};
	char text[512];

	if (is_overdue(k))
		return error_set(err, ERROR_RETRY,
			"%s: the transaction was not written within transaction_timeout (%lld s); "
			"raise it, and the brokers' transaction.max.timeout.ms where it is as high",
			what, (long long)k->timeout_ms / 1000);
	if (of == RD_KAFKA_RESP_ERR__FATAL && k->rk)
		fatal = rd_kafka_fatal_error(k->rk, text, sizeof text);
	if (fatal)
		return error_set(err, kind_of(fatal), "%s: %s%s", what, text, advice(fatal));
	pthread_mutex_lock(&k->lock);
	trouble = k->trouble;
	pthread_mutex_unlock(&k->lock);
	if (is_silence(of) && trouble.kind != ERROR_NONE)
		return error_set(err, trouble.kind, "%s: %s", what, trouble.text);
	if (is_silence(of) && !k->reached)
		return error_set(err, ERROR_RETRY,
			"%s: no answer; are these `brokers`, and is `security_protocol` what they "
			"speak there?",
			what);
	return error_set(err, kind_of(of), "%s: %s%s", what,
		why && *why ? why : rd_kafka_err2str(of), advice(of));
}

bool kafka_check(struct kafka *k, rd_kafka_error_t *error, const char *what, struct error *err)
{
	if (!error)
		return true;
	int code = rd_kafka_error_is_fatal(error) ? RD_KAFKA_RESP_ERR__FATAL
						  : (int)rd_kafka_error_code(error);
	kafka_fail(k, err, code, what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return false;
}

/* --- What librdkafka tells ------------------------------------------------------------------------- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	enum log_level ours = level <= 3 ? LOG_WARN : level <= 6 ? LOG_INFO : LOG_DEBUG;
	(void)rk;
	log_write(ours, "kafka", LOG_FIELDS(F("what", facility), F("said", text)));
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *kafka)
{
	struct kafka *k = kafka;
	rd_kafka_resp_err_t of = (rd_kafka_resp_err_t)code;
	(void)rk;

	if (of == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || of == RD_KAFKA_RESP_ERR__FATAL)
		return; /* the first says less than what came before it, the second is asked for */
	pthread_mutex_lock(&k->lock);
	error_set(&k->trouble, kind_of(of), "%s%s", reason, advice(of));
	pthread_mutex_unlock(&k->lock);
}

/* --- Settings -------------------------------------------------------------------------------------- */

static char *trimmed(struct arena *arena, const char *from, size_t len)
{
	while (len && (*from == ' ' || *from == '\n'))
		from++, len--;
	while (len && (from[len - 1] == ' ' || from[len - 1] == '\n'))
		len--;
	return arena_strndup(arena, from, len);
}

struct kafka_setting *kafka_settings_parse(
	const char *text, const char *option, struct arena *arena, struct error *err)
{
	size_t n = 0, most = 2;

	for (const char *p = text; p && *p; p++)
		most += *p == ',';
	struct kafka_setting *list = arena_alloc(arena, most * sizeof *list);
	for (const char *p = text; p && *p;) {
		size_t len = strcspn(p, ",");
		char *pair = trimmed(arena, p, len);
		char *equals = strchr(pair, '=');
		p += len + (p[len] == ',');
		if (!*pair)
			continue;
		if (!equals || equals == pair) {
			error_set(err, ERROR_CONFIG,
				"option '%s': '%.64s' is no setting; write name=value, separated "
				"by commas",
				option, pair);
			return NULL;
		}
		list[n].name = trimmed(arena, pair, (size_t)(equals - pair));
		list[n++].value = trimmed(arena, equals + 1, strlen(equals + 1));
	}
	return list;
}

static bool set(rd_kafka_conf_t *conf, const char *option, const char *name, const char *value,
	struct error *err)
{
	char why[256];

	if (!value || rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
		return true;
	return error_set(err, ERROR_CONFIG, "option '%s': %s", option, why);
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, struct error *err)
{
	for (; settings->name; settings++)
		if (!set(conf, settings->name, settings->name, settings->value, err))
			return false;
	return true;
}

static bool set_properties(rd_kafka_conf_t *conf, const char *properties,
	const struct kafka_setting *ours, struct arena *arena, struct error *err)
{
	const struct kafka_setting *theirs = kafka_settings_parse(
		properties, "properties", arena, err);

	for (; theirs && theirs->name; theirs++) {
		for (const struct kafka_setting *s = ours; s->name; s++)
			if (s->fixed && strcmp(s->name, theirs->name) == 0)
				return error_set(err, ERROR_CONFIG,
					"option 'properties': delivery rests on %s=%s, it cannot "
					"be set",
					s->name, s->value);
		if (!set(conf, "properties", theirs->name, theirs->value, err))
			return false;
	}
	return theirs != NULL;
}

static bool set_security(rd_kafka_conf_t *conf, const struct kafka_options *o, struct error *err)
{
	bool sasl = o->security_protocol == SASL_PLAINTEXT || o->security_protocol == SASL_SSL;

	if (!sasl && o->sasl_username)
		return error_set(err, ERROR_CONFIG,
			"option 'sasl_username': is of no use with security_protocol %s; set it "
			"to sasl_ssl or sasl_plaintext",
			protocols[o->security_protocol]);
	return set(conf, "security_protocol", "security.protocol", protocols[o->security_protocol],
		       err) &&
	       (!sasl || set(conf, "sasl_mechanism", "sasl.mechanism",
				 mechanisms[o->sasl_mechanism], err)) &&
	       set(conf, "sasl_username", "sasl.username", o->sasl_username, err) &&
	       set(conf, "sasl_password", "sasl.password", o->sasl_password, err) &&
	       set(conf, "ssl_ca_location", "ssl.ca.location", o->ssl_ca_location, err) &&
	       set(conf, "ssl_certificate_location", "ssl.certificate.location",
		       o->ssl_certificate_location, err) &&
	       set(conf, "ssl_key_location", "ssl.key.location", o->ssl_key_location, err) &&
	       set(conf, "ssl_key_password", "ssl.key.password", o->ssl_key_password, err);
}

static bool configure(rd_kafka_conf_t *conf, const struct kafka_options *o,
	const struct kafka_setting *settings, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	bool ok = set(conf, "brokers", "bootstrap.servers", o->brokers, err) &&
		  set(conf, "client.id", "client.id", "tailrace", err) &&
		  set(conf, "log.connection.close", "log.connection.close", "false", err) &&
		  set_security(conf, o, err) && set_all(conf, settings, err) &&
		  set_properties(conf, o->properties, settings, &arena, err);
	arena_release(&arena);
	return ok;
}

static int64_t number_of(const struct kafka *k, const char *setting)
{
	char text[32];
	size_t size = sizeof text;

	return rd_kafka_conf_get(rd_kafka_conf(k->rk), setting, text, &size) == RD_KAFKA_CONF_OK
		       ? atoll(text)
		       : 0;
}

static void note_limits(struct kafka *k)
{
	k->gathers_bytes = (size_t)number_of(k, "batch.size");
	k->timeout_ms = number_of(k, "transaction.timeout.ms");
}

struct kafka *kafka_new(const struct kafka_options *options, enum kafka_role role,
	const struct kafka_setting *settings, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct kafka *k = xcalloc(1, sizeof *k);
	char why[256];

	pthread_mutex_init(&k->lock, NULL);
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (role == KAFKA_PRODUCER) {
		rd_kafka_conf_set_dr_msg_cb(conf, kafka_delivered);
	} else {
		rd_kafka_conf_set_rebalance_cb(conf, kafka_rebalanced);
		rd_kafka_conf_set_offset_commit_cb(conf, kafka_offsets_committed);
	}
	if (configure(conf, options, settings, err)) {
		k->rk = rd_kafka_new(role == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
			conf, why, sizeof why);
		if (k->rk) {
			note_limits(k);
			return k;
		}
		error_set(err, ERROR_CONFIG, "%s", why);
	}
	rd_kafka_conf_destroy(conf);
	kafka_free(k);
	return NULL;
}

static void *destroy(void *rk)
{
	rd_kafka_destroy(rk);
	return NULL;
}

/* librdkafka 2.0 may wait for ever for what a topic that was deleted left behind: then it keeps its threads. */
static bool destroy_in_time(rd_kafka_t *rk)
{
	struct timespec until = deadline_in(DESTROY_MS);
	pthread_t thread;

	if (pthread_create(&thread, NULL, destroy, rk))
		return destroy(rk) == NULL;
	if (!pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until))
		return true;
	pthread_detach(thread);
	log_warn("a client of Kafka does not end, and is left behind",
		F("waited_s", DESTROY_MS / 1000));
	return false;
}

void kafka_free(struct kafka *k)
{
	if (!k)
		return;
	if (k->rk && rd_kafka_type(k->rk) == RD_KAFKA_PRODUCER)
		rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	if (k->rk && !destroy_in_time(k->rk))
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}
