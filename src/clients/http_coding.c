/*
 * Compression of a body on its way out, by frames of LZ4 or Zstandard; see http_coding.h. 64 KiB
 * of the inner body are read and compressed at a time; what comes of it is handed out before more
 * is read.
 */
#include "clients/http_coding.h"

#include <assert.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>
#include "base/mem.h"

#define STEP_BYTES ((size_t)64 << 10)
#define ZSTD_LEVEL 1

enum phase { PHASE_BEGIN, PHASE_BYTES, PHASE_END };

struct http_coder {
	struct http_body body;
	struct http_body *inner;
	enum http_coding coding;
	enum phase phase;
	LZ4F_cctx *lz4;
	ZSTD_CCtx *zstd;
	uint8_t *in, *out;
	size_t out_size, from, upto; /* out[from .. upto) is ready */
};

const char *http_coding_name(enum http_coding coding)
{
	static const char *const names[] = {
		[HTTP_PLAIN] = "identity", [HTTP_LZ4] = "lz4", [HTTP_ZSTD] = "zstd"};
	return names[coding];
}

static size_t whole(size_t size)
{
	assert(!LZ4F_isError(
		size)); /* only for want of memory or room, and the room is LZ4F_compressBound() */
	return size;
}

static void step_lz4(struct http_coder *c)
{
	if (c->phase == PHASE_BEGIN) {
		c->upto = whole(LZ4F_compressBegin(c->lz4, c->out, c->out_size, NULL));
		c->phase = PHASE_BYTES;
		return;
	}
	size_t n = c->inner->read(c->inner, c->in, STEP_BYTES);
	if (n) {
		c->upto = whole(LZ4F_compressUpdate(c->lz4, c->out, c->out_size, c->in, n, NULL));
	} else {
		c->upto = whole(LZ4F_compressEnd(c->lz4, c->out, c->out_size, NULL));
		c->phase = PHASE_END;
	}
}

static void step_zstd(struct http_coder *c)
{
	size_t n = c->inner->read(c->inner, c->in, STEP_BYTES);
	ZSTD_inBuffer in = {.src = c->in, .size = n};
	ZSTD_outBuffer out = {.dst = c->out, .size = c->out_size};
	size_t left = ZSTD_compressStream2(c->zstd, &out, &in, n ? ZSTD_e_continue : ZSTD_e_end);

	assert(!ZSTD_isError(left) && in.pos == in.size);
	c->upto = out.pos;
	if (!n && !left)
		c->phase = PHASE_END;
}

static size_t read_coded(struct http_body *body, uint8_t *out, size_t room)
{
	struct http_coder *c = (struct http_coder *)body;

	while (c->from == c->upto) {
		if (c->phase == PHASE_END)
			return 0;
		c->from = c->upto = 0;
		if (c->coding == HTTP_LZ4)
			step_lz4(c);
		else
			step_zstd(c);
	}
	size_t n = c->upto - c->from < room ? c->upto - c->from : room;
	memcpy(out, c->out + c->from, n);
	c->from += n;
	return n;
}

static void rewind_coded(struct http_body *body)
{
	struct http_coder *c = (struct http_coder *)body;

	c->inner->rewind(c->inner);
	c->from = c->upto = 0;
	c->phase = PHASE_BEGIN;
	if (c->zstd)
		ZSTD_CCtx_reset(c->zstd, ZSTD_reset_session_only);
}

struct http_coder *http_coder_new(struct http_body *inner, enum http_coding coding)
{
	struct http_coder *c = xcalloc(1, sizeof *c);

	c->body = (struct http_body){.read = read_coded, .rewind = rewind_coded};
	c->inner = inner;
	c->coding = coding;
	c->in = xmalloc(STEP_BYTES);
	if (coding == HTTP_LZ4) {
		LZ4F_createCompressionContext(&c->lz4, LZ4F_VERSION);
		assert(c->lz4);
		c->out_size = LZ4F_compressBound(STEP_BYTES, NULL) + LZ4F_HEADER_SIZE_MAX;
	} else {
		c->zstd = ZSTD_createCCtx();
		assert(c->zstd);
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
		/* Room for a whole block beside what the step gives, so that a step never stops
		 * half-way. */
		c->out_size = ZSTD_CStreamOutSize() + ZSTD_compressBound(STEP_BYTES);
	}
	c->out = xmalloc(c->out_size);
	return c;
}

void http_coder_free(struct http_coder *c)
{
	if (!c)
		return;
	LZ4F_freeCompressionContext(c->lz4);
	ZSTD_freeCCtx(c->zstd);
	free(c->in);
	free(c->out);
	free(c);
}

struct http_body *http_coder_body(struct http_coder *c)
{
	return &c->body;
}
