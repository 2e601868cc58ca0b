/* Loading a configuration: the file as a whole, its connections and server; see config.h. */
#include "config/config.h"

#include <string.h>
#include "config/read.h"

static const char *const root_keys[] = {
	"connections", "streams", "server", "models", "sensors", "lineage", NULL};
static const char *const connection_keys[] = {"kind", NULL};

/* --- connections --- */

/* Names of all kinds, each once. */
static const char **kind_names(struct arena *arena)
{
	size_t n = 0, n_sources = 0, n_sinks = 0;
	while (source_kinds[n_sources])
		n_sources++;
	while (sink_kinds[n_sinks])
		n_sinks++;
	const char **names = arena_alloc(arena, (n_sources + n_sinks + 1) * sizeof *names);
	for (size_t i = 0; i < n_sources; i++)
		names[n++] = source_kinds[i]->kind;
	for (size_t i = 0; i < n_sinks; i++)
		if (!source_find(sink_kinds[i]->kind))
			names[n++] = sink_kinds[i]->kind;
	return names;
}

static bool read_kind(struct reader *r, const struct section *s, struct connection_config *c)
{
	struct entry e = {.key = "kind"};
	const char **names = kind_names(r->arena);
	e.value = section_get(r, s, "kind", &e.line);
	if (!e.value)
		return complain(r, s->line, "%s has no 'kind'; known are %s", s->what,
			list_names(r, names));
	c->kind = read_text(r, s, &e);
	if (!c->kind)
		return false;
	c->source = source_find(c->kind);
	c->sink = sink_find(c->kind);
	c->engine = engine_find(c->kind);
	if (c->source || c->sink)
		return true;
	return complain(r, e.line, "%s: unknown kind '%.100s'%s", s->what, c->kind,
		suggestion(r, c->kind, names));
}

/* A struct of a connector, its options filled from the pairs. */
static void *fill(const struct connection_config *c, size_t size, const struct option *options,
	struct arena *arena, struct error *err)
{
	void *target = xcalloc(1, size);
	bool ok = option_defaults(options, target, arena, err);
	for (size_t i = 0; ok && i < c->n_pairs; i++)
		if (option_takes(options, c->pairs[i].name))
			ok = option_set(
				options, target, c->pairs[i].name, c->pairs[i].value, arena, err);
	if (ok && option_complete(options, target, err))
		return target;
	free(target);
	error_add(err, "connection '%s'", c->name);
	return NULL;
}

/* Values are checked one by one, so that an error names the line. What is missing is found by fill(). */
static bool check_pair(struct reader *r, const struct section *s, const struct config_pair *pair,
	size_t size, const struct option *options)
{
	if (!option_takes(options, pair->name))
		return true;
	void *scratch = xcalloc(1, size);
	bool ok = option_set(options, scratch, pair->name, pair->value, r->arena, r->err);
	free(scratch);
	return ok || complain_at(r, pair->line, s->what);
}

static bool read_pairs(struct reader *r, const struct section *s, struct connection_config *c)
{
	const struct option *source = c->source ? c->source->options : NULL;
	const struct option *sink = c->sink ? c->sink->options : NULL;
	size_t most = (size_t)(s->node->data.mapping.pairs.top - s->node->data.mapping.pairs.start);

	c->pairs = arena_alloc(r->arena, most * sizeof *c->pairs);
	for (struct entry e = {0}; section_next(r, s, &e);) {
		if (strcmp(e.key, "kind") == 0)
			continue;
		const char *value = read_value(
			r, s, &e, option_takes(source, e.key) ? source : sink);
		if (!value)
			return false;
		struct config_pair *pair = &c->pairs[c->n_pairs++];
		*pair = (struct config_pair){.name = e.key, .value = value, .line = e.line};
		pair->name = arena_strdup(r->arena, e.key);
		if ((source && !check_pair(r, s, pair, c->source->size, source)) ||
			(sink && !check_pair(r, s, pair, c->sink->size, sink)))
			return false;
	}
	return true;
}

/* A kind that can be both is checked for what is missing by the streams that use it. */
static bool check_complete(struct reader *r, const struct connection_config *c)
{
	if (c->source && c->sink)
		return true;
	void *scratch = c->source ? fill(c, c->source->size, c->source->options, r->arena, r->err)
				  : fill(c, c->sink->size, c->sink->options, r->arena, r->err);
	if (!scratch)
		return error_add(r->err, "%s:%d", r->path, c->line);
	free(scratch);
	return true;
}

static bool read_connection(struct reader *r, const struct entry *e, struct connection_config *c)
{
	struct section s;
	const char *what = arena_printf(r->arena, "connection '%s'", e->key);

	if (!is_name(e->key, false))
		return complain(r, e->line,
			"connection name '%.100s': it begins with a letter, holds letters, "
			"digits, _ and -, and is at most 48 long",
			e->key);
	*c = (struct connection_config){.name = arena_strdup(r->arena, e->key), .line = e->line};
	if (!section_open(r, e->value, e->line, what, NULL, &s) || !read_kind(r, &s, c))
		return false;
	struct keys keys = {connection_keys,
		{c->source ? c->source->options : NULL, c->sink ? c->sink->options : NULL}};
	return section_open(r, e->value, e->line, what, &keys, &s) && read_pairs(r, &s, c) &&
	       check_complete(r, c);
}

static bool read_connections(
	struct reader *r, struct config *config, const yaml_node_t *node, int line)
{
	struct section s;
	if (!section_open(r, node, line, "connections", NULL, &s))
		return false;
	size_t n = (size_t)(s.node->data.mapping.pairs.top - s.node->data.mapping.pairs.start);
	config->connections = arena_alloc(r->arena, n * sizeof *config->connections);
	for (struct entry e = {0}; section_next(r, &s, &e);)
		if (!read_connection(r, &e, &config->connections[config->n_connections++]))
			return false;
	return true;
}

/* --- server --- */

/* "host:port", "[::1]:port" or ":port". */
static bool is_address(const char *listen)
{
	const char *colon = strrchr(listen, ':');
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
		strlen(colon) > 6)
		return false;
	bool brackets = *listen == '[' && colon > listen && colon[-1] == ']';
	return atoi(colon + 1) <= 65535 && (brackets || strchr(listen, ':') == colon);
}

static bool read_server(struct reader *r, struct config *config, const yaml_node_t *node, int line)
{
	static const struct keys keys = {.options = {server_option_table}};
	struct section s;
	if (!option_defaults(server_option_table, &config->server, r->arena, r->err))
		return false;
	if (!node)
		return true;
	if (!section_open(r, node, line, "server", &keys, &s) ||
		!read_options(r, &s, server_option_table, &config->server))
		return false;
	const char *listen = config->server.listen;
	if (strcmp(listen, "off") != 0 && !is_address(listen)) {
		section_get(r, &s, "listen", &line);
		return complain(r, line,
			"server: option 'listen': '%.100s' is neither host:port nor off", listen);
	}
	if (config->server.hmac_key && strlen(config->server.hmac_key) < 16) {
		section_get(r, &s, "hmac_key", &line);
		return complain(r, line,
			"server: option 'hmac_key' has fewer than 16 characters; such a key can "
			"be guessed");
	}
	return true;
}

/* --- models --- */

static bool read_limits(
	struct reader *r, struct models_config *models, const yaml_node_t *node, int line)
{
	static const struct option of_tag[] = {
		{"limit", OPTION_INT, offsetof(struct tag_limit, steps), .min = 1, .max = 64},
		OPTION_END,
	};
	struct section s;

	if (!section_open(r, node, line, "limits", NULL, &s))
		return false;
	size_t n = (size_t)(s.node->data.mapping.pairs.top - s.node->data.mapping.pairs.start);
	models->limits = arena_alloc(r->arena, n * sizeof *models->limits);
	for (struct entry e = {0}; section_next(r, &s, &e);) {
		struct tag_limit *limit = &models->limits[models->n_limits++];
		const char *value = read_text(r, &s, &e);
		limit->tag = arena_strdup(r->arena, e.key);
		if (!value)
			return false;
		if (!option_set(of_tag, limit, "limit", value, r->arena, r->err))
			return complain_at(r, e.line,
				arena_printf(r->arena, "models: limits: tag '%s'", limit->tag));
	}
	return true;
}

static bool check_models_connection(
	struct reader *r, const struct config *config, const struct section *s)
{
	const char *name = config->models.connection, *names[65] = {0};
	int line = s->line;

	if (!name || config_connection(config, name))
		return true;
	for (size_t i = 0; i < config->n_connections && i + 1 < COUNT_OF(names); i++)
		names[i] = config->connections[i].name;
	section_get(r, s, "connection", &line);
	return complain(r, line, "models: there is no connection '%.100s'%s", name,
		suggestion(r, name, names));
}

static bool read_models(struct reader *r, struct config *config, const yaml_node_t *node, int line)
{
	static const char *const fixed[] = {"limits", NULL};
	static const struct keys keys = {fixed, {models_option_table}};
	struct models_config *models = &config->models;
	struct section s;

	if (!option_defaults(models_option_table, models, r->arena, r->err))
		return false;
	if (node) {
		if (!section_open(r, node, line, "models", &keys, &s) ||
			!read_options(r, &s, models_option_table, models) ||
			!check_models_connection(r, config, &s))
			return false;
		const yaml_node_t *limits = section_get(r, &s, "limits", &line);
		if (limits && !read_limits(r, models, limits, line))
			return false;
	}
	models->project = read_path(r, models->project);
	return true;
}

/* --- the whole --- */

static bool read_root(struct reader *r, struct config *config)
{
	static const struct keys keys = {.fixed = root_keys};
	struct section root, section;
	int connections_line = 1, streams_line = 1, server_line = 1, models_line = 1,
	    sensors_line = 1, lineage_line = 1;

	if (!section_open(r, yaml_document_get_root_node(&r->document), 1, "the configuration",
		    &keys, &root))
		return false;
	const yaml_node_t *connections = section_get(r, &root, "connections", &connections_line);
	const yaml_node_t *stream_node = section_get(r, &root, "streams", &streams_line);
	const yaml_node_t *server = section_get(r, &root, "server", &server_line);
	const yaml_node_t *models = section_get(r, &root, "models", &models_line);
	const yaml_node_t *sensors = section_get(r, &root, "sensors", &sensors_line);
	const yaml_node_t *lineage = section_get(r, &root, "lineage", &lineage_line);
	if (!connections)
		return complain(r, 1,
			"'connections' is missing: the databases to read from and to write to");
	if (!stream_node && !models)
		return complain(
			r, 1, "'streams' is missing: which connection is mirrored into which");
	return read_server(r, config, server, server_line) &&
	       read_connections(r, config, connections, connections_line) &&
	       read_models(r, config, models, models_line) &&
	       read_sensors(r, config, sensors, sensors_line) &&
	       read_lineage(r, config, lineage, lineage_line) &&
	       (!stream_node ||
		       (section_open(r, stream_node, streams_line, "streams", NULL, &section) &&
			       read_streams(r, config, &section)));
}

bool config_load(const char *path, struct config *out, struct error *err)
{
	struct error unused;
	memset(out, 0, sizeof *out);
	arena_init(&out->arena);
	const char *slash = strrchr(path, '/');
	const char *folder = !slash ? "."
				    : arena_strndup(&out->arena, path,
					      slash == path ? 1 : (size_t)(slash - path));
	struct reader r = {
		.path = path, .folder = folder, .arena = &out->arena, .err = err ? err : &unused};

	out->path = arena_strdup(&out->arena, path);
	out->state_dir = slash ? arena_printf(&out->arena, "%s/.tailrace", folder) : ".tailrace";
	bool ok = reader_open(&r);
	if (ok) {
		ok = read_root(&r, out);
		reader_close(&r);
	}
	if (!ok)
		config_release(out);
	return ok;
}

void config_release(struct config *config)
{
	arena_release(&config->arena);
	memset(config, 0, sizeof *config);
}

struct source *config_source(
	const struct stream_config *stream, struct arena *arena, struct error *err)
{
	const struct source_ops *ops = stream->from->source;
	struct source *source = fill(stream->from, ops->size, ops->options, arena, err);
	if (!source)
		return NULL;
	source->ops = ops;
	source->name = arena_strdup(arena, stream->name);
	source->connection = arena_strdup(arena, stream->from->name);
	source->selection = &stream->selection;
	return source;
}

struct sink *config_sink(
	const struct connection_config *connection, struct arena *arena, struct error *err)
{
	const struct sink_ops *ops = connection->sink;
	struct sink *sink = fill(connection, ops->size, ops->options, arena, err);
	if (!sink)
		return NULL;
	sink->ops = ops;
	sink->name = arena_strdup(arena, connection->name);
	return sink;
}

struct engine *config_engine(
	const struct connection_config *connection, struct arena *arena, struct error *err)
{
	const struct engine_ops *ops = connection->engine;
	struct engine *engine = fill(connection, ops->size, ops->options, arena, err);
	if (!engine)
		return NULL;
	engine->ops = ops;
	engine->name = arena_strdup(arena, connection->name);
	return engine;
}

const struct connection_config *config_connection(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_connections; i++)
		if (strcmp(config->connections[i].name, name) == 0)
			return &config->connections[i];
	return NULL;
}

bool connection_options(const struct connection_config *c, const struct option *table, void *out,
	struct arena *arena, struct error *err)
{
	bool ok = true;
	for (const struct option *o = table; ok && o->name; o++) {
		const struct option *own = c->sink     ? option_find(c->sink->options, o->name)
					   : c->source ? option_find(c->source->options, o->name)
						       : NULL;
		if (own && own->fallback)
			ok = option_set(table, out, o->name, own->fallback, arena, err);
	}
	for (size_t i = 0; ok && i < c->n_pairs; i++)
		if (option_takes(table, c->pairs[i].name))
			ok = option_set(
				table, out, c->pairs[i].name, c->pairs[i].value, arena, err);
	return ok || error_add(err, "connection '%s'", c->name);
}

bool connection_is_embedded(const struct connection_config *connection)
{
	for (size_t i = 0; i < connection->n_pairs; i++)
		if (strcmp(connection->pairs[i].name, "url") == 0)
			return strcmp(connection->pairs[i].value, "embedded") == 0;
	const struct option *url = connection->sink ? option_find(connection->sink->options, "url")
						    : NULL;
	return url && url->fallback && strcmp(url->fallback, "embedded") == 0;
}
