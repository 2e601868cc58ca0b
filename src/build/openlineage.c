/* What is told when; see openlineage.h. */
#include "build/openlineage.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "clients/http.h"
#include "clients/poster.h"

#define MOST_WAITING ((size_t)16 << 20) /* bytes of events */
#define CLOSE_MS     2000

struct openlineage {
	const struct lineage_config *config;
	struct state *state;
	struct poster *poster;
	char *tables; /* the namespace of datasets */
};

/* clickhouse://host:port, as OpenLineage names the tables of a server. */
static char *namespace_of(const struct config *config)
{
	const struct connection_config *c = models_connection(config, NULL);
	char *bare = NULL, *user = NULL, *password = NULL;
	const char *url = "";

	if (config->lineage.dataset_namespace)
		return xstrdup(config->lineage.dataset_namespace);
	for (size_t i = 0; c && i < c->n_pairs; i++)
		if (!strcmp(c->pairs[i].name, "url"))
			url = c->pairs[i].value;
	bool known = c && !connection_is_embedded(c) &&
		     http_split_url(url, &bare, &user, &password, NULL);
	const char *host = known ? strstr(bare, "://") : NULL;
	host = host ? host + 3 : "embedded";
	char *name = xasprintf("clickhouse://%.*s", (int)strcspn(host, "/?"), host);
	free(bare);
	free(user);
	free(password);
	return name;
}

struct openlineage *openlineage_new(const struct config *config, struct state *state)
{
	const struct lineage_config *of = &config->lineage;

	if (!of->url)
		return NULL;
	struct openlineage *l = xcalloc(1, sizeof *l);
	size_t n = strlen(of->url);
	while (n && of->url[n - 1] == '/')
		n--;
	CLEANUP(free_string)
	char *url = xasprintf("%.*s/%s", (int)n, of->url, of->endpoint + strspn(of->endpoint, "/"));
	const struct poster_options options = {.name = "lineage events",
		.url = url,
		.bearer = of->api_key,
		.max_bytes = MOST_WAITING};
	l->config = of;
	l->state = state;
	l->tables = namespace_of(config);
	l->poster = poster_new(&options);
	return l;
}

void openlineage_free(struct openlineage *l)
{
	if (!l)
		return;
	poster_free(l->poster, CLOSE_MS);
	free(l->tables);
	free(l);
}

/* Of version 8: made from a text, by a way of our own. */
static void make_id(char out[UUID_SIZE], const struct active *a, int step, int attempt)
{
	CLEANUP(free_string)
	char *text = xasprintf("b %s %lld %lld %d %d", project_name(a->project),
		(long long)a->run.created_us, (long long)a->run.id, step, attempt);
	uint64_t high = text_hash(text + 1, strlen(text + 1)), low = text_hash(text, strlen(text));

	snprintf(out, UUID_SIZE, "%08llx-%04llx-8%03llx-%04llx-%012llx",
		(unsigned long long)(high >> 32), (unsigned long long)(high >> 16 & 0xffff),
		(unsigned long long)(high & 0xfff),
		(unsigned long long)((low >> 48 & 0x3fff) | 0x8000),
		(unsigned long long)(low & 0xffffffffffff));
}

static const char *type_of(enum run_status status)
{
	switch (status) {
	case RUN_RUNNING: return "START";
	case RUN_SUCCEEDED:
	case RUN_WARNED: return "COMPLETE";
	case RUN_FAILED: return "FAIL";
	case RUN_QUEUED:
	case RUN_CANCELLED:
	case RUN_INTERRUPTED:
	case RUN_SKIPPED: break;
	}
	return "ABORT";
}

static void send(struct openlineage *l, const struct lineage_event *e)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	openlineage_print(e, l->state, &out);
	poster_put(l->poster, buf_text(&out));
	buf_release(&out);
}

static char *job_of_run(const struct active *a)
{
	return xasprintf("%s.%s", project_name(a->project), a->run.kind);
}

void openlineage_run(struct openlineage *l, const struct active *a, enum run_status status)
{
	char id[UUID_SIZE];

	if (!l)
		return;
	CLEANUP(free_string) char *job = job_of_run(a);
	make_id(id, a, -1, 0);
	const struct lineage_event e = {.config = l->config,
		.type = type_of(status),
		.tables = l->tables,
		.run_id = id,
		.job = job,
		.kind = "RUN",
		.error = status == RUN_FAILED ? "a step of it failed" : NULL};
	send(l, &e);
}

static void tell_work(
	struct openlineage *l, const struct work *w, struct arena *arena, struct lineage_event *e)
{
	const struct node *node = w->node;

	e->sql = w->select;
	e->wrote = node->materialization != MATERIALIZED_VIEW || node->kind != NODE_MODEL;
	e->rows = w->rows;
	e->bytes = w->stats.written_bytes;
	if (!state_lineage_get(l->state, node->id, arena, &e->columns, NULL))
		e->columns = (struct lineage){0};
}

void openlineage_attempt(struct openlineage *l, const struct active *a, const struct job *job,
	int attempt, enum run_status status, const struct work *work, const char *error)
{
	char id[UUID_SIZE], parent_id[UUID_SIZE], kind[16] = "";
	struct arena arena;

	if (!l || !job->node || node_is_test(job->node) || job_is_hook(job))
		return;
	CLEANUP(free_string) char *parent = job_of_run(a);
	make_id(id, a, job->step.number, attempt);
	make_id(parent_id, a, -1, 0);
	const char *name = node_kind_name(job->node->kind);
	for (size_t i = 0; name[i] && i + 1 < sizeof kind; i++)
		kind[i] = (char)toupper((unsigned char)name[i]);
	struct lineage_event e = {.config = l->config,
		.type = type_of(status),
		.tables = l->tables,
		.run_id = id,
		.job = job->node->id,
		.parent_id = parent_id,
		.parent = parent,
		.kind = kind,
		.asset = graph_find(a->graph, job->node->id),
		.error = status == RUN_FAILED ? error : NULL};
	arena_init(&arena);
	if (job->step.from_us != TIME_MIN && job->step.to_us != TIME_MAX) {
		e.from_us = job->step.from_us;
		e.to_us = job->step.to_us;
	}
	if (work && (status == RUN_SUCCEEDED || status == RUN_WARNED))
		tell_work(l, work, &arena, &e);
	else if (work)
		e.sql = work->select;
	send(l, &e);
	arena_release(&arena);
}

void openlineage_interrupted(struct openlineage *l, const struct active *a)
{
	struct attempts attempts;
	struct arena arena;

	if (!l)
		return;
	arena_init(&arena);
	if (state_attempts(l->state, a->run.id, -1, &arena, &attempts, NULL)) {
		vec_each (&attempts, it)
			if (it->status == RUN_INTERRUPTED && (size_t)it->step < a->n_jobs)
				openlineage_attempt(l, a, &a->jobs[it->step], it->number,
					RUN_INTERRUPTED, NULL, NULL);
		vec_release(&attempts);
	}
	arena_release(&arena);
}
