/* A client of Kafka: settings, logs, errors; see kafka.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wait.h"
#include "clients/kafka_handle.h"

#define DESTROY_MS      5000
#define FAILED_AGAIN_MS 10000
#define HAS_SCRAM       0x02060100 /* that brokers since Kafka 4 take */

#define ADVICE_ON_SSL                                                              \
	"; look at security_protocol, ssl_ca_location, ssl_certificate_location, " \
	"ssl_key_location "                                                        \
	"and ssl_key_password"

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
			"batch.size=500000`, or one a line, where values may have commas. Those "
			"that delivery rests on cannot be changed."},
	OPTION_END,
};

/* --- Errors ---------------------------------------------------------------------------------------- */

static void setting_of(const rd_kafka_t *rk, const char *name, char *out, size_t size)
{
	if (!rk || rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)(uintptr_t)rk), name, out,
			   &size) != RD_KAFKA_CONF_OK)
		*out = '\0';
}

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

/* Up to 2.6.0 librdkafka repeats its nonce, which brokers since Kafka 4 do not take (its issue 4895). */
static const char *advice_on_login(const rd_kafka_t *rk)
{
	char mechanism[32] = "";

	setting_of(rk, "sasl.mechanism", mechanism, sizeof mechanism);
	if (strncmp(mechanism, "SCRAM-", 6) == 0 && rd_kafka_version() < HAS_SCRAM)
		return "; look at sasl_mechanism, sasl_username and sasl_password. If they are "
		       "right: librdkafka before 2.6.1, as it is here, cannot log in by SCRAM at "
		       "brokers of Kafka 4 or newer; install a newer one (docs/kafka.md, Security)";
	return "; look at sasl_mechanism, sasl_username and sasl_password";
}

/* What mends it, where the brokers' own word does not say; `out` holds what names something. */
static const char *advice(const rd_kafka_t *rk, rd_kafka_resp_err_t code, char *out, size_t size)
{
	char name[256] = "";

	switch ((int)code) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED: return advice_on_login(rk);
	case RD_KAFKA_RESP_ERR__SSL: return ADVICE_ON_SSL;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return "; allow the user Describe on the topic";
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		setting_of(rk, "group.id", name, sizeof name);
		snprintf(out, size, "; allow the user Read on the consumer group %s", name);
		return out;
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
		return "; if others read other topics as this group, give the connection a `group` "
		       "of its own";
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return "; allow the user IdempotentWrite on the cluster, and Create where topics "
		       "are to be made";
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		setting_of(rk, "transactional.id", name, sizeof name);
		snprintf(out, size,
			"; allow the user Write and Describe on the transactional id %s, or set "
			"delivery: at_least_once",
			name);
		return out;
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

static struct error trouble_of(struct kafka *k)
{
	pthread_mutex_lock(&k->lock);
	struct error trouble = k->trouble;
	pthread_mutex_unlock(&k->lock);
	return trouble;
}

bool kafka_is_refused(struct kafka *k)
{
	return trouble_of(k).kind == ERROR_CONFIG;
}

bool kafka_may_answer(struct kafka *k, int code)
{
	return is_silence((rd_kafka_resp_err_t)code) && !kafka_is_refused(k);
}

void kafka_answered(struct kafka *k)
{
	pthread_mutex_lock(&k->lock);
	k->reached = true;
	k->x509 = 0;
	error_clear(&k->trouble);
	pthread_mutex_unlock(&k->lock);
}

bool kafka_fail(struct kafka *k, struct error *err, int code, const char *what, const char *why)
{
	rd_kafka_resp_err_t fatal = RD_KAFKA_RESP_ERR_NO_ERROR, of = (rd_kafka_resp_err_t)code;
	struct error trouble = trouble_of(k);
	char text[512], named[512];

	if (is_overdue(k))
		return error_set(err, ERROR_RETRY,
			"%s: the transaction was not written within transaction_timeout (%lld s); "
			"raise it, and the brokers' transaction.max.timeout.ms where it is as high",
			what, (long long)k->timeout_ms / 1000);
	if (of == RD_KAFKA_RESP_ERR__FATAL && k->rk)
		fatal = rd_kafka_fatal_error(k->rk, text, sizeof text);
	if (fatal)
		return error_set(err, kind_of(fatal), "%s: %s%s", what, text,
			advice(k->rk, fatal, named, sizeof named));
	if (is_silence(of) && trouble.kind != ERROR_NONE)
		return error_set(err, trouble.kind, "%s: %s", what, trouble.text);
	if (is_silence(of) && !k->reached)
		return error_set(err, ERROR_RETRY,
			"%s: no answer; are these `brokers`, and is `security_protocol` what they "
			"speak there?",
			what);
	return error_set(err, kind_of(of), "%s: %s%s", what,
		why && *why ? why : rd_kafka_err2str(of), advice(k->rk, of, named, sizeof named));
}

bool kafka_fail_right(struct kafka *k, struct error *err, int code, const char *what,
	const char *why, const char *right)
{
	if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return kafka_fail(k, err, code, what, why);
	return error_set(err, ERROR_CONFIG, "%s: %s; allow the user %s", what,
		rd_kafka_err2str((rd_kafka_resp_err_t)code), right);
}

bool kafka_check(struct kafka *k, rd_kafka_error_t *error, const char *what, struct error *err)
{
	if (!error)
		return true;
	int code = rd_kafka_error_is_fatal(error) ? RD_KAFKA_RESP_ERR__FATAL
						  : (int)rd_kafka_error_code(error);
	kafka_fail_right(k, err, code, what, rd_kafka_error_string(error),
		"Write on all topics of the stream");
	rd_kafka_error_destroy(error);
	return false;
}

/* --- What librdkafka tells ------------------------------------------------------------------------- */

/* A login that is refused is tried again several times a second; "(after 3ms in state AUTH_REQ)" is another each time. */
static bool is_repeated(struct kafka *k, const char *text)
{
	const char *after = strstr(text, " (after ");
	uint64_t hash = text_hash(text, after ? (size_t)(after - text) : strlen(text));
	int64_t now_ms = mono_ms();

	pthread_mutex_lock(&k->lock);
	bool repeated = k->failed_ms && k->failed == hash &&
			now_ms - k->failed_ms < FAILED_AGAIN_MS;
	if (!repeated)
		k->failed_ms = now_ms;
	k->failed = hash;
	pthread_mutex_unlock(&k->lock);
	return repeated;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	enum log_level ours = level <= 3 ? LOG_WARN : level <= 6 ? LOG_INFO : LOG_DEBUG;

	if (!strcmp(facility, "FAIL") && is_repeated(rd_kafka_opaque(rk), text))
		ours = LOG_DEBUG;
	log_write(ours, "kafka", LOG_FIELDS(F("what", facility), F("said", text)));
}

/* What OpenSSL finds wrong with a broker's certificate, by its numbers (X509_V_ERR_...). */
static const char *advice_on_certificate(int x509)
{
	switch (x509) {
	case 9: return "the certificate is not valid yet; is the clock right?";
	case 10: return "the certificate has expired";
	case 62: /* the name */
	case 64: /* the address */
		return "the certificate is not of this host; take a name that it has for `brokers` "
		       "(and the brokers' advertised.listeners), or, if any host is to be trusted, "
		       "set properties: ssl.endpoint.identification.algorithm=none";
	default:
		return "the certificate is of an authority that is not known here; put the "
		       "authority's own into the file of ssl_ca_location";
	}
}

/* Looks on: what is wrong is known here alone. */
static int on_certificate(rd_kafka_t *rk, const char *broker, int32_t broker_id, int *x509,
	int depth, const char *bytes, size_t len, char *why, size_t size, void *kafka)
{
	struct kafka *k = kafka;
	(void)rk, (void)broker, (void)broker_id, (void)depth, (void)bytes, (void)len;

	if (*x509 == 0)
		return 1;
	pthread_mutex_lock(&k->lock);
	k->x509 = *x509;
	pthread_mutex_unlock(&k->lock);
	snprintf(why, size, "%s", advice_on_certificate(*x509));
	return 0;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *kafka)
{
	struct kafka *k = kafka;
	rd_kafka_resp_err_t of = (rd_kafka_resp_err_t)code;
	char named[512];

	if (of == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || of == RD_KAFKA_RESP_ERR__FATAL)
		return; /* the first says less than what came before it, the second is asked for */
	if (strstr(reason, "SSL alert"))
		of = RD_KAFKA_RESP_ERR__SSL; /* theirs, as of our certificate */
	pthread_mutex_lock(&k->lock);
	if (k->x509 && strstr(reason, "certificate verify failed"))
		error_set(&k->trouble, ERROR_CONFIG, "%.*s: %s", (int)strcspn(reason, " ") - 1,
			reason, advice_on_certificate(k->x509));
	else
		error_set(&k->trouble, kind_of(of), "%s%s", reason,
			advice(rk, of, named, sizeof named));
	pthread_mutex_unlock(&k->lock);
}

/* --- Settings -------------------------------------------------------------------------------------- */

static char *trimmed(struct arena *arena, const char *from, size_t len)
{
	while (len && strchr(" \n", *from))
		from++, len--;
	while (len && strchr(" \n", from[len - 1]))
		len--;
	return arena_strndup(arena, from, len);
}

struct kafka_setting *kafka_settings_parse(
	const char *text, const char *option, struct arena *arena, struct error *err)
{
	const char *rest = trimmed(arena, text ? text : "", strlen(text ? text : ""));
	const char *ends = strchr(rest, '\n') ? "\n" : ",";
	size_t n = 0, most = 2;

	for (const char *p = rest; *p; p++)
		most += *p == *ends;
	struct kafka_setting *list = arena_alloc(arena, most * sizeof *list);
	while (*rest) {
		size_t len = strcspn(rest, ends);
		char *pair = trimmed(arena, rest, len);
		char *equals = strchr(pair, '=');
		rest += len + (rest[len] == *ends);
		if (!*pair)
			continue;
		if (!equals || equals == pair) {
			error_set(err, ERROR_CONFIG,
				"option '%s': setting %zu is none; write name=value, separated by "
				"commas, or one a line where values have commas",
				option, n + 1);
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

/* librdkafka's own words on a file that is not there do not name it. */
static bool set_file(rd_kafka_conf_t *conf, const char *option, const char *name, const char *path,
	struct error *err)
{
	if (path && access(path, R_OK) != 0)
		return error_set(err, ERROR_CONFIG, "option '%s': cannot read %.512s: %s", option,
			path, strerror(errno));
	return set(conf, option, name, path, err);
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
	bool tls = o->security_protocol == SSL || o->security_protocol == SASL_SSL;

	if (!sasl && o->sasl_username)
		return error_set(err, ERROR_CONFIG,
			"option 'sasl_username': is of no use with security_protocol %s; set it "
			"to sasl_ssl or sasl_plaintext",
			protocols[o->security_protocol]);
	return set(conf, "security_protocol", "security.protocol", protocols[o->security_protocol],
		       err) &&
	       /* the default since 2.0 alone */
	       (!tls || set(conf, "security_protocol", "ssl.endpoint.identification.algorithm",
				"https", err)) &&
	       (!sasl || set(conf, "sasl_mechanism", "sasl.mechanism",
				 mechanisms[o->sasl_mechanism], err)) &&
	       set(conf, "sasl_username", "sasl.username", o->sasl_username, err) &&
	       set(conf, "sasl_password", "sasl.password", o->sasl_password, err) &&
	       set_file(conf, "ssl_ca_location", "ssl.ca.location", o->ssl_ca_location, err) &&
	       set_file(conf, "ssl_certificate_location", "ssl.certificate.location",
		       o->ssl_certificate_location, err) &&
	       set_file(conf, "ssl_key_location", "ssl.key.location", o->ssl_key_location, err) &&
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

	setting_of(k->rk, setting, text, sizeof text);
	return atoll(text);
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
	rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
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
		error_set(err, ERROR_CONFIG, "%s%s", why,
			strncmp(why, "ssl.", 4) ? "" : ADVICE_ON_SSL);
	}
	rd_kafka_conf_destroy(conf);
	kafka_free(k);
	return NULL;
}

/* A consumer has been closed, as far as it could be. */
static void *destroy(void *rk)
{
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
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
