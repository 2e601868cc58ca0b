/* Starting and stopping what `run` and `demo` run; see parts.h. */
#include "cli/parts.h"

#include <string.h>
#include "base/log.h"

/* Facts of an earlier process, that may have been killed, are gone before ours can be mistaken for them. */
static bool forget_facts(struct state *state, struct error *err)
{
	return state_fact_put(state, "http_address", NULL, err) &&
	       state_fact_put(state, "warehouse_url", NULL, err);
}

static bool start_warehouse(struct parts *p, struct error *err)
{
	if (!uses_warehouse(&p->ends.config))
		return true;
	if (!ends_warehouse(&p->ends, err))
		return false;
	return state_fact_put(p->ends.state, "warehouse_url", p->ends.warehouse_url, err);
}

static bool start_server(struct parts *p, struct error *err)
{
	const char *listen = p->ends.config.server.listen;
	if (strcmp(listen, "off") == 0)
		return true;
	p->server = server_start(listen, p->pipeline, p->ends.state, err);
	if (!p->server)
		return false;
	return state_fact_put(p->ends.state, "http_address", server_address(p->server), err);
}

static bool start_scheduler(struct parts *p, const char *warehouse_url, struct error *err)
{
	struct scheduler_options options = {.config = &p->ends.config,
		.state = p->ends.state,
		.pipeline = p->pipeline,
		.executor = p->executor,
		.warehouse_url = warehouse_url};
	p->scheduler = scheduler_start(&options, err);
	return p->scheduler;
}

static bool start_models(struct parts *p, const char *warehouse_url, struct error *err)
{
	if (!models_wanted(&p->ends.config))
		return true;
	struct executor_options options = {.config = &p->ends.config,
		.state = p->ends.state,
		.warehouse_url = warehouse_url,
		.patient = true};
	p->executor = executor_start(&options, err);
	return p->executor && start_scheduler(p, warehouse_url, err);
}

bool parts_start(struct parts *p, const char *config_path, struct error *err)
{
	*p = (struct parts){0};
	if (!ends_open(&p->ends, config_path, err))
		return false;
	const struct server_config *server = &p->ends.config.server;
	log_setup((enum log_level)server->log_level, (enum log_format)server->log_format);
	if (!state_lock(p->ends.state, err))
		return false;
	p->ends.locked = true;
	if (!forget_facts(p->ends.state, err) || !start_warehouse(p, err))
		return false;
	const char *url = *p->ends.warehouse_url ? p->ends.warehouse_url : NULL;
	p->pipeline = pipeline_start(&p->ends.config, p->ends.state, url, err);
	return p->pipeline && start_models(p, url, err) && start_server(p, err);
}

void parts_stop(struct parts *p)
{
	server_stop(p->server);
	scheduler_stop(p->scheduler);
	executor_stop(p->executor);
	if (p->pipeline)
		pipeline_stop(p->pipeline);
	if (p->ends.locked && !forget_facts(p->ends.state, NULL))
		log_warn("the state store keeps the addresses of this process");
	ends_close(&p->ends);
	*p = (struct parts){0};
}
