/* Health, readiness, status and requests; see server.h. */
#include <strings.h>
#include "base/json.h"
#include "http/routes.h"
#include "pipeline/status.h"
#include "state/runs.h"

void answer_health(const struct http_request *request, struct http_reply *reply)
{
	(void)request;
	buf_puts(&reply->body, "{\"alive\":true}\n");
}

void answer_ready(const struct http_request *request, struct http_reply *reply)
{
	char why[1200] = "";

	if (pipeline_ready(request->pipeline, why, sizeof why)) {
		buf_puts(&reply->body, "{\"ready\":true}\n");
		return;
	}
	reply->status = 503;
	buf_puts(&reply->body, "{\"ready\":false");
	json_put_text(&reply->body, "reason", why);
	buf_puts(&reply->body, "}\n");
}

static bool sum_models(
	const struct http_request *request, struct models_snapshot *out, struct error *err)
{
	int64_t runs[RUN_STATUSES];
	struct model_facts facts;
	struct arena arena;

	if (!request->scheduler)
		return true;
	if (!state_runs_count(request->state, runs, err))
		return false;
	arena_init(&arena);
	scheduler_facts(request->scheduler, &arena, &facts);
	*out = (struct models_snapshot){.total = facts.len,
		.runs_queued = (uint64_t)(runs[RUN_QUEUED] + runs[RUN_INTERRUPTED]),
		.runs_running = (uint64_t)runs[RUN_RUNNING]};
	vec_each (&facts, it) {
		out->up_to_date += it->up_to_date;
		out->failed += !strcmp(it->status, run_status_name(RUN_FAILED));
	}
	vec_release(&facts);
	arena_release(&arena);
	return true;
}

void answer_status(const struct http_request *request, struct http_reply *reply)
{
	struct snapshot snapshot;
	struct error err = {0};

	pipeline_snapshot(request->pipeline, &snapshot);
	if (sum_models(request, &snapshot.models, &err)) {
		snapshot_json(&snapshot, &reply->body);
		buf_puts(&reply->body, "\n");
	} else {
		reply_error(reply, 503, "%s", err.text);
	}
	snapshot_release(&snapshot);
}

/* A request that waits already need not be made twice. */
static bool ask_once(struct state *state, const char *kind, const char *stream, const char *name,
	struct error *err)
{
	struct requests waiting;
	bool asked = false;

	if (!state_requests(state, &waiting, err))
		return false;
	vec_each (&waiting, it)
		asked = asked || (!strcmp(it->kind, kind) && !strcmp(it->stream, stream) &&
					 !strcmp(it->table, name));
	vec_release(&waiting);
	return asked || state_request(state, kind, stream, name, err);
}

static void resync(const struct http_request *request, const struct table_state *table,
	struct http_reply *reply)
{
	const char *stream = request->captured[0];
	struct error err = {0};

	if (table->status == TABLE_DROPPED || table->status == TABLE_EXCLUDED) {
		reply_error(reply, 409, "%s.%s is %s: there is nothing to copy", table->schema,
			table->name,
			table->status == TABLE_DROPPED ? "gone in the source"
						       : "not selected by the configuration");
		return;
	}
	if (!ask_once(request->state, "resync", stream, table->target, &err)) {
		reply_error(reply, 503, "%s", err.text);
		return;
	}
	reply->status = 202;
	buf_puts(&reply->body, "{\"requested\":\"resync\"");
	json_put_text(&reply->body, "stream", stream);
	json_put_text(&reply->body, "table", table->target);
	buf_puts(&reply->body, "}\n");
}

void answer_resync(const struct http_request *request, struct http_reply *reply)
{
	const char *stream = request->captured[0], *name = request->captured[1];
	const struct table_state *found = NULL;
	struct table_states tables;
	struct error err = {0};

	if (!state_tables(request->state, stream, &tables, &err)) {
		reply_error(reply, 503, "%s", err.text);
		return;
	}
	vec_each (&tables, it) {
		if (table_state_is_called(it, name))
			found = it;
	}
	if (found)
		resync(request, found, reply);
	else
		reply_error(reply, 404,
			"stream %s has no table %s; GET /api/v1/status lists what there is", stream,
			name);
	table_states_release(&tables);
}

static const struct sensor_config *find_sensor(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_sensors; i++)
		if (config->sensors[i].webhook && !strcmp(config->sensors[i].name, name))
			return &config->sensors[i];
	return NULL;
}

/* How long that takes says nothing of the token. */
static bool shows_token(const struct http_request *request, const char *token)
{
	static const char scheme[] = "Bearer ";
	const char *shown = request->authorization;
	size_t wanted = strlen(token);

	if (!shown || strncasecmp(shown, scheme, sizeof scheme - 1) != 0)
		return false;
	shown += sizeof scheme - 1;
	unsigned differs = strlen(shown) != wanted;
	for (size_t i = 0; wanted && shown[i]; i++)
		differs |= (unsigned char)(shown[i] ^ token[i % wanted]);
	return !differs;
}

/* What it has built is seen to by the scheduler; a request that waits already need not be made twice. */
void answer_sensor(const struct http_request *request, struct http_reply *reply)
{
	const struct config *config = pipeline_config(request->pipeline);
	const char *name = request->captured[0];
	const struct sensor_config *sensor = find_sensor(config, name);
	struct error err = {0};

	if (!sensor) {
		reply_error(reply, 404, "the configuration has no sensor '%s' with webhook: true",
			name);
		return;
	}
	if (sensor->token && !shows_token(request, sensor->token)) {
		reply_error(reply, 401, "sensor '%s' wants its token: Authorization: Bearer TOKEN",
			name);
		return;
	}
	if (!config->models.schedules) {
		reply_error(reply, 409,
			"nothing would be built: `schedules: false` stands in `models:`");
		return;
	}
	if (!ask_once(request->state, "sensor", "", name, &err)) {
		reply_error(reply, 503, "%s", err.text);
		return;
	}
	reply->status = 202;
	buf_puts(&reply->body, "{\"requested\":\"sensor\"");
	json_put_text(&reply->body, "sensor", name);
	buf_puts(&reply->body, "}\n");
}
