/* The engine that models are built in; see executor.h. */
#include <stdlib.h>
#include "build/internal.h"

static const struct connection_config *find_connection(const struct config *config)
{
	const char *name = config->models.connection;

	if (name)
		return config_connection(config, name);
	for (size_t i = 0; i < config->n_connections; i++)
		if (config->connections[i].engine)
			return &config->connections[i];
	return NULL;
}

const struct engine_ops *models_engine_ops(const struct config *config)
{
	const struct connection_config *found = find_connection(config);
	return found ? found->engine : NULL;
}

const struct connection_config *models_connection(const struct config *config, struct error *err)
{
	const struct connection_config *found = find_connection(config);

	if (!found)
		error_set(err, ERROR_CONFIG,
			"%s: no connection can build models; add one of kind clickhouse",
			config->path);
	else if (!found->engine)
		error_set(err, ERROR_CONFIG,
			"%s:%d: models cannot be built in connection '%s', which is of kind %s",
			config->path, found->line, found->name, found->kind);
	return found && found->engine ? found : NULL;
}

struct engine *models_engine(const struct config *config, const char *warehouse_url,
	struct arena *arena, struct error *err)
{
	const struct connection_config *connection = models_connection(config, err);
	struct engine *engine = connection ? config_engine(connection, arena, err) : NULL;
	bool ok = engine;

	if (ok && connection_is_embedded(connection))
		ok = option_set(engine->ops->options, engine, "url",
			warehouse_url ? warehouse_url : "", arena, err);
	if (ok && engine->ops->open(engine, err))
		return engine;
	if (engine)
		error_add(err, "connection '%s'", connection->name);
	free(engine);
	return NULL;
}

void engine_free(struct engine *engine)
{
	if (engine)
		engine->ops->close(engine);
	free(engine);
}
