/* What the demo's models are doing, in one line: the latest run. */
#include <inttypes.h>
#include <stdio.h>
#include "cli/demo.h"
#include "state/runs.h"

static void print_run(const struct run *run, char *out, size_t size)
{
	if (run_status_ended(run->status))
		snprintf(out, size,
			"models: run %" PRId64 " %s, %" PRId64 " steps, %" PRId64 " failed (%s)",
			run->id, run_status_name(run->status), run->n_steps, run->n_failed,
			run->reason);
	else
		snprintf(out, size,
			"models: run %" PRId64 " %s, %" PRId64 " of %" PRId64 " steps (%s)",
			run->id, run_status_name(run->status), run->n_done, run->n_steps,
			run->reason);
}

void demo_models(struct state *state, char *out, size_t size)
{
	struct error ignored = {0};
	struct runs runs = {0};
	struct arena arena;

	*out = '\0';
	arena_init(&arena);
	if (state_runs(state, 0, 1, &arena, &runs, &ignored) && runs.len)
		print_run(&runs.items[0], out, size);
	vec_release(&runs);
	arena_release(&arena);
}
