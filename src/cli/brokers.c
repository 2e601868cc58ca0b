/* The Kafka connections of a configuration; see brokers.h. */
#include "cli/brokers.h"

#include <string.h>
#include "clients/kafka_names.h"

static const struct option brokers_table[] = {
	{"kafka", OPTION_TABLE, offsetof(struct brokers, kafka), .table = kafka_option_table},
	{"group", OPTION_STRING, offsetof(struct brokers, group)},
	{"topics", OPTION_STRING, offsetof(struct brokers, topics)},
	OPTION_END,
};

const struct connection_config *next_kafka(const struct config *config, size_t *i)
{
	while (*i < config->n_connections) {
		const struct connection_config *c = &config->connections[(*i)++];
		if (strcmp(c->kind, "kafka") == 0)
			return c;
	}
	return NULL;
}

bool brokers_of(const struct connection_config *connection, struct arena *arena,
	struct brokers *out, struct error *err)
{
	*out = (struct brokers){.connection = connection};
	if (!connection_options(connection, brokers_table, out, arena, err))
		return false;
	out->prefix = out->kafka.topic_prefix ? out->kafka.topic_prefix : connection->name;
	return true;
}

void brokers_group(
	const struct brokers *b, const struct stream_config *stream, char *out, size_t size)
{
	kafka_group_name(b->group, stream->name, out, size);
}
