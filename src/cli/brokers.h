/* The Kafka connections of a configuration, for commands that look into topics. */
#ifndef CLI_BROKERS_H
#define CLI_BROKERS_H

#include "clients/kafka_consumer.h"
#include "config/config.h"

struct brokers {
	const struct connection_config *connection;
	struct kafka_options kafka;
	const char *group, *topics; /* as options of the source; NULL: not given */
	const char *prefix;         /* of topics */
};

/* The connections of kind kafka, in order: start with *i = 0. NULL: no more. */
const struct connection_config *next_kafka(const struct config *config, size_t *i);

MUST_CHECK bool brokers_of(const struct connection_config *, struct arena *arena,
	struct brokers *out, struct error *err);

/* The group of a stream that reads from there. */
void brokers_group(const struct brokers *, const struct stream_config *, char *out, size_t size);

#endif
