/* Starting and stopping what `run` and `demo` run; see parts.h. */
#include "cli/parts.h"

#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/stop.h"

#define WAIT_US 100000
#define LOOK_MS 1000 /* for a project that comes later */

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
	server_tell_models(p->server, p->scheduler);
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

/* What builds or asks the embedded ClickHouse has the state to itself, until it ends. */
static bool lock(struct parts *p, struct error *err)
{
	struct state *state = p->ends.state;

	for (bool said = false; !state_lock(state, err); said = true) {
		if (!state_runner_ends(state) || atomic_load(&stop_asked))
			return false;
		if (!said)
			log_info("another command has the state folder; waiting until it ends",
				F("process", state_runner(state)));
		error_clear(err);
		usleep(WAIT_US);
	}
	return true;
}

static const char *warehouse_url_of(const struct parts *p)
{
	return *p->ends.warehouse_url ? p->ends.warehouse_url : NULL;
}

bool parts_start(struct parts *p, const char *config_path, struct error *err)
{
	*p = (struct parts){0};
	if (!ends_open(&p->ends, config_path, err))
		return false;
	const struct server_config *server = &p->ends.config.server;
	log_setup((enum log_level)server->log_level, (enum log_format)server->log_format);
	if (!lock(p, err))
		return false;
	p->ends.locked = true;
	if (!forget_facts(p->ends.state, err) || !start_warehouse(p, err))
		return false;
	const char *url = warehouse_url_of(p);
	p->pipeline = pipeline_start(&p->ends.config, p->ends.state, url, err);
	return p->pipeline && start_models(p, url, err) && start_server(p, err);
}

void parts_look(struct parts *p)
{
	struct error err = {0};

	if (p->executor || mono_ms() < p->look_ms)
		return;
	p->look_ms = mono_ms() + LOOK_MS;
	if (!start_models(p, warehouse_url_of(p), &err))
		log_error("models are not built", F("error", (const char *)err.text));
	else if (p->executor)
		log_info(
			"a project of models has come", F("folder", p->ends.config.models.project));
	if (p->server)
		server_tell_models(p->server, p->scheduler);
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
