/* Projects of the tests of materializations; see project.h. */
#include "project.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/failpoint.h"

static void open_engine(struct shop *s)
{
	const struct engine_ops *ops = engine_find("clickhouse");

	s->engine = xcalloc(1, ops->size);
	s->engine->ops = ops;
	s->engine->name = "warehouse";
	WORKS(option_defaults(ops->options, s->engine, &s->arena, &err));
	WORKS(option_set(ops->options, s->engine, "url", server_url(), &s->arena, &err));
	WORKS(ops->open(s->engine, &err));
}

int make_shop(void **state)
{
	struct shop *s = xcalloc(1, sizeof *s);
	struct error err = {0};

	make_fixture((void **)&s->fixture);
	snprintf(s->folder, sizeof s->folder, "/tmp/tailrace-build-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	arena_init(&s->arena);
	write_file(s, "dbt_project.yml", "name: shop\nversion: '1.0'\n");
	CLEANUP(free_string) char *dir = xasprintf("%s/state", s->folder);
	s->state = state_open(dir, &err);
	if (!s->state)
		fail_msg("%s", err.text);
	open_engine(s);
	s->run = 1;
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

int drop_shop(void **state)
{
	struct shop *s = *state;
	void *fixture = s->fixture;

	project_free(s->project);
	s->engine->ops->close(s->engine);
	free(s->engine);
	state_close(s->state);
	nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	arena_release(&s->arena);
	free(s->sql);
	free(s->log);
	free(s);
	return drop_fixture(&fixture);
}

void write_file(struct shop *s, const char *path, const char *text)
{
	CLEANUP(free_string) char *full = xasprintf("%s/%s", s->folder, path);

	for (char *slash = full + strlen(s->folder); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	for (const char *at = text; *at;) {
		bool name = !strncmp(at, "{db}", 4);
		if (name)
			fputs(s->fixture->database, file);
		else
			fputc(*at, file);
		at += name ? 4 : 1;
	}
	fclose(file);
	project_free(s->project);
	s->project = NULL;
}

void load_project(struct shop *s)
{
	const struct project_options options = {
		.folder = s->folder, .database = s->fixture->database, .target = "test"};
	struct error err = {0};

	if (s->project)
		return;
	s->project = project_load(&options, &err);
	if (!s->project)
		fail_msg("%s", err.text);
}

static void set_partition(struct work *w, const char *partition)
{
	struct compile_batch batch = {0};

	w->partition = partition;
	w->from_us = TIME_MIN;
	w->to_us = TIME_MAX;
	if (*partition) {
		WORKS(node_batch(w->node, partition, &batch, &err));
		if (batch.to_us) {
			w->from_us = batch.from_us;
			w->to_us = batch.to_us;
		}
	}
	w->built.from_us = w->from_us;
	w->built.to_us = w->to_us;
	w->built.partition = batch.to_us ? "" : partition;
}

static void keep(char **kept, struct buf *text)
{
	free(*kept);
	*kept = xstrdup(buf_text(text));
}

bool try_build(struct shop *s, const char *node, const char *partition, struct error *err)
{
	struct work w;

	load_project(s);
	work_init(&w);
	w.project = s->project;
	w.folder = s->folder;
	w.node = project_find(s->project, node);
	assert_non_null(w.node);
	if (w.node->problem)
		fail_msg("%s", w.node->problem);
	w.state = s->state;
	w.engine = s->engine;
	w.full_refresh = s->full_refresh;
	w.deadline_ms = s->timeout_ms ? mono_ms() + s->timeout_ms : 0;
	w.arena = &s->arena;
	w.built = (struct built){.position = "", .seq = s->seq, .run = s->run++, .fingerprint = 7};
	w.id = arena_printf(&s->arena, "%s-%lld", s->fixture->database, (long long)mono_us());
	set_partition(&w, partition);
	bool ok = materialize(&w, err);
	s->message = w.message;
	s->rows = w.rows;
	keep(&s->sql, &w.sql);
	keep(&s->log, &w.log);
	work_release(&w);
	return ok;
}

void build_partition(struct shop *s, const char *node, const char *partition)
{
	struct error err = {0};

	if (!try_build(s, node, partition, &err))
		fail_msg("%s\n%s", err.text, s->sql);
}

void build(struct shop *s, const char *node)
{
	build_partition(s, node, "");
}

const char *refusal(struct shop *s, const char *node, const char *partition)
{
	static struct error err;

	err = (struct error){0};
	if (try_build(s, node, partition, &err))
		fail_msg("%s was built", node);
	return err.text;
}

bool dies(struct shop *s, const char *node, const char *partition, const char *place)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		char value[64];
		struct error err = {0};
		snprintf(value, sizeof value, "%s=kill", place);
		setenv("TAILRACE_FAILPOINT", value, 1);
		failpoints_init();
		s->engine->ops->close(s->engine); /* connections are not shared with the parent */
		if (!s->engine->ops->open(s->engine, &err))
			_exit(3);
		CLEANUP(free_string) char *dir = xasprintf("%s/state", s->folder);
		s->state = state_open(dir, &err);
		_exit(s->state && try_build(s, node, partition, &err) ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

size_t n_built(struct shop *s, const char *id)
{
	struct builts list = {0};

	WORKS(state_built(s->state, id, &s->arena, &list, &err));
	size_t n = list.len;
	vec_release(&list);
	return n;
}

int64_t last_mark(struct shop *s, const char *id)
{
	int64_t seq;

	WORKS(state_seq(s->state, &id, 1, &seq, &err));
	return seq;
}

size_t n_swaps(struct shop *s)
{
	struct swaps list = {0};

	WORKS(state_swaps(s->state, &s->arena, &list, &err));
	size_t n = list.len;
	vec_release(&list);
	return n;
}

const char *tables(struct shop *s)
{
	return ask(s->fixture,
		"SELECT arrayStringConcat(arraySort(groupArray(name)), ' ') FROM system.tables "
		"WHERE database = '{db}'");
}
