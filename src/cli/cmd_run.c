/*
 * `tailrace run`: the process that mirrors. Its parts come up one behind the other, each after what it needs, and
 * go down in the opposite order; the state store tells other commands where they are.
 */
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "cli/stop.h"
#include "http/server.h"
#include "pipeline/pipeline.h"

#define LOOK_US 200000

enum { FLAG_CATCH_UP };
static const struct flag flags[] = {
	{"catch-up", NULL,
		"end with 0 once every table is copied and the streams are where the sources "
		"were at the start; with 1 if that cannot be"},
	{0},
};

struct parts {
	struct ends ends;
	struct pipeline *pipeline;
	struct server *server;
};

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
	log_info("embedded ClickHouse listens", F("url", (const char *)p->ends.warehouse_url));
	return state_fact_put(p->ends.state, "warehouse_url", p->ends.warehouse_url, err);
}

static bool start_server(struct parts *p, struct error *err)
{
	const char *listen = p->ends.config.server.listen;
	if (strcmp(listen, "off") == 0)
		return true;
	p->server = server_start(listen, p->pipeline, p->ends.state, err);
	if (!p->server)
		return error_add(err, "server");
	log_info("status is served", F("address", server_address(p->server)));
	return state_fact_put(p->ends.state, "http_address", server_address(p->server), err);
}

static bool start(struct parts *p, const char *config_path, struct error *err)
{
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
	return p->pipeline && start_server(p, err);
}

static void stop(struct parts *p)
{
	server_stop(p->server);
	if (p->pipeline)
		pipeline_stop(p->pipeline);
	if (p->ends.locked && !forget_facts(p->ends.state, NULL))
		log_warn("the state store keeps the addresses of this process");
	ends_close(&p->ends);
}

static int wait_for_end(struct parts *p, bool catch_up)
{
	struct error err = {0};
	while (!atomic_load(&stop_asked)) {
		enum catch_up reached = catch_up ? pipeline_caught_up(p->pipeline, &err)
						 : CATCH_UP_GOING;
		if (reached == CATCH_UP_DONE)
			return DONE;
		if (reached == CATCH_UP_FAILED)
			return failed(&err), FAILED;
		usleep(LOOK_US);
	}
	log_info("stopping");
	return catch_up ? FAILED : DONE;
}

static int run(const struct call *call)
{
	struct parts parts = {0};
	struct error err = {0};
	stop_on_signals();
	int code = start(&parts, call->config_path, &err)
			   ? wait_for_end(&parts, call->flags[FLAG_CATCH_UP])
			   : failed(&err);
	stop(&parts);
	return code;
}

const struct command run_command = {
	.name = "run",
	.args = "",
	.summary = "mirror, until stopped",
	.help = "Copies every selected table and follows the source's log, until Ctrl-C or\n"
		"SIGTERM. What is missing in the source (publication, slot) and in the target\n"
		"(database, tables, views) is made. After a stop or a crash it goes on where\n"
		"it was. A stream that stops or a table that breaks does not stop the others:\n"
		"`tailrace status` and /readyz tell. Logs go to standard error.\n",
	.flags = flags,
	.run = run,
};
