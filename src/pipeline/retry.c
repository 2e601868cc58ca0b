/*
 * What was set aside is tried again, when somebody asks for it: the target gives the messages, a page at a time, the
 * source reads them, their rows come with those of the stream, and what has been written is set aside no longer. A
 * crash in between has a page tried twice, which writes the same rows.
 */
#include <inttypes.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "pipeline/stream.h"

static void page_free(struct messages_aside *page)
{
	if (!page)
		return;
	arena_release(&page->arena);
	vec_release(&page->list);
	free(page);
}

void retry_end(struct mirror *m)
{
	page_free(m->retry.page);
	memset(&m->retry, 0, sizeof m->retry);
}

struct page_job {
	struct stream *stream;
	struct mirror *mirror;
	struct landing landing;
};

static struct page_job page_job(struct stream *s, struct mirror *m)
{
	return (struct page_job){s, m, {.table = m->table, .generation = m->generation}};
}

static bool read_page(void *context, struct error *err)
{
	struct page_job *job = context;
	struct sink *sink = job->stream->sink;
	struct mirror *m = job->mirror;

	return sink->ops->asides(sink, &job->landing, &m->retry.upto_us, m->retry.page, err);
}

static bool forget_page(void *context, struct error *err)
{
	struct page_job *job = context;
	struct sink *sink = job->stream->sink;
	struct mirror *m = job->mirror;

	return sink->ops->forget(sink, &job->landing, m->retry.upto_us, m->retry.page, err);
}

static bool finish(struct stream *s, struct mirror *m, struct error *err)
{
	int64_t request = m->retry.request;

	retry_end(m);
	return state_request_done(s->state, request, err);
}

static bool say(struct stream *s, struct mirror *m, struct error *err)
{
	log_info("what was set aside has been tried again", F("stream", s->settings->name),
		F("table", m->table->target), F("messages", m->retry.messages),
		F("set_aside_again", m->retry.again));
	return finish(s, m, err);
}

/* What is wrong with the list is no reason for the stream to stop. */
static bool give_up(struct stream *s, struct mirror *m, struct error *err)
{
	if (err->kind == ERROR_RETRY)
		return false;
	log_warn("what was set aside cannot be tried again", F("stream", s->settings->name),
		F("table", m->table->target), F("reason", err->text));
	error_clear(err);
	return finish(s, m, err);
}

static bool next_page(struct stream *s, struct mirror *m, struct error *err)
{
	struct page_job job = page_job(s, m);

	page_free(m->retry.page);
	m->retry.page = xcalloc(1, sizeof *m->retry.page);
	m->retry.page->table = m->table->source_id;
	arena_init(&m->retry.page->arena);
	if (!stream_attempt(s, "read what was set aside", read_page, &job, err))
		return give_up(s, m, err);
	if (!m->retry.page->list.len)
		return say(s, m, err);
	s->source->ops->retry(s->source, m->retry.page);
	return true;
}

/* One table after the other: what is read of one at once fills no memory. */
static bool is_busy(const struct stream *s)
{
	for (size_t i = 0; i < s->mirrors.len; i++) {
		if (s->mirrors.items[i]->retry.request)
			return true;
	}
	return false;
}

bool retry_begin(struct stream *s, struct mirror *m, const struct request *request, bool *done,
	struct error *err)
{
	if (!s->source->ops->retry || !s->sink->ops->asides || m->status == TABLE_DROPPED)
		return true;
	*done = false;
	if (is_busy(s) || m->status != TABLE_LIVE || m->building)
		return true;
	m->retry.request = request->id;
	return next_page(s, m, err);
}

bool retry_written(struct stream *s, struct mirror *m, struct error *err)
{
	struct page_job job = page_job(s, m);

	if (m->status != TABLE_LIVE || m->building) { /* its rows may not have been taken */
		retry_end(m);
		return true;
	}
	failpoint("retry.before_forget");
	if (!stream_attempt(s, "forget what was set aside", forget_page, &job, err))
		return give_up(s, m, err);
	m->retry.messages += m->retry.page->list.len;
	return next_page(s, m, err);
}
