/* Inside of the plan: what plan.c, plan_make.c and plan_parents.c share while one is made. */
#ifndef ASSETS_PLANNING_H
#define ASSETS_PLANNING_H

#include "assets/plan.h"
#include "base/map.h"

struct planning {
	struct survey *survey;
	const struct plan_options *options;
	struct plan *plan;
	bool *selected, *named; /* by index */
	bool *changes; /* by index: made anew for another definition, so its columns may be others */
	struct effects
		*pending; /* by index: what this plan will change of an asset, as children see it */
	struct spans *
		there; /* by index: what is built, or will be; not of static partitions: all or nothing */
	struct map tables;    /* "database.table" of what is in the warehouse */
	struct map databases; /* of which tables are known */
};

/* An asset, or one static partition of it, while reasons claim it. */
struct claims {
	struct plan_asset *of;
	const struct definition *now;
	const char *key;                  /* of a static partition; "" */
	struct partitioning partitioning; /* by time; of a static partition none */
	struct builts built;              /* of it alone */
	struct effects dirty;
	struct span due; /* what there is to build, within the range that was asked for */
	struct spans taken;
};

/* --- plan.c --- */
/* For people; once, behind what is said already. */
void planning_note(struct planning *p, struct plan_asset *a, const char *text);
MUST_CHECK bool planning_claim(struct planning *p, struct claims *c, struct error *err);

/* --- plan_make.c --- */
bool planning_has_table(const struct planning *p, const struct asset *asset);

/* --- plan_parents.c --- */
/* What the plan will change of an asset, told to those behind it; and what of it will be there. */
void planning_tell(struct planning *p, const struct asset *asset, struct plan_asset *a);
/* Parts that stand on partitions that are not there, and will not be, wait. */
void planning_wait(struct planning *p, struct plan_asset *a);

#endif
