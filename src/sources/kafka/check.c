/* What `tailrace check` can say of topics; see kafka.h. */
#include "sources/kafka/kafka.h"

static bool may_join(struct kafka_source *k, struct error *err)
{
	const struct kafka_group group = {.name = k->group_name};
	struct kafka_consumer *nobody = kafka_consumer_new(&k->kafka, &group, 1, err);
	bool may = nobody && kafka_may_join(kafka_consumer_client(nobody), err);

	kafka_consumer_free(nobody);
	return may;
}

bool kafka_source_check(struct source *source, struct findings *out, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	char about[64];

	if (!kafka_reach(kafka_consumer_client(k->looker), 10000, about, sizeof about, err))
		return false;
	findings_add(out, FINDING_OK,
		arena_printf(
			&out->arena, "group %s at %s (%s)", k->group_name, k->kafka.brokers, about),
		NULL);
	if (may_join(k, err))
		return true;
	findings_add(out, FINDING_PROBLEM, arena_strdup(&out->arena, err->text), NULL);
	error_clear(err);
	return true;
}
