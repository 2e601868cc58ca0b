/* Native blocks as a server might send them: whatever they hold, the decoder answers. The first byte says
 * in what steps the rest arrives. */
#include "formats/native/native.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct type of_element = {.kind = TYPE_STRING, .nullable = true};
static const struct type types[] = {
	{.kind = TYPE_INT64},
	{.kind = TYPE_STRING, .nullable = true},
	{.kind = TYPE_ARRAY, .element = &of_element},
	{.kind = TYPE_MAP},
	{.kind = TYPE_POINT},
};
#define N_TYPES (sizeof types / sizeof types[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct column columns[N_TYPES];
	struct native_target targets[N_TYPES];
	struct native_decoder d;
	struct error err = {0};

	if (!len)
		return 0;
	size_t step = data[0] ? data[0] : len;
	for (size_t i = 0; i < N_TYPES; i++) {
		column_init(&columns[i], &types[i]);
		targets[i] = (struct native_target){.column = &columns[i]};
	}
	native_decoder_init(&d, targets, N_TYPES, (size_t)1 << 20);
	bool ok = true;
	for (size_t at = 1; ok && at < len; at += step)
		ok = native_decoder_push(&d, data + at, len - at < step ? len - at : step, &err);
	if (ok)
		ok = native_decoder_end(&d, &err);
	native_decoder_release(&d);
	for (size_t i = 0; i < N_TYPES; i++)
		column_release(&columns[i]);
	return 0;
}
