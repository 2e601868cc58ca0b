/* Any text as a template: parsed, and rendered within narrow limits, it ends with output or an
 * error. */
#include "../unit/models/template_host.h"
#include "base/text.h"
#include "models/template/template.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char context[] =
		"{\"a\": 3, \"b\": 2.5, \"n\": null, \"s\": \"H\xc3\xa4 llo\", \"l\": [3, 1, 2, "
		"1], "
		"\"d\": {\"k\": \"v\", \"x\": {\"y\": [1, \"z\"]}}, \"vars\": {\"v\": [1]}}";
	static const struct limits limits = {.depth = 200, .steps = 20000, .max_bytes = 1 << 20};
	struct error err = {0};
	struct test_host host;
	struct buf out;

	struct template *t = template_parse("fuzz", (const char *)data, len, &err);
	if (!t)
		return 0;
	test_host_init(&host, context, sizeof context - 1);
	buf_init(&out, BUF_MAX);
	bool ok = template_render(t, &host.host, &limits, &out, &err);
	/* What came out is text. */
	if (ok && !utf8_valid(out.len ? (char *)out.data : "", out.len))
		abort();
	buf_release(&out);
	test_host_release(&host);
	template_free(t);
	return 0;
}
