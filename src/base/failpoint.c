/* Failpoints; see failpoint.h. A setting that does not parse ends the process: a test must not pass
 * by a typo. */
#include "base/failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/attrs.h"

#define MOST_POINTS 16

struct point {
	char name[64];
	int signal;  /* to the process; 0: the caller fails */
	unsigned at; /* the pass that fires, from 1 */
	unsigned passes;
};

bool failpoints_set;
static struct point points[MOST_POINTS];
static size_t n_points;

NORETURN static void refuse(const char *setting)
{
	fprintf(stderr,
		"tailrace: TAILRACE_FAILPOINT: '%s' is not of the form name=kill, name=kill@7, "
		"name=stop or name=error@3\n",
		setting);
	exit(2);
}

static void add_point(const char *setting)
{
	struct point *point = &points[n_points];
	char action[16];
	int used = 0;

	*point = (struct point){.at = 1};
	if (n_points == MOST_POINTS)
		refuse(setting);
	if (sscanf(setting, "%63[^=]=%15[a-z]%n@%u%n", point->name, action, &used, &point->at,
		    &used) < 2)
		refuse(setting);
	if (setting[used] || point->at == 0)
		refuse(setting);
	point->signal = !strcmp(action, "kill") ? SIGKILL : !strcmp(action, "stop") ? SIGSTOP : 0;
	if (!point->signal && strcmp(action, "error") != 0)
		refuse(setting);
	n_points++;
}

void failpoints_init(void)
{
	const char *settings = getenv("TAILRACE_FAILPOINT");
	char copy[1024], *rest = NULL;

	n_points = 0;
	failpoints_set = false;
	if (!settings || !*settings)
		return;
	if (strlen(settings) >= sizeof copy)
		refuse(settings);
	strcpy(copy, settings);
	for (char *one = strtok_r(copy, ",", &rest); one; one = strtok_r(NULL, ",", &rest))
		add_point(one);
	failpoints_set = n_points > 0;
}

bool failpoint_hit(const char *name)
{
	bool fails = false;

	for (size_t i = 0; i < n_points; i++) {
		struct point *point = &points[i];
		if (strcmp(point->name, name) != 0)
			continue;
		if (__atomic_add_fetch(&point->passes, 1, __ATOMIC_RELAXED) != point->at)
			continue;
		if (point->signal)
			raise(point->signal);
		fails = !point->signal;
	}
	return fails;
}
