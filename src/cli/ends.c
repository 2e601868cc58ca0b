/* Opening and closing what a configuration names; see ends.h. */
#include "cli/ends.h"

#include <stdio.h>
#include "warehouse/warehouse.h"

/* What the embedded ClickHouse takes of its connection. */
static const struct option warehouse_table[] = {
	{"listen", OPTION_STRING, offsetof(struct warehouse_options, listen)},
	{"http_port", OPTION_INT, offsetof(struct warehouse_options, http_port)},
	{"tcp_port", OPTION_INT, offsetof(struct warehouse_options, tcp_port)},
	{"user", OPTION_STRING, offsetof(struct warehouse_options, user)},
	{"password", OPTION_SECRET, offsetof(struct warehouse_options, password)},
	{"memory_limit", OPTION_BYTES, offsetof(struct warehouse_options, memory_bytes)},
	OPTION_END,
};

static const struct connection_config *embedded(const struct config *config)
{
	for (size_t i = 0; i < config->n_connections; i++)
		if (connection_is_embedded(&config->connections[i]))
			return &config->connections[i];
	return NULL;
}

bool uses_warehouse(const struct config *config)
{
	return embedded(config);
}

bool ends_open(struct ends *e, const char *config_path, struct error *err)
{
	*e = (struct ends){0};
	if (!config_load(config_path, &e->config, err))
		return false;
	arena_init(&e->arena);
	e->state = state_open(e->config.state_dir, err);
	if (!e->state)
		ends_close(e);
	return e->state;
}

void ends_close(struct ends *e)
{
	warehouse_stop(e->own);
	state_close(e->state);
	config_release(&e->config);
	arena_release(&e->arena);
	*e = (struct ends){0};
}

bool ends_warehouse_runs(struct ends *e)
{
	if (!embedded(&e->config) || *e->warehouse_url)
		return true;
	return !e->locked && state_runner(e->state) &&
	       state_fact_get(e->state, "warehouse_url", e->warehouse_url, sizeof e->warehouse_url);
}

bool ends_warehouse(struct ends *e, struct error *err)
{
	const struct connection_config *c = embedded(&e->config);
	struct warehouse_options options = {0};

	if (ends_warehouse_runs(e))
		return true;
	/* Only one process can have its folder open: the lock says who, in our words. */
	if (!e->locked && !state_lock_briefly(e->state, err))
		return false;
	e->locked = true;
	options.dir = arena_printf(&e->arena, "%s/warehouse", e->config.state_dir);
	if (!connection_options(c, warehouse_table, &options, &e->arena, err))
		return false;
	e->own = warehouse_start(&options, err);
	if (!e->own)
		return error_add(err, "connection '%s'", c->name);
	snprintf(e->warehouse_url, sizeof e->warehouse_url, "%s", warehouse_url(e->own));
	return true;
}

/* What of a connection concerns a client. */
struct target {
	const char *url, *user, *password, *ca_file;
	bool verify_tls;
};
static const struct option target_table[] = {
	{"url", OPTION_STRING, offsetof(struct target, url)},
	{"user", OPTION_STRING, offsetof(struct target, user)},
	{"password", OPTION_SECRET, offsetof(struct target, password)},
	{"ca_file", OPTION_STRING, offsetof(struct target, ca_file)},
	{"verify_tls", OPTION_BOOL, offsetof(struct target, verify_tls)},
	OPTION_END,
};

struct clickhouse *ends_clickhouse(
	struct ends *e, const struct connection_config *c, struct error *err)
{
	struct target target = {0};
	struct clickhouse *client;
	if (!connection_options(c, target_table, &target, &e->arena, err))
		return NULL;
	if (connection_is_embedded(c)) {
		if (!ends_warehouse(e, err))
			return NULL;
		target.url = e->warehouse_url;
	}
	const struct clickhouse_options options = {
		.url = target.url,
		.user = target.user,
		.password = target.password,
		.http = {.ca_file = target.ca_file, .accept_any_certificate = !target.verify_tls},
	};
	return clickhouse_new(&client, &options, err) ? client : NULL;
}

struct source *ends_source(struct ends *e, const struct stream_config *stream, struct error *err)
{
	struct source *source = config_source(stream, &e->arena, err);
	if (source && source->ops->open(source, err))
		return source;
	if (source)
		error_add(err, "connection '%s'", stream->from->name);
	free(source);
	return NULL;
}

struct sink *ends_sink(
	struct ends *e, const struct connection_config *connection, struct error *err)
{
	struct sink *sink = config_sink(connection, &e->arena, err);
	bool ok = sink;
	if (ok && connection_is_embedded(connection))
		ok = option_set(sink->ops->options, sink, "url", e->warehouse_url, &e->arena, err);
	if (ok && sink->ops->open(sink, err))
		return sink;
	if (sink)
		error_add(err, "connection '%s'", connection->name);
	free(sink);
	return NULL;
}

void source_free(struct source *source)
{
	if (source)
		source->ops->close(source);
	free(source);
}

void sink_free(struct sink *sink)
{
	if (sink)
		sink->ops->close(sink);
	free(sink);
}
