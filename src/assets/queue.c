/* A run with all its steps into the queue, whoever wants it; see plan.h. */
#include "assets/plan.h"

static void add_hooks(struct steps *out, const struct project *project, bool at_end)
{
	vec_each (project_hooks(project), it)
		if ((*it)->ends_run == at_end)
			vec_push(out, ((struct step){.asset = (*it)->id,
					      .partition = "",
					      .from_us = TIME_MIN,
					      .to_us = TIME_MAX,
					      .why = at_end ? "on-run-end" : "on-run-start"}));
}

bool run_queue(struct state *state, const struct project *project, struct run *run,
	const struct steps *steps, struct error *err)
{
	struct steps all = {0};

	if (steps->len)
		add_hooks(&all, project, false);
	vec_each (steps, it)
		vec_push(&all, *it);
	if (steps->len)
		add_hooks(&all, project, true);
	run->n_steps = (int64_t)all.len;
	bool ok = state_run_add(state, run, all.items, all.len, err);
	vec_release(&all);
	return ok;
}
