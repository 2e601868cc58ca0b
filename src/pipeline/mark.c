/*
 * The mark of a stream, in the target and in the state store: a time that only rises, written every few
 * seconds while anything is recorded, in the target first. So the target never has an earlier one than the
 * state store, unless it was lost, set back to an older copy, or is another one: then rows are missing
 * there that the log will not bring again, which is a gap.
 */
#include "base/clock.h"
#include "base/failpoint.h"
#include "pipeline/stream.h"

static bool earlier(struct stream *s, int64_t found_us, struct error *err)
{
	char found[28], known[28];

	format_utc(s->marked_us, known);
	if (!found_us)
		return error_set(err, ERROR_GAP,
			"connection %s: the target holds nothing of this stream, though rows were "
			"written there until %s: it was lost or emptied, or it is another one",
			s->settings->to->name, known);
	format_utc(found_us, found);
	return error_set(err, ERROR_GAP,
		"connection %s: the target was set back to what it held at %s; what was written "
		"there from then until %s is missing",
		s->settings->to->name, found, known);
}

static bool find_mark(struct stream *s, int64_t *found_us, struct error *err)
{
	struct sink *sink = s->sink;

	return sink->ops->marked(sink, s->settings->name, found_us, err) &&
	       (*found_us >= s->marked_us || earlier(s, *found_us, err));
}

bool stream_check_mark(struct stream *s, struct error *err)
{
	int64_t found_us;

	return !s->marked_us || !s->sink->ops->marked || find_mark(s, &found_us, err);
}

bool stream_mark(void *stream, struct error *err)
{
	struct stream *s = stream;
	const struct sink_ops *sink = s->sink->ops;
	int64_t found_us, mark_us = wall_us();

	s->unmarked = false; /* what is recorded from here on is for the next one */
	if (!sink->mark)
		return true;
	if (!find_mark(s, &found_us, err))
		return false;
	if (mark_us <= found_us)
		mark_us = found_us + 1; /* a clock that went back */
	if (!sink->mark(s->sink, s->settings->name, mark_us, err))
		return false;
	failpoint("stream.marked");
	s->marked_us = mark_us;
	return state_stream_mark(s->state, s->settings->name, mark_us, err);
}
