/* What `tailrace check` can say of topics; see kafka.h. */
#include "sources/kafka/kafka.h"

bool kafka_source_check(struct source *source, struct findings *out, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	char about[64];

	if (!kafka_reach(kafka_consumer_client(k->looker), 10000, about, sizeof about, err))
		return false;
	vec_push(&out->list, ((struct finding){FINDING_OK,
				     arena_printf(&out->arena, "group %s at %s (%s)", k->group_name,
					     k->kafka.brokers, about),
				     NULL}));
	return true;
}
