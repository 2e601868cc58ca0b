/* Inside of mirror.c and mirror_shared.c: what changes of a mirror are made of. Writer thread, under the write lock. */
#ifndef PIPELINE_MIRROR_PARTS_H
#define PIPELINE_MIRROR_PARTS_H

#include "pipeline/mirror.h"

void mirror_forget_copy(struct stream *, struct mirror *); /* it starts over */
void mirror_replace_table(struct stream *, struct table **slot, struct table *now);
void mirror_set_status(struct stream *, struct mirror *, enum table_status, const char *error);
void mirror_set_generations(
	struct stream *, struct mirror *, uint32_t live, uint32_t building, bool feed_live);
MUST_CHECK bool mirror_compile_filter(struct mirror *, struct error *);
/* known: ERROR_TABLE where a storage is gone that has rows. */
MUST_CHECK bool mirror_attach_all(struct stream *, struct mirror *, bool known, struct error *);

/* The table is now another than `old`: its storage follows, or it is copied anew. */
MUST_CHECK bool mirror_define_changed(
	struct stream *, struct mirror *, struct table *old, struct error *);
/* What was found in the target may be of another definition, as another process made it, or one that died before
 * it recorded it: it follows as well. Of a shared log. */
MUST_CHECK bool mirror_take_over(struct stream *, struct mirror *, struct error *);
/* An error of the table breaks the mirror and is no error of the stream. */
bool mirror_table_error(struct stream *, struct mirror *, struct error *);

/* --- mirror_shared.c: of a shared log; of others they do nothing --- */

/* Nothing of the table is confirmed until it is let go. */
void mirror_hold(struct stream *, const struct mirror *, bool hold);
/* A copy begins that alone has the rows which come now: those are held back until the log is read again for it. */
void mirror_wait_for_copy(struct stream *, const struct mirror *);
/* Other processes may have exchanged the table's storage since it was recorded, or mended what broke it here. While
 * it is copied it waits for that. */
MUST_CHECK bool mirror_take_part(struct stream *, struct mirror *, struct error *);

#endif
