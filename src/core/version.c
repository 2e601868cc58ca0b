/* Versions as text; see version.h. */
#include "core/version.h"

#include <string.h>

void version_print(version_t v, char out[VERSION_TEXT])
{
	char digits[VERSION_TEXT];
	char *p = digits + sizeof digits;

	*--p = '\0';
	do {
		*--p = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v);
	strcpy(out, p);
}
