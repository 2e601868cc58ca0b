/* Looking up what is built in; see builtins.h. */
#include "models/template/builtins.h"

const struct function *functions_find(struct functions table, const char *name)
{
	for (size_t i = 0; i < table.n; i++)
		if (!strcmp(table.items[i].name, name))
			return &table.items[i];
	return NULL;
}

const struct function *builtin_filter(const char *name)
{
	const struct functions *const tables[] = {
		&filters_of_text, &filters_of_lists, &filters_lazy, &filters_of_values};
	const struct function *found = NULL;

	for (size_t i = 0; !found && i < COUNT_OF(tables); i++)
		found = functions_find(*tables[i], name);
	return found;
}

const struct function *builtin_test(const char *name)
{
	return functions_find(tests, name);
}

const struct function *builtin_method(struct value self, const char *name)
{
	const struct function *found = NULL;

	if (self.kind == VALUE_STRING) {
		found = functions_find(methods_of_text, name);
		return found ? found : functions_find(methods_of_classes, name);
	}
	if (self.kind == VALUE_LIST)
		found = functions_find(methods_of_lists, name);
	else if (self.kind == VALUE_TUPLE)
		found = functions_find(methods_of_tuples, name);
	else if (self.kind == VALUE_DICT)
		found = functions_find(methods_of_dicts, name);
	return found;
}
