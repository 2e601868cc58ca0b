/*
 * Kafka over librdkafka: what every client of a broker shares. Its options, its logs in ours, its errors by
 * what to do about them, and topics looked at and made. To write: kafka_producer.h; to read:
 * kafka_consumer.h. Functions may be called by any thread, unless said otherwise.
 */
#ifndef CLIENTS_KAFKA_H
#define CLIENTS_KAFKA_H

#include "base/arena.h"
#include "base/vec.h"
#include "core/option.h"

enum kafka_format { KAFKA_JSON, KAFKA_JSON_SCHEMA, KAFKA_AVRO };

struct kafka_options {
	const char *brokers;
	const char *topic_prefix; /* NULL: the name of the connection */
	int format;               /* enum kafka_format */
	int security_protocol, sasl_mechanism;
	const char *sasl_username, *sasl_password;
	const char *ssl_ca_location, *ssl_certificate_location, *ssl_key_location,
		*ssl_key_password;
	const char *properties;
};

extern const struct option kafka_option_table[]; /* of struct kafka_options */

/* One client: its connections and threads. */
struct kafka;
enum kafka_role { KAFKA_PRODUCER, KAFKA_CONSUMER };

struct kafka_setting {
	const char *name, *value;
	bool fixed; /* `properties` may not change it */
};

/* `settings` end with a NULL name; they are set before `properties`, in order. Connects to nothing yet.
 * NULL: ERROR_CONFIG. */
struct kafka *kafka_new(const struct kafka_options *, enum kafka_role,
	const struct kafka_setting *settings, struct error *);
void kafka_free(struct kafka *); /* NULL is allowed; what was not sent is forgotten */

/* Is any broker to be had? ERROR_RETRY, or ERROR_CONFIG where they refuse us. `about`: "3 brokers, ..."
 * for people; NULL is allowed. */
MUST_CHECK bool kafka_reach(struct kafka *, int wait_ms, char *about, size_t size, struct error *);

struct kafka_topic_info {
	char *name;
	int partitions;
	int replication;
};
VEC_TYPE(kafka_topic_infos, struct kafka_topic_info);

/* Those of this name, or all (NULL). A topic that is not there is not among them. */
MUST_CHECK bool kafka_topics(
	struct kafka *, const char *name, struct kafka_topic_infos *out, struct error *);
void kafka_topic_infos_release(struct kafka_topic_infos *);

struct kafka_new_topic {
	const char *name;
	int partitions, replication;          /* -1: as the brokers have it */
	const struct kafka_setting *settings; /* "cleanup.policy" ..., ended by a NULL name */
	bool asked;                           /* only whether it could be made */
};
/* Makes it where it is not there yet. ERROR_CONFIG: the brokers refuse it as it is wanted. */
MUST_CHECK bool kafka_topic_create(
	struct kafka *, const struct kafka_new_topic *, bool *made, struct error *);

/* One setting of a topic, "max.message.bytes"; *value is left as it is where the brokers do not tell. False: no answer. */
MUST_CHECK bool kafka_topic_setting(struct kafka *, const char *topic, const char *name,
	struct arena *, char **value, struct error *);

/*
 * May the user do this? Nothing is changed: each asks for what brokers cannot grant, and refuse only after they
 * have looked at the rights. False: ERROR_CONFIG names the right that is missing.
 *
 * write: to a topic that is there, of a client made by kafka_asker_new(); transact: under that transactional id;
 * join: be a member of the group of that client, a consumer's.
 */
struct kafka *kafka_asker_new(const struct kafka_options *, struct error *);
MUST_CHECK bool kafka_may_write(struct kafka *, const char *topic, struct error *);
MUST_CHECK bool kafka_may_transact(const struct kafka_options *, const char *id, struct error *);
MUST_CHECK bool kafka_may_join(struct kafka *, struct error *);

/* Takes "a=b, c=d", or lines of such, apart; the list ends with a NULL name and lives in the arena. NULL: ERROR_CONFIG names
 * `option`, the text's own name. */
struct kafka_setting *kafka_settings_parse(
	const char *text, const char *option, struct arena *, struct error *);

#endif
