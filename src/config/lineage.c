/* The section `lineage`: who is told of builds, as OpenLineage has it. Without it the environment of its clients. */
#include <string.h>
#include "config/read.h"

#define LINEAGE(field) offsetof(struct lineage_config, field)
const struct option lineage_option_table[] = {
	{"url", OPTION_STRING, LINEAGE(url),
		.help = "Where events are posted to, `http://marquez:5000`. Default: "
			"`OPENLINEAGE_URL` of the environment; without either there are none."},
	{"endpoint", OPTION_STRING, LINEAGE(endpoint),
		.help = "The path there. Default: `OPENLINEAGE_ENDPOINT`, else `api/v1/lineage`."},
	{"api_key", OPTION_SECRET, LINEAGE(api_key),
		.help = "Sent as a bearer token. Default: `OPENLINEAGE_API_KEY`."},
	{"namespace", OPTION_STRING, LINEAGE(name_space),
		.help = "Of jobs. Default: `OPENLINEAGE_NAMESPACE`, else `tailrace`."},
	{"dataset_namespace", OPTION_STRING, LINEAGE(dataset_namespace),
		.help = "Of tables. Default: `clickhouse://HOST:PORT` of the warehouse, of the "
			"embedded one `clickhouse://embedded`."},
	OPTION_END,
};

static const char *or_environment(
	struct reader *r, const char *value, const char *name, const char *fallback)
{
	const char *set = value ? value : getenv(name);
	return set && *set ? arena_strdup(r->arena, set) : fallback;
}

bool read_lineage(struct reader *r, struct config *config, const yaml_node_t *node, int line)
{
	static const struct keys keys = {.options = {lineage_option_table}};
	struct lineage_config *lineage = &config->lineage;
	const char *disabled = getenv("OPENLINEAGE_DISABLED");
	struct section s;

	if (node && (!section_open(r, node, line, "lineage", &keys, &s) ||
			    !read_options(r, &s, lineage_option_table, lineage)))
		return false;
	lineage->url = or_environment(r, lineage->url, "OPENLINEAGE_URL", NULL);
	lineage->endpoint = or_environment(
		r, lineage->endpoint, "OPENLINEAGE_ENDPOINT", "api/v1/lineage");
	lineage->api_key = or_environment(r, lineage->api_key, "OPENLINEAGE_API_KEY", NULL);
	lineage->name_space = or_environment(
		r, lineage->name_space, "OPENLINEAGE_NAMESPACE", "tailrace");
	if (disabled && (!strcasecmp(disabled, "true") || !strcmp(disabled, "1")))
		lineage->url = NULL;
	const char *url = lineage->url;
	if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return complain(r, line,
			"lineage: '%.100s' is no address of OpenLineage events; write "
			"http://HOST:PORT",
			url);
	return true;
}
